// The syntax tree of the document, as elements.
import { ensureSyntaxTree, syntaxTree } from "@codemirror/language";

const PARSE_MILLISECONDS = 2000;

export class Element {
  constructor(state, node) {
    this.state = state;
    this.node = node;
    this.open = node.firstChild;
    this.selfClosing = this.open.name === "SelfClosingTag";
    const close = node.lastChild;
    this.contentFrom = this.open.to;
    this.contentTo = close.name === "CloseTag" ? close.from : node.to;
  }

  get name() {
    const found = this.open.getChild("TagName");
    return found ? this.state.sliceDoc(found.from, found.to) : "";
  }

  // All but text: elements, comments, CDATA.
  get parts() {
    const found = [];
    for (let node = this.open.nextSibling; node; node = node.nextSibling) {
      if (!/Text|Tag$|Reference$/.test(node.name) && !node.type.isError) found.push(node);
    }
    return found;
  }

  get children() {
    return this.node.getChildren("Element").map((node) => new Element(this.state, node));
  }

  holds(position) {
    return this.node.from < position && position < this.node.to;
  }

  // Whether the position is between its tags.
  encloses(position) {
    return !this.selfClosing && this.contentFrom <= position && position <= this.contentTo;
  }
}

// The element `policies`, or null.
export const root = (state) => {
  const tree = ensureSyntaxTree(state, state.doc.length, PARSE_MILLISECONDS) ?? syntaxTree(state);
  const node = tree.topNode.getChild("Element");
  const element = node && new Element(state, node);
  return element?.name === "policies" ? element : null;
};

// From `policies` inwards, the elements around the position.
export const pathTo = (element, position) => {
  if (!element.holds(position)) return [];
  const inner = element.children.find((child) => child.holds(position));
  return [element, ...(inner ? pathTo(inner, position) : [])];
};
