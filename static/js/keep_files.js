// What an answer to a form (see submit.js) cannot bring back stays as it was: chosen files, and passwords that are
// marked with data-keep. What was said about a file ([data-of-file]) goes when another one is chosen.
"use strict";
(() => {
  const keepFile = (input, fresh, after) => {
    for (const name of ["aria-invalid", "aria-describedby"]) {
      if (fresh.hasAttribute(name)) input.setAttribute(name, fresh.getAttribute(name));
      else input.removeAttribute(name);
    }
    fresh.replaceWith(input);
    after.querySelectorAll("[data-choose-again]").forEach((note) => note.remove());
  };

  document.addEventListener("content-replaced", (event) => {
    const { before, after } = event.detail;
    for (const input of before.querySelectorAll('input[type="file"], input[data-keep]')) {
      const fresh = after.querySelector(`input[type="${input.type}"][name="${CSS.escape(input.name)}"]`);
      if (!fresh) continue;
      if (input.type !== "file") fresh.value = input.value;
      else if (input.files.length) keepFile(input, fresh, after);
    }
  });

  document.addEventListener("change", (event) => {
    if (event.target.type !== "file") return;
    event.target.form?.querySelectorAll("[data-of-file]").forEach((part) => part.remove());
  });
})();
