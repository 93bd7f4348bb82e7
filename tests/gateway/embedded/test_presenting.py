"""Which client certificate a back end sees, and what happens when it cannot be presented."""

import ssl
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.snapshot import AuthenticationBasic, Secret, Snapshot
from tests.back_end import BackEnd, Connection, Seen, show
from tests.pki import Authority, Issued, issue, make_ca, self_signed
from tests.running_engine import running_engine, wait_until
from tests.snapshots import HERE, material, merged, snapshot, trust

pytestmark = pytest.mark.wire


def test_a_call_reaches_the_back_end_with_the_chosen_certificate(
    ca: Authority, server: Issued, client: Issued
) -> None:
    with BackEnd(server, ca) as back_end:
        chosen = snapshot(back_end.url, certificate=material(client), trusts=trust(ca))
        with running_engine(chosen) as gateway:
            answer = gateway.call()
    assert answer.status == 200
    assert answer.json["client_certificate"] == {"subject": "CN=partner-one", "thumbprint": client.thumbprint}


@pytest.mark.parametrize("key_type", ["rsa", "ec384", "ed25519"])
def test_certificates_of_every_kind_of_key_are_presented(
    ca: Authority, server: Issued, key_type: str
) -> None:
    kind = issue(ca, f"kind {key_type}", key_type=key_type)
    with (
        BackEnd(server, ca) as back_end,
        running_engine(snapshot(back_end.url, certificate=material(kind), trusts=trust(ca))) as gateway,
    ):
        assert gateway.call().json["client_certificate"]["thumbprint"] == kind.thumbprint


def test_intermediates_are_sent_along(server: Issued, ca: Authority) -> None:
    root = make_ca("Client root")
    leaf = issue(make_ca("Client intermediate", parent=root), "deep")
    with (
        BackEnd(server, root) as back_end,
        running_engine(snapshot(back_end.url, certificate=material(leaf), trusts=trust(ca))) as gateway,
    ):
        assert gateway.call().json["client_certificate"]["subject"] == "CN=deep"


def test_with_none_no_certificate_is_presented(ca: Authority, server: Issued) -> None:
    with (
        BackEnd(server, ca, required=False) as back_end,
        running_engine(snapshot(back_end.url, trusts=trust(ca))) as gateway,
    ):
        assert gateway.call().json["client_certificate"] is None


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


