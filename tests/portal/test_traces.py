"""The page of a trace: what it says, to whom, and what it does with documents that it does not know."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from gateway import records_traces
from gateway.models import Trace
from portal.traces import key_in
from tests.arrange import update_directly

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


def page(client: Client, content: Any) -> str:
    keep(content)
    answer = client.get(f"/traces/{KEY}/", headers={"accept": BROWSER})
    assert answer.status_code == 200
    return answer.content.decode()


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
