"""Answers of the management REST API: JSON as the original writes it, and the fields that every answer has."""

import json
import uuid
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from gateway.records import wait_in_effect
from portal.management_api.errors import ApiError
from portal.management_api.etags import etag_of
from portal.management_api.tokens import SCHEME

CONTENT_TYPE = "application/json; charset=utf-8"
_UNCACHED = {"Cache-Control": "no-cache", "Pragma": "no-cache", "Expires": "-1"}
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


def json_answer(status: int, content: Any = None, *, revision: int | None = None) -> HttpResponse:
    """An answer with a body of JSON, or without one for None; `revision` becomes its ETag."""
    body = "" if content is None else json.dumps(content, indent=2, ensure_ascii=False)
    response = HttpResponse(body.replace("\n", "\r\n"), status=status, content_type=CONTENT_TYPE)
    if content is None:
        del response.headers["Content-Type"]
    if revision is not None:
        response.headers["ETag"] = etag_of(revision)
    return response


def error_answer(error: ApiError) -> HttpResponse:
    """The answer to a request that failed."""
    response = json_answer(error.status, error.as_json())
    for name, value in error.headers.items():
        response.headers[name] = value
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = SCHEME
    return response


def finish(response: HttpResponse, *, head: bool, secure: bool) -> HttpResponse:
    """Add what every answer has, and take the body from one to HEAD."""
    headers = {} if "Cache-Control" in response.headers else dict(_UNCACHED)
    headers |= {
        "X-Content-Type-Options": "nosniff",
        "x-ms-request-id": str(uuid.uuid4()),
    }
    if response.status_code not in _WITHOUT_BODY:
        headers["Content-Length"] = str(len(response.content))  # to HEAD, too: what GET would send
    if secure and settings.SECURE_HSTS_SECONDS:
        headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains"
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    if head:
        response.content = b""
    return response


def note_effect(response: HttpResponse, revision: int, *, wait: bool) -> HttpResponse:
    """Say on how many running gateways a change is in effect; `wait` until it is on all, at most 2 s."""
    effect = wait_in_effect(revision, 2.0 if wait else 0.0)
    total = len(effect.running) + len(effect.lagging)
    response.headers["Gateways-In-Effect"] = f"{len(effect.running)} of {total}"
    if effect.lagging:
        response.headers["Gateways-Lagging"] = ", ".join(effect.lagging)
    return response
