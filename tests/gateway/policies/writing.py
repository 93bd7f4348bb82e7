"""Valid documents in all ways of writing them, beside what they mean (hypothesis)."""

from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from gateway import snapshot
from tests.gateway.policies.texts import ORIGIN

SPACES = ["", "", " ", "\n", "\r\n\t", "    "]
GAPS = [" ", " ", "\n", "\r\n    ", "\t"]
COMMENTS = ["<!---->", "<!-- <base /> -->", "<!--\r\n {{not}} @(x) > \u00e4-->", "<!-- ]]> ' -->"]
PROLOGS = ["", "\ufeff", '<?xml version="1.0" encoding="utf-16"?>\r\n', "<!-- \u00e4 -->"]

# what means itself: no named values, no expressions, nothing that XML cannot hold
PLAIN = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="{@\ufffe\uffff"),
    max_size=8,
)
VALUES = st.lists(PLAIN.map(str.strip), min_size=1, max_size=3)
BODY = st.text(st.sampled_from("ab \t\n\r<>&]'\"\u00e4\U0001f600"), max_size=12)
NAME = st.text("abcXYZ019-!#$%&'*+.^`|~", max_size=8).map("X".__add__)
ACTION = st.sampled_from(["override", "skip", "append"])
ADDRESS = st.ip_addresses(v=4)


