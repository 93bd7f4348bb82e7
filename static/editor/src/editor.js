// The editor itself.
import { closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, codeFolding, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import {
  EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers,
} from "@codemirror/view";
import { look } from "./theme.js";
import { typing } from "./typing.js";

// What the textarea says of itself to assistive technology goes for the editor as well.
const described = (textarea, help) => {
  const attributes = {
    tabindex: "0", // so that its scroller, too, is seen to be within reach of the keyboard
    "aria-labelledby": textarea.labels[0].id ||= `${textarea.id}-label`,
    "aria-describedby": [textarea.getAttribute("aria-describedby"), help.id].filter(Boolean).join(" "),
  };
  if (textarea.getAttribute("aria-invalid") === "true") attributes["aria-invalid"] = "true";
  return EditorView.contentAttributes.of(attributes);
};

// Without a nonce the browser refuses CodeMirror's style element.
export const makeEditor = (textarea, { nonce, help, extensions }) =>
  new EditorView({
    doc: textarea.value,
    extensions: [
      EditorView.cspNonce.of(nonce),
      described(textarea, help),
      look,
      extensions,
      lineNumbers(),
      foldGutter(),
      codeFolding(),
      history(),
      drawSelection(),
      typing,
      indentOnInput(),
      indentUnit.of("    "),
      bracketMatching(),
      closeBrackets(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      highlightSelectionMatches(),
      search({ top: true }),
      EditorView.lineWrapping,
      keymap.of([
        ...closeBracketsKeymap, ...completionKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...defaultKeymap,
        indentWithTab,
      ]),
    ],
  });
