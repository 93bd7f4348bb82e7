"""How long pools of connections and TLS contexts are kept, and what is never sent over one."""

import socket
from contextlib import closing

import pytest

from gateway.addresses import AddressRules
from gateway.outbound import Destination, Origin, Outbound
from gateway.snapshot import Trust
from tests.running_engine import LOOPBACK


def destination(host: str = "one.example", scheme: str = "http", revision: int = 1) -> Destination:
    trust = Trust("bank", revision, validate_chain=True, validate_name=True, public_cas=False)
    return Destination(Origin(scheme, host, 443), None, trust)


def outbound(*expected: Destination) -> Outbound:
    made = Outbound(AddressRules(), most=5)
    made.expect(expected)
    return made


def test_a_pool_is_kept_until_everybody_who_expected_it_released_it() -> None:
    first, second = destination(), destination(revision=2)
    pools = outbound(first, second)
    adapter = pools.adapter(first)
    pools.release([first])
    assert pools.adapter(second) is adapter
    pools.release([second])
    assert pools.adapter(second) is not adapter


def test_what_is_not_expected_is_not_kept() -> None:
    pools = outbound(destination("other.example"))
    assert pools.adapter(destination()) is not pools.adapter(destination())


def test_releasing_one_destination_leaves_the_others_alone() -> None:
    one, other = destination("one.example"), destination("other.example")
    pools = outbound(one, other)
    adapter = pools.adapter(other)
    pools.release([one])
    assert pools.adapter(other) is adapter


def test_a_context_is_shared_by_origins_and_kept_as_long_as_one_needs_it() -> None:
    one, other = destination("one.example", "https"), destination("other.example", "https")
    pools = outbound(one, other)
    context = pools.adapter(one)._context
    pools.release([one])
    assert pools.adapter(other)._context is context
    pools.release([other])
    assert pools.adapter(other)._context is not context


def test_a_context_that_is_not_expected_is_not_kept() -> None:
    pools = outbound()
    assert (
        pools.adapter(destination(scheme="https"))._context
        is not pools.adapter(destination(scheme="https"))._context
    )


def test_a_connection_counts_from_its_connecting_to_its_closing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        to = Destination(Origin("http", "127.0.0.1", listener.getsockname()[1]), None, destination().trust)
        pools = Outbound(LOOPBACK, most=5)
        connection = pools.adapter(to).take()
        connection.timeout = 5
        assert pools.connections == 0
        connection.connect()
        assert pools.connections == 1
        assert not pools.held()  # no certificate was presented on it
        connection.close()
        assert pools.connections == 0


@pytest.mark.parametrize("value", [b"a\r\nx-role: admin", b"a\nx-role: admin", b"a\rb", b"a\0b", b"a\r\n"])
def test_no_field_that_would_end_another_way_is_sent(value: bytes) -> None:
    connection = outbound(destination()).adapter(destination()).take(fresh=True)
    near, far = socket.socketpair()
    with closing(connection), closing(far):
        connection.sock = near
        with pytest.raises(ValueError, match="line break or a NUL"):
            connection.send_head(
                "GET", "/", [(b"host", b"one.example"), (b"x-a", value), (b"x-b", b"b")], b""
            )
        connection.close()
        assert far.recv(100) == b""