class Pen:
    """Writes XML in one of the many ways in which it can be written."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def one_of(self, texts: list[str]) -> str:
        return self._random.choice(texts)

    def attribute(self, name: str, text: str) -> str:
        quote = self.one_of(["'", '"'])
        escaped = self._escaped(text, f"<&{quote}\t\n\r")
        return f"{self.one_of(GAPS)}{name}{self.one_of(SPACES)}={self.one_of(SPACES)}{quote}{escaped}{quote}"

    def text(self, text: str) -> str:
        """A text between tags, with comments in it and partly as CDATA."""
        cut = self._random.randint(0, len(text))
        return "".join(
            self._piece(piece) + self.one_of(["", *COMMENTS]) for piece in (text[:cut], text[cut:])
        )

    def _piece(self, text: str) -> str:
        if "]]>" not in text and "\r" not in text and self._random.random() < 0.5:
            return f"<![CDATA[{text}]]>"
        return self._escaped(text, "<&>\r")

    def _escaped(self, text: str, must: str) -> str:
        return "".join(self._reference(each) if self._escapes(each, must) else each for each in text)

    def _escapes(self, character: str, must: str) -> bool:
        return character in must or (not character.isalnum() and self._random.random() < 0.2)

    def _reference(self, character: str) -> str:
        return self.one_of([f"&#{ord(character)};", f"&#x{ord(character):x};"])

    def element(self, name: str, attributes: dict[str, str], inside: str = "") -> str:
        names = self._random.sample(list(attributes), len(attributes))
        tag = (
            f"<{name}"
            + "".join(self.attribute(each, attributes[each]) for each in names)
            + self.one_of(SPACES)
        )
        if not inside and self._random.random() < 0.5:
            return f"{tag}/>"
        return f"{tag}>{inside}</{name}{self.one_of(SPACES)}>"

    def around(self, *elements: str) -> str:
        """Elements with white space and comments around them."""
        between = [self.one_of([*SPACES, *COMMENTS]) + self.one_of(SPACES) for _ in range(len(elements) + 1)]
        return between[0] + "".join(map("".join, zip(elements, between[1:], strict=True)))

    def values(self, texts: list[str]) -> str:
        spaced = [f"{self.one_of(SPACES)}{self.text(text)}{self.one_of(SPACES)}" for text in texts]
        return self.around(*(self.element("value", {}, text) for text in spaced))


@dataclass(frozen=True)
class Written:
    """The text of a statement, what it means, and the sections that it may stand in."""

    xml: str
    means: Any
    sections: tuple[str, ...] = ("inbound",)


def set_header(pen: Pen, draw: st.DrawFn) -> Written:
    name, action = draw(NAME), draw(ACTION | st.just("delete"))
    texts = [] if action == "delete" else draw(VALUES)
    attributes = {"name": name} | ({} if action == "override" else {"exists-action": action})
    means = snapshot.SetHeader(name, action, tuple(texts), ORIGIN)
    xml = pen.element("set-header", attributes, pen.values(texts))
    return Written(xml, means, ("inbound", "backend", "outbound"))


def set_query_parameter(pen: Pen, draw: st.DrawFn) -> Written:
    name, action, texts = draw(PLAIN.map("n".__add__)), draw(ACTION), draw(VALUES)
    attributes = {"name": name, "exists-action": action}
    means = snapshot.SetQueryParameter(name, action, tuple(texts), ORIGIN)
    return Written(
        pen.element("set-query-parameter", attributes, pen.values(texts)), means, ("inbound", "backend")
    )


def check_header(pen: Pen, draw: st.DrawFn) -> Written:
    name, status, message, ignores = draw(NAME), draw(st.integers(400, 599)), draw(PLAIN), draw(st.booleans())
    texts = draw(VALUES)
    attributes = {
        "name": name,
        "failed-check-httpcode": str(status),
        "failed-check-error-message": message,
        "ignore-case": str(ignores).lower(),
    }
    means = snapshot.CheckHeader(name, status, message, ignores, tuple(texts), ORIGIN)
    return Written(pen.element("check-header", attributes, pen.values(texts)), means)


def ip_filter(pen: Pen, draw: st.DrawFn) -> Written:
    action = draw(st.sampled_from(["allow", "forbid"]))
    single = draw(st.lists(ADDRESS, min_size=1, max_size=2))
    ranges = [sorted(ends) for ends in draw(st.lists(st.tuples(ADDRESS, ADDRESS), max_size=2))]
    inside = [
        *(pen.element("address", {}, f"{pen.one_of(SPACES)}{each}{pen.one_of(SPACES)}") for each in single),
        *(pen.element("address-range", {"from": str(low), "to": str(high)}) for low, high in ranges),
    ]
    means = snapshot.IpFilter(
        action,
        tuple(f"{each}/32" for each in single),
        tuple((str(low), str(high)) for low, high in ranges),
        ORIGIN,
    )
    return Written(pen.element("ip-filter", {"action": action}, pen.around(*inside)), means)


def return_response(pen: Pen, draw: st.DrawFn) -> Written:
    status, reason, body = draw(st.integers(200, 599)), draw(PLAIN), draw(BODY)
    header = set_header(pen, draw)
    inside = [
        pen.element("set-body", {}, pen.text(body)),
        pen.element("set-status", {"code": str(status), "reason": reason}),
        header.xml,
    ]
    means = snapshot.ReturnResponse(status, reason, (header.means,), body, ORIGIN)
    return Written(pen.element("return-response", {}, pen.around(*inside)), means, header.sections)


def set_backend_service(pen: Pen, draw: st.DrawFn) -> Written:
    url = draw(st.sampled_from(["https://a.example.com", "http://10.0.0.1:81/a%20b/", "https://[::2]/x"]))
    xml = pen.element("set-backend-service", {"base-url": url})
    return Written(xml, snapshot.SetBackendService(url, ORIGIN), ("inbound", "backend"))


def authentication_certificate(pen: Pen, draw: st.DrawFn) -> Written:
    name = draw(PLAIN.map(lambda text: f"a{text}b"))
    xml = pen.element("authentication-certificate", {"certificate-id": name})
    return Written(xml, snapshot.AuthenticationCertificate(name, ORIGIN))


def return_with_named_values(pen: Pen) -> Written:
    """A statement with named values in its children, which it means in order: each name and its element."""
    value = pen.element("value", {}, pen.text("a{{two}}b"))
    inside = [
        pen.element("set-status", {"code": "{{zero}}"}),
        pen.element("set-header", {"name": "X-{{one}}"}, pen.around(value)),
        pen.element("set-body", {}, pen.text("{{two}} {{ three }}{{two}}")),
    ]
    names = [("zero", "set-status"), ("one", "set-header"), ("two", "value")]
    means = [*names, ("two", "set-body"), ("three", "set-body")]
    return Written(pen.element("return-response", {}, pen.around(*inside)), means)


_KINDS = (
    set_header,
    set_query_parameter,
    check_header,
    ip_filter,
    return_response,
    set_backend_service,
    authentication_certificate,
)
SEEDS = st.integers(0, 2**32)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[str, list[Any]]]:
    """A valid document, and what its sections mean."""
    pen = Pen(draw(SEEDS))
    written = [draw(st.sampled_from(_KINDS))(pen, draw) for _ in range(draw(st.integers(0, 4)))]
    meaning: dict[str, list[Any]] = {}
    parts = []
    for section in draw(st.permutations(["inbound", "backend", "outbound"])):
        statements = [one for one in written if section in one.sections]
        meaning[section] = [one.means for one in statements]
        parts.append(pen.element(section, {}, pen.around(*(one.xml for one in statements))))
    root = pen.element("policies", {}, pen.around(*parts))
    return f"{pen.one_of(PROLOGS)}{root}{pen.one_of(SPACES)}", meaning
