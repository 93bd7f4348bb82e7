"""The page of a trace: what it says, to whom, and what it does with documents that it does not know."""

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.sessions.models import Session
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from gateway import records_traces
from gateway.changes.policies import save_policy
from gateway.changes.principals import create_principal, regenerate_key, set_management_api
from gateway.models import Api, Certificate, Revision, Trace
from portal.management_api import tokens
from portal.traces.told import key_in, told
from tests.arrange import update_directly
from tests.builders import ALICE, make_api, make_certificate, make_operation, make_subscription
from tests.portal.reading import heading, link, text_of
from tests.trace_documents import THUMBPRINT, entry, refused, worked

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
KEY = UUID("0b5cba2c-0c1e-4b57-8b2c-2f0e6a9d1f10")


def keep(content: Any, key: UUID = KEY) -> Trace:
    row = Trace(key=key, at=timezone.now(), api="bank", content=content)
    records_traces.write([row])
    return row


# --- who gets what --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_program_is_given_the_document(reader_client: Client, slash: str) -> None:
    keep({"traceId": "x"})
    for accept in ("*/*", "application/json", ""):
        answer = reader_client.get(f"/traces/{KEY}{slash}", headers={"accept": accept})
        assert answer.json() == {"traceId": "x"}
        assert answer["Content-Type"] == "application/json"
        assert answer["Content-Disposition"].startswith("inline")
    in_browser = reader_client.get(f"/traces/{KEY}{slash}?format=json", headers={"accept": BROWSER})
    assert in_browser.json() == {"traceId": "x"}


@pytest.mark.parametrize("role", ["reader", "contributor"])
def test_a_principal_is_given_the_document_without_a_session(client: Client, db: None, role: str) -> None:
    keep({"traceId": "x"})
    set_management_api(ALICE, enabled=True)
    principal = create_principal(ALICE, identifier="pipeline", role=role)
    until = timezone.now() + timedelta(hours=1)
    token = tokens.token("pipeline", until, regenerate_key(ALICE, principal.key, "primary"))
    for bearer in (token, token.replace("SharedAccessSignature", "Bearer")):
        fields = {"authorization": bearer, "accept": BROWSER}
        assert client.get(f"/traces/{KEY}", headers=fields).json() == {"traceId": "x"}
        gone = client.get(f"/traces/{uuid4()}/", headers=fields)
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "ResourceNotFound")
    assert not client.cookies
    assert not Session.objects.exists()


def test_a_token_that_is_not_good_is_refused_in_json_whoever_is_signed_in(reader_client: Client) -> None:
    keep({"traceId": "x"})
    until = timezone.now() + timedelta(hours=1)
    for token in (tokens.token("integration", until, "guessed"), "SharedAccessSignature x", "bearer"):
        answer = reader_client.get(f"/traces/{KEY}", headers={"authorization": token, "accept": BROWSER})
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "SharedAccessSignature")
        assert answer.json()["error"]["code"] == "Unauthorized"
    other = reader_client.get(f"/traces/{KEY}", headers={"authorization": "Basic eDp5", "accept": "*/*"})
    assert other.json() == {"traceId": "x"}


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_browser_is_shown_a_page(reader_client: Client, slash: str) -> None:
    keep({})
    answer = reader_client.get(f"/traces/{KEY}{slash}", headers={"accept": BROWSER})
    assert answer.status_code == 200
    assert "Kept until" in answer.content.decode()


def test_a_trace_that_is_gone_is_said_to_be(reader_client: Client) -> None:
    row = keep({})
    update_directly(Trace, row.key, at=timezone.now() - timedelta(minutes=61))
    for key in (KEY, uuid4()):
        answer = reader_client.get(f"/traces/{key}", headers={"accept": BROWSER})
        assert answer.status_code == 404
        assert "kept for an hour" in answer.content.decode()


