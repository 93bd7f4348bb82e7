"""Which client certificate a back end sees when another one has been chosen."""

import threading

import pytest

from tests.back_end import BackEnd, Connection, Seen, show
from tests.pki import Authority, Issued
from tests.running_engine import running_engine, wait_until
from tests.snapshots import material, snapshot, trust

pytestmark = pytest.mark.wire


def test_the_next_call_after_a_change_presents_the_other_certificate_on_kept_connections(
    ca: Authority, server: Issued, client: Issued, other_client: Issued
) -> None:
    with BackEnd(server, ca) as back_end, running_engine() as gateway, gateway.connect() as kept:
        for turn in range(20):
            chosen = (client, other_client)[turn % 2]
            part = material(chosen, revision=turn + 1)  # the same key and id: other material under one name
            gateway.apply(snapshot(back_end.url, certificate=part, trusts=trust(ca), revision=turn + 1))
            seen = gateway.call(connection=kept).json
            assert seen["client_certificate"]["thumbprint"] == chosen.thumbprint


def test_a_pool_is_closed_when_its_certificate_is_replaced(
    ca: Authority, server: Issued, client: Issued, other_client: Issued
) -> None:
    with BackEnd(server, ca) as back_end, running_engine() as gateway:
        gateway.apply(snapshot(back_end.url, certificate=material(client), trusts=trust(ca)))
        gateway.call()
        other = material(other_client, revision=2)
        gateway.apply(snapshot(back_end.url, certificate=other, trusts=trust(ca), revision=2))
        gateway.call()
        wait_until(lambda: back_end.open == 1)


def test_idle_connections_are_closed_with_their_pool_even_while_a_call_of_it_goes_on(
    ca: Authority, server: Issued, client: Issued, other_client: Issued
) -> None:
    released = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        if seen.target.endswith("/long"):
            assert released.wait(10)
        show(connection, seen)

    with BackEnd(server, ca, behave=behave) as back_end, running_engine() as gateway:
        gateway.apply(snapshot(back_end.url, certificate=material(client), trusts=trust(ca)))
        long = threading.Thread(target=gateway.call, args=("GET", "/bank/long"))
        long.start()
        wait_until(lambda: back_end.open == 1)
        gateway.call()
        assert back_end.open == 2
        other = material(other_client, revision=2)
        gateway.apply(snapshot(back_end.url, certificate=other, trusts=trust(ca), revision=2))
        wait_until(lambda: back_end.open == 1)
        released.set()
        long.join()


def test_a_call_in_flight_keeps_the_certificate_it_began_with(
    ca: Authority, server: Issued, client: Issued, other_client: Issued
) -> None:
    arrived, go_on = threading.Event(), threading.Event()
    with BackEnd(server, ca) as back_end, running_engine() as gateway:

        def behave(connection: Connection, seen: Seen) -> None:
            arrived.set()
            go_on.wait(5)
            show(connection, seen)

        back_end.behave = behave
        gateway.apply(snapshot(back_end.url, certificate=material(client), trusts=trust(ca)))
        answers: list[str] = []
        caller = threading.Thread(
            target=lambda: answers.append(gateway.call().json["client_certificate"]["thumbprint"])
        )
        caller.start()
        arrived.wait(5)
        other = material(other_client, revision=2)
        gateway.apply(snapshot(back_end.url, certificate=other, trusts=trust(ca), revision=2))
        go_on.set()
        caller.join(5)
    assert answers == [client.thumbprint]


def test_connections_are_counted_by_certificate_and_an_old_one_goes_with_its_last_call(
    ca: Authority, server: Issued, client: Issued, other_client: Issued
) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        if seen.target.endswith("/long"):
            arrived.set()
            assert go_on.wait(10)
        show(connection, seen)

    with BackEnd(server, ca, behave=behave) as back_end, running_engine() as gateway:
        gateway.apply(snapshot(back_end.url, certificate=material(client), trusts=trust(ca)))
        long = threading.Thread(target=gateway.call, args=("GET", "/bank/long"))
        long.start()
        assert arrived.wait(5)
        gateway.call()
        assert gateway.engine.held() == {client.thumbprint: 2}
        other = material(other_client, revision=2)
        gateway.apply(snapshot(back_end.url, certificate=other, trusts=trust(ca), revision=2))
        gateway.call()
        assert gateway.engine.held() == {client.thumbprint: 1, other_client.thumbprint: 1}
        go_on.set()
        long.join()
        wait_until(lambda: gateway.engine.held() == {other_client.thumbprint: 1})
        gateway.apply(snapshot(back_end.url, trusts=trust(ca), revision=3))
        assert gateway.engine.held() == {}
