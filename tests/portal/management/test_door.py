"""Whatever is sent to /management is answered there, in JSON, and leaves nothing behind."""

import gc
import io
import json
import re
import threading
from typing import Any

import pytest
from django.apps import apps
from django.core.handlers.wsgi import WSGIRequest
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory
from pytest_django import Settings

from gateway.models import AuditEntry
from portal.management_api.addresses import allowed
from portal.management_api.door import Door
from portal.management_api.table import RESOURCES
from tests.builders import make_certificate
from tests.portal.management.client import SERVICE_PATH, VERSION, Arm


def error_of(response: HttpResponse) -> dict[str, Any]:
    """The error of an answer, which is one in the form of the original."""
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert not response.cookies
    error: dict[str, Any] = response.json()["error"]
    assert list(error) == ["code", "message", "details"]
    assert all(list(each) == ["code", "target", "message"] for each in error["details"] or ())
    return error


def targets(response: HttpResponse) -> list[str]:
    assert response.status_code == 400
    return [each["target"] for each in error_of(response)["details"]]


# --- who calls ----------------------------------------------------------------------------------------------------
ADDRESSES = [
    "/management",
    "/management/",
    "/MANAGEMENT/nowhere",
    "/management/nowhere/",
    f"/management{SERVICE_PATH}",
    f"/management{SERVICE_PATH}/certificates?api-version={VERSION}",
    f"/management{SERVICE_PATH}/certificates/%00",
    "/management/certificates?api-version=2014-02-14",
    "/management/sign-in/",
]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_strangers_are_told_nothing_but_that(token: str, method: str) -> None:
    said = set()
    for path in ADDRESSES:
        for headers in ({}, {"Authorization": "SharedAccessSignature integration&x&y"}):
            response = Client().generic(method, path, "{broken", headers=headers)
            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"] == "SharedAccessSignature"
            said.add((error_of(response)["code"], response.content))
    assert len(said) == 1


def test_a_head_of_strangers_has_no_body(token: str) -> None:
    response = Client().head("/management/nowhere")
    assert (response.status_code, response.content) == (401, b"")
    assert int(response.headers["Content-Length"]) > 50  # what GET would send


@pytest.mark.parametrize("path", ["", "/", "/nowhere", "/nowhere/", "/subscriptions/sub", "/sign-in/"])
def test_what_is_not_there_is_told_in_json(token: str, path: str) -> None:
    response = Client().get(f"/management{path}", headers={"Authorization": token})
    assert response.status_code == 404
    assert error_of(response)["code"] == "ResourceNotFound"


def test_what_is_next_to_it_is_passed_on() -> None:
    passed = HttpResponse()
    for path in ("/", "/managements/", "/manage", "/apis/management/"):
        assert Door(lambda request: passed)(RequestFactory().get(path)) is passed


# --- addresses ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "path", ["/nowhere", "/certificates/x/nowhere", "/certificates/x/y/z", "/gateways/x/use"]
)
def test_an_address_that_nothing_has(arm: Arm, path: str) -> None:
    assert (
        error_of(arm.get(path))["message"]
        == "There is nothing at this address. openapi.json, below /management, says what there is."
    )


def test_fixed_parts_of_an_address_are_written_in_any_case(arm: Arm) -> None:
    make_certificate("partner")
    response = arm.client.get(
        f"/management{SERVICE_PATH.upper()}/CERTIFICATES/PARTNER/?Api-Version={VERSION}", headers=arm.headers
    )
    assert response.json()["name"] == "partner"
    assert response.json()["id"] == (
        "/subscriptions/SUB/resourceGroups/GROUP/providers/Microsoft.ApiManagement/service/portal/certificates/partner"
    )


def test_another_service_is_not_here(arm: Arm) -> None:
    path = f"/management{SERVICE_PATH.replace('portal', 'other')}/certificates?api-version={VERSION}"
    response = arm.client.get(path, headers=arm.headers)
    assert response.status_code == 404
    assert error_of(response)["message"] == "The service is called 'portal' here, not 'other'."


