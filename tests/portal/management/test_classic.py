"""Certificates in the classic dialect, api-version 2014-02-14."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.models import Certificate
from tests import pki
from tests.builders import choose, make_api, make_certificate
from tests.portal.management.classic import Classic

EXPIRY = datetime(2036, 8, 21, 21, 10, 42, tzinfo=UTC)
IN_USE = "Certificate cannot be deleted since it is being used by one or more policies."


@pytest.fixture
def classic(token: str) -> Classic:
    return Classic(token)


def upload(common_name: str = "myapi.cloudapp.net", **issued: Any) -> dict[str, str]:
    data = pki.pfx(pki.self_signed(common_name=common_name, **issued), password=b"secret word")
    return {"data": base64.b64encode(data).decode(), "password": "secret word"}


def test_the_life_of_a_certificate(classic: Classic) -> None:
    issued = pki.self_signed(common_name="myapi.cloudapp.net", not_after=EXPIRY)
    body = {"data": base64.b64encode(pki.pfx(issued)).decode(), "password": "password"}
    made = classic.put("/certificates/544fe9abc3b8f30fb490d90f", body)
    assert made.status_code == 201
    flat = {
        "id": "/certificates/544fe9abc3b8f30fb490d90f",
        "subject": "CN=myapi.cloudapp.net",
        "thumbprint": issued.thumbprint,
        "expirationDate": "2036-08-21T21:10:42",
    }
    assert made.json() == flat
    got = classic.get("/certificates/544fe9abc3b8f30fb490d90f")
    assert (got.status_code, got.json(), got["ETag"]) == (200, flat, made["ETag"])
    assert classic.get("/certificates").json() == {"value": [flat], "count": 1, "nextLink": None}
    head = classic("HEAD", "/certificates/544fe9abc3b8f30fb490d90f")
    assert (head.status_code, head["ETag"], head.content) == (200, made["ETag"], b"")
    assert classic.delete("/certificates/544fe9abc3b8f30fb490d90f").status_code == 204
    gone = classic.get("/certificates/544fe9abc3b8f30fb490d90f")
    assert gone.status_code == 404
    assert gone.json() == {
        "error": {"code": "ResourceNotFound", "message": "Certificate not found.", "details": None}
    }
    assert classic("HEAD", "/certificates/544fe9abc3b8f30fb490d90f").status_code == 404


def test_one_that_is_there_is_updated_with_if_match_only(classic: Classic) -> None:
    made = classic.put("/certificates/c", upload())
    refused = classic.put("/certificates/C", upload("other"))
    assert refused.status_code == 409
    assert refused.json()["error"]["message"] == "Certificate with the same identifier already exists."
    updated = classic.put("/certificates/c", upload("other"), If_Match=made["ETag"])
    assert (updated.status_code, updated.json()["subject"]) == (200, "CN=other")
    assert updated["ETag"] != made["ETag"]
    late = classic.put("/certificates/c", upload("late"), If_Match=made["ETag"])
    assert (late.status_code, late.json()["error"]["code"]) == (412, "PreconditionFailed")
    assert classic.put("/certificates/c", upload("third"), If_Match="*").status_code == 200
    assert classic.put("/certificates/new", upload("new"), If_Match="*").status_code == 412
    assert Certificate.objects.count() == 1


def test_one_in_use_cannot_be_deleted(classic: Classic) -> None:
    certificate = make_certificate()
    choose(make_api(), certificate)
    refused = classic.delete("/certificates/partner-bank")
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert error["message"] == IN_USE
    assert [each["target"] for each in error["details"]] == ["/apis/partner-bank/policies/policy"]
    unconditional = classic("DELETE", "/certificates/partner-bank")
    assert unconditional.json()["error"]["details"][0]["target"] == "If-Match"
    assert classic.delete("/certificates/partner-bank", If_Match='"AAAAAAAAAAA="').status_code == 412


def test_the_sample_of_the_original_is_understood(classic: Classic) -> None:
    body = upload()
    path = f"/certificates/c?password={body['password']}"
    kind = "text/plain; charset=utf-8"
    made = classic("PUT", path, body, version="2014-02-14-preview", Content_Type=kind)
    assert made.status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "version", "status", "code"),
    [
        ("GET", "/certificates", "", 400, "MissingApiVersionParameter"),
        ("GET", "/certificates", "2024-05-01", 400, "InvalidApiVersionParameter"),
        ("GET", "/certificates/c/versions", "2014-02-14", 404, "ResourceNotFound"),
        ("GET", "/users", "2014-02-14", 404, "ResourceNotFound"),
        ("PATCH", "/certificates/c", "2014-02-14", 405, "MethodNotAllowed"),
        ("POST", "/certificates", "2014-02-14", 405, "MethodNotAllowed"),
    ],
)
def test_what_is_not_spoken_is_refused(
    classic: Classic, method: str, path: str, version: str, status: int, code: str
) -> None:
    refused = classic(method, path, version=version)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)


def test_what_is_wrong_is_told_by_member(classic: Classic) -> None:
    refused = classic.put("/certificates/c", {"properties": upload(), "subject": "ignored"})
    assert refused.status_code == 400
    assert {each["target"] for each in refused.json()["error"]["details"]} == {"properties", "data"}
    refused = classic.put("/certificates/c", {**upload(), "password": "wrong"})
    assert [each["target"] for each in refused.json()["error"]["details"]] == ["password"]


def test_pages_follow_each_other(classic: Classic) -> None:
    for name in "abc":
        make_certificate(name)
    page = classic.get("/certificates?$top=2").json()
    assert ([each["id"] for each in page["value"]], page["count"]) == (
        ["/certificates/a", "/certificates/b"],
        3,
    )
    assert page["nextLink"].startswith("http://testserver/management/certificates?")
    last = classic.client.get(page["nextLink"], headers={"Authorization": classic.token}).json()
    assert [each["id"] for each in last["value"]] == ["/certificates/c"]
    assert last["nextLink"] is None


@pytest.mark.parametrize(
    "text",
    [
        "id eq 'b'",
        "id eq '/certificates/B'",  # as answers have it
        "startswith(id, '/certificates/b')",
        "id gt '/certificates/a' and id lt 'c'",
        "substringof('=b', subject)",
        "expirationDate eq datetime'2036-08-21T21:10:42'",
    ],
)
def test_lists_are_filtered(classic: Classic, text: str) -> None:
    for name in "ac":
        make_certificate(name)
    make_certificate("b", not_after=EXPIRY)
    found = classic.get(f"/certificates?$filter={text}").json()
    assert [each["id"] for each in found["value"]] == ["/certificates/b"]


def test_a_reader_reads(reader_token: str) -> None:
    reader = Classic(reader_token)
    make_certificate()
    assert reader.get("/certificates").json()["count"] == 1
    refused = reader.delete("/certificates/partner-bank")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "AuthorizationFailed")
    assert Classic("SharedAccessSignature nobody").get("/certificates").status_code == 401
