"""Text of others as HTML in which nothing hides: what has no glyph, or turns others around, is spelled out."""

import re
from itertools import count

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

_MOST_MARKED = 2000  # elements; further ones are text alone, which renders faster
# Controls but tab and line feed, soft hyphen, joiners and fillers, marks of direction, separators, invisible
# operators, annotations, byte order mark, tags, variation selectors, noncharacters that a codec lets through.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\ud800-\udfff]"
)


def visible(text: str, most: int = _MOST_MARKED) -> SafeString:
    """The text escaped, with U+202E and its like in words. Line ends stay what they are; a lone CR is marked."""
    counter = count()

    def spelled(found: "re.Match[str]") -> str:
        name = f"U+{ord(found[0]):04X}"
        return f'<span class="unseen">{name}</span>' if next(counter) < most else f"[{name}]"

    html = _UNSEEN.sub(spelled, escape(text.replace("\r\n", "\n")))
    return mark_safe(html)  # noqa: S308 (escaped above)
