// The textarea stays the form's field. Save waits for a change, and leaving with one is asked about.

// Whatever sends the form, the browser or static/js/submit.js, asks for its data first.
const keepInStep = (form, textarea, text) => {
  textarea.required = false; // a hidden field that is empty could not be pointed at; the portal says it
  form.addEventListener("formdata", ({ formData }) => {
    textarea.value = text();
    if (textarea.name && !textarea.disabled) formData.set(textarea.name, textarea.value);
  });
};

// `draft`: what is in the form came back from the portal and is not saved.
export const connectForm = (textarea, draft) => {
  const { form } = textarea;
  const save = form?.querySelector('button[name="action"][value="review"]');
  let view, original, changed = draft, sent = false;

  const update = () => {
    changed = draft || !view.state.doc.eq(original);
    if (save) save.disabled = !changed;
  };
  return {
    onChange: () => { sent = false; update(); },
    start: (editor) => {
      view = editor;
      original = view.state.doc;
      if (!form || view.state.readOnly) return;
      keepInStep(form, textarea, () => view.state.doc.toString());
      form.addEventListener("submit", () => { sent = true; });
      addEventListener("beforeunload", (event) => { if (changed && !sent) event.preventDefault(); });
      update();
    },
  };
};
