"""The console of an operation: its form, what it says of the call, and who may use which key."""

import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from gateway.changes.operations import delete_operation
from gateway.changes.subscriptions import cancel_subscription, suspend_subscription
from gateway.models import Api, AuditEntry, Operation, Revision, Subscription
from tests.arrange import update_directly
from tests.builders import ALICE, make_api, make_operation, make_subscription
from tests.portal.audit import newest_entry
from tests.portal.reading import errors_beside, link, text_of

pytestmark = pytest.mark.django_db
KEY = "0123456789abcdef-primary"
URL = "/apis/partner-bank/operations/call/console/"


def make(url_template: str = "/accounts/{id}", method: str = "GET", **api: Any) -> Operation:
    return make_operation(make_api(**api), url_template, method, resource_id="call")


def preview(client: Client, **entered: str) -> str:
    """The text of a call, as it is shown while one types."""
    response = client.post(f"{URL}preview/", {"scheme": "https", "key": "none", **entered})
    assert response.status_code == 200
    return text_of(response)


def shown(response: HttpResponse, label: str) -> str:
    """The text below the heading "HTTP request" or "curl"."""
    page = text_of(response)
    start = page.index(f" {label} ") + len(label) + 2
    return page[start : page.index(" curl " if label == "HTTP request" else "Send", start)]


# --- how one gets there -------------------------------------------------------------------------------------------
def test_the_tab_leads_to_the_first_get(reader_client: Client) -> None:
    api = make_api()
    make_operation(api, "/a", "POST")
    make_operation(api, "/b", "GET", resource_id="first")
    page = reader_client.get("/apis/partner-bank/")
    response = reader_client.get(link(page, "Console"), follow=True)
    assert response.redirect_chain == [("/apis/partner-bank/operations/first/console/", 302)]
    assert response.context["operation"].resource_id == "first"
    chosen = reader_client.get("/apis/partner-bank/console/", {"operation": "post-a"})
    assert chosen["Location"] == "/apis/partner-bank/operations/post-a/console/"


def test_operations_and_the_other_pages_of_a_call_lead_there_and_back(administrator_client: Client) -> None:
    make()
    there = administrator_client.get("/apis/partner-bank/operations/")
    assert f'href="{URL}"' in there.content.decode()
    for page in ("operations/call/", "operations/call/call/"):
        assert f'href="{URL}"' in administrator_client.get(f"/apis/partner-bank/{page}").content.decode()
    assert link(administrator_client.get("/apis/partner-bank/"), "Open the Console").endswith("/console/")
    console = administrator_client.get(URL)
    assert link(console, "Edit operation") == "/apis/partner-bank/operations/call/"
    for page in ("operations/call/call/", "call/"):
        assert f'href="/apis/partner-bank/{page}"' in console.content.decode()


def test_an_api_without_operations_says_what_is_missing(reader_client: Client) -> None:
    make_api()
    page = reader_client.get("/apis/partner-bank/console/")
    assert "This API has no operations, so there is nothing to call" in text_of(page)
    assert link(page, "Operations of Partner Bank") == "/apis/partner-bank/operations/"


