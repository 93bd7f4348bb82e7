"""Changing one statement of a policy document and not one other character of it. Pure text in, text out.

Comments, indentation, line endings and quoting stay as their author wrote them. All functions that take a
text raise PolicyErrors if it is not well-formed XML; they do not check the statements of the document.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.policies.elements import Element, read_xml
from gateway.policies.parser import Document
from gateway.policies.statements.authentication_basic import AuthenticationBasic
from gateway.policies.statements.authentication_certificate import AuthenticationCertificate
from gateway.policies.statements.rewrite_uri import RewriteUri
from gateway.thumbprints import normalise_thumbprint

_INDENT = "    "
_NEWLINE = re.compile(r"\r\n|\n|\r")
_LINE_REST = re.compile(r"[ \t]*(?:<!--(?:(?!-->)[^\r\n])*-->[ \t]*)*(?=[\r\n]|\Z)")
_BLANK_REST = re.compile(r"[ \t]*(?=[\r\n]|\Z)")
_ATTRIBUTE = re.compile(r"""\s([^\s=/>"']+)\s*=\s*("[^"]*"|'[^']*')""")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)


@dataclass(frozen=True, slots=True)
class Authentication:
    """The authentication of a document.

    `kind` is "none", "certificate-id", "thumbprint", "basic" or "several". `name` is the certificate's id, the
    normalised thumbprint, or the named value that holds the password; `username` that of "basic".
    """

    kind: str
    name: str = ""
    username: str = ""


def authentication_of(document: Document) -> Authentication:
    """What a document itself says about authentication (not what it inherits)."""
    inbound = document.sections.get("inbound")
    placed = inbound.statements if inbound else ()
    found = [item.statement for item in placed if item.element.name.startswith("authentication-")]
    match found:
        case []:
            return Authentication("none")
        case [AuthenticationCertificate(certificate_id=str(name))]:
            return Authentication("certificate-id", name.strip())
        case [AuthenticationCertificate(thumbprint=str(text))]:
            return Authentication("thumbprint", normalise_thumbprint(text))
        case [AuthenticationBasic(username=username, password=password)]:
            return Authentication("basic", password, username)
        case _:
            return Authentication("several")


def rewrite_of(document: Document) -> str | None:
    """The template of a document's own rewrite-uri (the last one counts), None if it has none."""
    found = rewrites_of(document)
    return found[-1] if found else None


def rewrites_of(document: Document) -> tuple[str, ...]:
    """The templates of all of a document's own rewrite-uri statements, in order."""
    inbound = document.sections.get("inbound")
    placed = inbound.statements if inbound else ()
    return tuple(item.statement.template for item in placed if isinstance(item.statement, RewriteUri))


def certificate_statement(certificate_id: str) -> str:
    """The statement that presents a certificate. Raises ValueError for text that XML cannot hold."""
    return f"<authentication-certificate certificate-id={_quoted(certificate_id)} />"


def basic_statement(username: str, named_value_name: str) -> str:
    """The statement for HTTP basic; the password is the named value's. Raises ValueError."""
    password = _quoted(f"{{{{{named_value_name}}}}}")
    return f"<authentication-basic username={_quoted(username)} password={password} />"


def rewrite_statement(template: str) -> str:
    """The statement that rewrites the URL. Raises ValueError for text that XML cannot hold."""
    return f"<rewrite-uri template={_quoted(template)} />"


def _quoted(text: str) -> str:
    if _NOT_XML.search(text):
        raise ValueError("The text holds a control character, which XML cannot.")
    return f'"{text.translate(_ESCAPES)}"'


def set_authentication(xml: str, statement: str | None) -> str:
    """Make one statement the only authentication-* statement of the inbound section; None removes them all.

    A document that already says just that comes back as it is. A new statement goes on a line of its own
    after `<base />`, else at the beginning of inbound, which is made if it is not there.
    """
    existing = [item for item in _inbound_children(xml) if item.name.startswith("authentication-")]
    if statement is not None and len(existing) == 1 and _says_the_same(existing[0], statement):
        return xml
    return _set(xml, existing, statement)


def set_rewrite(xml: str, template: str | None) -> str:
    """Make a template that of the document's rewrite-uri; None removes the statement.

    Of a statement that is there only the template changes. See set_authentication for the rest.
    """
    existing = [item for item in _inbound_children(xml) if item.name == "rewrite-uri"]
    if template is None:
        return _set(xml, existing, None)
    if len(existing) == 1 and existing[0].attributes.get("template") == template:
        return xml
    if not existing:
        return _set(xml, existing, rewrite_statement(template))
    return _set(xml, existing, _with_template(xml, existing[0], template))


def _says_the_same(element: Element, statement: str) -> bool:
    other = read_xml(statement)
    return element.name == other.name and dict(element.attributes) == dict(other.attributes)


def _with_template(xml: str, element: Element, template: str) -> str:
    """The text of a rewrite-uri with another template."""
    span = attribute_span(xml, element, "template")
    if span is None:
        return rewrite_statement(template)
    return xml[element.start : span[0] - 1] + _quoted(template) + xml[span[1] + 1 : element.end]


def attribute_span(xml: str, element: Element, name: str) -> tuple[int, int] | None:
    """From where to where an attribute's value stands in a text, without its quotes; None if it is not there."""
    spans = attribute_spans(xml, element, name)
    return spans[1] if spans else None


def attribute_spans(xml: str, element: Element, name: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """From where to where an attribute's name stands in a text, and its value without its quotes."""
    for match in _ATTRIBUTE.finditer(xml, element.start, element.content_start):
        if match[1] == name:
            return match.span(1), (match.start(2) + 1, match.end(2) - 1)
    return None


def _inbound(root: Element) -> Element | None:
    return next((child for child in root.children if child.name == "inbound"), None)


def _inbound_children(xml: str) -> tuple[Element, ...]:
    inbound = _inbound(read_xml(xml))
    return inbound.children if inbound else ()


def _set(xml: str, existing: list[Element], statement: str | None) -> str:
    if not existing:
        return xml if statement is None else _inserted(xml, statement)
    kept = existing[:1] if statement is not None else []
    for element in reversed(existing[len(kept) :]):
        xml = _removed(xml, element)
    for element in kept:
        xml = xml[: element.start] + (statement or "") + xml[element.end :]
    return xml


def _removed(xml: str, element: Element) -> str:
    """The text without an element, and without its line if nothing else is on that."""
    indent = _indentation(xml, element)
    after = _BLANK_REST.match(xml, element.end)
    if indent is None or after is None:
        return xml[: element.start] + xml[element.end :]
    before = xml[: element.start - len(indent)]
    return before.removesuffix("\n").removesuffix("\r") + xml[after.end() :]


def _inserted(xml: str, statement: str) -> str:
    root = read_xml(xml)
    inbound = _inbound(root)
    if inbound is None:
        return _with_new_inbound(xml, root, statement)
    if inbound.self_closed:
        return _filled(xml, inbound, [statement], _unit(xml, root))
    base = next((child for child in inbound.children if child.name == "base"), None)
    if base is not None:
        return _on_next_line(xml, base.end, statement, _indentation(xml, base))
    return _on_next_line(xml, inbound.content_start, statement, _child_indentation(xml, inbound, root))


def _with_new_inbound(xml: str, root: Element, statement: str) -> str:
    """A document without inbound inherits it: the one that is made says so with `<base />`."""
    unit = _unit(xml, root)
    if root.self_closed:
        xml = _filled(xml, root, ["<inbound />"], unit)
    else:
        xml = _on_next_line(xml, root.content_start, "<inbound />", _child_indentation(xml, root, root))
    inbound = next(child for child in read_xml(xml).children if child.name == "inbound")
    return _filled(xml, inbound, ["<base />", statement], unit)


def _filled(xml: str, element: Element, lines: list[str], unit: str) -> str:
    """A self-closed element opened, with lines between its tags; in place if it shares its line."""
    tag = xml[element.start : element.end].removesuffix("/>").rstrip() + ">"
    indent = _indentation(xml, element)
    newline = _newline(xml)
    if indent is None:
        inner = "".join(lines)
    else:
        inner = "".join(f"{newline}{indent}{unit}{line}" for line in lines) + newline + indent
    return f"{xml[: element.start]}{tag}{inner}</{element.name}>{xml[element.end :]}"


def _on_next_line(xml: str, position: int, statement: str, indent: str | None) -> str:
    """Insert on a line of its own after the one of `position`, or right there if that line goes on."""
    rest = _LINE_REST.match(xml, position)
    if indent is None or rest is None:
        return xml[:position] + statement + xml[position:]
    return f"{xml[: rest.end()]}{_newline(xml)}{indent}{statement}{xml[rest.end() :]}"


def _newline(xml: str) -> str:
    """The line ending of a document: that of its first line."""
    match = _NEWLINE.search(xml)
    return match[0] if match else "\n"


def _indentation(xml: str, element: Element) -> str | None:
    """The white space before an element that begins its line, None if something else is before it."""
    start = element.start
    while start and xml[start - 1] in " \t":
        start -= 1
    begins_line = start == 0 or xml[start - 1] in "\r\n\ufeff"
    return xml[start : element.start] if begins_line else None


def _child_indentation(xml: str, parent: Element, root: Element) -> str | None:
    """The indentation of what is inside an element: that of its first child that begins a line."""
    for found in _indentations(xml, parent.children):
        return found
    own = _indentation(xml, parent)
    return None if own is None else own + _unit(xml, root)


def _indentations(xml: str, elements: tuple[Element, ...]) -> Iterator[str]:
    for element in elements:
        indent = _indentation(xml, element)
        if indent is not None:
            yield indent


def _unit(xml: str, root: Element) -> str:
    """One level of indentation: by how much the first section is indented more than policies."""
    outer = _indentation(xml, root) or ""
    for inner in _indentations(xml, root.children):
        if inner != outer and inner.startswith(outer):
            return inner[len(outer) :]
    return _INDENT
