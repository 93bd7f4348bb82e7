"""XML in colours: CSS classes of Pygments' short names, which static/css/policies.css gives their colours."""

import re

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import XmlLexer

MOST_COLOURED = 50_000  # characters; a megabyte takes a third of a second


def xml_lines(text: str) -> tuple[SafeString, ...]:
    """The lines of an XML text as HTML: everything is escaped, and what goes over several lines is closed in each.

    A last line that is empty is left out. A text of more than MOST_COLOURED characters has no colours.
    """
    if len(text) > MOST_COLOURED:
        plain = re.sub(r"\r\n?", "\n", text).removesuffix("\n")
        return tuple(escape(line) for line in plain.split("\n"))
    lexer = XmlLexer(stripnl=False, ensurenl=False)
    html = highlight(text, lexer, HtmlFormatter(nowrap=True))
    return tuple(mark_safe(line) for line in html.removesuffix("\n").split("\n"))  # noqa: S308 (Pygments escapes)
