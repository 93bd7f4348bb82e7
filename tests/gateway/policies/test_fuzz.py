"""Whatever a document is made into, it is read or refused in words, and quickly."""

import re
import time
from contextlib import suppress
from random import Random

import pytest

from gateway.policies.effective import composed_text, resolve
from gateway.policies.elements import MAX_BYTES, read_xml
from gateway.policies.faults import PolicyErrors
from gateway.policies.parser import Document, parse
from gateway.policies.references import references_of
from gateway.policies.splice import certificate_statement, set_authentication, set_rewrite
from tests.gateway.policies.texts import GLOBAL_DOCUMENT, NAMED

SLOW = 0.1  # seconds of processor time

RICH = """<?xml version="1.0"?>
<!-- Partner Bank -->
<policies>
    <inbound>
        <base />
        <ip-filter action="allow"><address>10.0.0.0/8</address>
            <address-range from="2001:db8::1" to="2001:db8::ff" /></ip-filter>
        <check-header name="X-Key" failed-check-httpcode="401" failed-check-error-message="No" ignore-case="true">
            <value>{{secret}}</value>
        </check-header>
        <set-header name="X-Tenant" exists-action="append"><value>a &amp; b</value><value/></set-header>
        <set-query-parameter name="v"><value>{{plain}}</value></set-query-parameter>
        <rewrite-uri template="/a/{id}?b=c" copy-unmatched-params="false" />
        <set-backend-service base-url="https://{{plain}}.example.com/a" />
        <authentication-basic username="alice" password="{{ secret }}" />
        <authentication-certificate thumbprint="CA06F56B258B7A0D4F2B05470939478651151984" />
    </inbound>
    <backend><forward-request timeout="30" follow-redirects='false'></forward-request></backend>
    <outbound>
        <return-response>
            <set-status code="418" reason="No coffee" />
            <set-header name="Content-Type"><value>text/plain</value></set-header>
            <set-body><![CDATA[<p>{{plain}}</p>]]> &lt;\U0001f600</set-body>
        </return-response>
    </outbound>
    <on-error><base /></on-error>
</policies>
"""
CORPUS = (RICH, GLOBAL_DOCUMENT, "<policies/>", RICH.replace("\n", "\r\n"))
FRAGMENTS = (
    "<", ">", "</", "/>", "<!--", "-->", "<![CDATA[", "]]>", "&", "&amp;", "&#0;", "&#x10ffff;", "&x;", "<?", "?>",
    "<!DOCTYPE", '"', "'", "=", "{{", "}}", "{{a}}", "@(", "@{", "(", ")", "<policies>", "</policies>", "<inbound>",
    "</inbound>", "<base/>", "<value>", "</value>", "<set-body>", "</set-body>", "<choose>", "<x:y>", ' xmlns=""',
    ' name=""', ' exists-action="delete"', ' action="{{plain}}"', "\u00e4", "\U0001f600", "\ufeff", "\ud800",
    "\x00", "\x85", "\u2028", "\r", "\t",
)  # fmt: skip

TEXTS = (
    "", "delete", "true", "{{plain}}", "{{ secret }}", "{{lines}}", "{{gone}}", "@(a)", "Host", "Content-Length",
    "X_Y", "10.0.0.1/8", "10.0.0.0/8", "::ffff:1.2.3.4", "::1", "204", "86401", "/{id}", "/{x}/*", "https://[::2]/",
    "a:b", "http://u:p@h", "\u00e4" * 400, "x" * 3_000, "&#10;", "&lt;", " ", "{{", "{{{{plain}}}}",
)  # fmt: skip
ATTRIBUTE = re.compile(r"""=\s*("[^"]*"|'[^']*')""")