@pytest.mark.parametrize(
    ("address", "key"),
    [
        (f"https://portal.example/traces/{KEY}", KEY),
        (f"http://127.0.0.1:8000/traces/{KEY}/ ", KEY),
        ("https://portal.example/traces/", None),
        (f"https://portal.example/traces/{KEY}0", None),
        ("", None),
    ],
)
def test_the_key_is_found_in_the_address_of_a_trace(address: str, key: UUID | None) -> None:
    assert key_in(address) == key


# --- what it says ---------------------------------------------------------------------------------------------
@pytest.fixture
def bank(db: None) -> Api:
    api = make_api("Bank", resource_id="bank", suffix="bank")
    make_operation(api, resource_id="get-account", display_name="Get account")
    make_subscription("Mobile app", api)
    make_certificate("partner-bank")
    return api


def shown(client: Client, content: Any) -> Any:
    keep(content)
    answer = client.get(f"/traces/{KEY}/", headers={"accept": BROWSER})
    assert answer.status_code == 200
    return answer


def test_the_page_says_how_the_call_ended_and_where_its_time_went(reader_client: Client, bank: Api) -> None:
    answer = shown(reader_client, worked())
    text = text_of(answer)
    assert heading(answer) == "Trace of GET /bank/accounts/1?expand=owner"
    assert "200 OK: The call went through, in 853 ms" in text
    assert "Most of it: Waiting for the back end , 812 ms of 853 ms (95 %)" in text
    assert "New, made for this call" in text
    assert "TLSv1.3, TLS_AES_256_GCM_SHA384" in text
    assert "The back end asked for a client certificate, and this one was presented." in text
    assert f"{THUMBPRINT[:-4]} {THUMBPRINT[-4:]}" in text
    assert "forward-request 851 ms ( +812 ms )" in text
    assert "5,120 bytes" in text


def test_what_the_trace_names_can_be_looked_at(reader_client: Client, bank: Api) -> None:
    answer = shown(reader_client, worked())
    certificate = Certificate.objects.get()
    assert link(answer, "partner-bank") == f"/security/client-certificates/{certificate.key}/"
    assert link(answer, "Bank") == "/apis/bank/"
    assert link(answer, "Get account") == "/apis/bank/operations/get-account/"
    assert link(answer, "Mobile app") == "/subscriptions/mobile-app/"
    assert link(answer, "All APIs, line 4") == "/policies/#line-4"
    assert link(answer, "API, line 5") == "/policies/apis/bank/#line-5"
    operation = "/policies/apis/bank/operations/get-account/#line-3"
    assert link(answer, "Operation, line 3") == operation


def test_what_has_gone_since_is_named_without_a_link(reader_client: Client) -> None:
    answer = shown(reader_client, worked())
    text = text_of(answer)
    assert "Bank (not there any more)" in text
    assert "Client certificate: partner-bank" in text
    assert "API, line 5" in text
    assert link(answer, "All APIs, line 4") == "/policies/#line-4"
    assert "saved again since" not in text


def test_a_document_that_was_saved_since_is_said_to_be(reader_client: Client, bank: Api) -> None:
    content = worked()
    content["revision"] = Revision.objects.get().number
    save_policy(ALICE, bank, "<policies><inbound><base /></inbound></policies>")
    text = text_of(shown(reader_client, content))
    assert "API, line 5 (saved again since)" in text
    assert "All APIs, line 4 (saved" not in text
    assert "Operation, line 3 (saved" not in text


def test_a_failure_is_told_with_what_to_do(reader_client: Client, bank: Api) -> None:
    text = text_of(shown(reader_client, refused()))
    assert "502 Bad Gateway: The call failed at the back end, in 31.2 ms" in text
    assert "The back end does not know the CA that issued the client certificate." in text
    assert "What to do: Give the back end's administrator the CA certificate" in text
    assert "Code: client-certificate-rejected" in text
    assert "Failed: The back end does not know" in text


