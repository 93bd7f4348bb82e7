// What the editor offers: statements where they are allowed, their attributes and values, child elements,
// certificates and named values.
import { autocompletion } from "@codemirror/autocomplete";
import { xml, xmlLanguage } from "@codemirror/lang-xml";
import { syntaxTree } from "@codemirror/language";
import { SECTIONS } from "./sections.js";

const certificateValues = {
  "certificate-id": ({ id, subject }) => ({ label: id, detail: subject }),
  thumbprint: ({ id, subject, thumbprint }) => ({ label: thumbprint, detail: `${id}, ${subject}` }),
};

const valuesOf = (attribute, { choices }, certificates) =>
  certificateValues[attribute]
    ? certificates.map(certificateValues[attribute])
    : (choices[attribute] ?? []).map((label) => ({ label }));

// `name=""` with the cursor between the quotes. As if it were typed, so that values are offered next.
const applyAttribute = (view, { label }, from, to) => {
  const insert = `${label}=""`;
  view.dispatch({
    changes: { from, to, insert },
    selection: { anchor: from + insert.length - 1 },
    userEvent: "input.type",
  });
};

// Statements and their children by name; a child that is a statement too (set-header in return-response) is one of both.
const specs = (statements) => {
  const found = new Map(statements.map((statement) => [statement.element, statement]));
  const add = (child) => {
    if (!found.has(child.element)) found.set(child.element, child);
    child.children.forEach(add);
  };
  statements.forEach(({ children }) => children.forEach(add));
  return found;
};

const elementOf = ({ element, title, summary, required, optional, children }) => ({
  name: element,
  attributes: [...required, ...optional].map((name) => ({
    name,
    completion: { apply: applyAttribute, detail: required.includes(name) ? "required" : "" },
  })),
  children: children.map((child) => child.element),
  completion: { detail: title, info: summary },
});

const sectionsOf = (statements, scope) =>
  SECTIONS.map((name) => ({
    name,
    attributes: [],
    children: statements.filter((s) => s.sections.includes(name) && s.scopes.includes(scope)).map((s) => s.element),
  }));

const nameOf = (state, node, kind) => {
  const found = node.getChild(kind);
  return found ? state.sliceDoc(found.from, found.to) : "";
};

// The value of an attribute that the cursor is in: its names, and where its text begins and ends.
const valueAt = ({ state, pos }) => {
  const node = syntaxTree(state).resolveInner(pos, -1);
  if (node.name !== "AttributeValue" || pos === node.from || pos === node.to) return null;
  const text = state.sliceDoc(node.from + 1, node.to - 1);
  return {
    element: nameOf(state, node.parent.parent, "TagName"),
    attribute: nameOf(state, node.parent, "AttributeName"),
    from: node.from + 1,
    to: /[\n<]/.test(text) ? pos : node.to - 1, // one without its closing quote runs on into what follows
  };
};

// Puts the label in the place of all that `endOf` finds behind the cursor too, and the cursor behind it and a quote.
const replacingTo = (endOf) => (view, { label }, from, to) => {
  const end = endOf(view.state, to);
  const quote = view.state.sliceDoc(end, end + 1) === '"' ? 1 : 0;
  view.dispatch({
    changes: { from, to: end, insert: label },
    selection: { anchor: from + label.length + quote },
    userEvent: "input.complete",
  });
};

const replacingValue = replacingTo((state, pos) => valueAt({ state, pos })?.to ?? pos);

const replacingBraces = replacingTo((state, pos) => pos + state.sliceDoc(pos, pos + 2).match(/^\}*/)[0].length);

const namedValueOptions = (namedValues, apply) =>
  namedValues.map(({ name, secret }) => ({
    label: `{{${name}}}`, detail: secret ? "named value, secret" : "named value", apply,
  }));

// The values of an attribute; where any text may stand, named values when they are asked for.
const attributeValues = ({ statements, certificates, namedValues }) => {
  const known = specs(statements);
  return (context) => {
    const value = valueAt(context);
    if (!value) return null;
    const fixed = valuesOf(value.attribute, known.get(value.element) ?? { choices: {} }, certificates);
    const options = fixed.map((option) => ({ ...option, apply: replacingValue }));
    if (!options.length && context.explicit && !/\{\{/.test(context.state.sliceDoc(value.from, context.pos))) {
      options.push(...namedValueOptions(namedValues, replacingValue));
    }
    return options.length ? { from: value.from, options, validFor: /^[^"{}<>]*$/ } : null;
  };
};

// Whether the cursor is in the text of an element that holds nothing else, of `value` for one.
const inText = ({ state, pos }, known) => {
  let node = syntaxTree(state).resolveInner(pos, -1);
  while (node && node.name !== "Element") node = node.parent;
  const open = node?.getChild("OpenTag");
  if (!open || pos < open.to) return false;
  const spec = known.get(nameOf(state, open, "TagName"));
  return Boolean(spec) && spec.children.length === 0;
};

// `{{name}}`, in any attribute and text: the braces that already stand behind the cursor are replaced. In a text they
// are offered without braces too when they are asked for.
const namedValuesInBraces = ({ statements, namedValues }) => {
  const known = specs(statements);
  return (context) => {
    const asked = context.explicit && inText(context, known) ? { from: context.pos } : null;
    const before = context.matchBefore(/\{\{[^{}<>"]*/) ?? asked;
    return before && { from: before.from, options: namedValueOptions(namedValues, replacingBraces) };
  };
};

export const completion = (data, scope) => [
  xml({
    elements: [
      { name: "policies", top: true, attributes: [], children: SECTIONS },
      ...sectionsOf(data.statements, scope),
      ...[...specs(data.statements).values()].map(elementOf),
    ],
  }),
  xmlLanguage.data.of({ autocomplete: attributeValues(data) }),
  xmlLanguage.data.of({ autocomplete: namedValuesInBraces(data) }),
  xmlLanguage.data.of({ closeBrackets: { brackets: ['"', "{"] } }),
  autocompletion({ icons: false }),
];
