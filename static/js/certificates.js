// The row that the address names gets the focus: the one just uploaded, or the one beside a deleted one.
// And the question "Are you sure" is answered by a page of its own, not within its dialog.
"use strict";
(() => {
  const named = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (named) {
    if (!named.hasAttribute("tabindex")) named.tabIndex = -1;
    named.focus();
  }

  document.addEventListener("content-added", (event) => {
    event.target.querySelectorAll("form[data-whole-page]").forEach((form) => form.removeAttribute("data-submit"));
  });
})();
