// In a form with data-shows-for-form, an element with data-shows-for="name=value" shows while the field `name` has
// that value ("on" or "off" for a box), or with "name.state=value" while its chosen option has that data-state.
// Elements with data-without-script are for pages without this script, where everything shows.
"use strict";
(() => {
  // What is chosen of a field: an option of a select, or a button or box that is ticked.
  const chosen = (controls) => controls[0]?.selectedOptions?.[0] ?? controls.find((control) => control.checked);

  const read = (form, name) => {
    const [field, property] = name.split(".");
    const controls = [...form.querySelectorAll(`[name="${CSS.escape(field)}"]`)];
    if (property) return chosen(controls)?.dataset[property] ?? "";
    if (controls[0]?.type === "checkbox") return controls[0].checked ? "on" : "off";
    return chosen(controls)?.value ?? "";
  };

  const update = (form) => {
    for (const element of form.querySelectorAll("[data-shows-for]")) {
      const [name, value] = element.dataset.showsFor.split("=");
      element.hidden = read(form, name) !== value;
    }
  };

  const start = (root) => {
    for (const form of root.querySelectorAll("[data-shows-for-form]")) {
      form.querySelectorAll("[data-without-script]").forEach((element) => { element.hidden = true; });
      form.addEventListener("change", () => update(form));
      update(form);
    }
  };

  start(document);
  document.addEventListener("content-added", (event) => start(event.target));
  addEventListener("pageshow", () => document.querySelectorAll("[data-shows-for-form]").forEach(update));
})();