@pytest.mark.parametrize(
    ("query", "code"),
    [("", "MissingApiVersionParameter"), ("?api-version=2014-02-14", "InvalidApiVersionParameter")],
)
def test_the_version_has_to_be_said(arm: Arm, query: str, code: str) -> None:
    response = arm.client.get(f"/management{SERVICE_PATH}/certificates{query}", headers=arm.headers)
    assert (response.status_code, error_of(response)["code"]) == (400, code)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("%00", 400),
        ("a%00b", 400),
        ("%ED%A0%80", 404),  # half of a surrogate pair
        ("%FF", 404),
        ("a;b=c", 404),
        ("a%3Fb%23c", 404),
        ("a%2Fb", 404),
        ("x" * 81, 404),
        ("..", 404),
    ],
)
def test_odd_ids_are_not_there_and_no_failure(arm: Arm, name: str, status: int) -> None:
    response = arm.get(f"/certificates/{name}")
    assert response.status_code == status
    error_of(response)


@pytest.mark.parametrize("name", ["x" * 81, "%FF", "a'b", "a%5Cb", "%0Aa", "%7B%7Ba"])
def test_odd_ids_are_refused(arm: Arm, name: str) -> None:
    assert "id" in targets(arm.put(f"/certificates/{name}", {"data": "AAAA"}))


# --- methods ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("", "GET, HEAD"),
        ("/certificates", "GET, HEAD"),
        ("/certificates/x", "GET, HEAD, PUT, DELETE"),
        ("/gateways/x", "GET, HEAD"),
    ],
)
def test_what_cannot_be_done_says_what_can(arm: Arm, path: str, allowed: str) -> None:
    for method in {"GET", "PUT", "PATCH", "DELETE", "POST", "OPTIONS", "TRACE", "BREW"} - {
        *allowed.split(", ")
    }:
        response = arm(method, path)
        assert (response.status_code, response.headers["Allow"]) == (405, allowed)
        assert method in error_of(response)["message"]


def test_head_is_get_without_a_body(arm: Arm) -> None:
    make_certificate("partner")
    for path in ("", "/certificates", "/certificates/partner", "/certificates/other"):
        get, head = arm.get(path), arm("HEAD", path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        for name in ("Content-Length", "Content-Type", "ETag"):
            assert head.headers.get(name) == get.headers.get(name)


def test_an_answer_without_body_has_no_length(arm: Arm) -> None:
    response = arm.delete("/certificates/nowhere")
    assert (response.status_code, response.headers.get("Content-Length")) == (204, None)


def test_a_reader_can_do_nothing_but_look(reader_arm: Arm) -> None:
    """Whatever there is: the refusal comes before anybody looks whether the entity is there, or at the body."""
    tried = 0
    for resource in RESOURCES:
        one = re.sub("{[^}]*}", "x", resource.template)
        addresses = [
            (one, allowed(resource, one=True)),
            *((f"{one}/{a.name}", ("POST",)) for a in resource.actions),
        ]
        if not resource.singleton:
            addresses.append((one.rpartition("/")[0], allowed(resource, one=False)))
        for path, methods in addresses:
            for method in set(methods) - {"GET", "HEAD"}:
                response = reader_arm(method, path, "{broken", If_Match="*")
                assert (response.status_code, method, path) == (403, method, path)
                tried += 1
    assert tried > 30
    assert not AuditEntry.objects.filter(actor_kind="api").exists()


# --- bodies -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "The body is empty."),
        (b" \r\n", "The body is empty."),
        (b"{", "line 1, column 2"),
        (b'{"properties": {"data": NaN}}', "The body is no JSON."),
        (b'{"properties": {"data": -Infinity}}', "The body is no JSON."),
        (b"\xff{}", "The body is not in UTF-8."),
        ('{"properties": {}}'.encode("utf-16"), "The body is not in UTF-8."),
        (b"[]", "The body has to be a JSON object."),
        (b'"properties"', "The body has to be a JSON object."),
        (b"[" * 5000, "The body is no JSON."),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "Nest at most 32 levels."),
        (b"--x\r\nContent-Disposition: form-data", "The body is no JSON"),
    ],
)
def test_a_body_that_is_no_json_object(arm: Arm, body: bytes, said: str) -> None:
    response = arm("PUT", "/certificates/x", body)
    assert targets(response) == ["body"]
    assert said in error_of(response)["details"][0]["message"]


