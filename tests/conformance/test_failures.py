"""What the gateway says when it cannot do what it was asked to, and that nobody else can say it."""

import pytest

from tests.back_end import BackEnd
from tests.conformance.back_ends import BackEnds
from tests.conformance.caller import request
from tests.conformance.marks import failure, shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire


@shows(
    "this product",
    "failures",
    "What the configuration does not allow is told apart, and nothing is forwarded.",
)
@pytest.mark.parametrize(
    ("api", "status", "code"),
    [
        ("https-only", 403, "https-required"),
        ("broken", 500, "api-unusable"),
        ("broken-policy", 500, "policy-unusable"),
        ("sealed", 500, "client-certificate-unusable"),
        ("missing", 500, "client-certificate-unusable"),
        ("mismatched", 500, "client-certificate-unusable"),
        ("in-the-clear", 500, "client-certificate-needs-https"),
        ("unreadable-authority", 500, "back-end-trust-unusable"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_problem_of_the_configuration_is_told(
    gateway: Gateway, listeners: BackEnds, api: str, status: int, code: str, method: str
) -> None:
    answer = gateway.call(method, f"/{api}/x", body=b"" if method == "GET" else b"body")
    assert failure(answer) == (status, code)
    assert not listeners.wire


@shows("RFC 9110", "15.6.3", "A back end that cannot be reached, or does not answer, is told apart.")
@pytest.mark.parametrize(
    ("api", "code"),
    [
        ("dead", "back-end-unreachable"),
        ("nowhere", "back-end-not-found"),
        ("metadata", "back-end-address-refused"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_back_end_that_cannot_be_reached_is_told(
    gateway: Gateway, back_end: BackEnd, api: str, code: str, method: str
) -> None:
    answer = gateway.call(method, f"/{api}/x", body=b"" if method == "GET" else b"body")
    assert failure(answer) == (502, code)


@shows("this product", "failures", "What a caller is told shows nothing of the inside.")
@pytest.mark.parametrize(
    "api", ["sealed", "broken", "dead", "nowhere", "metadata", "another-ca", "stranger", "full"]
)
def test_a_failure_shows_nothing_of_the_inside(gateway: Gateway, listeners: BackEnds, api: str) -> None:
    answer = gateway.call(target=f"/{api}/x")
    text = answer.body.decode() + str(answer.fields)
    inside = (
        "127.0.0.1",
        "localhost",
        "169.254",
        "nowhere.invalid",
        "row 1",
        "newer format",
        "partner",
        "Errno",
        "SSL",
    )
    assert not [word for word in (*inside, str(listeners.port)) if word in text]


@shows("this product", "failures", "Every failure has an activity id of its own.")
def test_every_failure_has_an_id(gateway: Gateway, back_end: BackEnd) -> None:
    with gateway.caller() as caller:
        ids = {caller.ask("GET", "/dead/x").json["activityId"] for _ in range(3)}
    assert len(ids) == 3


@shows("this product", "failures", "After a failure the connection serves the next call.")
@pytest.mark.parametrize("api", ["https-only", "keyed", "broken", "dead", "another-ca"])
def test_after_a_failure_the_connection_serves_on(gateway: Gateway, back_end: BackEnd, api: str) -> None:
    with gateway.caller() as caller:
        assert caller.ask("GET", f"/{api}/x").status >= 400
        assert caller.ask().status == 200


@shows("this product", "failures", "A failure is answered to HTTP/1.0 callers, too, with its length.")
def test_a_failure_is_answered_to_http_1_0(gateway: Gateway, back_end: BackEnd) -> None:
    with gateway.caller() as caller:
        caller.send(request("GET", "/dead/x", version="1.0"))
        assert failure(caller.final()) == (502, "back-end-unreachable")
        assert caller.end() == "closed"


@shows("this product", "failures", "A back end cannot say that the gateway failed.")
@pytest.mark.parametrize("name", ["Gateway-Error", "gateway-error", "GATEWAY-ERROR"])
@pytest.mark.parametrize("status", ["200 OK", "502 Bad Gateway", "401 Unauthorized"])
def test_a_back_end_cannot_forge_a_failure(
    gateway: Gateway, back_end: BackEnd, name: str, status: str
) -> None:
    forged = (f"{name}: back-end-timeout", f"{name}: not-found", "Content-Type: application/json")
    back_end.behave = lambda connection, seen: connection.answer(b"{}", *forged, status=status)
    answer = gateway.call()
    assert (answer.status, answer.body, answer.values("gateway-error")) == (int(status[:3]), b"{}", [])


@shows("this product", "fields", "A field whose name has an underscore is refused, and the answer names it.")
@pytest.mark.parametrize(
    "name", ["X_Role", "x-forwarded_for", "_", "Content_Length", "Transfer_Encoding", "X__"]
)
def test_an_underscore_in_a_name_is_refused(gateway: Gateway, back_end: BackEnd, name: str) -> None:
    answer = gateway.call("GET", "/open/x", "X-A: b", f"{name}: 1")
    assert failure(answer) == (400, "field-name-underscore")
    assert f"'{name.lower()}'" in answer.json["message"].lower()
    assert not back_end.seen


@shows("this product", "cookies", "Cookies of the portal never leave for a back end; those of the API do.")
@pytest.mark.parametrize(
    ("sent", "arrived"),
    [
        (["a=1; portal_session=secret; b=2"], ["a=1; b=2"]),
        (["portal_session=secret"], []),
        (["csrftoken=secret;portal_session=secret;c=3"], ["c=3"]),
        (["a=1", "csrftoken=secret", "b=2"], ["a=1", "b=2"]),
        (
            ["my_portal_session=1; x=portal_session; portal_session2=y"],
            ["my_portal_session=1; x=portal_session; portal_session2=y"],
        ),
        (["a=1;b=2;  c"], ["a=1;b=2;  c"]),
    ],
)
def test_cookies_of_the_portal_never_leave(
    gateway: Gateway, listeners: BackEnds, sent: list[str], arrived: list[str]
) -> None:
    assert gateway.call("GET", "/open/x", *(f"Cookie: {value}" for value in sent)).status == 200
    assert listeners.seen[0].values("cookie") == arrived
    assert b"secret" not in b"".join(listeners.wire)


@shows("this product", "cookies", "A cookie that a back end sets for one caller is not sent for the next.")
def test_a_cookie_of_one_caller_is_not_sent_for_the_next(gateway: Gateway, back_end: BackEnd) -> None:
    back_end.behave = lambda connection, seen: connection.answer(b"", "Set-Cookie: session=mine")
    for _ in range(3):
        assert gateway.call().status == 200
    assert not [seen for seen in back_end.seen if seen.values("cookie")]
    assert len({seen.connection for seen in back_end.seen}) == 1
