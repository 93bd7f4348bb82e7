// A button with data-test-connection sends its form and shows the report without leaving the page, so that nothing
// that was typed is lost, a password either. An element with data-handshake says the address of the check after a
// Save; its result takes the place of the link to it.
"use strict";
(() => {
  const ask = async (address, options) => {
    const response = await fetch(address, { headers: { "X-Portal-Fetch": "1" }, credentials: "same-origin", ...options });
    const elsewhere = response.headers.get("X-Location");
    if (elsewhere) location.assign(elsewhere);
    return elsewhere ? null : new DOMParser().parseFromString(await response.text(), "text/html");
  };

  const keepPasswords = (before, after) => {
    for (const input of before.querySelectorAll('input[type="password"]')) {
      const fresh = after.querySelector(`input[type="password"][name="${CSS.escape(input.name)}"]`);
      if (fresh) fresh.value = input.value;
    }
    after.querySelectorAll("[data-enter-again]").forEach((note) => note.remove());
  };

  const say = (text) => {
    const status = document.querySelector("[data-connection-status]");
    status.className = "notice";
    status.textContent = text;
    status.scrollIntoView({ block: "nearest" });
  };

  const show = (page) => {
    const before = document.querySelector("main");
    const after = page.querySelector("main");
    if (!after?.querySelector("[data-connection-result]")) {
      const parts = ["main h1", "main p"].map((what) => page.querySelector(what)?.textContent.trim());
      return say(parts.filter(Boolean).join(". ") || "There is no result. Try again.");
    }
    const content = document.adoptNode(after);
    keepPasswords(before, content);
    before.replaceWith(content);
    content.dispatchEvent(new Event("content-added", { bubbles: true }));
    const first = ['[aria-invalid="true"]', "[data-error-summary]", "#connection-heading"];
    const found = first.map((what) => content.querySelector(what)).find(Boolean);
    found?.focus({ preventScroll: true });
    found?.scrollIntoView({ block: "start" });
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    if (event.defaultPrevented || !button?.hasAttribute("data-test-connection")) return;
    event.preventDefault();
    if (form.hasAttribute("data-busy")) return;
    form.dataset.busy = "";
    document.getElementById("connection-report")?.remove();
    say("Testing the connection. This takes up to 15 seconds.");
    ask(form.getAttribute("action"), { method: "POST", body: new FormData(form, button) })
      .then((page) => page && show(page))
      .catch(() => say("The portal did not answer. What you entered is still here; try again."))
      .finally(() => form.removeAttribute("data-busy"));
  });

  for (const box of document.querySelectorAll("[data-handshake]")) {
    const before = [...box.childNodes];
    box.textContent = "Checking the handshake with the back end…";
    ask(box.dataset.handshake)
      .then((page) => {
        const advice = page?.querySelector("[data-handshake-advice]");
        if (!advice) return box.replaceChildren(...before);
        box.replaceChildren(document.adoptNode(advice));
        box.dispatchEvent(new Event("content-added", { bubbles: true }));
      })
      .catch(() => box.replaceChildren(...before));
  }
})();