def test_many_operations_are_searched(
    reader_client: Client, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr("portal.choice.MOST_IN_DROP_DOWN", 2)
    monkeypatch.setattr("portal.choice.MOST_RESULTS", 2)
    api = make_api()
    for name in ("a", "b", "c", "d"):
        make_operation(api, f"/x/{name}")
    with django_assert_max_num_queries(12):
        page = reader_client.get("/apis/partner-bank/console/")
    assert "4 of 4 operations match. The first 2 are shown" in text_of(page)
    found = reader_client.get("/apis/partner-bank/console/", {"q": "X/C"})
    assert link(found, "GET /x/c") == "/apis/partner-bank/operations/get-xc/console/"
    one = reader_client.get("/apis/partner-bank/operations/get-xc/console/")
    assert link(one, "Choose another of 4 operations") == "/apis/partner-bank/console/?q="
    assert "<option" not in one.content.decode().split("console-operation")[0].split("<main")[1]


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_operation_that_was_deleted_meanwhile_has_its_page(reader_client: Client, method: str) -> None:
    operation = make()
    delete_operation(ALICE, operation.key)
    for url in (URL, f"{URL}preview/"):
        response = getattr(reader_client, method)(url, follow=True)
        assert response.status_code == 404
        assert "has no operation with the id “call”" in text_of(response)


# --- the text of the call -----------------------------------------------------------------------------------------
def test_the_page_shows_the_call_before_anything_is_typed(administrator_client: Client) -> None:
    make("/accounts/{id}?kind={kind}&v=1")
    page = administrator_client.get(URL)
    text = shown(page, "HTTP request")
    assert text.startswith("GET /partner-bank/accounts/{id}?kind=&v=1 HTTP/1.1 Host: ")
    assert "Not complete yet: id." in text_of(page)
    assert "data-copy" not in page.content.decode()


def test_values_are_encoded_so_that_the_path_stays_what_it_is(reader_client: Client) -> None:
    make("/accounts/{id}/*?kind={kind}", suffix="")
    text = preview(
        reader_client,
        p_id="a/b?é",
        p_kind="x&y=1",
        remainder="/files/a b/",
        query="page=2\r\nname=a&b\r\nflag",
    )
    target = "/accounts/a%2Fb%3F%C3%A9/files/a%20b/?kind=x%26y%3D1&page=2&name=a%26b&flag"
    assert f"GET {target} HTTP/1.1" in text
    assert "curl --path-as-is 'http://" in text.replace("https://", "http://")
    assert target in text.partition("curl --path-as-is")[2]


@pytest.mark.parametrize("character", ["'", "<", "\t", "漢"])
def test_the_text_of_a_long_body_is_short(reader_client: Client, character: str) -> None:
    make("/", "POST")
    entered = {"scheme": "https", "key": "none", "body": character * 490_000}
    response = reader_client.post(f"{URL}preview/", entered)
    assert len(response.content) < 300_000
    assert "save it as the file request-body first" in text_of(response)


@pytest.mark.parametrize("value", ["..", ".", "a/../b", "..;x", "a\\.."])
def test_a_value_that_would_leave_the_path_is_refused(reader_client: Client, value: str) -> None:
    make("/accounts/{id}/*")
    response = reader_client.post(URL, {"p_id": value, "remainder": value, "key": "none", "scheme": "https"})
    words = f"“{value}” would make a “.” or “..” segment of the path, which the gateway refuses."
    for field in ("p_id", "remainder"):
        assert errors_beside(response, field) == [f"{words} Enter another value."]


def test_what_is_wrong_is_said_beside_each_field_and_nothing_is_lost(administrator_client: Client) -> None:
    make("/accounts/{id}", "POST")
    entered = {
        "p_id": "", "query": "=1", "headers": "Nonsense", "body": "  <é>\r\n", "content_type": "a\u0007b",
        "key": "own", "own_key": "",
    }  # fmt: skip
    response = administrator_client.post(URL, entered)
    assert errors_beside(response, "p_id") == [
        "Enter a value for id: without it no path fits the URL template."
    ]
    assert errors_beside(response, "query") == ["“=1” has no name: write name=value."]
    assert errors_beside(response, "headers") == ["“Nonsense” is no header: write Name: value."]
    assert "control character" in errors_beside(response, "content_type")[0]
    assert errors_beside(response, "own_key") == ["Enter the key, or choose another entry above."]
    page = response.content.decode()
    assert ">\n  &lt;é&gt;\r\n</textarea>" in page
    assert "Nothing was sent yet" in page


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("host: x", "the gateway's own address goes there"),
        ("Content-Length: 5", "the console itself says how long the body is"),
        ("Transfer-Encoding: chunked", "the console itself says how long"),
        ("Connection: close", "it is about the connection"),
        ("Upgrade: websocket", "it is about the connection"),
        ("ocp-apim-subscription-key: x", "choose the key below"),
        ("Ocp-Apim-Trace: true", "tick the box"),
    ],
)
def test_headers_that_are_not_the_persons_to_set_are_refused(
    reader_client: Client, line: str, words: str
) -> None:
    make()
    response = reader_client.post(URL, {"p_id": "1", "headers": f"Accept: a/b\n{line}", "key": "none"})
    assert words in errors_beside(response, "headers")[0]


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00b"])
def test_no_value_of_a_field_makes_another_field(reader_client: Client, value: str) -> None:
    make("/accounts", "POST")
    entered = {"key": "own", "own_key": value, "content_type": value, "body": "x"}
    response = reader_client.post(URL, entered)
    assert errors_beside(response, "own_key")
    assert errors_beside(response, "content_type")


def test_a_parameter_is_what_stands_behind_its_name(reader_client: Client) -> None:
    make("/accounts")
    assert "GET /partner-bank/accounts?a=%20b%20&c=d%3De%20 HTTP/1.1" in preview(
        reader_client, query="  a= b \r\n\t\r\n\r\nc=d=e "
    )


