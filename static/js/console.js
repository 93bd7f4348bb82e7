// A form with data-console-preview: the text of its call is kept up to date (the portal makes it), and while the
// call is under way the form says so. static/js/submit.js sends it.
"use strict";
(() => {
  const DELAY = 250;
  let timer = 0;
  let asked = null;

  const refresh = async (form) => {
    asked?.abort();
    asked = new AbortController();
    const body = new FormData(form);
    body.delete("own_key"); // not shown anyway
    const response = await fetch(form.dataset.consolePreview, {
      method: "POST", body, headers: { "X-Portal-Fetch": "1" }, credentials: "same-origin",
      signal: asked.signal,
    });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const content = page.querySelector("[data-console-request]");
    if (!content) throw new Error("no text"); // signed out meanwhile, for instance
    if (!form.isConnected) return;
    const box = form.querySelector("[data-console-box]");
    const focusable = () => [...box.querySelectorAll("button, [tabindex]")];
    const focused = focusable().indexOf(document.activeElement);
    box.replaceChildren(document.adoptNode(content));
    box.dispatchEvent(new Event("content-added", { bubbles: true }));
    focusable()[focused]?.focus();
  };

  // A text that is not of what was typed last is not to be copied.
  const sayOutdated = (form) => {
    const box = form.querySelector("[data-console-box]");
    box.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = true; });
    if (box.querySelector("[data-outdated]")) return;
    const note = document.createElement("p");
    note.className = "help";
    note.dataset.outdated = "";
    note.textContent = form.dataset.outdated;
    box.prepend(note);
  };

  const update = (form) => refresh(form).catch((error) => error.name === "AbortError" || sayOutdated(form));

  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (!form?.dataset.consolePreview) return;
    clearTimeout(timer);
    timer = setTimeout(() => update(form), DELAY);
  });

  // What was typed while a call was under way stays. Files and buttons there are none.
  const keepTyped = (before, after) => {
    let changed = false;
    for (const control of before.elements) {
      const fresh = after.elements.namedItem(control.name);
      if (!control.name || !fresh || control.type === "hidden") continue;
      changed ||= fresh.value !== control.value || fresh.checked !== control.checked;
      if (control.type === "checkbox") fresh.checked = control.checked;
      else fresh.value = control.value;
    }
    return changed;
  };

  document.addEventListener("content-replaced", (event) => {
    const [before, after] = [event.detail.before, event.detail.after].map((part) => part.querySelector("[data-console-preview]"));
    if (before && after && keepTyped(before, after)) timer = setTimeout(() => update(after), DELAY);
  });

  // A browser that comes back to the page puts what was typed into its fields again.
  addEventListener("pageshow", () => {
    if (performance.getEntriesByType("navigation")[0]?.type === "navigate") return;
    document.querySelectorAll("[data-console-preview]").forEach(update);
  });

  const say = (form, text) => {
    const main = form.closest("main") ?? form;
    main.querySelectorAll("[data-console-status]").forEach((status) => { status.textContent = text; });
  };

  // Send is for the operation of the form, whatever stands in the list: that is said before it is pressed.
  document.addEventListener("change", (event) => {
    const form = document.querySelector("[data-console-preview]");
    if (!form || !event.target.form?.hasAttribute("data-console-choice")) return;
    say(form, event.target.selectedOptions[0].defaultSelected ? "" : form.dataset.notChosen);
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.consolePreview || event.submitter?.name) return;
    clearTimeout(timer);
    asked?.abort();
    say(form, form.hasAttribute("data-busy") ? "Still sending…" : "Sending… This can take up to 30 seconds.");
  }, true);

  document.addEventListener("focusin", (event) => {
    if (event.target.id === "answer") event.target.scrollIntoView({ block: "start" });
  });

  // It is still there, so nothing was put in its place.
  document.addEventListener("send-ended", (event) => {
    if (!event.target.dataset.consolePreview) return;
    say(event.target, "");
    update(event.target);
  });
})();
