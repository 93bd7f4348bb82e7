"""A call as a line for a POSIX shell. Pure."""

import re
import shlex

from portal.console.exchange import WITH_BODY, ConsoleRequest

KEY_VARIABLE = "$SUBSCRIPTION_KEY"
BODY_FILE = "request-body"  # of a body that is too long for the line
# Bytes of a body as a word of the line. More does not fit into an argument of a command (Linux: 128 KiB), is no joy
# to paste, and would go to the page at each key that is pressed there.
_MOST_IN_LINE = 100_000
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")  # a terminal would act on these when the line is pasted
_UNPRINTED = re.compile(r"\A-|[%\\\x00-\x09\x0b-\x1f\x7f]")


def curl_line(url: str, request: ConsoleRequest, key_field: str = "") -> str:
    """The call of `url` (a scheme and an authority) with curl.

    `key_field` is the name of a field whose value the shell is to take from $SUBSCRIPTION_KEY, "" for none.
    """
    words = ["curl", "--path-as-is", *_method(request)]
    for name, value in request.fields:
        words += ["-H", shlex.quote(f"{name}: {value}" if value else f"{name};")]
    if key_field:
        words += ["-H", f'"{key_field}: {KEY_VARIABLE}"']
    before, data = _body(request)
    return f"{before}{' '.join([*words, *data, shlex.quote(url + request.target)])}"


def _method(request: ConsoleRequest) -> list[str]:
    """How curl is told the verb, where it would not choose that itself."""
    if request.method == "HEAD":
        return ["-I"]
    own = "POST" if request.body or request.method in WITH_BODY else "GET"
    return [] if request.method == own else ["-X", request.method]


def _body(request: ConsoleRequest) -> tuple[str, list[str]]:
    """What stands before the line, and the words for the body."""
    text = request.body.decode()
    if not text:
        # As the console does it: a length of nought, and no type.
        empty = ["-H", "Content-Type:", "--data-binary", "''"]
        return "", empty if request.method in WITH_BODY else []
    typed = any(name.lower() == "content-type" for name, _ in request.fields)
    type_words = [] if typed else ["-H", "Content-Type:"]
    if is_from_file(request):
        return "", [*type_words, "--data-binary", f"@{BODY_FILE}"]
    if _CONTROL.search(text):
        return f"printf {_as_format(text)} | ", [*type_words, "--data-binary", "@-"]
    option = "--data-raw" if text.startswith("@") else "--data-binary"  # "@" would name a file
    return "", [*type_words, option, shlex.quote(text)]


def is_from_file(request: ConsoleRequest) -> bool:
    """Whether the line has curl read the body from a file, for it is too long to stand in it."""
    text = request.body.decode()
    word = _as_format(text) if _CONTROL.search(text) else shlex.quote(text)
    return len(word.encode()) > _MOST_IN_LINE


def _as_format(text: str) -> str:
    """A format of printf that gives the text, as a word of the line."""
    special = {"%": "%%", "\\": "\\\\"}
    return shlex.quote(_UNPRINTED.sub(lambda match: special.get(match[0], f"\\{ord(match[0]):03o}"), text))
