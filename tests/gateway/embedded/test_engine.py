"""What the engine does by its own settings and by what it was handed. What callers and back ends see of every
engine is in tests/conformance."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.back_end import BackEnd
from tests.pki import Authority, Issued
from tests.running_engine import running_engine, wait_until
from tests.snapshots import snapshot, trust

pytestmark = pytest.mark.wire


def test_an_engine_without_a_snapshot_says_so() -> None:
    with running_engine() as gateway:
        answer = gateway.call()
    assert (answer.status, answer.json["code"]) == (503, "not-ready")


def test_behind_a_proxy_that_speaks_tls_a_plain_call_counts_as_https(ca: Authority, server: Issued) -> None:
    with BackEnd(server) as back_end:
        chosen = snapshot(back_end.url, trusts=trust(ca), schemes=frozenset(("https",)))
        with running_engine(chosen, plain_scheme="https") as gateway:
            assert gateway.call().status == 200
    assert back_end.seen[0].values("x-forwarded-proto") == ["https"]


def test_fields_with_underscores_are_dropped_where_that_is_set(ca: Authority, server: Issued) -> None:
    with BackEnd(server) as back_end:
        chosen = snapshot(back_end.url, trusts=trust(ca))
        with running_engine(chosen, drops_underscores=True) as gateway:
            assert gateway.call(headers={"X_Role": "admin", "X-End": "1"}).status == 200
    assert not back_end.seen[0].values("x_role")
    assert back_end.seen[0].values("x-end") == ["1"]


def test_a_statement_that_the_engine_does_not_know_disables_the_policy(ca: Authority, server: Issued) -> None:
    with BackEnd(server) as back_end:
        broken = snapshot(back_end.url, trusts=trust(ca), outbound=("something newer",))
        with running_engine(broken) as gateway:
            assert gateway.call().json["code"] == "policy-unusable"
    assert not back_end.connections


def test_calls_under_way_are_counted(ca: Authority, server: Issued) -> None:
    released = threading.Event()
    with BackEnd(server) as back_end, running_engine(snapshot(back_end.url, trusts=trust(ca))) as gateway:
        back_end.behave = lambda connection, seen: (released.wait(10), connection.answer(b""))[1]
        with ThreadPoolExecutor(3) as callers:
            calls = [callers.submit(gateway.call) for _ in range(3)]
            wait_until(lambda: gateway.engine.calls == 3)
            released.set()
            assert [call.result().status for call in calls] == [200] * 3
        wait_until(lambda: gateway.engine.calls == 0)


@pytest.mark.parametrize("trailer", [b"X: " + b"y" * 2000 + b"\r\n", b"X: y\r\n" * 400])
def test_a_large_trailer_is_refused_if_it_comes_together_with_the_body(trailer: bytes) -> None:
    head = (
        b"POST /bank/x HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with running_engine(snapshot("https://localhost:1", backend=()), max_head_bytes=1000) as gateway:
        assert gateway.raw(head + b"3\r\nabc\r\n0\r\nX: y\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        assert gateway.raw(head + b"3\r\nabc\r\n0\r\n" + trailer + b"\r\n").startswith(b"HTTP/1.1 431 ")