def test_the_key_is_not_a_query_parameter(reader_client: Client) -> None:
    make()
    response = reader_client.post(URL, {"p_id": "1", "query": "Subscription-Key=x", "key": "none"})
    assert "choose the key below" in errors_beside(response, "query")[0]


def test_a_body_has_the_ends_of_lines_that_were_typed_and_a_type(reader_client: Client) -> None:
    make("/accounts", "POST")
    text = preview(reader_client, body="a\r\nb", content_type="text/plain")
    assert "Content-Type: text/plain Content-Length: 3 a b" in text
    assert (
        preview(reader_client, body="a", content_type="text/plain", headers="content-type: a/b").count(
            "/plain"
        )
        == 0
    )
    assert "Content-Type: text/plain" not in preview(reader_client, content_type="text/plain")


@pytest.mark.parametrize(
    ("method", "shape"), [("POST", "open"), ("GET", "closed"), ("HEAD", ""), ("TRACE", "")]
)
def test_a_body_is_offered_where_the_verb_has_one(reader_client: Client, method: str, shape: str) -> None:
    make(method=method)
    page = reader_client.get(URL).content.decode()
    assert ('id="id_body"' in page) == (shape != "")
    assert ("<summary>Request body" in page) == (shape == "closed")


# --- the scheme ---------------------------------------------------------------------------------------------------
def test_an_api_that_takes_both_schemes_lets_one_choose(reader_client: Client, settings: Settings) -> None:
    settings.GATEWAY_TLS_CERTIFICATE, settings.GATEWAY_PORT, settings.GATEWAY_PLAIN_PORT = "x.pem", 8443, 8080
    make()
    assert "Host: 127.0.0.1:8443" in text_of(reader_client.get(URL))
    assert "Host: 127.0.0.1:8080" in preview(reader_client, scheme="http", p_id="1")
    refused = reader_client.post(URL, {"p_id": "", "scheme": "http", "key": "none"})
    assert '<option value="http" selected>' in refused.content.decode()
    update_directly(Api, Api.objects.get().key, https=False)
    page = reader_client.get(URL)
    assert "Host: 127.0.0.1:8080" in text_of(page)
    assert '<input type="hidden" name="scheme"' in page.content.decode()


def test_a_scheme_that_the_gateway_does_not_offer_is_said_to_be_missing(reader_client: Client) -> None:
    make(http=False)
    page = reader_client.get(URL)
    assert "This API cannot be called: it takes HTTPs only, and the gateway has no TLS" in text_of(page)
    assert link(page, "Settings of Partner Bank") == "/apis/partner-bank/settings/"
    assert reader_client.post(URL, {"p_id": "1", "key": "none"}).context.get("called") is None


def test_it_says_when_no_gateway_runs(reader_client: Client) -> None:
    make()
    assert "No gateway is running" in text_of(reader_client.get(URL))


# --- keys ---------------------------------------------------------------------------------------------------------
def options(response: HttpResponse) -> dict[str, str]:
    return {label: value for value, label in response.context["form"].fields["key"].choices}  # type: ignore[attr-defined]


def test_administrators_choose_among_the_subscriptions_that_let_the_api_in(
    administrator_client: Client,
) -> None:
    operation = make()
    for name, state in (("Suspended", suspend_subscription), ("Cancelled", cancel_subscription)):
        state(ALICE, make_subscription(name).key)
    make_subscription("Another's", make_api("Other"))
    make_subscription("Plain", primary_key=KEY)
    traced = make_subscription("Traced", operation.api, allow_tracing=True)
    page = administrator_client.get(URL)
    assert list(options(page)) == ["Traced (tracing allowed)", "Plain", "No key", "Another key"]
    assert f'<option value="{traced.key}" selected>' in page.content.decode()
    assert page.context["form"]["trace"].value()
    assert "Ocp-Apim-Trace: true Ocp-Apim-Subscription-Key: ••••••" in text_of(page)
    assert KEY not in page.content.decode()


def test_without_tracing_the_box_is_closed_and_leads_to_where_it_is_allowed(
    administrator_client: Client, reader_client: Client
) -> None:
    make()
    page = administrator_client.get(URL)
    assert link(page, "Add a subscription") == "/subscriptions-add/?api=partner-bank"
    make_subscription("Plain")
    page = administrator_client.get(URL)
    assert link(page, "Allow it for Plain") == "/subscriptions/plain/edit/"
    assert page.context["form"].fields["trace"].disabled
    assert "Ocp-Apim-Trace: true" not in preview(administrator_client, p_id="1", trace="on")
    words = text_of(reader_client.get(URL))
    assert "No subscription that lets calls of this API in allows tracing." in words
    assert "Allow it for" not in words


