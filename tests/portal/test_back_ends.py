"""Where a back end switches a check off, the pages of the APIs that call it say so, and say nothing wrong."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gateway.changes.policies import save_policy
from gateway.changes.security import NoCredentials, Trust
from gateway.models import Api, Operation, PolicyDocument
from gateway.policies.catalogue import catalogue
from portal.policy_statements import completions
from tests.arrange import update_directly
from tests.builders import ALICE, choose, make_api, make_back_end, make_operation
from tests.portal.reading import text_of

pytestmark = pytest.mark.django_db
SUMMARY, SECURITY, CALL = (f"/apis/partner-bank/{page}" for page in ("", "security/", "call/"))
PAGES = (SUMMARY, SECURITY)
OWN = "for calls to the web service URL."
CHAIN_OFF = f"The back end “bank” (https://bank.example) switches the check of the chain off {OWN}"


@pytest.fixture
def api(db: None) -> Api:
    return make_api(subscription_required=False)


def send(scope: Api | Operation, attribute: str) -> None:
    statement = f"<inbound><base /><set-backend-service {attribute} /></inbound>"
    save_policy(ALICE, scope, f"<policies>{statement}<backend><base /></backend></policies>")


def told(client: Client, url: str) -> str:
    return text_of(client.get(url))


def test_a_back_end_that_checks_everything_is_not_spoken_of(reader_client: Client, api: Api) -> None:
    make_back_end()
    make_back_end("other", "https://other.example", validate_certificate_chain=False)
    make_back_end("plain", "http://bank.example", validate_certificate_chain=False)
    for url in PAGES:
        assert "The back end “" not in told(reader_client, url)


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ({"validate_certificate_chain": False}, CHAIN_OFF),
        (
            {"validate_certificate_name": False},
            f"switches the check of the name off {OWN}",
        ),
        (
            {"validate_certificate_chain": False, "validate_certificate_name": False},
            f"switches the check of the chain and the check of the name off {OWN}",
        ),
    ],
)
def test_what_it_switches_off_for_the_web_service_url_is_said(
    reader_client: Client, api: Api, checks: dict[str, bool], words: str
) -> None:
    make_back_end(**checks)
    for url in PAGES:
        assert words in told(reader_client, url)
    assert "not validated" not in told(reader_client, SUMMARY)  # by the API, which switches nothing off


def test_what_the_api_switches_off_too_is_said_beside_it(reader_client: Client, api: Api) -> None:
    make_back_end(validate_certificate_chain=False)
    choose(api, NoCredentials(), Trust(validate_chain=False))
    text = told(reader_client, SUMMARY)
    assert CHAIN_OFF in text
    assert "The back end's certificate chain is not validated" in text


def test_where_the_chain_is_not_checked_no_ca_is_missing(reader_client: Client, api: Api) -> None:
    choose(api, NoCredentials(), Trust(public_cas=False))
    for url in PAGES:
        assert "No CA is trusted" in told(reader_client, url)
    make_back_end(validate_certificate_chain=False)
    for url in PAGES:
        assert "No CA is trusted" not in told(reader_client, url)


def test_what_it_switches_off_where_a_policy_sends_calls_is_said(reader_client: Client, api: Api) -> None:
    operation = make_operation(api)
    make_back_end("orders", "https://orders.example", validate_certificate_chain=False)
    words = (
        "“orders” (https://orders.example) switches the check of the chain off for the calls that a policy"
    )
    assert words not in told(reader_client, SUMMARY)
    for attribute in ('backend-id="orders"', 'base-url="https://orders.example/v1"'):
        send(operation, attribute)
        for url in PAGES:
            assert words in told(reader_client, url)
    make_back_end("v1", "https://orders.example/v1")  # which checks everything
    assert words not in told(reader_client, SUMMARY)


def test_without_such_a_back_end_it_costs_one_query(reader_client: Client, api: Api) -> None:
    send(make_operation(api), 'base-url="https://orders.example"')
    make_back_end()
    with CaptureQueriesContext(connection) as queries:
        reader_client.get(SUMMARY)
    assert len([query for query in queries if '"gateway_backend"' in query["sql"]]) == 1


def test_over_http_it_is_not_said_that_checks_are_made_in_any_case(reader_client: Client, db: None) -> None:
    api = make_api(web_service_url="http://bank.example")
    send(api, 'base-url="https://orders.example"')
    make_operation(api)
    assert "chain and name are validated in any case." in told(reader_client, SECURITY)
    make_back_end("orders", "https://orders.example", validate_certificate_name=False)
    assert "chain and name are validated unless a back end switches that off." in told(
        reader_client, SECURITY
    )


def test_what_happens_to_a_call_is_told_with_the_back_end(reader_client: Client, api: Api) -> None:
    make_back_end("orders", "https://orders.example/v1")
    send(make_operation(api, "/a"), 'backend-id="orders"')
    text = told(reader_client, f"{CALL}?target=/a")
    assert "The back end is “orders”, https://orders.example/v1." in text
    assert "Back end orders ( https://orders.example/v1 )" in text
    assert "another server could pose as it" not in text


def test_what_happens_to_a_call_says_who_switches_a_check_off(reader_client: Client, api: Api) -> None:
    make_operation(api, "/a")
    make_back_end(validate_certificate_chain=False)
    text = told(reader_client, f"{CALL}?target=/a")
    assert (
        "The back end “bank” (https://bank.example) switches the check of the chain off for this call" in text
    )
    assert "Certificate chain Not validated" in text
    assert "Its certificate chain is not validated: anybody" not in text  # says the API, which does not
    choose(api, NoCredentials(), Trust(validate_chain=False))
    assert "Its certificate chain is not validated: anybody" in told(reader_client, f"{CALL}?target=/a")


def test_the_policy_page_names_the_back_end_and_its_url(reader_client: Client, api: Api) -> None:
    make_back_end("orders", "https://orders.example/v1")
    send(api, 'backend-id="ORDERS"')
    text = told(reader_client, "/policies/apis/partner-bank/")
    assert "Back end orders : https://orders.example/v1" in text
    assert "calls fail" not in text
    document = PolicyDocument.objects.get(api=api)
    update_directly(PolicyDocument, document.key, xml=document.xml.replace("ORDERS", "gone"))
    assert "There is no back end gone: calls fail." in told(reader_client, "/policies/apis/partner-bank/")


def test_the_editor_completes_the_ids_of_back_ends(db: None) -> None:
    make_back_end("orders")
    offered = {each["element"]: each["choices"] for each in completions(catalogue())["statements"]}
    assert offered["set-backend-service"] == {"backend-id": ["orders"]}
    assert [name for name, choices in offered.items() if "backend-id" in choices] == ["set-backend-service"]
