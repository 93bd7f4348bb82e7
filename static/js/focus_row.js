// The row that the address names gets the focus: the one just uploaded, or the one beside a deleted one.
"use strict";
(() => {
  const named = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!named) return;
  if (!named.hasAttribute("tabindex")) named.tabIndex = -1;
  named.focus();
})();
