// Puts an editor over the textarea of each .policy-editor. Without this script the textarea works as it is.
import { EditorView } from "@codemirror/view";
import { completion } from "./completion.js";
import { makeEditor } from "./editor.js";
import { faultMarks, showFaults } from "./faults.js";
import { connectForm } from "./form.js";
import { connectFullScreen } from "./full-screen.js";
import { connectStatements } from "./statements.js";

const HELP =
  "Tab indents. To leave the editor with the keyboard, press Escape and then Tab. Ctrl+Space offers what can stand " +
  "at the cursor, F8 goes to the next error, Ctrl+F (⌘F on a Mac) searches.";

const make = (name, properties) => Object.assign(document.createElement(name), properties);

const start = (mount) => {
  const textarea = mount.querySelector("textarea");
  const { scope } = mount.dataset;
  const data = JSON.parse(document.getElementById("policy-completion").textContent);
  const nonce = document.querySelector("link[nonce]").nonce; // which CSS cannot read, as it could other attributes
  const form = connectForm(textarea, "draft" in mount.dataset);
  const help = make("p", { className: "help", id: "policy-editor-help", textContent: HELP });
  const status = make("p", { className: "fault-here" });
  status.setAttribute("role", "status");
  const view = makeEditor(textarea, {
    nonce, help,
    extensions: [
      completion(data, scope),
      faultMarks(status),
      EditorView.updateListener.of(({ docChanged }) => { if (docChanged) form.onChange(); }),
    ],
  });
  textarea.hidden = true;
  mount.append(view.dom, status, help);
  textarea.labels[0].addEventListener("click", () => view.focus());
  form.start(view);
  connectFullScreen(document.querySelector("[data-full-screen]"), mount.closest("section"), view);
  connectStatements(view, data, scope);
  showFaults(view);
};

document.querySelectorAll(".policy-editor").forEach(start);