def test_readers_use_keys_of_their_own_alone(reader_client: Client) -> None:
    make()
    subscription = make_subscription("Plain", primary_key=KEY)
    page = reader_client.get(URL)
    assert list(options(page)) == ["No key", "Another key"]
    assert "Keys of subscriptions are for administrators" in text_of(page)
    for also in ({}, {"show_key": "1"}):
        response = reader_client.post(URL, {"p_id": "1", "key": str(subscription.key), **also})
        assert "This subscription is not there any more" in errors_beside(response, "key")[0]
        assert KEY not in response.content.decode()
    assert not AuditEntry.objects.filter(action__contains="key").exists()


def test_a_key_that_was_typed_is_in_no_page(reader_client: Client) -> None:
    make()
    entered = {"p_id": "", "key": "own", "own_key": KEY}
    for url in (URL, f"{URL}preview/"):
        response = reader_client.post(url, entered)
        assert KEY not in response.content.decode()
        assert "Ocp-Apim-Subscription-Key: ••••••" in text_of(response)


def test_show_key_makes_lines_that_work_and_is_recorded(administrator_client: Client) -> None:
    make()
    subscription = make_subscription("Plain", primary_key=KEY)
    number = Revision.objects.get().number
    entered = {"p_id": "17", "key": str(subscription.key), "show_key": "1", "scheme": "http"}
    response = administrator_client.post(URL, entered)
    assert f"Ocp-Apim-Subscription-Key: {KEY}" in shown(response, "HTTP request")
    assert f"-H 'Ocp-Apim-Subscription-Key: {KEY}'" in shown(response, "curl")
    assert "$SUBSCRIPTION_KEY" not in response.content.decode()
    assert response.context.get("called") is None
    assert newest_entry() == ("alice", "was shown the keys of", "subscription", "Plain")
    assert Revision.objects.get().number == number
    assert KEY not in preview(administrator_client, p_id="17", key=str(subscription.key))


@pytest.mark.parametrize("key", ["none", "own"])
def test_show_key_needs_a_subscription(administrator_client: Client, key: str) -> None:
    make()
    response = administrator_client.post(URL, {"p_id": "1", "key": key, "own_key": KEY, "show_key": "1"})
    assert errors_beside(response, "key") == ["Choose the subscription whose key is to be shown."]
    assert KEY not in response.content.decode()


def test_a_body_that_is_too_long_is_said_to_be_and_never_cut(reader_client: Client) -> None:
    make("/accounts", "POST")
    response = reader_client.post(URL, {"body": "x" * 500_001, "key": "none"})
    assert errors_beside(response, "body") == [
        "The console sends at most 500,000 characters. Save a longer body as a file, and send that with curl: "
        "--data-binary @file."
    ]
    far = reader_client.post(URL, {"body": "x" * 2_700_000, "key": "none"})
    assert far.status_code == 413
    assert "What you sent is larger than 2 MB" in text_of(far)
    assert re.search(r'<textarea name="body"(?![^>]*maxlength)', response.content.decode())


def test_a_key_that_cannot_be_opened_is_said_beside_its_field(administrator_client: Client) -> None:
    make()
    subscription = make_subscription("Plain")
    update_directly(Subscription, subscription.key, sealed_primary_key="x")
    for also in ({}, {"show_key": "1"}):
        response = administrator_client.post(URL, {"p_id": "1", "key": str(subscription.key), **also})
        assert "opened" in errors_beside(response, "key")[0]


def test_images_may_stand_in_this_page_and_in_no_other(reader_client: Client) -> None:
    make()
    console = policy_of(reader_client, URL)
    other = policy_of(reader_client, "/apis/partner-bank/operations/call/call/")
    assert (console.pop("img-src"), other.pop("img-src")) == ("'self' data:", "'self'")
    assert console == other
    assert console["script-src"] == console["connect-src"] == "'self'"
    assert console["default-src"] == "'none'"


def policy_of(client: Client, url: str) -> dict[str, str]:
    return dict(re.findall(r"([a-z-]+) ([^;]*)", client.get(url)["Content-Security-Policy"]))


@pytest.mark.parametrize(
    ("needed", "words"),
    [(True, "Without a key this API answers 401."), (False, "This API takes calls without a key, too.")],
)
def test_what_comes_of_a_call_without_a_key_is_said_before(
    reader_client: Client, needed: bool, words: str
) -> None:
    make(subscription_required=needed)
    assert words in text_of(reader_client.get(URL))
