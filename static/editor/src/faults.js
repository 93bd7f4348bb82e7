// The page's list of errors: marks in the margin, and links that lead to their lines.
import { forEachDiagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorView, keymap } from "@codemirror/view";

const FAULTS = "#policy-faults [data-line]";

// Columns count characters from 1, positions count UTF-16 units. Outside of the text: at its nearest place.
const positionOf = (doc, line, column) => {
  const found = doc.line(Math.min(Math.max(line, 1), doc.lines));
  return found.from + [...found.text].slice(0, Math.max(column - 1, 0)).join("").length;
};

const placeOf = (doc, item) => positionOf(doc, Number(item.dataset.line) || 1, Number(item.dataset.column) || 1);

const wordAt = (doc, position) => doc.sliceString(position, doc.lineAt(position).to).match(/^[\w.:-]*/)[0].length;

const diagnosticOf = (doc, item) => {
  const from = placeOf(doc, item);
  return { from, to: from + wordAt(doc, from), severity: "error", message: item.textContent.trim() };
};

export const goTo = (view, position) => {
  view.dispatch({ selection: { anchor: position }, effects: EditorView.scrollIntoView(position, { y: "center" }) });
  view.focus();
};

const followLinks = (view) => {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#line-"]');
    if (!link || event.defaultPrevented) return;
    event.preventDefault();
    const item = link.closest(FAULTS);
    const line = Number(link.hash.slice("#line-".length));
    goTo(view, item ? placeOf(view.state.doc, item) : positionOf(view.state.doc, line, 1));
  });
  const followHash = () => {
    const line = location.hash.match(/^#line-(\d+)$/)?.[1];
    if (line) goTo(view, positionOf(view.state.doc, Number(line), 1));
  };
  addEventListener("hashchange", followHash);
  followHash();
};

// What is wrong on the cursor's line, in words: a mark in the margin speaks only to a pointer.
const said = (state) => {
  const { from, to } = state.doc.lineAt(state.selection.main.head);
  const messages = [];
  forEachDiagnostic(state, (diagnostic, start) => { if (start >= from && start <= to) messages.push(diagnostic.message); });
  return messages.join(" ");
};

export const faultMarks = (status) => [
  lintGutter(),
  keymap.of(lintKeymap),
  EditorView.updateListener.of(({ state }) => {
    const text = said(state);
    if (status.textContent !== text) status.textContent = text;
  }),
];

export const showFaults = (view) => {
  const { doc } = view.state;
  const found = [...document.querySelectorAll(FAULTS)].map((item) => diagnosticOf(doc, item));
  view.dispatch(setDiagnostics(view.state, found));
  followLinks(view);
};
