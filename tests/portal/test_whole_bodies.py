"""A body that ends too early is not taken for a whole one."""

import io
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.test import Client, RequestFactory

from gateway.models import NamedValue
from portal.whole_bodies import WholeBody, whole_bodies

SECRET = "a" * 32
BODY = urlencode({"csrfmiddlewaretoken": SECRET, "name": "limit", "value": "x" * 3000}).encode()


def portal(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """The portal without the signals of a request, which would close the test's database."""
    response = WSGIHandler().get_response(WSGIRequest(environ))
    start_response(str(response.status_code), [])
    return []


def posted(client: Client, came: int) -> str:
    """The status of a form of which so many bytes come before the connection breaks."""
    client.cookies["csrftoken"] = SECRET
    request = RequestFactory().post(
        "/properties-add/", BODY, content_type="application/x-www-form-urlencoded",
        headers={"Cookie": "; ".join(f"{name}={each.value}" for name, each in client.cookies.items())},
    )  # fmt: skip
    statuses: list[str] = []
    environ = {**request.environ, "wsgi.input": io.BytesIO(BODY[:came])}
    whole_bodies(portal)(environ, lambda status, headers: statuses.append(status))
    return statuses[0]


def test_what_came_of_a_form_is_not_saved(administrator_client: Client) -> None:
    assert posted(administrator_client, len(BODY) - 1) == "403"
    assert not NamedValue.objects.exists()
    assert posted(administrator_client, len(BODY)) == "302"
    assert NamedValue.objects.exists()


@pytest.mark.parametrize("size", [1, 7, 1000, -1, None])
def test_a_whole_body_is_read_in_any_steps(size: int | None) -> None:
    for lines in (False, True):
        body = WholeBody(io.BytesIO(b"one\ntwo\nthree" + b"the next request"), 13)
        read = body.readline if lines else body.read
        parts = list(iter(lambda read=read: read(size), b""))
        assert b"".join(parts) == b"one\ntwo\nthree"
        assert read(size) == b""
    body = WholeBody(io.BytesIO(b"one"), 4)
    with pytest.raises(OSError, match="too early"):
        [body.readline(size) for _ in range(5)]
