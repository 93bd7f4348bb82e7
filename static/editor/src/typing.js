// What is typed over a selection. Chrome itself would merge the elements of its lines and carry their looks over as
// style attributes, which the portal's policy refuses and reports.
import { EditorView } from "@codemirror/view";

export const typing = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    const { from, to, empty } = view.state.selection.main;
    if (event.inputType !== "insertText" || !event.data || empty || view.composing) return false;
    const insert = () =>
      view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
    const handlers = view.state.facet(EditorView.inputHandler); // the closing of quotes and tags is one
    if (!handlers.some((handle) => handle(view, from, to, event.data, insert))) view.dispatch(insert());
    event.preventDefault();
    return true;
  },
});
