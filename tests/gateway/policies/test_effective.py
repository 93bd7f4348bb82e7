"""The composition of scopes, as the original documents it."""

import pytest

from gateway.policies.documents import NEW_DOCUMENT
from gateway.policies.effective import Sections, compose, composed_text, resolve
from gateway.policies.faults import PolicyErrors, Unresolved
from gateway.policies.parser import Document, parse
from gateway.policies.references import references_of
from gateway.snapshot import (
    AuthenticationBasic,
    AuthenticationCertificate,
    ForwardRequest,
    Origin,
    RewriteUri,
    Secret,
)
from tests.gateway.policies.texts import GLOBAL_DOCUMENT

NAMED = {"password": Secret(b"hunter2"), "user": "alice", "seconds": "30", "colon": "a:b", "path": "/v2"}
CERTIFICATES = {("bank", None): "key-1", (None, "CA06"): "key-2"}
NEW = parse(NEW_DOCUMENT, "api")
GLOBAL = parse(GLOBAL_DOCUMENT, "global")


def certificate(certificate_id: str | None, thumbprint: str | None) -> str:
    return CERTIFICATES[certificate_id, thumbprint]


def named_value(name: str) -> str | Secret:
    return NAMED[name]


def effective(
    global_: Document | None, api: Document | None = None, operation: Document | None = None
) -> Sections:
    return resolve(global_, api, operation, certificate, named_value)


def document(scope: str, inbound: str = "<base />", rest: str = "") -> Document:
    return parse(f"<policies>\n<inbound>{inbound}</inbound>{rest}</policies>", scope)


def by_id(scope: str, base: str = "<base />") -> Document:
    return document(scope, base + '<authentication-certificate certificate-id="bank" />')


def presented(scope: str, key: str = "key-1", line: int = 2) -> AuthenticationCertificate:
    return AuthenticationCertificate(key, Origin(scope, line))


def test_base_stands_for_what_the_broader_scopes_gave_at_its_place() -> None:
    api = document("api", '<rewrite-uri template="/a" /><base /><rewrite-uri template="/b" />')
    first, second, third = effective(by_id("global"), api).inbound
    assert second == presented("global")
    assert [first, third] == [RewriteUri(path, True, Origin("api", 2)) for path in ("/a", "/b")]


def test_a_section_without_base_drops_its_parent() -> None:
    assert effective(by_id("global"), document("api", "")).inbound == ()


def test_a_scope_without_a_document_inherits() -> None:
    assert effective(GLOBAL).backend == effective(GLOBAL, None, document("operation")).backend
    assert effective(by_id("global"), None, document("operation")).inbound == (presented("global"),)


def test_a_section_that_a_document_does_not_have_is_inherited() -> None:
    assert effective(GLOBAL, document("api")).backend == (ForwardRequest(None, Origin("global", 11)),)


def test_an_empty_backend_section_forwards_nothing() -> None:
    assert effective(GLOBAL, document("api", rest="<backend />")).backend == ()


def test_base_at_global_scope_stands_for_nothing() -> None:
    assert effective(document("global")).inbound == ()


def test_no_documents_at_all_give_an_empty_policy() -> None:
    assert effective(None) == Sections((), (), ())


def test_of_several_forward_requests_the_narrowest_scopes_counts_wherever_it_stands() -> None:
    own = '<backend><forward-request timeout="5" /><base /></backend>'
    assert effective(GLOBAL, document("api", rest=own), None).backend == (
        ForwardRequest(5, Origin("api", 2)),
    )


def test_composing_tells_the_origin_of_each_statement() -> None:
    composed = compose((by_id("global"), by_id("api")), "inbound")
    assert [item.scope for item in composed] == ["global", "api"]


def test_a_thumbprint_is_looked_up_normalised() -> None:
    api = document("api", '<authentication-certificate thumbprint="\u200eca:06 " />')
    assert effective(None, api).inbound == (presented("api", "key-2"),)


def test_named_values_are_replaced_and_a_password_stays_secret() -> None:
    api = document(
        "api",
        '<authentication-basic username="{{user}}" password="{{ password }}" />',
        '<backend><forward-request timeout="{{seconds}}" /></backend>',
    )
    found = effective(None, api)
    assert found.inbound == (AuthenticationBasic("alice", Secret(b"hunter2"), Origin("api", 2)),)
    assert found.backend == (ForwardRequest(30, Origin("api", 2)),)
    assert "hunter2" not in repr(found)


def test_rewriting_carries_its_template_and_whether_the_rest_of_the_query_goes_along() -> None:
    operation = document(
        "operation", '<rewrite-uri template="{{path}}/{id}" copy-unmatched-params="false" />'
    )
    assert effective(None, None, operation).inbound == (
        RewriteUri("/v2/{id}", False, Origin("operation", 2)),
    )


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            '<authentication-certificate certificate-id="gone" />',
            "Error in element 'authentication-certificate' on line 2, column 11: "
            "Certificate with id 'gone' could not be resolved.",
        ),
        (
            '<authentication-certificate thumbprint="4x:xx" />',
            "Certificate with thumbprint '4x:xx' could not be resolved.",
        ),
        (
            '<authentication-basic username="a" password="{{gone}}" />',
            "Named value 'gone' could not be resolved.",
        ),
        ('<authentication-basic username="{{password}}" password="{{password}}" />', "is secret"),
        ('<authentication-basic username="{{colon}}" password="{{password}}" />', "colon"),
        ('<rewrite-uri template="{{user}} {{user}}" />', "percent-encoded"),
        ('<rewrite-uri template="/a" copy-unmatched-params="{{user}}" />', "'true' or 'false'"),
    ],
)
def test_what_cannot_be_resolved_is_an_error_that_says_where(statement: str, message: str) -> None:
    with pytest.raises(Unresolved) as refused:
        effective(GLOBAL, document("api", statement))
    assert message in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert isinstance(refused.value, LookupError)
    assert isinstance(refused.value, PolicyErrors)


