// In a form with data-shows-for-form, an element with data-shows-for="name=value" shows while the field `name` has
// that value ("on" or "off" for a box), or with "name.state=value" while its chosen option has that data-state.
// Elements with data-without-script are for pages without this script, where everything shows.
"use strict";
(() => {
  const chosen = (field) => (field instanceof RadioNodeList
    ? [...field].find((button) => button.checked) : field.selectedOptions?.[0]);

  const read = (form, name) => {
    const [field, property] = name.split(".");
    const control = form.elements.namedItem(field);
    if (!control) return "";
    if (property) return chosen(control)?.dataset[property] ?? "";
    if (control.type === "checkbox") return control.checked ? "on" : "off";
    return control.value;
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