def test_a_failure_leads_to_the_settings_that_mend_it(reader_client: Client, bank: Api) -> None:
    answer = shown(reader_client, refused())
    chosen = link(answer, "Choose the client certificate in the policy: Operation, line 3")
    assert chosen == "/policies/apis/bank/operations/get-account/#line-3"


def test_a_certificate_that_is_missing_is_chosen_on_the_security_tab(
    reader_client: Client, bank: Api
) -> None:
    content = refused()
    del content["traceEntries"]["inbound"][5]
    content["outcome"] |= {"verdict": "", "code": "client-certificate-required"}
    answer = shown(reader_client, content)
    assert link(answer, "Choose the client certificate on the Security tab").startswith(
        "/apis/bank/security/"
    )


def test_the_statement_that_ended_a_call_is_told_at_the_top(reader_client: Client, bank: Api) -> None:
    content = worked()
    content["traceEntries"]["inbound"][4]["data"]["failure"] = {"code": "header-check-failed"}
    top = text_of(shown(reader_client, content)).partition("Where the time went")[0]
    assert "The statement: API, line 5" in top


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ({"status": 404}, "404 Not Found: The back end answered so"),
        (
            {"status": 401, "failedBy": "caller", "code": "header-check-failed"},
            "A statement of the policy refused the call",
        ),
        (
            {"status": 413, "failedBy": "caller", "code": "request-too-large"},
            "because of what the caller sent",
        ),
        ({"status": 200, "failedBy": "caller"}, "The caller went away"),
        ({"status": 500, "failedBy": "gateway", "code": "x"}, "The gateway could not make the call"),
        ({"status": 503, "failedBy": "policy"}, "The policy answered with a failure"),
        ({"status": 299, "failedBy": "the moon"}, "299: The call failed: the moon"),
        ({"status": 0}, "Nothing was answered"),
    ],
)
def test_who_kept_a_call_from_its_end_is_said(
    reader_client: Client, outcome: dict[str, Any], words: str
) -> None:
    assert words in text_of(shown(reader_client, worked() | {"outcome": outcome}))


def without(element: str) -> dict[str, Any]:
    content = worked()
    for name, entries in content["traceEntries"].items():
        content["traceEntries"][name] = [each for each in entries if each["source"] != element]
    return content


def test_a_call_without_a_certificate_is_told_where_one_is_chosen(reader_client: Client, bank: Api) -> None:
    answer = shown(reader_client, without("authentication-certificate"))
    assert "No client certificate was presented." in text_of(answer)
    assert link(answer, "Choose one on the Security tab") == "/apis/bank/security/"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (True, "The back end asked for one, and none is chosen for this call."),
        (False, "None is chosen for this call, and the back end did not ask for one."),
    ],
)
def test_whether_a_certificate_that_is_missing_was_asked_for_is_told(
    reader_client: Client, asked: bool, words: str
) -> None:
    content = without("authentication-certificate")
    content["traceEntries"]["backend"][1]["data"]["connection"]["certificateAsked"] = asked
    assert words in text_of(shown(reader_client, content))


def test_a_handshake_that_failed_for_want_of_a_certificate_says_that_one_was_asked_for(
    reader_client: Client, bank: Api
) -> None:
    content = without("authentication-certificate")
    connection = {"reused": False, "connectedIn": 0.1, "certificateAsked": True}
    content["traceEntries"]["backend"] = [entry("forward-request", 1.0, "Failed.", connection=connection)]
    text = text_of(shown(reader_client, content))
    assert "No client certificate was presented. The back end asked for one" in text


def test_a_certificate_that_was_chosen_for_a_call_without_a_connection_is_told(reader_client: Client) -> None:
    content = refused()
    del content["traceEntries"]["inbound"][5]["data"]["certificate"]
    text = text_of(shown(reader_client, content))
    assert "Chosen by Operation, line 3" in text
    assert "The trace does not tell whether the back end asked for it." in text
    assert "No client certificate was presented" not in text


