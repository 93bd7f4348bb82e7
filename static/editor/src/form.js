// The textarea stays the form's field. Save waits for a change, and leaving with one is asked about.

// Whatever sends the form, the browser or static/js/submit.js, asks for its data first.
const keepInStep = (form, textarea, text) => {
  form.addEventListener("formdata", ({ formData }) => {
    textarea.value = text();
    formData.set(textarea.name, textarea.value);
  });
};

// `draft`: what the textarea holds was entered before and is not saved.
export const connectForm = (textarea, draft) => {
  const { form } = textarea;
  const save = form.querySelector('button[name="action"][value="review"]');
  let view, original, changed = draft, sent = false;

  const update = () => {
    changed = draft || !view.state.doc.eq(original);
    save.disabled = !changed;
  };
  return {
    onChange: () => { sent = false; update(); },
    start: (editor) => {
      view = editor;
      original = view.state.doc;
      keepInStep(form, textarea, () => view.state.doc.toString());
      form.addEventListener("submit", () => { sent = true; });
      addEventListener("beforeunload", (event) => { if (changed && !sent) event.preventDefault(); });
      update();
    },
  };
};