def test_certificates_of_two_apis_of_one_back_end_never_mix(
    ca: Authority, server: Issued, client: Issued, other_client: Issued
) -> None:
    with BackEnd(server, ca) as back_end:
        one = snapshot(back_end.url, certificate=material(client, "one"), trusts=trust(ca))
        two = _renamed(snapshot(back_end.url, certificate=material(other_client, "two"), trusts=trust(ca)))
        with running_engine(merged(one, two)) as gateway:
            wrong: list[str] = []

            def calls(target: str, expected: str) -> None:
                with gateway.connect() as kept:
                    for _ in range(40):
                        seen = gateway.call(target=target, connection=kept).json["client_certificate"]
                        if seen["thumbprint"] != expected:
                            wrong.append(target)

            threads = [
                threading.Thread(target=calls, args=pair)
                for pair in [("/bank/x", client.thumbprint), ("/shop/x", other_client.thumbprint)] * 4
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert not wrong


def _renamed(other: Snapshot) -> Snapshot:
    api = replace(other.apis["bank"], key="shop", id="shop", suffix="shop", trust="shop", policy="shop")
    return replace(
        other,
        apis={"shop": api},
        trusts={"shop": replace(other.trusts["bank"], key="shop")},
        policies={"shop": replace(other.policies["bank"], key="shop")},
        operations={
            f"shop {key}": replace(operation, key=f"shop {key}", api="shop", policy="shop")
            for key, operation in other.operations.items()
        },
    )


# --- Failing closed ---------------------------------------------------------------------------------------


def test_a_certificate_whose_key_cannot_be_opened_is_never_left_out(
    ca: Authority, server: Issued, client: Issued
) -> None:
    sealed = material(client, private_key=None, problem="row 1 cannot be opened")
    with BackEnd(server, ca, required=False) as back_end:
        chosen = snapshot(back_end.url, certificate=sealed, trusts=trust(ca))
        with running_engine(chosen) as gateway:
            answer = gateway.call()
    assert (answer.status, answer.json["code"]) == (500, "client-certificate-unusable")
    assert "row 1" not in answer.body.decode()
    assert not back_end.connections


def test_a_certificate_that_is_not_there_is_never_left_out(
    ca: Authority, server: Issued, client: Issued
) -> None:
    with BackEnd(server, ca, required=False) as back_end:
        chosen = snapshot(back_end.url, certificate=material(client), trusts=trust(ca))
        with running_engine(replace(chosen, certificates={})) as gateway:
            answer = gateway.call()
    assert (answer.json["code"], back_end.connections) == ("client-certificate-unusable", 0)


def test_a_key_that_does_not_belong_to_the_certificate_is_refused(
    ca: Authority, server: Issued, client: Issued, other_client: Issued
) -> None:
    wrong = material(client, private_key=material(other_client).private_key)
    with BackEnd(server, ca, required=False) as back_end:
        chosen = snapshot(back_end.url, certificate=wrong, trusts=trust(ca))
        with running_engine(chosen) as gateway:
            answer = gateway.call()
    assert (answer.json["code"], back_end.seen) == ("client-certificate-unusable", [])


def test_a_certificate_is_not_presented_over_http(client: Issued) -> None:
    with (
        BackEnd() as back_end,
        running_engine(snapshot(back_end.url, certificate=material(client))) as gateway,
    ):
        answer = gateway.call()
    assert (answer.status, answer.json["code"]) == (500, "client-certificate-needs-https")
    assert not back_end.connections


@pytest.mark.parametrize("problem", ["policy", "api"])
def test_a_problem_of_the_configuration_is_answered_and_nothing_forwarded(
    ca: Authority, server: Issued, problem: str
) -> None:
    with BackEnd(server) as back_end:
        broken = snapshot(back_end.url, trusts=trust(ca))
        if problem == "policy":
            policies = {"bank": replace(broken.policies["bank"], problem="cannot be read")}
            broken = replace(broken, policies=policies)
        else:
            broken = replace(
                broken, apis={"bank": replace(broken.apis["bank"], problem="is of a newer format")}
            )
        with running_engine(broken) as gateway:
            answer = gateway.call()
    assert (answer.status, answer.json["code"]) == (500, f"{problem}-unusable")
    assert set(answer.json) == {"statusCode", "message", "code", "activityId"}
    assert not back_end.connections


def test_a_statement_that_the_engine_does_not_know_disables_the_policy(ca: Authority, server: Issued) -> None:
    with BackEnd(server) as back_end:
        broken = snapshot(back_end.url, trusts=trust(ca), outbound=("something newer",))
        with running_engine(broken) as gateway:
            assert gateway.call().json["code"] == "policy-unusable"
    assert not back_end.connections


# --- What back ends think of it ----------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_back_end_that_refuses_the_certificate_is_told_apart(
    ca: Authority, server: Issued, version: str
) -> None:
    stranger = self_signed("stranger")
    newest = ssl.TLSVersion[version]
    with (
        BackEnd(server, ca, newest=newest) as back_end,
        running_engine(snapshot(back_end.url, certificate=material(stranger), trusts=trust(ca))) as gateway,
    ):
        answer = gateway.call()
    assert (answer.status, answer.json["code"]) == (502, "client-certificate-rejected")


def test_a_rejected_certificate_that_has_expired_is_named_as_such(ca: Authority, server: Issued) -> None:
    old = issue(ca, "old", not_after=datetime.now(UTC) - timedelta(days=1))
    with (
        BackEnd(server, ca) as back_end,
        running_engine(snapshot(back_end.url, certificate=material(old), trusts=trust(ca))) as gateway,
    ):
        assert gateway.call().json["code"] == "client-certificate-expired"


def test_a_back_end_that_demands_a_certificate_of_an_api_without_one_is_told_apart(
    ca: Authority, server: Issued
) -> None:
    with (
        BackEnd(server, ca) as back_end,
        running_engine(snapshot(back_end.url, trusts=trust(ca))) as gateway,
    ):
        assert gateway.call().json["code"] == "client-certificate-required"


def test_http_basic_replaces_what_the_caller_sent(ca: Authority, server: Issued) -> None:
    basic = AuthenticationBasic("aladdin", Secret(b"open sesame"), HERE)
    with BackEnd(server) as back_end:
        chosen = snapshot(back_end.url, trusts=trust(ca), inbound=(basic,))
        with running_engine(chosen) as gateway:
            gateway.call(headers={"Authorization": "Bearer mine"})
    assert back_end.seen[0].values("authorization") == ["Basic YWxhZGRpbjpvcGVuIHNlc2FtZQ=="]  # RFC 7617, 2
