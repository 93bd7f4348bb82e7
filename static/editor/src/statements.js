// The list beside the editor: a click puts a statement at the cursor, or where it is allowed.
import { isolateHistory } from "@codemirror/commands";
import { cursorIn, insertion } from "./insert.js";

const announce = (text) => { document.getElementById("announcer").textContent = text; };

const nameIn = (snippet) => snippet.match(/^<([\w.-]+)/)?.[1];

const insert = (view, snippet, data, scope) => {
  const statement = data.statements.find(({ element }) => element === nameIn(snippet));
  const { change, place, reason } = insertion(view.state, { ...statement, snippet }, data.statements, scope);
  if (reason) return announce(`${statement.title} was not inserted. ${reason}`);
  view.dispatch({
    changes: change,
    selection: { anchor: cursorIn(change, snippet) },
    scrollIntoView: true,
    userEvent: "input.type", // as if it were typed, so that values are offered next; undone by itself
    annotations: isolateHistory.of("full"),
  });
  view.focus();
  const line = view.state.doc.lineAt(view.state.selection.main.head).number;
  announce(`${statement.title} was inserted${place ? ` into <${place}>` : ""} on line ${line}.`);
};

// The button says the name; what opened under the name opens beside it.
const about = (button) => {
  const item = button.closest("li");
  const summary = item.querySelector("summary");
  item.classList.add("insertable");
  summary.setAttribute("aria-label", `About ${button.textContent}`);
  summary.textContent = "About";
  button.hidden = false;
};

export const connectStatements = (view, data, scope) => {
  for (const button of document.querySelectorAll(".statements button[data-snippet]")) {
    about(button);
    button.addEventListener("click", () => insert(view, button.dataset.snippet, data, scope));
  }
};
