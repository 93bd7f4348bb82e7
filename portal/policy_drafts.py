"""The text of a policy on its way to a place that must hold no secret. It need not be well-formed."""

import re
from html import unescape

from gateway.policies.secrets import is_likely

# a password attribute up to its value, unless that is a named value
_PASSWORD = re.compile(r"""(\bpassword\s*=\s*(["']))(?!\s*\{\{[^{}"']*\}\}\s*\2)(?:(?!\2)[^\r\n])+""")
_HOLDERS = "set-header|check-header|set-query-parameter"
_HOLDER = re.compile(rf"(?s)<({_HOLDERS})\b.*?(?=</\1|<(?:{_HOLDERS})\b|\Z)")
_NAME = re.compile(r"""\bname\s*=\s*["']?([^"'\s>]*)""")
_CDATA, _COMMENT = r"<!\[CDATA\[(?:(?!\]\]>).)*(?:\]\]>)?", r"<!--(?:(?!-->).)*(?:-->)?"
_VALUE = re.compile(rf"(?s)(<value\b[^<>]*>)((?:{_CDATA}|{_COMMENT}|[^<])*)")
_MARKUP = re.compile(rf"(?s){_COMMENT}|<!\[CDATA\[|\]\]>")
_LINE_END = re.compile(r"\r\n|\r|\n")


def emptied(text: str) -> tuple[str, tuple[int, ...]]:
    """The text without passwords and what looks like another secret, and the lines where there were any."""
    kept, lines = [], []
    line, place = 1, 0
    for start, end in sorted({*_passwords(text), *_likely(text)}):
        line += len(_LINE_END.findall(text, place, max(place, start)))
        lines.append(line)
        kept.append(text[place:start])
        line += len(_LINE_END.findall(text, max(place, start), end))
        place = max(place, end)
    return "".join([*kept, text[place:]]), tuple(dict.fromkeys(lines))


def _passwords(text: str) -> list[tuple[int, int]]:
    return [(match.end(1), match.end()) for match in _PASSWORD.finditer(text)]


def _likely(text: str) -> list[tuple[int, int]]:
    found = []
    for holder in _HOLDER.finditer(text):
        named = _NAME.search(holder[0])
        name = unescape(named[1]) if named else ""
        for value in _VALUE.finditer(text, holder.start(), holder.end()):
            written = unescape(_MARKUP.sub("", value[2])).strip()
            if written and "{{" not in written and is_likely(holder[1], name, written):
                end = value.start(2) + len(value[2].rstrip())
                found.append((end - len(value[2].strip()), end))
    return found