def test_no_certificate_reaches_a_back_end_that_no_connection_was_made_to(
    reader_client: Client, bank: Api
) -> None:
    content = worked()
    del content["traceEntries"]["inbound"][5]["data"]["certificate"]
    content["traceEntries"]["backend"][1]["data"]["connection"] = {"reused": False, "address": "203.0.113.9"}
    text = text_of(shown(reader_client, content))
    assert "It came to nothing: no connection was made." in text
    assert "The trace does not tell" not in text


@pytest.mark.parametrize(
    ("code", "seconds", "words"),
    [
        ("back-end-certificate-untrusted", None, "The gateway broke off before it presented this one"),
        ("back-end-name-mismatch", None, "The gateway broke off before it presented this one"),
        ("back-end-name-mismatch", 0.02, "and this one was presented"),  # of a back end that is not verified
        ("client-certificate-rejected", None, "and this one was presented"),
    ],
)
def test_a_certificate_is_not_presented_to_a_back_end_that_is_not_trusted(
    reader_client: Client, code: str, seconds: float | None, words: str
) -> None:
    content = refused()
    data = content["traceEntries"]["backend"][1]["data"]
    data |= {"failure": {"code": code}, "connection": {"reused": False, "handshakeIn": seconds}}
    assert words in text_of(shown(reader_client, content))


def test_statements_that_were_not_reached_have_no_time(reader_client: Client) -> None:
    content = worked()
    content["traceEntries"]["inbound"][4]["data"]["reached"] = False
    text = text_of(shown(reader_client, content))
    assert "set-header API, line 5 Not reached: X-Partner was set" in text
    assert "authentication-certificate Operation, line 3 0.31 ms (+0.10 ms)" in text


def test_an_answer_of_the_policy_is_told_from_one_of_the_back_end(reader_client: Client) -> None:
    text = text_of(shown(reader_client, without("forward-request")))
    assert "The policy answered, the back end was not asked" in text
    assert "No client certificate" not in text


def test_a_reused_connection_is_told_with_its_age(reader_client: Client) -> None:
    content = worked()
    connection = content["traceEntries"]["backend"][1]["data"]["connection"]
    connection |= {"reused": True, "calls": 14, "age": 42.0}
    assert "Reused, call 14 on it, made 42.00 s before (14:20:03 UTC)" in text_of(
        shown(reader_client, content)
    )


def test_a_page_takes_few_queries(
    reader_client: Client, bank: Api, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    content = refused()
    content["traceEntries"]["inbound"] *= 20
    row = keep(content)
    with django_assert_max_num_queries(7):
        told(row)


# --- documents that it does not know --------------------------------------------------------------------------
ODD = [
    None,
    True,
    -1,
    10**30,
    1.5,
    "",
    "x\n<script>alert(1)</script>",
    [],
    {},
    [None, 3, "x", [[]]],
    {"a": {"b": [1]}},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a document."""
    if path:
        yield path
    for name in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[name], (*path, name))


def altered(content: Any, path: tuple[Any, ...], value: Any) -> Any:
    content = deepcopy(content)
    place = content
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return content


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_whatever_stands_in_a_document_there_is_a_page(bank: Api, odd: Any) -> None:
    original = refused()
    some = list(places(original))
    for path in Random(repr(odd)).sample(some, 25):
        row = Trace(at=timezone.now(), api="bank", content=altered(original, path, odd))
        html = render_to_string("portal/traces/trace.html", {"trace": told(row)})
        assert "<script" not in html, path
    told(Trace(at=timezone.now(), api="bank", content=odd))


def test_hostile_text_is_text(reader_client: Client) -> None:
    hostile = "'\"></title></svg><script>alert(1)</script>{{ 7 }}"
    as_json = json.dumps(hostile)[1:-1]
    text = json.dumps(worked() | refused()).replace("set-header", as_json).replace("Bank", as_json)
    answer = shown(reader_client, json.loads(text.replace("CN=", as_json).replace("v2", as_json)))
    assert "<script>alert" not in answer.content.decode()
    assert answer.content.decode().count(escape(hostile)) > 5
