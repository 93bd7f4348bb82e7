"""What happens to a call: what a gateway would do with it, on the pages of APIs and operations."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gateway.changes.named_values import create_named_value
from gateway.changes.policies import save_policy
from gateway.changes.security import BasicCredentials, Trust
from gateway.models import Api, Operation, PolicyDocument
from gateway.models.base import with_id
from tests.arrange import fill_with_apis, update_directly
from tests.builders import (
    ALICE,
    choose,
    make_api,
    make_ca_certificate,
    make_certificate,
    make_operation,
    make_subscription,
)
from tests.portal.reading import errors_beside, link, text_of

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
URL = "/apis/partner-bank/call/"


def ask(client: Client, url: str = URL, **call: str) -> Any:
    response = client.get(url, call)
    assert response.status_code == 200
    return response


def write(scope: Api | Operation | None, inbound: str = "", outbound: str = "") -> None:
    backend = "<forward-request />" if scope is None else "<base />"
    sections = f"<inbound><base />{inbound}</inbound>\n<backend>{backend}</backend>\n"
    save_policy(ALICE, scope, f"<policies>\n{sections}<outbound><base />{outbound}</outbound>\n</policies>")


def test_the_page_begins_with_the_operations_template_filled_in(reader_client: Client) -> None:
    operation = make_operation(make_api(), "/accounts/{id}/parts?kind={kind}")
    page = ask(reader_client, f"/apis/partner-bank/operations/{operation.resource_id}/call/")
    text = text_of(page)
    assert 'value="/accounts/1/parts?kind=1"' in page.content.decode()
    assert "is forwarded to https://bank.example/accounts/1/parts?kind=1 ." in text
    for words in ("Matched GET /accounts/{id}/parts?kind={kind}", "{id} 1", "{kind} 1"):
        assert words in text


def test_a_call_is_followed_from_the_operation_to_the_back_end(reader_client: Client) -> None:
    api, certificate = make_api(), make_certificate("partner-bank", not_after=NOW + timedelta(days=9))
    choose(api, certificate)
    operation = make_operation(api, rewrite_template="/v2/{id}")
    write(None, '<set-header name="X-From"><value>gateway</value></set-header>')
    page = ask(reader_client, target="/accounts/17?page=2", headers="Accept: text/plain")
    text = text_of(page)
    for words in (
        "GET /partner-bank/accounts/17?page=2 is forwarded to https://bank.example/v2/17?page=2 .",
        "x-from: gateway", "accept: text/plain", "host: bank.example",
        "Client certificate partner-bank expires in 8 days CN=partner-bank",
        "Certificate chain Validated", "Name Must be bank.example", "Trusted CAs Public CAs",
        "10 s until a connection is made (the gateway's setting)",
    ):  # fmt: skip
        assert words in text, words
    assert certificate.current.thumbprint[-4:] in text
    assert (
        f'<a href="/security/client-certificates/{certificate.pk}/">partner-bank</a>' in page.content.decode()
    )
    statements = ["set-header", "authentication-certificate", "rewrite-uri", "forward-request"]
    assert [text.index(f" {name} ") for name in statements] == sorted(
        text.index(f" {name} ") for name in statements
    )
    assert link(page, "Operation, line 4") == (
        f"/policies/apis/partner-bank/operations/{operation.resource_id}/#line-4"
    )
    assert "/policies/#line-2" in {
        step.url for section in page.context["told"].request for step in section.steps
    }


def test_a_call_that_no_operation_matches_is_shown_what_there_is(reader_client: Client) -> None:
    api = make_api()
    make_operation(api, "/accounts/{id}", method="POST")
    make_operation(api, "/other")
    page = ask(reader_client, method="GET", target="/accounts/1")
    text = text_of(page)
    assert "is refused with 404 not-found : Resource not found" in text
    assert "POST /accounts/{id} matches the path, with another verb" in text
    assert link(page, "Operations of this API") == "/apis/partner-bank/operations/"


def test_an_api_without_operations_is_explained_too(reader_client: Client) -> None:
    make_api()
    assert "is refused with 404" in text_of(ask(reader_client))


def test_the_subscription_rule_is_told_and_leads_to_the_subscriptions(reader_client: Client) -> None:
    api = make_api(all_operations=True)
    make_subscription("Mobile app", api)
    text = text_of(ask(reader_client))
    assert "A subscription key is needed" in text
    assert "1 active subscription" in text
    update_directly(Api, api.key, subscription_required=False)
    assert "No subscription key is needed." in text_of(ask(reader_client))


def test_a_statement_that_refuses_the_call_ends_it(reader_client: Client) -> None:
    api = make_api(all_operations=True)
    write(
        api,
        '<ip-filter action="allow"><address>192.0.2.0/24</address></ip-filter>\n'
        '<set-header name="X-Late"><value>late</value></set-header>',
    )
    refused = ask(reader_client, address="198.51.100.1")
    text = text_of(refused)
    assert "is refused with 403 ip-forbidden" in text
    assert "198.51.100.1 is refused. The call ends here." in text
    assert link(refused, "Look at the statement: API, line 2") == "/policies/apis/partner-bank/#line-2"
    assert "Not reached." in text
    assert "x-late" not in text
    assert link(refused, "API, line 2") == "/policies/apis/partner-bank/#line-2"
    assert "x-late: late" in text_of(ask(reader_client, address="192.0.2.1"))


def test_an_answer_of_the_policy_is_shown(reader_client: Client) -> None:
    api = make_api(all_operations=True)
    write(
        api, '<return-response><set-status code="410" /><set-body>&lt;gone&gt;</set-body></return-response>'
    )
    page = ask(reader_client)
    text = text_of(page)
    assert "is answered 410 by the gateway . The back end is not asked." in text
    assert "&lt;gone&gt;" in page.content.decode()
    assert "What the back end gets" not in text


def test_what_the_gateway_says_before_any_policy_is_shown(reader_client: Client) -> None:
    make_api(all_operations=True)
    page = ask(reader_client, method="GET", headers="X_Role: admin")
    assert "is refused with 400 field-name-underscore : The field name 'x_role' holds" in text_of(page)
    page = ask(reader_client, method="OPTIONS", headers="Max-Forwards: 0")
    words = (
        "is answered 200 by the gateway . The back end is not asked. Max-Forwards is 0: it goes no further"
    )
    assert words in text_of(page)
    page = ask(reader_client, headers="Cookie: portal_session=1; a=2")
    assert "cookie: a=2" in text_of(page)


def test_a_policy_without_forward_request_is_said_to_forward_nothing(reader_client: Client) -> None:
    api = make_api(all_operations=True)
    save_policy(ALICE, api, "<policies><backend /></policies>")
    page = ask(reader_client)
    words = "is answered 200 by the gateway . The back end is not asked: no forward-request is in the policy."
    assert words in text_of(page)
    assert "/policies/apis/partner-bank/operations/" in link(page, "Look at the policy")
    assert link(page, "Look at the policy").endswith("?effective")


@pytest.mark.parametrize("faulty", ["API", "operation"])
def test_a_call_that_a_faulty_policy_refuses_leads_to_that_policy(reader_client: Client, faulty: str) -> None:
    api = make_api()
    operation = make_operation(api)
    write(api)
    write(operation)
    rows = PolicyDocument.objects.filter(api=api if faulty == "API" else None)
    document = rows.get(operation=None if faulty == "API" else operation)
    certificate = '<authentication-certificate certificate-id="gone" />'
    update_directly(
        PolicyDocument, document.key, xml=document.xml.replace("<base />", f"<base />{certificate}", 1)
    )
    page = ask(reader_client)
    assert "is refused with 500 policy-unusable" in text_of(page)
    of_api = "/policies/apis/partner-bank/"
    expected = of_api if faulty == "API" else f"{of_api}operations/{operation.resource_id}/"
    assert link(page, "Look at the policy") == expected


def test_outbound_statements_come_behind_the_back_end(reader_client: Client) -> None:
    write(make_api(all_operations=True), outbound='<set-header name="X-Powered-By" exists-action="delete" />')
    text = text_of(ask(reader_client))
    assert text.index("What the back end gets") < text.index("X-Powered-By")


def test_secrets_are_not_shown(administrator_client: Client) -> None:
    api = make_api(all_operations=True)
    create_named_value(ALICE, name="partner-key", value="hunter3", secret=True, tags=())
    choose(api, BasicCredentials("alice", "hunter2"))
    operation = with_id(Operation.objects.all(), "get-anything").get()
    write(operation, '<set-header name="X-Api-Key"><value>{{partner-key}}</value></set-header>')
    page = ask(administrator_client).content.decode()
    assert "x-api-key: (secret)" in page
    assert "authorization: (secret)" in page
    for secret in ("hunter2", "hunter3", "YWxpY2U6aHVudGVyMg=="):
        assert secret not in page


@pytest.mark.parametrize(
    ("trust", "words"),
    [
        (Trust(validate_chain=False), "Its certificate chain is not validated"),
        (Trust(validate_name=False), "The name in its certificate is not validated"),
        (Trust(public_cas=False), "No CA is trusted, so the call fails"),
    ],
)
def test_verification_that_is_off_is_a_warning(reader_client: Client, trust: Trust, words: str) -> None:
    api = make_api(all_operations=True)
    assert words not in text_of(ask(reader_client))
    choose(api, make_certificate(), trust)
    page = ask(reader_client)
    assert words in text_of(page)
    assert link(page, "Change back end trust") == "/apis/partner-bank/security/"


def test_the_cas_that_the_api_trusts_are_named(reader_client: Client) -> None:
    ca = make_ca_certificate("Bank CA", name="bank-ca")
    choose(make_api(all_operations=True), make_certificate(), Trust(ca_certificates=(ca.key,)))
    page = ask(reader_client)
    assert "Trusted CAs Public CAs, bank-ca" in text_of(page)
    assert link(page, "bank-ca") == f"/security/ca-certificates/{ca.pk}/"


def test_a_back_end_without_tls_is_a_warning(reader_client: Client) -> None:
    make_api(all_operations=True, web_service_url="http://bank.example")
    page = ask(reader_client)
    assert "Not at all: the gateway calls it without TLS." in text_of(page)
    assert link(page, "Change the web service URL in Settings") == (
        "/apis/partner-bank/settings/#id_web_service_url"
    )


def test_a_certificate_over_http_is_refused_with_the_setting_that_mends_it(reader_client: Client) -> None:
    api = make_api(all_operations=True)
    choose(api, make_certificate())
    update_directly(Api, api.key, web_service_url="http://bank.example")
    page = ask(reader_client)
    assert "is refused with 500 client-certificate-needs-https" in text_of(page)
    assert link(page, "Change the web service URL in Settings") == (
        "/apis/partner-bank/settings/#id_web_service_url"
    )


def test_an_expired_certificate_is_told_and_where_calls_are_refused_the_setting_too(
    reader_client: Client,
) -> None:
    expired = datetime(2020, 1, 2, tzinfo=UTC)
    api, certificate = make_api(all_operations=True), make_certificate("partner-bank", not_after=expired)
    choose(api, certificate)
    text = text_of(ask(reader_client))
    assert "it expired on 2020-01-02 at 00:00 UTC: the back end decides whether it takes that" in text
    choose(api, certificate, Trust(refuse_expired=True))
    page = ask(reader_client)
    assert "refused with 502 client-certificate-expired-not-forwarded" in text_of(page)
    assert link(page, "Change it on the Security tab") == "/apis/partner-bank/security/#id_refuse_expired"


def test_a_back_end_that_a_policy_chose_is_changed_there(reader_client: Client) -> None:
    api = make_api(all_operations=True)
    elsewhere = '<set-backend-service base-url="http://bank.example/x" />'
    write(api, elsewhere)
    assert link(ask(reader_client), "Change the base URL") == "/policies/apis/partner-bank/#line-2"
    make_certificate("client")
    write(api, f'<authentication-certificate certificate-id="client" />{elsewhere}')
    page = ask(reader_client)
    assert "is refused with 500 client-certificate-needs-https" in text_of(page)
    assert "Change the web service URL" not in text_of(page)
    assert link(page, "Look at the policy").endswith("?effective")


def test_a_call_that_another_api_gets_leads_there(reader_client: Client) -> None:
    make_api(all_operations=True)
    make_api("Partner Bank 2", suffix="partner-bank/v2", all_operations=True)
    page = ask(reader_client, target="/v2/accounts/1")
    assert "This call goes to another API, Partner Bank 2" in text_of(page)
    assert link(page, "What happens to a call of Partner Bank 2") == "/apis/partner-bank-2/call/"
    assert "This call goes to another API" in text_of(ask(reader_client, target="/%76%32/accounts/1"))


def test_a_call_with_an_empty_first_segment_goes_to_no_longer_suffix(reader_client: Client) -> None:
    make_api("Root", suffix="", all_operations=True)
    make_api(all_operations=True)
    page = ask(reader_client, "/apis/root/call/", target="//partner-bank/x")
    assert "is forwarded to https://bank.example//partner-bank/x" in text_of(page)
    assert "is forwarded" in text_of(ask(reader_client, target="/v23/accounts/1"))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("target", "", "Enter the path of the call"),
        ("target", "https://gateway.example/other/x", "This is no URL of this API"),
        ("target", "/x?Subscription-Key=1", "Leave the subscription key out"),
        ("headers", "Accept text/plain", "is no header: write Name: value."),
        ("headers", "ocp-apim-subscription-key: 1", "Leave the subscription key out"),
        ("address", "300.1.1.1", "Enter an IP address"),
        ("method", "BREW", "Choose one of GET"),
    ],
)
def test_what_cannot_be_explained_is_told_beside_its_field(
    reader_client: Client, field: str, value: str, words: str
) -> None:
    make_api(all_operations=True)
    page = ask(reader_client, **{field: value})
    assert any(words in error for error in errors_beside(page, field))
    assert page.context["told"] is None


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("https://gateway.example/partner-bank/a b?q=ü#part", "https://bank.example/a%20b?q=%C3%BC"),
        ("a/../b", None),
        ("?x=1", "https://bank.example/?x=1"),
    ],
)
def test_a_target_is_read_as_a_browser_sends_it(
    reader_client: Client, target: str, asked: str | None
) -> None:
    make_api(all_operations=True)
    text = text_of(ask(reader_client, target=target))
    assert (f"is forwarded to {asked} ." if asked else "is refused with 400") in text


def test_the_pages_of_api_and_operation_lead_here(reader_client: Client) -> None:
    operation = make_operation(make_api())
    assert link(reader_client.get("/apis/partner-bank/"), "What happens to a call") == URL
    path = f"/apis/partner-bank/operations/{operation.resource_id}/"
    assert f'href="{path}call/"' in reader_client.get(path).content.decode()
    assert reader_client.get("/apis/nobody/call/").status_code == 404
    assert reader_client.get("/apis/partner-bank/operations/nobody/call/").status_code == 404


def test_a_page_asks_as_much_of_the_database_among_many_apis(reader_client: Client) -> None:
    def queries(apis: int) -> int:
        with transaction.atomic():
            fill_with_apis(apis, [make_certificate("one"), make_certificate("two")], make_ca_certificate())
            with CaptureQueriesContext(connection) as captured:
                assert "is forwarded" in text_of(ask(reader_client, "/apis/api-5/call/"))
            transaction.set_rollback(True)
        return len(captured)

    assert queries(10) == queries(60)
