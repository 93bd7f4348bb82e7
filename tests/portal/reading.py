"""Reads pages as a person does: the heading, the banners, and what stands beside a field."""

import html
import re
from typing import Any


def _text(markup: str) -> str:
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", markup)).split())


def text_of(response: Any) -> str:
    """The words of a page."""
    return _text(response.content.decode())


def heading(response: Any) -> str:
    """The page's h1."""
    found = re.findall("(?s)<h1[^>]*>(.*?)</h1>", response.content.decode())
    assert len(found) == 1, found
    return _text(found[0])


def banners(response: Any) -> list[tuple[str, str]]:
    """What was said at the top of the page: pairs of kind ("success", "warning") and text."""
    found = re.findall('(?s)<div class="message ([^"]*)"[^>]*>(.*?)</div>', response.content.decode())
    return [(kind, _text(markup)) for kind, markup in found]


def errors_beside(response: Any, field: str) -> list[str]:
    """The errors beside a field, which is marked as wrong and names them as its description."""
    page = response.content.decode()
    found = re.search(f'(?s)<ul class="field-error" id="id_{field}_error">(.*?)</ul>', page)
    if not found:
        return []
    control = re.search(f'<[^>]* id="id_{field}"[^>]*>', page)
    assert control
    assert 'aria-invalid="true"' in control[0]
    assert f"id_{field}_error" in control[0]
    return [_text(item) for item in re.findall("(?s)<li>(.*?)</li>", found[1])]


def rows(response: Any) -> list[str]:
    """The names in the first column of the page's list."""
    return [_text(m) for m in re.findall('(?s)<th scope="row"[^>]*>(.*?)</th>', response.content.decode())]


def link(response: Any, words: str) -> str:
    """The address behind the one link with these words."""
    anchors = re.findall('(?s)<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', response.content.decode())
    found = {html.unescape(href) for href, markup in anchors if _text(markup) == words}
    assert len(found) == 1, (words, [(_text(markup), href) for href, markup in anchors])
    return found.pop()
