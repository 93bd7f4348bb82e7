// The page's list of errors: marks in the margin, and links that lead to their lines.
import { forEachDiagnostic, lintGutter, lintKeymap, setDiagnostics, setDiagnosticsEffect } from "@codemirror/lint";
import { EditorState, StateField } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";

const FAULTS = "#policy-faults [data-line]";
const LONGEST_TAG = 5000;

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

// Where the page's links to lines lead: to what stood there when the page was opened, wherever it is now.
const linksToLines = () => [...document.querySelectorAll('a[href^="#line-"]')];

const targetOf = (doc, link) => {
  const item = link.closest(FAULTS);
  return item ? placeOf(doc, item) : positionOf(doc, Number(link.hash.slice("#line-".length)), 1);
};

const targets = StateField.define({
  create: ({ doc }) => linksToLines().map((link) => targetOf(doc, link)),
  update: (positions, { changes }) => positions.map((position) => changes.mapPos(position, 1)),
});

const followLinks = (view) => {
  linksToLines().forEach((link, index) => {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      goTo(view, view.state.field(targets)[index]);
    });
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

// The lines of the tag that begins behind the position, without what is blank around them.
const linesOf = (doc, position) => {
  const line = doc.lineAt(position);
  const tag = doc.sliceString(position, position + LONGEST_TAG).indexOf(">");
  const last = doc.lineAt(position + Math.max(tag, 0));
  return { from: line.from + line.text.search(/\S|$/), to: last.from + last.text.trimEnd().length };
};

// A new line above or below, a statement of the list for one, leaves the lines as they are.
const changesLines = (changes, { from, to }) => {
  let found = false;
  changes.iterChanges((start, end, _newStart, _newEnd, inserted) => {
    const text = inserted.toString();
    const beside = start === end && ((start >= to && /^\s*\n/.test(text)) || (start <= from && /\n\s*$/.test(text)));
    if (start <= to && end >= from && !beside) found = true;
  });
  return found;
};

// Only Save knows whether a line that was changed is right now, so its mark goes away.
const withoutChanged = EditorState.transactionExtender.of(({ docChanged, startState, changes }) => {
  if (!docChanged) return null;
  const kept = [];
  let count = 0;
  forEachDiagnostic(startState, (diagnostic, from, to) => {
    count += 1;
    if (changesLines(changes, linesOf(startState.doc, from))) return;
    kept.push({ ...diagnostic, from: changes.mapPos(from, 1), to: changes.mapPos(to, 1) });
  });
  return kept.length < count ? { effects: setDiagnosticsEffect.of(kept) } : null;
});

export const faultMarks = (status) => [
  lintGutter(),
  targets,
  withoutChanged,
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
