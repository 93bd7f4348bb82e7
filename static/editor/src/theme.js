// The colours of the portal (static/css/variables.css) and of its policy documents (static/css/policies.css).
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colours = HighlightStyle.define([
  { tag: tags.tagName, color: "#194774" },
  { tag: tags.angleBracket, color: "#194774" },
  { tag: tags.attributeName, color: "#8a3b00" },
  { tag: tags.attributeValue, color: "#1d6b2f" },
  { tag: tags.comment, color: "#59636e", fontStyle: "italic" },
  { tag: tags.character, color: "#6f2da8" },
  { tag: tags.invalid, color: "#b3261e", textDecoration: "underline wavy" },
]);

const theme = EditorView.theme({
  "&": {
    border: "1px solid var(--control-line)",
    borderRadius: "var(--radius)",
    background: "var(--page)",
    color: "var(--text)",
    fontSize: "0.875rem",
  },
  "&.cm-focused": { outline: "3px solid var(--focus)", outlineOffset: "2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", minHeight: "16rem", maxHeight: "min(70vh, 42rem)" },
  ".cm-gutters": { background: "var(--surface)", color: "var(--muted)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine": { background: "#edf4f780" },
  ".cm-activeLineGutter": { background: "var(--preview)", color: "var(--heading)" },
  // Not the pictures that CodeMirror brings along as data: URLs, which the portal's policy refuses.
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--danger)" },
  ".cm-lint-marker": { width: "1.1em", height: "1.1em", cursor: "help" },
  ".cm-lint-marker-error": {
    content: "normal", borderRadius: "50%", background: "var(--danger)", color: "#fff",
    font: "bold 0.8em/1.4 var(--font)", textAlign: "center",
  },
  ".cm-lint-marker-error::before": { content: "'!'" },
  ".cm-foldPlaceholder": { background: "var(--preview)", color: "var(--heading)", borderColor: "var(--line)" },
  "&.cm-focused .cm-matchingBracket": { background: "#cfe6f1", outline: "1px solid #7fb4cf" },
  "&.cm-focused .cm-nonmatchingBracket": { background: "var(--error-back)", outline: "1px solid var(--error-line)" },
  ".cm-tooltip": { border: "1px solid var(--control-line)", borderRadius: "var(--radius)", background: "var(--page)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": {
    fontFamily: "var(--mono)", maxWidth: "min(90vw, 40rem)", maxHeight: "min(24rem, 50vh)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "0.2rem 0.5rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { background: "var(--primary)", color: "#fff" },
  ".cm-completionDetail": { fontFamily: "var(--font)", fontStyle: "normal", marginLeft: "1em", opacity: "1" },
  ".cm-tooltip.cm-completionInfo": { padding: "0.5rem 0.75rem", fontFamily: "var(--font)", maxWidth: "min(90vw, 22rem)" },
  ".cm-diagnostic": { fontFamily: "var(--font)", padding: "0.4rem 0.75rem" },
  ".cm-panels": { background: "var(--surface)", color: "var(--text)" },
  ".cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: "0.5rem 2rem 0.5rem 0.5rem", fontFamily: "var(--font)" },
  ".cm-panel.cm-search label": { fontSize: "inherit" },
  ".cm-panel.cm-search input[type=checkbox]": { width: "1rem", height: "1rem" },
  ".cm-textfield": { width: "auto", minHeight: "0", height: "auto", padding: "0.25rem 0.5rem", fontSize: "inherit" },
  ".cm-button": { background: "var(--page)", border: "1px solid var(--control-line)", color: "var(--link)", fontSize: "inherit" },
  ".cm-panel.cm-search [name=close]": { fontSize: "1.25rem", padding: "0 0.5rem" },
});

export const look = [theme, syntaxHighlighting(colours)];
