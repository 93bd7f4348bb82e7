"""URL templates of operations, and the templates that rewrite a call's path and query. Pure.

RFC 3986 for what a path and a query may hold. Nothing here decodes what a caller sent: a value is inserted as
it came, still percent-encoded, and never brings a path separator, a query or another query parameter with it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

MAX_TEMPLATE = 1000

# RFC 3986, 3.3: one character of a path segment, and 3.4: of a query
SEGMENT_CHARACTERS = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
_PATH = re.compile(rf"(?:{SEGMENT_CHARACTERS}|/)*")
_QUERY = re.compile(rf"(?:{SEGMENT_CHARACTERS}|[/?])*")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_SEPARATOR = re.compile(r"/|\\|%2f|%5c", re.IGNORECASE)
# With parameters behind it, "..;x" is still a dot segment to some back ends, which take these away first.
_DOTS = re.compile(r"(?:\.|%2e){1,2}(?:(?:;|%3b).*)?", re.IGNORECASE)
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PARAMETER = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")

_INTO_PATH = str.maketrans({"/": "%2F", "?": "%3F", "#": "%23", "\\": "%5C"})
_INTO_QUERY = str.maketrans({"&": "%26", "+": "%2B", ";": "%3B", "#": "%23"})


def normalise(text: str) -> str:
    """A path segment or query name for comparing: percent-encoded unreserved characters decoded (RFC 3986,
    6.2.2.2), hexadecimal digits of the other escapes in upper case (6.2.2.1); nothing else changes."""
    return _ESCAPE.sub(_normalised_escape, text) if "%" in text else text


def _normalised_escape(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def has_dot_segment(path: str) -> bool:
    """Whether a raw path holds a "." or ".." segment: also as %2e or "..;x", also beside %2F, %5C or "\\"."""
    if "." not in path and "%2" not in path:
        return False
    return any(_DOTS.fullmatch(part) for part in _SEPARATOR.split(path))


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of a path: a literal (`text` is normalised) or a parameter (`text` is its name)."""

    text: str
    is_parameter: bool


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """A query parameter that a call must have: with any value for a parameter, else with `value`."""

    name: str
    value: str
    is_parameter: bool


@dataclass(frozen=True, slots=True)
class QueryMatch:
    """What a call's query gave: the template's parameters with raw values, and the raw rest of the query."""

    values: Mapping[str, str]
    unmatched: str


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed URL template.

    `segments` are what stands between the slashes, without the wildcard: "/" is one empty literal, "/*" none.
    With `wildcard` anything may follow, nothing included.
    """

    text: str
    segments: tuple[Segment, ...]
    wildcard: bool
    query: tuple[QueryParameter, ...]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of all parameters, in the order of the text."""
        path = (segment.text for segment in self.segments if segment.is_parameter)
        return (*path, *(item.value for item in self.query if item.is_parameter))

    @property
    def shape(self) -> str:
        """What two templates of one API and verb must not share, whatever their parameters' names."""
        path = [("{}" if segment.is_parameter else segment.text) for segment in self.segments]
        if self.wildcard:
            path.append("*")
        query = sorted(f"{item.name}={'{}' if item.is_parameter else item.value}" for item in self.query)
        return "/" + "/".join(path) + ("?" + "&".join(query) if query else "")

    def match_query(self, raw: str) -> QueryMatch | None:
        """Match a raw query (without "?"); None if a query parameter of the template is missing.

        Of a repeated parameter the first value counts; none of its repetitions is "unmatched".
        """
        if not self.query:
            return QueryMatch({}, raw)
        wanted = {item.name: item for item in self.query}
        found: dict[str, str] = {}
        unmatched = []
        for pair in raw.split("&"):
            name, _, value = pair.partition("=")
            name = normalise(name)
            if name in wanted:
                found.setdefault(name, value)
            else:
                unmatched.append(pair)
        if not all(_query_matches(item, found) for item in self.query):
            return None
        values = {item.value: found[item.name] for item in self.query if item.is_parameter}
        return QueryMatch(values, "&".join(unmatched))


