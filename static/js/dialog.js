// A link with data-dialog opens its page's [data-dialog-content] in a <dialog>. Without JavaScript, or when
// anything goes wrong, it is a link to that page.
"use strict";
(() => {
  const open = (content, opener) => {
    const dialog = document.createElement("dialog");
    dialog.append(content);
    const title = content.querySelector("h1, h2");
    if (title) dialog.setAttribute("aria-labelledby", title.id ||= "dialog-title");
    dialog.addEventListener("close", () => {
      dialog.remove();
      opener.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
    content.dispatchEvent(new Event("content-added", { bubbles: true }));
  };

  const fetchContent = async (link) => {
    const response = await fetch(link.href, { headers: { "X-Portal-Fetch": "1" }, credentials: "same-origin" });
    const elsewhere = response.headers.get("X-Location");
    if (elsewhere) return location.assign(elsewhere);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const content = page.querySelector("[data-dialog-content]");
    if (!content) return location.assign(link.href);
    for (const form of content.querySelectorAll("form")) {
      if (!form.hasAttribute("action")) form.setAttribute("action", link.href);
      if (!form.hasAttribute("data-whole-page")) form.dataset.submit = ""; // those are answered by a page of their own
    }
    open(document.adoptNode(content), link);
  };

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const close = event.target.closest?.("dialog [data-dialog-close]");
    if (close) {
      event.preventDefault();
      close.closest("dialog").close();
      return;
    }
    const link = event.target.closest?.("a[data-dialog]");
    if (!link || link.closest("dialog")) return;
    event.preventDefault();
    fetchContent(link).catch(() => location.assign(link.href));
  });
})();
