"""A call as a line of the access log."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.embedded.record import CallRecord
from gateway.observing.access_log import access_line


def record(**values: Any) -> CallRecord:
    """A call that was answered by the back end on a connection that was there."""
    return CallRecord(
        **{
            "method": "GET",
            "path": "/bank/accounts/1",
            "client": "192.0.2.7",
            "activity": "7c1c3c52-2a35-4f0c-9a37-fdce32f4a3c1",
            "at": 1767225599.9876,
            "api": "bank",
            "operation": "get-account",
            "subscription": "mobile-app",
            "status": 200,
            "received": 5,
            "sent": 532,
            "seconds": 0.0125,
            "back_end_seconds": 0.01,
            "connected": True,
            "reused": True,
            "thumbprint": "AB" * 20,
            "expired_certificate": True,
            "revision": 17,
            **values,
        }
    )


def test_a_line_has_every_field_under_its_name() -> None:
    assert json.loads(access_line(record())) == {
        "time": "2025-12-31T23:59:59.987Z",
        "activity_id": "7c1c3c52-2a35-4f0c-9a37-fdce32f4a3c1",
        "api": "bank",
        "operation": "get-account",
        "subscription": "mobile-app",
        "caller": "192.0.2.7",
        "method": "GET",
        "path": "/bank/accounts/1",
        "status": 200,
        "failed_by": "",
        "code": "",
        "received": 5,
        "sent": 532,
        "ms": 12.5,
        "back_end_ms": 10.0,
        "connection_reused": True,
        "thumbprint": "AB" * 20,
        "expired_certificate": True,
        "revision": 17,
    }


@pytest.mark.parametrize(
    ("connected", "reused", "told"),
    [(False, False, None), (True, False, False), (True, True, True)],
)
def test_a_connection_is_new_or_reused_or_there_was_none(connected: bool, reused: bool, told: Any) -> None:
    line = json.loads(access_line(record(connected=connected, reused=reused)))
    assert line["connection_reused"] is told


def test_the_time_is_rounded_down_and_has_three_digits() -> None:
    assert json.loads(access_line(record(at=0.0049)))["time"] == "1970-01-01T00:00:00.004Z"


def test_a_long_path_is_cut_so_that_a_line_fits_into_one_piece_of_a_pipe() -> None:
    line = access_line(record(path="/" + "x" * 60_000))
    assert json.loads(line)["path"] == "/" + "x" * 2047 + "…"
    assert len(line) < 4096


@pytest.mark.parametrize("name", ["path", "client", "method", "api", "operation", "subscription", "activity"])
@pytest.mark.parametrize(
    "hostile", ['","status":500,"x":"', "a\nb\r\n", "\x00\x1b[31m\x7f", "\u2028\u0085é\udcff", "\\", '"']
)
def test_no_text_gets_out_of_its_field(name: str, hostile: str) -> None:
    line = access_line(record(**{name: hostile}))
    assert line.isascii()
    assert line.rstrip("\n").isprintable()
    key = {"client": "caller", "activity": "activity_id"}.get(name, name)
    plain = json.loads(access_line(record()))
    assert json.loads(line) == {**plain, key: hostile}


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_whatever_the_texts_are_it_is_one_line_of_json(path: str, caller: str, api: str) -> None:
    line = access_line(record(path=path[:2048], client=caller, api=api))
    assert line.count("\n") == 1
    assert line.endswith("}\n")
    told = json.loads(line)
    assert (told["path"], told["caller"], told["api"]) == (path[:2048], caller, api)
