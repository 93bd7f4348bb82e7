// Where a statement of the list goes, and how it is indented there.
import { SECTIONS } from "./sections.js";
import { pathTo, root } from "./tree.js";

const INDENT = "    ";

const indentOf = (state, position) => state.doc.lineAt(position).text.match(/^\s*/)[0];
const startsLine = (state, position) => !state.doc.lineAt(position).text.slice(0, position - state.doc.lineAt(position).from).trim();

// One level, as the author indents: what the first section has more than `policies`.
const unitOf = (state, policies) => {
  const first = policies.parts.find((part) => startsLine(state, part.from));
  const outer = indentOf(state, policies.node.from);
  const inner = first ? indentOf(state, first.from) : "";
  return inner.length > outer.length && inner.startsWith(outer) ? inner.slice(outer.length) : INDENT;
};

const indented = (snippet, indent, unit) =>
  snippet.split("\n").map((line) => {
    const deep = line.match(/^ */)[0].length;
    return indent + unit.repeat(Math.floor(deep / INDENT.length)) + " ".repeat(deep % INDENT.length) + line.slice(deep);
  }).join("\n");

// Parts of a host stand where its first one on a line of its own stands.
const indentWithin = (state, host, unit) => {
  const sibling = host.parts.find((part) => startsLine(state, part.from));
  return sibling ? indentOf(state, sibling.from) : indentOf(state, host.node.from) + unit;
};

// What a text is put behind: the last part before the position, with the comments that follow on its line.
const partBefore = (state, host, position) => {
  const { parts } = host;
  let index = parts.findLastIndex((part) => part.from < position);
  while (index >= 0 && parts[index + 1]?.name === "Comment" && sameLine(state, parts[index].to, parts[index + 1].from)) index += 1;
  return index < 0 ? host.contentFrom : parts[index].to;
};

const sameLine = (state, one, other) => state.doc.lineAt(one).number === state.doc.lineAt(other).number;

// A change that puts lines into `host` at the position: on its line if that is blank, otherwise on new lines.
const within = (state, host, position, snippet, unit) => {
  const indent = indentWithin(state, host, unit);
  const lines = indented(snippet, indent, unit);
  const line = state.doc.lineAt(position);
  const behind = partBefore(state, host, position);
  if (!line.text.trim() && position >= behind && line.from > host.contentFrom) return { from: line.from, to: line.to, insert: lines };
  const end = state.doc.lineAt(behind);
  const rest = state.sliceDoc(behind, end.to);
  if (!rest.trim()) return { from: behind, to: end.to, insert: `\n${lines}` };
  const to = behind + rest.match(/^\s*/)[0].length;
  return { from: behind, to, insert: `\n${lines}\n${to === host.contentTo ? indentOf(state, host.node.from) : indent}` };
};

const expanded = (state, host, snippet, unit) => {
  const indent = indentOf(state, host.node.from);
  const tag = state.sliceDoc(host.node.from, host.node.to).replace(/\s*\/>$/, "");
  return { from: host.node.from, to: host.node.to, insert: `${tag}>\n${indented(snippet, indent + unit, unit)}\n${indent}</${host.name}>` };
};

const into = (state, host, position, snippet, unit) =>
  host.selfClosing ? expanded(state, host, snippet, unit) : within(state, host, position, snippet, unit);

// A section that is not there inherits; it goes on doing so. All APIs has nobody to inherit from.
const newSection = (state, policies, name, snippet, unit, scope) => {
  const before = SECTIONS.slice(0, SECTIONS.indexOf(name));
  const last = policies.children.findLast((child) => before.includes(child.name));
  const base = scope === "global" || snippet === "<base />" ? "" : `${INDENT}<base />\n`;
  const block = `<${name}>\n${base}${indented(snippet, INDENT, INDENT)}\n</${name}>`;
  return within(state, policies, last ? last.node.to : policies.contentFrom, block, unit);
};

// The innermost element around the position that may hold the statement.
const hostAt = (path, position, statement, statements) => {
  const mayHold = (element, depth) => {
    if (depth === 1) return statement.sections.includes(element.name);
    const parent = depth ? statements.find(({ element: name }) => name === element.name) : undefined;
    return parent?.children.some(({ element: name }) => name === statement.element);
  };
  return path.findLast((element, depth) => mayHold(element, depth) && (element.encloses(position) || depth === 1));
};

// { change, place } or { reason }. `place` names where it went if that is not where the cursor was.
export const insertion = (state, statement, statements, scope) => {
  const policies = root(state);
  if (!policies || policies.selfClosing) {
    return { reason: "There is no <policies> … </policies> to put it into." };
  }
  const position = state.selection.main.head;
  const unit = unitOf(state, policies);
  const { snippet } = statement;
  const host = hostAt(pathTo(policies, position), position, statement, statements);
  if (host) return { change: into(state, host, position, snippet, unit) };
  const section = policies.children.find(({ name }) => statement.sections.includes(name));
  if (section) return { change: into(state, section, section.contentTo, snippet, unit), place: section.name };
  const name = statement.sections[0];
  return { change: newSection(state, policies, name, snippet, unit, scope), place: name };
};

// Where writing goes on: between the first empty quotes or tags or braces, otherwise behind all of it.
export const cursorIn = ({ from, insert }, snippet) => {
  const start = insert.lastIndexOf(snippet.slice(0, snippet.search(/[\s/>]/)));
  const empty = insert.slice(start).match(/="(?=")|\{\{(?=\}\})|>(?=<\/)/);
  return from + (empty ? start + empty.index + empty[0].length : insert.trimEnd().length);
};