def test_everything_that_cannot_be_resolved_is_reported_at_once() -> None:
    api = document(
        "api",
        '<authentication-certificate certificate-id="x" /><authentication-certificate thumbprint="y" />',
    )
    with pytest.raises(Unresolved) as refused:
        effective(document("global", '<authentication-certificate thumbprint="z" />'), api, NEW)
    assert len(refused.value.faults) == 2


def lines_of(*documents: Document | None) -> list[tuple[str, str, int]]:
    return [(line.text, line.scope, line.line) for line in composed_text(documents)]


def test_an_effective_policy_is_shown_as_one_document_with_where_each_line_was_written() -> None:
    header = '<set-header name="A"><!-- why -->\r\n\t\t\t<value>a</value>\r\n\t\t</set-header>'
    api = parse(
        f"<policies>\r\n\t<!-- x -->\r\n\t<inbound>\r\n\t\t<base />\r\n\t\t{header}\r\n\t</inbound>\r\n</policies>",
        "api",
    )
    operation = document("operation", '<rewrite-uri template="/a" /><base />')
    assert lines_of(GLOBAL, api, operation) == [
        ("<policies>", "", 0),
        ("    <inbound>", "", 0),
        ('        <rewrite-uri template="/a" />', "operation", 2),
        ('        <set-header name="A"><!-- why -->', "api", 5),
        ("        \t<value>a</value>", "api", 6),
        ("        </set-header>", "api", 7),
        ("    </inbound>", "", 0),
        ("    <backend>", "", 0),
        ("        <forward-request />", "global", 11),
        ("    </backend>", "", 0),
        ("    <outbound />", "", 0),
        ("    <on-error />", "", 0),
        ("</policies>", "", 0),
    ]


def test_of_several_forward_requests_only_the_one_that_counts_is_shown() -> None:
    own = document("api", rest='<backend><forward-request timeout="5" /><base /></backend>')
    shown = [line for line in lines_of(GLOBAL, own) if "forward-request" in line[0]]
    assert shown == [('        <forward-request timeout="5" />', "api", 2)]


@pytest.mark.parametrize("body", ["{\n  1\n}", "\n  \n", "<![CDATA[\n  a]]>\n"])
def test_the_lines_of_a_body_are_shown_with_the_white_space_that_is_sent(body: str) -> None:
    answer = f"<return-response>\n  <set-body>{body}</set-body>\n  </return-response>"
    api = parse(f"<policies>\n<inbound>\n  {answer}</inbound></policies>", "api")
    text = "\n".join(line[0] for line in lines_of(None, api))
    assert body in text
    assert "\n        <set-body>" in text
    assert "\n        </return-response>" in text


def test_a_scope_without_a_document_shows_nothing_of_its_own() -> None:
    assert lines_of(None, None) == [
        ("<policies>", "", 0),
        *((f"    <{section} />", "", 0) for section in ("inbound", "backend", "outbound", "on-error")),
        ("</policies>", "", 0),
    ]


@pytest.mark.parametrize(
    ("inside", "element"),
    [
        (
            '<return-response>\n<set-header name="A"><value/></set-header>\n{}\n</return-response>',
            "set-header",
        ),
        ('<ip-filter action="allow">\n<address>10.0.0.1</address>\n{}\n</ip-filter>', "address-range"),
    ],
)
def test_what_is_wrong_with_several_texts_together_is_told_at_the_element_that_they_stand_in(
    inside: str, element: str
) -> None:
    faulty = {
        "set-header": '<set-header name="{{host}}"><value>a</value></set-header>',
        "address-range": '<address-range from="10.0.0.1" to="{{low}}" />',
    }
    api = document("api", f"\n{inside.format(faulty[element])}")
    values = {"host": "Host", "low": "10.0.0.0"}
    with pytest.raises(Unresolved) as refused:
        resolve(None, api, None, certificate, values.__getitem__)
    (fault,) = refused.value.faults
    assert (fault.element, fault.line, fault.column) == (element, 5, 2)


def test_a_name_that_nothing_has_is_not_repeated_at_full_length() -> None:
    for name in ("certificate-id", "thumbprint"):
        api = document("api", f'<authentication-certificate {name}="{"{{long}}" * 60}" />')
        with pytest.raises(Unresolved) as refused:
            resolve(None, api, None, certificate, lambda _: "X" * 4_000)
        assert len(str(refused.value)) < 400
        (fault,) = [each.fault() for each in references_of(api, lambda _: "X" * 4_000) if each.kind == name]
        assert len(str(fault)) < 400


def test_what_a_named_value_makes_wrong_is_told_at_the_element_that_it_stands_in() -> None:
    header = '<set-header name="A">\n<value>b</value>\n<value>\n{{password}}</value></set-header>'
    answer = f"<return-response>\n{header}\n<set-body>{{{{user}}}}</set-body></return-response>"
    with pytest.raises(Unresolved) as refused:
        effective(None, document("api", answer + '\n<rewrite-uri template="/{{colon}} " />'))
    assert [str(fault).partition(": ")[0] for fault in refused.value.faults] == [
        "Error in element 'value' on line 5, column 2",
        "Error in element 'rewrite-uri' on line 8, column 2",
    ]