@pytest.mark.parametrize(
    ("body", "target"),
    [
        (b'{"properties": {"data": "a", "data": "b"}}', "data"),
        (b'{"properties": {"data": "a\\u0000"}}', "data"),
        (b'{"properties": {"data": "\\ud800"}}', "data"),
        (b'{"properties": {"da\\ud800ta": "x"}}', "properties"),
        (b'{"properties": {"da\\ud800ta": 1, "da\\ud800ta": 1}}', "da?ta"),
        (b'{"properties": {"data": 1e400}}', "data"),
        (b'{"properties": {"data": [1, 9007199254740992]}}', "data.1"),
        (b'{"properties": {"data": ' + b"9" * 5000 + b"}}", "data"),
        (b'{"properties": null}', "properties"),
        (b'{"properties": {"data": 5}}', "data"),
        (b'{"properties": {"data": "AAAA", "more": 5}}', "more"),
        (b'{"properties": {"data": "AAAA"}, "more": 5}', "more"),
    ],
)
def test_a_member_that_cannot_be_taken(arm: Arm, body: bytes, target: str) -> None:
    assert target in targets(arm("PUT", "/certificates/x", body))


def test_a_small_body_comes_to_no_large_answer(arm: Arm) -> None:
    """Not by a name that stands before each of many errors, nor by their number."""
    bad = json.dumps({"n" * 20_000: {"properties": ["\0"] * 500}})
    response = arm("PUT", "/certificates/x", bad)
    assert len(error_of(response)["details"]) == 500
    assert len(response.content) < 250_000
    for many in ([0] * 9_999, {str(number): 0 for number in range(9_999)}):
        response = arm("PUT", "/certificates/x", {"properties": {"data": many}})
        assert error_of(response)["details"][0]["message"] == "Give at most 10,000 values."
    response = arm(
        "PUT", "/certificates/x", "{" + ",".join(f'"{number // 2}": 1' for number in range(400)) + "}"
    )
    assert len(error_of(response)["details"]) == 100


def test_a_mark_of_utf_8_is_no_mistake(arm: Arm) -> None:
    assert targets(arm("PUT", "/certificates/x", b'\xef\xbb\xbf{"properties": {"data": "AAAA"}}')) == ["data"]


@pytest.mark.parametrize(
    "sent", ["text/plain", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "nonsense"]
)
def test_another_media_type(arm: Arm, sent: str) -> None:
    response = arm.client.put(
        f"/management{SERVICE_PATH}/certificates/x?api-version={VERSION}",
        b"--x",
        content_type=sent,
        headers=arm.headers,
    )
    assert response.status_code == 415
    assert error_of(response)["code"] == "UnsupportedMediaType"


def test_a_body_without_length_is_not_taken_for_an_empty_one(arm: Arm) -> None:
    response = arm.client.generic(
        "PUT",
        f"/management{SERVICE_PATH}/certificates/x?api-version={VERSION}",
        headers={**arm.headers, "Transfer-Encoding": "chunked"},
    )
    assert (response.status_code, error_of(response)["code"]) == (411, "LengthRequired")


