// Keeps the URL preview of a form with data-url-preview up to date; the portal works it out.
"use strict";
(() => {
  const DELAY = 150;
  let timer = 0;
  let asked = null;

  const refresh = async (form) => {
    asked?.abort();
    asked = new AbortController();
    const entered = new FormData(form);
    const query = new URLSearchParams({ suffix: entered.get("suffix") ?? "", own_id: form.dataset.ownId ?? "" });
    for (const scheme of entered.getAll("scheme")) query.append("scheme", scheme);
    const response = await fetch(`${form.dataset.urlPreview}?${query}`, {
      headers: { "X-Portal-Fetch": "1" }, credentials: "same-origin", signal: asked.signal,
    });
    if (!response.ok || response.status === 204) return; // signed out meanwhile: the form says so when it is sent
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const content = page.querySelector("[data-url-preview-content]");
    if (content) form.querySelector("[data-url-preview-box]").replaceChildren(document.adoptNode(content));
  };

  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (!form?.dataset.urlPreview || !["suffix", "scheme"].includes(event.target.name)) return;
    clearTimeout(timer);
    timer = setTimeout(() => refresh(form).catch(() => {}), DELAY);
  });
})();
