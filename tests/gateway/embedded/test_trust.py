"""What a back end has to show before it gets a call."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.addresses import AddressRules
from tests.back_end import BackEnd
from tests.pki import Authority, Issued, issue, make_ca, self_signed
from tests.running_engine import Answer, running_engine
from tests.snapshots import material, snapshot, trust

pytestmark = pytest.mark.wire


def call(back_end: BackEnd, trusts: object, **options: object) -> Answer:
    with running_engine(snapshot(back_end.url, trusts=trusts, **options)) as gateway:  # type: ignore[arg-type]
        return gateway.call()


def test_a_back_end_of_an_uploaded_authority_is_trusted(ca: Authority, server: Issued) -> None:
    with BackEnd(server) as back_end:
        assert call(back_end, trust(ca)).status == 200


def test_a_back_end_of_an_unknown_authority_gets_no_request(server: Issued, client: Issued) -> None:
    with BackEnd(server) as back_end:
        answer = call(back_end, trust(make_ca("another")), certificate=material(client))
    assert (answer.status, answer.json["code"]) == (502, "back-end-certificate-untrusted")
    assert not back_end.seen


def test_public_authorities_alone_do_not_trust_a_private_back_end(server: Issued) -> None:
    with BackEnd(server) as back_end:
        assert call(back_end, trust(public_cas=True)).json["code"] == "back-end-certificate-untrusted"


def test_public_and_uploaded_authorities_are_trusted_together(ca: Authority, server: Issued) -> None:
    with BackEnd(server) as back_end:
        assert call(back_end, trust(ca, public_cas=True)).status == 200


def test_without_any_authority_nothing_is_trusted(server: Issued) -> None:
    with BackEnd(server) as back_end:
        assert call(back_end, trust()).json["code"] == "back-end-certificate-untrusted"


def test_an_uploaded_certificate_that_is_no_root_is_trusted_for_what_it_is(ca: Authority) -> None:
    intermediate = make_ca("Intermediate", parent=ca)
    leaf = issue(intermediate, "leaf")
    with BackEnd(leaf) as back_end:
        assert call(back_end, trust(intermediate)).status == 200
        assert call(back_end, trust(leaf)).status == 200


def test_a_self_signed_back_end_is_trusted_when_its_certificate_is_uploaded() -> None:
    own = self_signed("own")
    with BackEnd(own) as back_end:
        assert call(back_end, trust(own)).status == 200
        assert call(back_end, trust()).json["code"] == "back-end-certificate-untrusted"


def test_an_expired_back_end_is_not_trusted(ca: Authority) -> None:
    old = issue(ca, "old", not_after=datetime.now(UTC) - timedelta(days=1))
    with BackEnd(old) as back_end:
        assert call(back_end, trust(ca)).json["code"] == "back-end-certificate-untrusted"


def test_a_certificate_for_another_name_is_told_apart(ca: Authority) -> None:
    with BackEnd(issue(ca, "other", sans=("other.example",))) as back_end:
        answer = call(back_end, trust(ca))
        assert (answer.json["code"], back_end.seen) == ("back-end-name-mismatch", [])
        assert call(back_end, trust(ca, validate_name=False)).status == 200


@pytest.mark.parametrize(
    ("sans", "code"),
    [(("other.example",), "back-end-name-mismatch"), ((), "back-end-name-mismatch"), (("LOCALHOST",), None)],
)
def test_the_name_is_checked_although_the_chain_is_not(sans: tuple[str, ...], code: str | None) -> None:
    with BackEnd(self_signed("localhost", sans=sans)) as back_end:
        answer = call(back_end, trust(validate_chain=False))
        assert answer.status == (502 if code else 200)
        assert code is None or (answer.json["code"], back_end.seen) == (code, [])


def test_with_both_checks_off_any_back_end_gets_the_call() -> None:
    with BackEnd(self_signed("whoever", sans=("other.example",))) as back_end:
        assert call(back_end, trust(validate_chain=False, validate_name=False)).status == 200


def test_a_back_end_is_checked_by_its_address_when_it_has_no_name(ca: Authority, server: Issued) -> None:
    with BackEnd(server) as back_end:
        by_address = replace_host(back_end, trust(ca))
        with running_engine(by_address) as gateway:
            assert gateway.call().status == 200


def replace_host(back_end: BackEnd, trusts: object) -> object:
    whole = snapshot(back_end.url, trusts=trusts)  # type: ignore[arg-type]
    api = replace(whole.apis["bank"], web_service_url=f"https://127.0.0.1:{back_end.port}")
    return replace(whole, apis={"bank": api})


def test_stricter_trust_holds_from_the_next_call_on(ca: Authority, server: Issued) -> None:
    with BackEnd(server) as back_end, running_engine() as gateway:
        gateway.apply(snapshot(back_end.url, trusts=trust(validate_chain=False, validate_name=False)))
        assert gateway.call().status == 200
        gateway.apply(snapshot(back_end.url, trusts=trust(make_ca("another")), revision=2))
        assert gateway.call().json["code"] == "back-end-certificate-untrusted"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_tls_before_1_2_is_not_spoken(ca: Authority, server: Issued) -> None:
    with BackEnd(server, newest=ssl.TLSVersion.TLSv1_1) as back_end:
        assert call(back_end, trust(ca)).json["code"] == "back-end-tls-failed"


def test_an_authority_that_cannot_be_read_fails_closed(server: Issued) -> None:
    with BackEnd(server) as back_end:
        answer = call(back_end, trust(authorities_pem=("not a certificate",)))
    assert (answer.status, answer.json["code"]) == (500, "back-end-trust-unusable")


# --- Addresses ----------------------------------------------------------------------------------------------


def test_the_address_is_checked_when_the_connection_is_made(ca: Authority, server: Issued) -> None:
    with (
        BackEnd(server) as back_end,  # "localhost" is a name: what it resolves to is what counts
        running_engine(snapshot(back_end.url, trusts=trust(ca)), rules=AddressRules()) as gateway,
    ):
        answer = gateway.call()
    assert (answer.status, answer.json["code"]) == (502, "back-end-address-refused")
    assert not back_end.connections
    assert "127.0.0.1" not in answer.body.decode()


def test_a_name_that_does_not_resolve_is_told_apart(ca: Authority) -> None:
    with running_engine(snapshot("https://nowhere.invalid", trusts=trust(ca))) as gateway:
        assert gateway.call().json["code"] == "back-end-not-found"


def test_a_back_end_that_does_not_listen_is_unreachable(ca: Authority, server: Issued) -> None:
    with BackEnd(server) as back_end:
        pass
    assert call(back_end, trust(ca)).json["code"] == "back-end-unreachable"


def test_the_environment_is_not_consulted(
    ca: Authority, server: Issued, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w") as file:  # noqa: PTH123
        file.write("machine localhost login me password secret\n")
    for name, value in {
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
        "NETRC": netrc,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    with BackEnd(server) as back_end:
        assert call(back_end, trust(ca)).status == 200
    assert not back_end.seen[0].values("authorization")