def test_a_body_that_ends_too_early(token: str) -> None:
    class Gone(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("the caller is gone")

    path = f"/management{SERVICE_PATH}/certificates/x?api-version={VERSION}"
    request = RequestFactory().put(
        path, b"{}", headers={"Authorization": token}, content_type="application/json"
    )
    request = WSGIRequest({**request.environ, "wsgi.input": Gone()})
    response = Door(lambda request: HttpResponse(status=500))(request)
    assert isinstance(response, HttpResponse)
    assert (response.status_code, b"ended too early" in response.content) == (400, True)


def test_a_body_that_is_too_large(arm: Arm, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    response = arm("PUT", "/certificates/x", b"x" * 101)
    assert response.status_code == 413
    assert "100 bytes" in error_of(response)["message"]
    settings.REQUEST_MAX_BYTES = 50
    response = arm("GET", "/certificates/x", b"x" * 51)
    assert response.status_code == 413
    assert "50 bytes" in error_of(response)["message"]


# --- what Django and the database refuse --------------------------------------------------------------------------
def test_a_host_that_is_not_ours(arm: Arm) -> None:
    response = arm.get("/certificates", Host="evil.example")
    assert response.status_code == 400
    assert "ALLOWED_HOSTS" in error_of(response)["message"]


def test_too_many_parameters(arm: Arm) -> None:
    response = arm.get("/certificates?" + "a=1&" * 1001)
    assert response.status_code == 400
    error_of(response)


def test_plain_http_is_not_led_to_https_where_there_is_that(arm: Arm, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 60
    response = arm.get("/certificates")
    assert (response.status_code, error_of(response)["code"]) == (403, "HttpsRequired")
    assert "Location" not in response.headers
    assert "Strict-Transport-Security" not in response.headers
    secure = arm.client.get(
        f"/management{SERVICE_PATH}?api-version={VERSION}", secure=True, headers=arm.headers
    )
    assert secure.status_code == 200
    assert secure.headers["Strict-Transport-Security"] == "max-age=60; includeSubDomains"


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (OperationalError("database is locked"), 503),
        (OperationalError("disk I/O error"), 503),
        (InterfaceError("connection already closed"), 503),
        (RuntimeError("the secret is hunter2"), 500),
    ],
)
def test_a_failure_is_told_without_its_reason(token: str, failure: Exception, status: int) -> None:
    def fail(execute: Any, sql: str, *rest: Any) -> Any:
        if "gateway_certificate" in sql:
            raise failure
        return execute(sql, *rest)

    with connection.execute_wrapper(fail):
        response = Arm(token).get("/certificates")
    assert response.status_code == status
    assert str(failure) not in json.dumps(error_of(response))
    assert response.headers.get("Retry-After") == ("5" if status == 503 else None)


def test_every_answer_has_what_those_of_the_original_have(arm: Arm) -> None:
    headers = arm.get("/certificates").headers
    assert headers["Cache-Control"] == headers["Pragma"] == "no-cache"
    assert (headers["Expires"], headers["X-Content-Type-Options"]) == ("-1", "nosniff")
    assert headers["x-ms-request-id"] != arm.get("/certificates").headers["x-ms-request-id"]


# --- nothing stays ------------------------------------------------------------------------------------------------
def _rows() -> dict[str, int]:
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    found = {}
    with connection.cursor() as cursor:
        for table in sorted(tables):
            cursor.execute(f"SELECT COUNT(*) FROM {connection.ops.quote_name(table)}")
            found[table] = cursor.fetchone()[0]
    return found


def _leaves_nothing(token: str, count: int) -> None:
    answer = Door(lambda request: HttpResponse(status=500))  # the test client keeps something of each request
    path = f"/management{SERVICE_PATH}/certificates?api-version={VERSION}"

    def request() -> HttpResponseBase:
        return answer(RequestFactory().get(path, headers={"Authorization": token}))

    make_certificate()
    for _ in range(5):
        request()
    before = _rows(), threading.active_count()
    gc.collect()
    objects = len(gc.get_objects())
    for _ in range(count):
        response = request()
        assert response.status_code == 200
        assert not response.cookies
    assert (_rows(), threading.active_count()) == before
    gc.collect()
    assert len(gc.get_objects()) - objects < 3 * count  # one request is dozens


def test_requests_leave_nothing_behind(token: str) -> None:
    _leaves_nothing(token, 50)


@pytest.mark.long
def test_a_thousand_requests_leave_nothing_behind(token: str) -> None:
    _leaves_nothing(token, 1000)
