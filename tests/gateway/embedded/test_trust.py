"""What a back end has to show, by rules that change, that an engine is given, or that its process has around it."""

import pytest

from gateway.addresses import AddressRules
from tests.back_end import BackEnd
from tests.pki import Authority, Issued, make_ca, self_signed
from tests.running_engine import Answer, running_engine
from tests.snapshots import snapshot, trust

pytestmark = pytest.mark.wire


def call(back_end: BackEnd, trusts: object, **options: object) -> Answer:
    with running_engine(snapshot(back_end.url, trusts=trusts, **options)) as gateway:  # type: ignore[arg-type]
        return gateway.call()


@pytest.mark.parametrize(
    ("sans", "code"),
    [(("other.example",), "back-end-name-mismatch"), ((), "back-end-name-mismatch"), (("LOCALHOST",), None)],
)
def test_the_name_is_checked_although_the_chain_is_not(sans: tuple[str, ...], code: str | None) -> None:
    with BackEnd(self_signed("localhost", sans=sans)) as back_end:
        answer = call(back_end, trust(validate_chain=False))
        assert answer.status == (502 if code else 200)
        assert code is None or (answer.json["code"], back_end.seen) == (code, [])


def test_stricter_trust_holds_from_the_next_call_on(ca: Authority, server: Issued) -> None:
    with BackEnd(server) as back_end, running_engine() as gateway:
        gateway.apply(snapshot(back_end.url, trusts=trust(validate_chain=False, validate_name=False)))
        assert gateway.call().status == 200
        gateway.apply(snapshot(back_end.url, trusts=trust(make_ca("another")), revision=2))
        assert gateway.call().json["code"] == "back-end-certificate-untrusted"


def test_the_address_is_checked_when_the_connection_is_made(ca: Authority, server: Issued) -> None:
    with (
        BackEnd(server) as back_end,  # "localhost" is a name: what it resolves to is what counts
        running_engine(snapshot(back_end.url, trusts=trust(ca)), rules=AddressRules()) as gateway,
    ):
        answer = gateway.call()
    assert (answer.status, answer.json["code"]) == (502, "back-end-address-refused")
    assert not back_end.connections
    assert "127.0.0.1" not in answer.body.decode()


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