class Mutation:
    """Documents made from those of the corpus by chance, the same ones every time."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def document(self) -> str:
        xml = self._random.choice(CORPUS)
        for _ in range(self._random.randint(1, 5)):
            if self._random.random() < 0.15:
                xml = self._random.choice((self._cut, self._insert, self._move, self._swap, self._double))(
                    xml
                )
            else:
                xml = self._rebuilt(xml)
        if self._random.random() < 0.001:
            xml = self._grown(xml)
        return xml

    def _rebuilt(self, xml: str) -> str:
        """A document whose elements are others, or elsewhere; still well-formed if it was."""
        try:
            root, *inner = read_xml(xml).walk()
        except PolicyErrors:
            return xml
        one, other = self._random.choice(inner or [root]), self._random.choice(inner or [root])
        source, start = xml[one.start : one.end], self._random.choice((other.start, other.content_start))
        match self._random.randrange(6):
            case 0:
                return xml[: one.start] + xml[one.end :]
            case 1:
                return xml[:start] + source + xml[start:]
            case 2:
                return xml[: one.start] + source * self._random.choice((2, 3, 30)) + xml[one.end :]
            case 3:
                source = re.sub(rf"(?<=[</]){re.escape(one.name)}(?=[\s/>])", other.name, source)
            case 4:
                source = ATTRIBUTE.sub(self._attribute, source)
            case _ if not one.self_closed:
                text = self._random.choice(TEXTS)
                return xml[: one.content_start] + text + xml[one.content_end :]
        return xml[: one.start] + source + xml[one.end :]

    def _attribute(self, match: re.Match[str]) -> str:
        return f'="{self._random.choice(TEXTS)}"' if self._random.random() < 0.3 else match[0]

    def _span(self, xml: str) -> tuple[int, int]:
        start = self._random.randint(0, len(xml))
        return start, min(len(xml), start + int(self._random.expovariate(1 / 20)))

    def _cut(self, xml: str) -> str:
        start, end = self._span(xml)
        return xml[:start] + xml[end:]

    def _insert(self, xml: str) -> str:
        start, _ = self._span(xml)
        return xml[:start] + self._random.choice(FRAGMENTS) + xml[start:]

    def _move(self, xml: str) -> str:
        start, end = self._span(xml)
        to, _ = self._span(xml)
        return xml[:to] + xml[start:end] + xml[to:]

    def _swap(self, xml: str) -> str:
        """One word in place of another."""
        words = xml.replace("<", " ").replace('"', " ").split() or [""]
        return xml.replace(
            self._random.choice(words), self._random.choice(words), self._random.choice((1, -1))
        )

    def _double(self, xml: str) -> str:
        """A line twice."""
        lines = xml.splitlines(keepends=True)
        place = self._random.randint(0, len(lines))
        return "".join([*lines[:place], *lines[max(0, place - 1) : place], *lines[place:]])

    def _grown(self, xml: str) -> str:
        """A span as often as a document has room for it, or as a number of times that is nearer to some limit."""
        start, end = self._span(xml)
        times = min(self._random.choice((201, 301, 5_001, MAX_BYTES)), MAX_BYTES // max(1, end - start))
        return xml[:start] + xml[start:end] * times + xml[end:]


def read(xml: str) -> Document | None:
    """A document, unless it is refused; within the time that is allowed for it. A second look decides."""
    for last in (False, True):
        began = time.process_time()
        try:
            document = parse(xml, "operation", "/{id}")
        except PolicyErrors:
            document = None
        took = time.process_time() - began
        if took < SLOW:
            return document
        assert not last, f"{took:.3f} s for {len(xml)} characters: {xml[:2000]}"
    return None


def use(document: Document) -> None:
    """Everything that is done with a document that was read."""
    references_of(document, NAMED.__getitem__)
    composed_text((None, None, document))
    with suppress(PolicyErrors):
        resolve(None, None, document, lambda id_, thumbprint: "key", NAMED.__getitem__)
    changed = set_authentication(set_rewrite(document.xml, "/v2"), certificate_statement("bank"))
    assert parse(changed, "operation")


@pytest.mark.parametrize("count", [800, pytest.param(100_000, marks=pytest.mark.long)])
def test_a_mutated_document_is_read_or_refused_quickly(count: int) -> None:
    mutation = Mutation(count)
    valid = 0
    for _ in range(count):
        document = read(mutation.document())
        if document is not None:
            valid += 1
            use(document)
    assert count / 100 < valid < count  # else there would be little to see
