"""What is asked of a call before anything is done for it, and where it came from."""

import time
from ipaddress import ip_network

import pytest

from gateway.embedded.admission import checked_fields, hop_of
from gateway.embedded.call import Call
from gateway.failures import CallFailure
from gateway.headers import Field

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"), ip_network("::ffff:198.51.100.0/120"))


async def _nothing(*_: object) -> None:
    return None


def call(peer: str, *fields: Field) -> Call:
    scope = {
        "method": "GET",
        "path": "/",
        "client": (peer, 1),
        "headers": [(b"host", b"gateway"), *fields],
    }
    return Call(scope, _nothing, _nothing)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("peer", "chain", "caller"),
    [
        ("10.0.0.1", b"192.0.2.9, 192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", b"192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("::ffff:10.0.0.1", b"192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", b"192.0.2.1, ::ffff:10.0.0.2", "192.0.2.1"),
        ("10.0.0.1", b"192.0.2.1, 10.0.0.2:4711", "192.0.2.1"),
        ("fd00::1", b"192.0.2.1, [fd00::2]:4711", "192.0.2.1"),
        ("fd00::1", b"192.0.2.1:4711, [fd00::2]", "192.0.2.1:4711"),
        ("::ffff:198.51.100.1", b"192.0.2.1, 198.51.100.2", "192.0.2.1"),
        ("10.0.0.1", b"192.0.2.1, unknown", "unknown"),
        ("192.0.2.7", b"192.0.2.1", "192.0.2.7"),
        ("::ffff:192.0.2.7", b"192.0.2.1", "::ffff:192.0.2.7"),
    ],
)
def test_a_call_comes_from_the_nearest_address_that_is_no_proxy_of_ours(
    peer: str, chain: bytes, caller: str
) -> None:
    came = call(peer, (b"x-forwarded-for", chain))
    hop_of(came, "http", "http", PROXIES)
    assert came.record.client == caller


def test_a_head_full_of_via_is_judged_in_a_moment() -> None:
    came = call("192.0.2.1", *[(b"via", b"")] * 8_000)
    began = time.process_time()
    checked_fields(came.fields, drops_underscores=False)
    assert time.process_time() - began < 0.5


def test_a_call_that_comes_back_again_and_again_is_refused() -> None:
    with pytest.raises(CallFailure, match="loop-detected"):
        checked_fields([(b"via", b"1.1 publisher-portal")] * 6, drops_underscores=False)
