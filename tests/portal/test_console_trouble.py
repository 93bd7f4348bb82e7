"""What the console says of calls that did not do what was wanted: in words, with the very place to mend it."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string

from gateway.changes.policies import save_policy
from gateway.changes.security import Trust
from gateway.failures import ANSWERS
from gateway.models import Api, Operation
from gateway.probing.report import VERDICTS
from portal.console.exchange import Answer, ConsoleRequest, NotSent, Unanswered, Unsent
from portal.console.trouble import Trouble, trouble_of
from portal.remedies import FAILURES
from tests import pki
from tests.arrange import update_directly
from tests.bank import Bank, open_bank, upload
from tests.builders import (
    ALICE,
    choose,
    make_api,
    make_back_end,
    make_certificate,
    make_operation,
    make_subscription,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank(settings: Any) -> Iterator[Bank]:
    settings.GATEWAY_ALLOWED_BACK_END_NETWORKS = ["127.0.0.0/8", "::1/128"]
    with open_bank() as bank:
        make_operation(bank.api, "/accounts/{id}")
        yield bank


def answer(status: int, code: str = "", body: bytes = b"{}", **more: Any) -> Answer:
    fields = [("Content-Type", "application/json"), *([("Gateway-Error", code)] if code else [])]
    return Answer(status, "", (*fields, *more.pop("fields", ())), body, len(body), len(body), **more)


def ask(
    api: Api,
    found: Answer | None,
    target: str = "/partner-bank/accounts/1",
    *,
    method: str = "GET",
    trace: dict[str, Any] | None = None,
    **more: Any,
) -> Trouble | None:
    fields = more.pop("fields", ())
    return trouble_of(found, api, None, trace, ConsoleRequest(method, target, fields), **more)


def trouble(*arguments: Any, **more: Any) -> Trouble:
    found = ask(*arguments, **more)
    assert found is not None
    return found


def links(found: Trouble) -> dict[str, str]:
    return {link.label: link.url for link in found.links}


def write(scope: Api | Operation | None, inbound: str = "", backend: str = "<base />", out: str = "") -> None:
    inside = f"<inbound><base />{inbound}</inbound>\n<backend>{backend}</backend>\n<outbound><base />{out}"
    save_policy(ALICE, scope, f"<policies>\n{inside}</outbound>\n</policies>")


# --- all of them ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("code", ANSWERS)
def test_every_failure_of_the_gateway_is_explained(code: str, settings: Any) -> None:
    settings.GATEWAY_ALLOWED_BACK_END_NETWORKS = ["127.0.0.0/8"]
    api = make_api(web_service_url="http://127.0.0.1:9")
    make_operation(api, "/accounts/{id}")
    found = trouble(api, answer(ANSWERS[code].status, code))
    assert found.title == FAILURES[code].title
    assert found.text
    assert found.remedy or found.report
    assert found.links or FAILURES[code].nowhere or found.report


def test_a_code_of_a_newer_gateway_is_told_as_it_is() -> None:
    assert "of-tomorrow" in trouble(make_api(), answer(500, "of-tomorrow")).text


@pytest.mark.parametrize("status", [200, 204, 302, 400, 409, 422, 429])
def test_an_answer_that_only_its_maker_can_judge_is_no_trouble(status: int) -> None:
    api = make_api()
    make_operation(api, "/accounts/{id}")
    assert ask(api, answer(status)) is None


def test_no_answer_at_all_leads_to_the_dashboard() -> None:
    found = trouble(make_api(), None, not_sent=NotSent("Nothing listens at 127.0.0.1:8080."))
    assert found.text == "Nothing listens at 127.0.0.1:8080."
    assert list(links(found).values()) == ["/"]


def test_a_call_that_never_left_the_portal_is_not_blamed_on_the_gateway() -> None:
    found = trouble(make_api(), None, not_sent=Unsent("Too many are under way."))
    assert (found.title, found.text, found.links) == ("The call was not sent", "Too many are under way.", ())


def test_an_answer_that_does_not_come_leads_to_the_times_of_the_api() -> None:
    found = trouble(make_api(), None, not_sent=Unanswered("None within 30 seconds."))
    assert found.title == "No answer came in time"
    assert "/apis/partner-bank/settings/#id_read_timeout" in links(found).values()
    assert "/" not in links(found).values()


def test_an_answer_without_an_end_is_told() -> None:
    api = make_api()
    make_operation(api, "/accounts/{id}")
    found = trouble(api, answer(200, cut="time", seconds=30.0))
    assert "30 seconds after the call was sent it had not come to its end" in found.text
    assert "/apis/partner-bank/settings/#id_total_timeout" in links(found).values()


# --- the call itself --------------------------------------------------------------------------------------------
def test_a_missing_key_leads_to_the_subscriptions_of_the_api() -> None:
    api = make_api()
    make_operation(api, "/accounts/{id}")
    make_subscription(api=api)
    for code in ("subscription-key-missing", "subscription-key-invalid"):
        found = links(trouble(api, answer(401, code)))
        assert found["Active subscriptions to this API"] == "/subscriptions/?api=partner-bank&state=active"


def test_a_verb_that_nearly_matched_is_named() -> None:
    api = make_api()
    operation = make_operation(api, "/accounts/{id}", "POST", display_name="Change it")
    make_operation(api, "/customers")
    found = trouble(api, answer(404, "not-found"))
    assert "with another verb: POST, not GET" in found.text
    assert list(links(found)) == ["Change it: POST /accounts/{id}", "Operations of this API"]
    assert links(found)["Change it: POST /accounts/{id}"].endswith(f"/operations/{operation.resource_id}/")


def test_a_template_that_nearly_matched_is_named() -> None:
    api = make_api()
    for template in ("/customers", "/accounts/{id}/parts", "/accounts/{id}"):
        make_operation(api, template, display_name=template)
    found = trouble(api, answer(404, "not-found"), "/partner-bank/accounts/1/parts/2")
    assert "No URL template of this API fits the path" in found.text
    assert next(iter(links(found))) == "/accounts/{id}/parts: GET /accounts/{id}/parts"


def test_a_path_outside_of_every_api_is_told() -> None:
    found = trouble(make_api(), answer(404, "not-found"), "/elsewhere/1")
    assert found.title == "No API is there for this call"
    assert "/partner-bank" in found.text


def test_a_call_that_another_api_gets_is_told() -> None:
    api = make_api()
    make_operation(api, "/{a}/{b}")
    make_api("Inner", suffix="partner-bank/accounts")
    found = trouble(api, answer(404, "not-found"))
    assert "another API, Inner, whose suffix partner-bank/accounts is longer" in found.text
    assert links(found) == {"Operations of Inner": "/apis/inner/operations/"}


def test_what_matches_by_now_was_not_in_effect_yet() -> None:
    api = make_api()
    make_operation(api, "/accounts/{id}")
    found = trouble(api, answer(404, "not-found"))
    assert "before that was in effect" in found.text
    assert found.remedy == "Send it again."


def test_the_statement_that_asks_for_a_header_is_named() -> None:
    api = make_api()
    make_operation(api, "/accounts/{id}")
    says = 'failed-check-httpcode="418" failed-check-error-message="no" ignore-case="true"'
    check = f'<check-header name="X-Who" {says} />'
    write(api, f"{check}\n<set-header name='A'><value>b</value></set-header>")
    found = trouble(api, answer(418, "header-check-failed"))
    assert "The statement check-header (API, line 2) refused the call. The call has no X-Who" in found.text
    assert links(found) == {"Look at the statement: API, line 2": "/policies/apis/partner-bank/#line-2"}


def test_the_statement_that_filters_addresses_is_named() -> None:
    api = make_api()
    make_operation(api, "/accounts/{id}")
    write(api, '<ip-filter action="allow"><address>192.0.2.1</address></ip-filter>')
    found = trouble(api, answer(403, "ip-forbidden"))
    assert links(found) == {"Look at the statement: API, line 2": "/policies/apis/partner-bank/#line-2"}
    assert "the machine that the portal runs on" in found.remedy


def test_of_several_filters_the_trace_knows_the_one() -> None:
    api = make_api()
    make_operation(api, "/accounts/{id}")
    filtered = '<ip-filter action="allow"><address>192.0.2.1</address></ip-filter>\n'
    write(api, filtered * 2)
    assert list(links(trouble(api, answer(403, "ip-forbidden")))) == ["Look at the policy"]
    entries = [{"source": "ip-filter", "data": {"scope": "api", "line": line}} for line in (2, 3)]
    trace = {"outcome": {"code": "ip-forbidden"}, "traceEntries": {"inbound": entries}}
    found = trouble(api, answer(403, "ip-forbidden"), trace=trace)
    assert list(links(found)) == ["Look at the statement: API, line 3"]


def test_the_statement_is_told_with_what_it_did_and_not_one_behind_it() -> None:
    api = make_api()
    make_operation(api, "/accounts/{id}")
    did = {"scope": "api", "line": 2, "message": "Lets in only 192.0.2.1: 127.0.0.1 is refused."}
    behind = {"scope": "api", "line": 3, "message": "Lets nobody in.", "reached": False}
    entries = [{"source": "ip-filter", "data": data} for data in (did, behind)]
    trace = {"outcome": {"code": "ip-forbidden", "detail": "127.0.0.1"}, "traceEntries": {"inbound": entries}}
    found = trouble(api, answer(403, "ip-forbidden"), trace=trace)
    assert found.text.endswith(
        "(API, line 2) refused the call. Lets in only 192.0.2.1: 127.0.0.1 is refused."
    )


def test_what_is_refused_before_it_is_looked_at_is_told() -> None:
    api = make_api()
    bare = Answer(400, "Bad Request", (("Content-Length", "0"), ("Connection", "close")))
    assert "before it looked at it" in trouble(api, bare, "/partner-bank/../x").title
    large = Answer(431, "", (("Content-Length", "0"), ("Connection", "close")))
    assert "GATEWAY_MAX_HEAD_BYTES" in trouble(api, large).text


# --- connections ------------------------------------------------------------------------------------------------
def test_a_missing_certificate_is_looked_into_by_a_handshake(bank: Bank) -> None:
    choose(bank.api, make_certificate("unused"), bank.trust)
    operation = Operation.objects.get()
    save_policy(ALICE, operation, "<policies><inbound /></policies>")  # without <base />
    found = trouble(bank.api, answer(502, "client-certificate-required"))
    assert found.report
    assert found.report.report
    assert found.report.report.verdict == "certificate-required"
    assert "Look at the effective policy, which names none" in links(found)
    assert not bank.back_end.seen  # no request was sent


def test_a_refused_certificate_is_looked_into_with_the_one_of_the_call(bank: Bank) -> None:
    stranger = upload(pki.issue(pki.make_ca("Other CA"), "stranger"))
    choose(bank.api, bank.certificate, bank.trust)
    operation = Operation.objects.get()
    statement = f'<authentication-certificate certificate-id="{stranger}" />'
    write(operation, statement)
    found = trouble(bank.api, answer(502, "client-certificate-rejected"))
    assert found.report
    assert found.report.report
    assert (found.report.report.verdict, found.report.certificate) == (
        "certificate-refused-unknown-ca",
        stranger.key,
    )
    url = f"/policies/apis/partner-bank/operations/{operation.resource_id}/#line-2"
    assert links(found)["Choose the client certificate in the policy: Operation, line 2"] == url
    page = render_to_string("portal/console/trouble.html", {"trouble": found})
    assert "The back end does not know the CA that issued the client certificate" in page
    assert f"/security/client-certificates/{stranger.key}/" in page


def test_a_test_that_succeeds_says_so_honestly(bank: Bank) -> None:
    choose(bank.api, bank.certificate, bank.trust)
    found = trouble(bank.api, answer(502, "client-certificate-rejected"))
    assert "This test succeeded although the call had failed" in found.note
    assert found.remedy
    assert found.note in render_to_string("portal/console/trouble.html", {"trouble": found})


def test_an_untrusted_back_end_leads_to_the_trust(bank: Bank) -> None:
    choose(bank.api, bank.certificate, Trust())
    found = links(trouble(bank.api, answer(502, "back-end-certificate-untrusted")))
    assert found["Choose the trusted CA certificates"] == "/apis/partner-bank/security/#id_public_cas"
    assert found["Upload a CA certificate"] == (
        "/security/ca-certificates/upload/?next=%2Fapis%2Fpartner-bank%2Fsecurity%2F"
    )


def test_what_a_back_end_switches_off_is_not_tested_either(bank: Bank) -> None:
    choose(bank.api, bank.certificate, Trust())
    make_back_end("bank", bank.api.web_service_url, validate_certificate_chain=False)
    found = trouble(bank.api, answer(502, "back-end-closed"))
    assert found.report
    assert found.report.report
    (step,) = (each for each in found.report.report.steps if each.name == "trust")
    assert "the back end “bank” (https://localhost:" in step.text


def test_the_destination_is_that_of_the_call(bank: Bank) -> None:
    with socket.socket() as silent:  # bound, but nobody listens
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        write(bank.api, f'<set-backend-service base-url="https://localhost:{port}/x" />')
        found = trouble(bank.api, answer(502, "back-end-unreachable"))
    assert found.report
    assert found.report.report
    assert (found.report.report.verdict, found.report.report.url) == (
        "connection-refused",
        f"https://localhost:{port}",
    )
    assert links(found) == {"Change the base URL": "/policies/apis/partner-bank/#line-2"}


def test_the_words_of_a_trace_spare_the_test(bank: Bank) -> None:
    outcome = {
        "code": "client-certificate-rejected",
        "verdict": "certificate-refused-unknown-ca",
        "message": "The back end does not know it.",
        "remedy": "Choose another one.",
        "detail": "alert unknown ca",
        "details": ["one", 2],
    }
    found = trouble(
        bank.api, answer(502, "client-certificate-rejected"), trace={"outcome": outcome, "traceEntries": 7}
    )
    assert (found.text, found.remedy) == ("The back end does not know it.", "Choose another one.")
    assert found.title == "The back end does not know the CA of the client certificate"
    assert (found.report, found.details) == (None, ("alert unknown ca", "one", "2"))


def test_where_a_test_connects_the_answer_was_late(bank: Bank) -> None:
    choose(bank.api, bank.certificate, bank.trust)
    found = trouble(bank.api, answer(504, "back-end-timeout"))
    assert found.report
    assert "This test succeeded" in found.note
    assert [url.rpartition("#")[2] for url in links(found).values()] == [
        "id_read_timeout",
        "id_total_timeout",
    ]


@pytest.mark.parametrize(("sent", "first"), [(True, "read_timeout"), (False, "web_service_url")])
def test_a_slow_back_end_leads_to_the_time_that_was_over(bank: Bank, sent: bool, first: str) -> None:
    data = {"request": {"method": "GET"}} if sent else {"connection": {"reused": False}}
    entries = {"backend": [{"source": "forward-request", "data": data}]}
    trace = {"outcome": {"verdict": "timed-out", "message": "It is slow."}, "traceEntries": entries}
    found = list(links(trouble(bank.api, answer(504, "back-end-timeout"), trace=trace)).values())
    assert found[0] == f"/apis/partner-bank/settings/#id_{first}"
    assert any(url.endswith("connect_timeout") for url in found) != sent


def test_no_detail_is_told_twice(bank: Bank) -> None:
    outcome = {"code": "x", "detail": "CERTIFICATE_REQUIRED", "details": ["OpenSSL: CERTIFICATE_REQUIRED"]}
    found = trouble(bank.api, answer(502, "back-end-tls-failed"), trace={"outcome": outcome})
    assert found.details == ("OpenSSL: CERTIFICATE_REQUIRED",)


@pytest.mark.parametrize("verdict", ["server-certificate-expired", "protocol-version"])
def test_what_the_owner_of_the_back_end_mends_leads_to_no_setting(bank: Bank, verdict: str) -> None:
    outcome = {"verdict": verdict, "message": "It has expired.", "remedy": "Ask them."}
    code = "back-end-certificate-untrusted"
    assert trouble(bank.api, answer(502, code), trace={"outcome": outcome}).links == ()


@pytest.mark.parametrize(("asked", "first"), [(True, "security"), (None, "security"), (False, "settings")])
def test_a_closed_connection_leads_to_the_certificate_if_it_may_be_that(
    bank: Bank, asked: bool | None, first: str
) -> None:
    entry = {"source": "forward-request", "data": {"connection": {"certificateAsked": asked}}}
    outcome = {"verdict": "closed", "message": "It closed the connection."}
    trace = {"outcome": outcome, "traceEntries": {"backend": [entry]}}
    found = trouble(bank.api, answer(502, "back-end-closed"), trace=trace)
    assert next(iter(links(found).values())).startswith(f"/apis/partner-bank/{first}/")


def test_a_slow_answer_over_a_connection_that_was_made_is_not_tested(bank: Bank) -> None:
    entries = {"backend": [{"source": "forward-request", "data": {"connection": {"reused": False}}}]}
    found = trouble(bank.api, answer(504, "back-end-timeout"), trace={"traceEntries": entries})
    assert found.report is None
    assert "/apis/partner-bank/settings/#id_read_timeout" in links(found).values()


# --- the back end -----------------------------------------------------------------------------------------------
_NGINX = b"<html><center>No required SSL certificate was sent</center></html>"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, _NGINX, "says that it got no client certificate"),
        (400, b"The SSL certificate error", "says that it does not accept the client certificate"),
        (403, b"HTTP Error 403.16", "says that it does not trust the client certificate"),
        (496, b"", "says that it got no client certificate"),
    ],
)
def test_what_servers_say_of_certificates_is_recognised(
    bank: Bank, status: int, body: bytes, words: str
) -> None:
    choose(bank.api, bank.certificate, bank.trust)
    found = trouble(bank.api, answer(status, body=body))
    assert f"The back end answered {status} and {words}." in found.text
    assert "The client certificate partner-bank (CN=partner-bank) is presented where" in found.text
    assert links(found)["Test connection on the Security tab"] == "/apis/partner-bank/security/"
    assert [link.label for link in found.links if link.administrators] == [
        "Test connection on the Security tab"
    ]


def test_what_a_trace_says_of_such_an_answer_is_said_here_too(bank: Bank) -> None:
    choose(bank.api, bank.certificate, bank.trust)
    outcome = {"verdict": "certificate-refused-expired", "message": "It expired.", "remedy": "Renew it."}
    found = trouble(bank.api, answer(400, body=b"The SSL certificate error"), trace={"outcome": outcome})
    assert found.title == "The back end refused the client certificate because of its dates"
    assert (found.text, found.remedy) == ("It expired.", "Renew it.")
    assert "Show the client certificate" in links(found)


def test_a_certificate_that_expired_is_said_to_have_without_a_trace(bank: Bank) -> None:
    old = datetime.now(UTC) - timedelta(days=9)
    choose(bank.api, make_certificate("old", not_before=old, not_after=old + timedelta(days=1)), bank.trust)
    found = trouble(bank.api, answer(400, body=b"The SSL certificate error"))
    assert f"It expired on {old + timedelta(days=1):%Y-%m-%d}" in found.text
    assert found.remedy == "Replace it with a renewed one."


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (True, "It asked for a client certificate, and none is chosen for this call."),
        (False, "No client certificate is chosen for this call, and it did not ask for one."),
    ],
)
def test_a_refusal_without_a_certificate_says_whether_one_was_asked_for(
    bank: Bank, asked: bool, words: str
) -> None:
    entry = {"source": "forward-request", "data": {"connection": {"certificateAsked": asked}}}
    assert words in trouble(bank.api, answer(403), trace={"traceEntries": {"backend": [entry]}}).text


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (True, "It asked for a client certificate and was presented partner-bank (CN=partner-bank)."),
        (False, "It did not ask for a client certificate, so it never saw partner-bank (CN=partner-bank)."),
        (None, "Test connection shows whether this one does."),
    ],
)
def test_a_plain_refusal_says_what_was_presented(bank: Bank, asked: bool | None, words: str) -> None:
    choose(bank.api, bank.certificate, bank.trust)
    certificate = {"id": "partner-bank", "subject": "CN=partner-bank", "asked": asked}
    before = {"source": "authentication-certificate", "data": {"certificate": {"id": "of a first attempt"}}}
    entry = {"source": "authentication-certificate", "data": {"certificate": certificate}}
    found = trouble(bank.api, answer(403), trace={"traceEntries": {"backend": [before, entry]}})
    assert found.title == "The back end answered 403 itself"
    assert words in found.text


def test_a_plain_refusal_without_a_certificate(bank: Bank) -> None:
    write(Operation.objects.get(), '<authentication-basic username="bob" password="secret-word" />')
    found = trouble(bank.api, answer(401, fields=[("WWW-Authenticate", 'Basic realm="x"')]))
    assert 'It asks for: Basic realm="x".' in found.text
    assert "No client certificate is chosen for this call" in found.text
    assert "of the user 'bob'" in found.text
    assert "secret-word" not in repr(found)
    assert "Look at user and password: Operation, line 2" in links(found)


def test_over_http_nothing_is_presented() -> None:
    api = make_api(web_service_url="http://bank.example")
    make_operation(api, "/accounts/{id}")
    found = trouble(api, answer(403))
    assert "It is called over http, so no client certificate is presented." in found.text
    assert not [label for label in links(found) if "Test connection" in label]


def test_a_port_for_https_that_is_called_over_http_is_told() -> None:
    api = make_api(web_service_url="http://bank.example:8443")
    make_operation(api, "/accounts/{id}")
    found = trouble(api, answer(400, body=b"The plain HTTP request was sent to HTTPS port"))
    assert (found.title, found.remedy) == (
        "The back end expects https at this port",
        "Write https:// in the URL.",
    )
    assert list(links(found).values()) == ["/apis/partner-bank/settings/#id_web_service_url"]


def test_a_failure_of_the_back_end_is_called_its_own() -> None:
    api = make_api()
    operation = make_operation(api, "/accounts/{id}")
    found = trouble(api, answer(503), "/partner-bank/accounts/1?token=hidden")
    assert found.title == "The back end answered 503 itself"
    assert "It was asked for GET https://bank.example/accounts/1." in found.text
    assert links(found) == {
        "What happens to a call": f"/apis/partner-bank/operations/{operation.resource_id}/call/"
    }


def test_another_gateway_behind_this_one_is_a_back_end() -> None:
    body = b'{ "statusCode": 404, "message": "Resource not found" }'
    api = make_api()
    make_operation(api, "/accounts/{id}", rewrite_template="/v2/{id}")
    found = trouble(api, answer(404, body=body))
    assert found.title == "The back end answered 404 itself"
    assert "GET https://bank.example/v2/1" in found.text


def test_an_answer_that_broke_off_is_told() -> None:
    api = make_api()
    make_operation(api, "/accounts/{id}")
    assert "broke off" in trouble(api, answer(200, cut="broken")).title
    trace = {"outcome": {"code": "back-end-timeout"}, "traceEntries": {"b": []}}
    entry = {"source": "forward-request", "data": {"connection": {"reused": True}}}
    trace["traceEntries"] = {"backend": [entry]}  # type: ignore[dict-item]
    found = trouble(api, answer(200, cut="broken"), trace=trace)
    assert found.title == FAILURES["back-end-timeout"].title


# --- the policy -------------------------------------------------------------------------------------------------
def test_what_a_policy_answers_is_called_its_own() -> None:
    api = make_api()
    make_operation(api, "/accounts/{id}")
    write(api, '<return-response><set-status code="503" /></return-response>')
    found = trouble(api, answer(503))
    assert found.title == "A policy answered 503 itself"
    assert links(found) == {"Look at the statement: API, line 2": "/policies/apis/partner-bank/#line-2"}


def test_so_is_what_it_answers_on_the_way_back() -> None:
    api = make_api()
    make_operation(api, "/accounts/{id}")
    write(api, out='<return-response><set-status code="410" /></return-response>')
    assert trouble(api, answer(410)).title == "A policy answered 410 itself"


def test_an_empty_answer_because_nothing_forwards_is_told() -> None:
    api = make_api()
    make_operation(api, "/accounts/{id}")
    write(api, backend="")
    empty = Answer(200, "OK", (("Content-Length", "0"), ("Date", "now")))
    assert "forward-request" in trouble(api, empty).text
    write(api)
    assert ask(api, empty) is None


def test_no_key_of_the_call_is_in_what_is_told(bank: Bank) -> None:
    key = "0123456789abcdef-secret"
    target = f"/partner-bank/accounts/1?subscription-key={key}"
    for status, code in ((401, "subscription-key-invalid"), (502, "back-end-closed"), (404, ""), (500, "")):
        found = trouble(bank.api, answer(status, code), target, fields=(("Ocp-Apim-Subscription-Key", key),))
        assert key not in repr(found)
        assert key not in render_to_string("portal/console/trouble.html", {"trouble": found})


def test_the_table_knows_what_a_trace_may_say() -> None:
    api = make_api()
    for verdict in VERDICTS:
        trace = {"outcome": {"verdict": verdict, "message": "So it was."}}
        assert trouble(api, answer(502, "back-end-closed"), trace=trace).text == "So it was."


def test_what_the_configuration_forbids_is_mended_there_also_in_the_words_of_a_trace() -> None:
    api = make_api()
    make_operation(api, "/accounts/{id}")
    choose(api, make_certificate())
    update_directly(Api, api.pk, web_service_url="http://bank.example")
    api.refresh_from_db()
    outcome = {"verdict": "certificate-needs-https", "message": "It begins with http://."}
    found = trouble(api, answer(500, "client-certificate-needs-https"), trace={"outcome": outcome})
    assert found.text == "It begins with http://."
    assert next(iter(links(found).values())) == "/apis/partner-bank/settings/#id_web_service_url"
