// A form with data-submit (every form in a dialog has it) is sent without leaving the page, so that chosen files
// stay chosen when something else was wrong (keep_files.js). A redirect comes back as X-Location and is followed.
"use strict";
(() => {
  const say = (form, text) => {
    form.querySelector("[data-send-failed]")?.remove();
    const note = document.createElement("p");
    note.className = "notice error";
    note.dataset.sendFailed = "";
    note.tabIndex = -1;
    note.setAttribute("role", "alert");
    note.textContent = text;
    form.prepend(note);
    note.focus();
  };

  // An error page has no form. Its beginning is said in the one that was sent, which stays as it was filled in.
  const whatItSays = (page) => {
    const parts = ["main h1", "main p"].map((what) => page.querySelector(what)?.textContent.trim());
    if (!parts[0]) throw new Error("no content");
    return parts.filter(Boolean).join(". ");
  };

  const replace = (form, page, failed) => {
    const selector = form.closest("[data-dialog-content]") ? "[data-dialog-content]" : "main";
    const before = form.closest(selector);
    const after = page.querySelector(selector);
    if (!after || (failed && !after.querySelector("form"))) {
      return say(form, `${whatItSays(page)} What you entered is still here; if it does not go through again, copy what is long and reload the page.`);
    }
    const content = document.adoptNode(after);
    content.querySelectorAll("form[method=post]").forEach((fresh) => {
      if (!fresh.hasAttribute("action") && form.hasAttribute("action")) fresh.setAttribute("action", form.getAttribute("action"));
      if (selector !== "main") fresh.dataset.submit = "";
    });
    const focus = ['[aria-invalid="true"]', "[data-error-summary]", "[autofocus]", "button"];
    const first = focus.map((what) => content.querySelector(what)).find(Boolean);
    // A browser does not heed autofocus where something has the focus, and complains of that in its console.
    content.querySelectorAll("[autofocus]").forEach((element) => element.removeAttribute("autofocus"));
    document.dispatchEvent(new CustomEvent("content-replaced", { detail: { before, after: content } }));
    before.replaceWith(content);
    content.dispatchEvent(new Event("content-added", { bubbles: true }));
    first?.focus();
  };

  const send = async (form, button) => {
    const body = new FormData(form, button);
    const response = await fetch(form.getAttribute("action") || location.href, {
      method: "POST", body, headers: { "X-Portal-Fetch": "1" }, credentials: "same-origin",
    });
    const elsewhere = response.headers.get("X-Location");
    if (elsewhere) return location.assign(elsewhere);
    replace(form, new DOMParser().parseFromString(await response.text(), "text/html"), !response.ok);
  };

  const NO_ANSWER = "The portal did not answer, so it is not known whether this was saved. What you entered is still here; try again.";

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.hasAttribute("data-submit") || form.method !== "post") return;
    event.preventDefault();
    if (form.hasAttribute("data-busy")) return;
    form.dataset.busy = "";
    send(form, event.submitter)
      .catch(() => say(form, form.dataset.noAnswer ?? NO_ANSWER))
      .finally(() => {
        form.removeAttribute("data-busy");
        form.dispatchEvent(new CustomEvent("send-ended", { bubbles: true }));
      });
  });

  document.querySelector("[data-error-summary]")?.focus();
})();