def _query_matches(item: QueryParameter, found: Mapping[str, str]) -> bool:
    value = found.get(item.name)
    return value is not None and (item.is_parameter or normalise(value) == item.value)


@dataclass(frozen=True, slots=True)
class Insertion:
    """A place in a rewrite template where the value of a parameter goes, escaped for where it stands."""

    name: str
    escapes: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class RewriteTemplate:
    """A parsed rewrite template: literal text and insertions, in order. `query` is None without a "?"."""

    text: str
    path: tuple[str | Insertion, ...]
    query: tuple[str | Insertion, ...] | None
    wildcard: bool

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters, as they are written in the original template if that is known."""
        parts = (*self.path, *(self.query or ()))
        return tuple(part.name for part in parts if isinstance(part, Insertion))

    def expand(self, values: Mapping[str, str], unmatched_query: str = "", remainder: str = "") -> str:
        """The path and query to ask the back end for, below its web service URL.

        `values` are raw, by the names of the original template; `unmatched_query` is the raw query to append
        (empty with copy-unmatched-params="false"); `remainder` is what the wildcard matched, without a slash
        before it. Raises ValueError if a value would make a "." or ".." segment, or "//" at the beginning:
        such a call is answered 400.
        """
        path = _expand(self.path, values) + (remainder if self.wildcard else "")
        if has_dot_segment(path):
            raise ValueError("A value of the call would make a '.' or '..' segment.")
        if path.startswith("//"):
            raise ValueError("A value of the call would make the path begin with two slashes.")
        queries = [_expand(self.query or (), values), unmatched_query]
        query = "&".join(text for text in queries if text)
        return f"{path}?{query}" if query else path


def _expand(parts: tuple[str | Insertion, ...], values: Mapping[str, str]) -> str:
    return "".join(
        part if isinstance(part, str) else values[part.name].translate(part.escapes) for part in parts
    )


def parse_template(text: str) -> Template:
    """Parse an operation's URL template such as "/customers/{cid}/orders?date={date}" or "/files/*".

    A missing "/" at the beginning is added. Raises ValueError saying what is wrong and what to write instead.
    """
    path, query = _split(text, "URL template")
    parts = path[1:].split("/")
    wildcard = parts[-1] == "*"
    if wildcard:
        parts.pop()
    segments = tuple(_segment(part) for part in parts)
    items = tuple(_query_parameter(pair) for pair in query.split("&")) if query is not None else ()
    template = Template(_joined(path, query), segments, wildcard, items)
    _refuse_duplicates(template)
    return template


def _split(text: str, what: str) -> tuple[str, str | None]:
    """Path (with its leading slash) and query of a template, after the checks that both kinds share."""
    if not text.strip():
        raise ValueError(f"Enter the {what}, for example /customers/{{id}}; / is the API's own address.")
    if "#" in text:
        raise ValueError(f"The {what} must not hold '#': a fragment is never sent.")
    path, mark, query = text.partition("?")
    path = path if path.startswith("/") else "/" + path
    if len(_joined(path, query if mark else None)) > MAX_TEMPLATE:
        raise ValueError(f"The {what} is longer than {MAX_TEMPLATE} characters.")
    if "//" in path:
        raise ValueError(f"The {what} must not hold two slashes in a row.")
    _check_braces(text, what)
    _check_characters(path, query, what)
    if "*" in path.removesuffix("/*"):
        raise ValueError(f"In the {what}, * may stand only at the end of the path, after a slash: /files/*.")
    return path, (query if mark else None)


def _joined(path: str, query: str | None) -> str:
    return path if query is None else f"{path}?{query}"


def _check_braces(text: str, what: str) -> None:
    if re.search(r"[{}]", _PARAMETER.sub("", text)):
        raise ValueError(f"The {what} has a '{{' without its '}}' (or the other way round).")
    for name in _PARAMETER.findall(text):
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"'{{{name}}}' in the {what} is not a parameter: "
                "a name may hold letters, digits and _ - . only."
            )


def _check_characters(path: str, query: str, what: str) -> None:
    bare = _PARAMETER.sub("x", path)
    _check_allowed(_PATH, bare, what)
    _check_allowed(_QUERY, _PARAMETER.sub("x", query), what)
    if has_dot_segment(bare):
        raise ValueError(f"The {what} must not hold '.' or '..' segments.")


def _check_allowed(allowed: re.Pattern[str], text: str, what: str) -> None:
    match = allowed.match(text)
    end = match.end() if match else 0
    if end == len(text):
        return
    if text[end] == "%":
        raise ValueError(f"The {what} holds a % that is not followed by two hexadecimal digits.")
    raise ValueError(f"The {what} holds {text[end]!r}, which must be percent-encoded.")


@lru_cache(maxsize=4096)  # few words make up many templates: one object for each
def _segment(text: str) -> Segment:
    match = _PARAMETER.fullmatch(text)
    if match:
        return Segment(match[1], True)
    if "{" in text:
        raise ValueError(
            f"'{text}' in the URL template: a parameter must be a whole segment, with nothing beside it "
            "between the slashes. Write /{name}/, and put it together in the rewrite URL template."
        )
    return Segment(normalise(text), False)


def _query_parameter(pair: str) -> QueryParameter:
    name, equals, value = pair.partition("=")
    if not name or not equals or "{" in name:
        raise ValueError(f"'{pair}' in the query of the URL template: write it as name={{name}}.")
    match = _PARAMETER.fullmatch(value)
    if not match and "{" in value:
        raise ValueError(f"'{pair}' in the query of the URL template: a parameter must be the whole value.")
    return QueryParameter(normalise(name), match[1] if match else normalise(value), bool(match))


def _refuse_duplicates(template: Template) -> None:
    seen: set[str] = set()
    for name in template.parameters:
        if name.lower() in seen:
            raise ValueError(f"The parameter {{{name}}} is in the URL template twice: give one another name.")
        seen.add(name.lower())
    names = [item.name for item in template.query]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"The query parameter '{name}' is in the URL template twice: remove one.")


def parse_rewrite_template(text: str, template: Template | str | None) -> RewriteTemplate:
    """Parse a rewrite URL template such as "Customers('{CustomerID}')" or "/v2/*?api={version}".

    `template` is the operation's own URL template, whose parameters may be used (names match without regard
    to case); None only checks how the text is written. A missing "/" at the beginning is added. Raises
    ValueError saying what is wrong.
    """
    if isinstance(template, str):
        template = parse_template(template)
    path, query = _split(text, "rewrite URL template")
    wildcard = path.endswith("/*")
    if wildcard and template is not None and not template.wildcard:
        raise ValueError("The rewrite URL template ends with /* but the URL template does not.")
    parts = tuple(_insertions(path.removesuffix("*") if wildcard else path, template, in_query=False))
    query_parts = None if query is None else tuple(_insertions(query, template, in_query=True))
    return RewriteTemplate(_joined(path, query), parts, query_parts, wildcard)


def _insertions(text: str, template: Template | None, *, in_query: bool) -> Iterator[str | Insertion]:
    originals = None if template is None else {name.lower(): name for name in template.parameters}
    from_query = {item.value for item in template.query if item.is_parameter} if template else set()
    for place, part in enumerate(_PARAMETER.split(text)):
        if place % 2:
            name = part if originals is None else _original_name(part, originals)
            yield Insertion(name, _escapes(in_query=in_query, from_query=name in from_query))
        elif part:
            yield part


def _original_name(name: str, originals: Mapping[str, str]) -> str:
    if name.lower() not in originals:
        raise ValueError(f"The parameter {{{name}}} of the rewrite URL template is not in the URL template.")
    return originals[name.lower()]


def _escapes(*, in_query: bool, from_query: bool) -> Mapping[int, str]:
    """What must not arrive raw: a value of the path is not a query parameter, and the other way round."""
    if not in_query:
        return _INTO_PATH
    return {ord("#"): "%23", ord("&"): "%26"} if from_query else _INTO_QUERY
