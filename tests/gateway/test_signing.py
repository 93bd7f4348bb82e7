"""Keys and requests that are made here, and what an authority makes of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.der import children
from gateway.signing import (
    KEY_TYPES,
    ForeignKeyError,
    MadeRequest,
    Signed,
    SigningError,
    make_request,
    read_signed,
)
from gateway.x509 import FileRefused, name_text, public_key_sha256
from tests import pki

SUBJECT = [("CN", "partner-bank"), ("O", "Örtliche Bank"), ("C", "de")]


def make(names: list[str] | None = None, subject: list[tuple[str, str]] | None = None) -> MadeRequest:
    return make_request(SUBJECT if subject is None else subject, names or [], "EC P-256")


def issued(made: MadeRequest, authority: pki.Authority | None = None, **more: object) -> pki.Issued:
    """What an authority makes of a request."""
    key = load_der_private_key(made.private_key, None)
    return pki.issue(authority or pki.make_ca(), "partner-bank", key=key, **more)


# --- the request --------------------------------------------------------------------------------------------------
def test_a_request_says_what_was_asked_for_and_is_signed_with_its_key() -> None:
    made = make(["bank.example", "10.0.0.1"])
    request = x509.load_pem_x509_csr(made.csr_pem.encode())
    assert request.is_signature_valid
    assert made.subject == "CN=partner-bank, O=Örtliche Bank, C=DE"
    assert request.subject.rfc4514_string() == "CN=partner-bank,O=Örtliche Bank,C=DE"
    usages = request.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    key = load_der_private_key(made.private_key, None)
    assert made.public_key_sha256 == public_key_sha256(key.public_key())
    assert made.private_key not in repr(made).encode()


LARGE = {"RSA 3072", "RSA 4096"}  # take seconds to make


@pytest.mark.parametrize(
    "key_type", [pytest.param(each, marks=[pytest.mark.long] * (each in LARGE)) for each in KEY_TYPES]
)
def test_the_key_is_of_the_kind_that_was_chosen(key_type: str) -> None:
    made = make_request(SUBJECT, [], key_type)
    key = load_der_private_key(made.private_key, None)
    if isinstance(key, rsa.RSAPrivateKey):
        assert f"RSA {key.key_size}" == key_type
    else:
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert f"EC P-{key.curve.key_size}" == key_type


def test_openssl_reads_the_request(tmp_path: Path) -> None:
    (tmp_path / "csr.pem").write_text(make(["*.bank.example", "2001:db8::1"]).csr_pem)
    text = pki.openssl(
        "req", "-in", "csr.pem", "-noout", "-text", "-verify", "-utf8", folder=tmp_path
    ).decode()
    for words in ("DNS:*.bank.example", "IP Address:2001:DB8:0:0:0:0:0:1", "TLS Web Client Authentication"):
        assert words in text


@pytest.mark.parametrize(
    ("text", "kept", "kind"),
    [
        ("Bank.Example", "bank.example", x509.DNSName),
        (" *.bücher.example ", "*.xn--bcher-kva.example", x509.DNSName),
        ("localhost", "localhost", x509.DNSName),
        ("10.0.0.1", "10.0.0.1", x509.IPAddress),
        ("2001:DB8::1", "2001:db8::1", x509.IPAddress),
        ("Ann.B@Bücher.example", "Ann.B@xn--bcher-kva.example", x509.RFC822Name),
        ("spiffe://bank/payments", "spiffe://bank/payments", x509.UniformResourceIdentifier),
        ("urn:bank:1", "urn:bank:1", x509.UniformResourceIdentifier),
    ],
)
def test_a_name_is_what_it_looks_like(text: str, kept: str, kind: type) -> None:
    made = make([text, "", text])
    assert made.names == (kept,)
    request = x509.load_pem_x509_csr(made.csr_pem.encode())
    (name,) = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert isinstance(name, kind)
    assert str(name.value) == kept


@pytest.mark.parametrize(
    "text",
    [
        "bank example", "-bank.example", "bank..example", "10.0.0.256", "1.2.3", "a@", "@b.example",
        "a b@c.example", "ü@b.example", "https://bücher.example/", "x" * 64 + ".example", "http:",
        "ba\u200bnk.example:8",
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(SigningError) as refused:
        make([text])
    assert refused.value.field == "names"


@pytest.mark.parametrize(
    "subject",
    [
        [],
        [("CN", " ")],
        [("CN", "x" * 65)],
        [("CN", "ü" * 33)],
        [("O", "\U0001f3e6" * 17)],
        [("C", "Germany")],
        [("C", "D1")],
        [("CN", "a\x00b")],
        [("CN", "a\u202eb")],
        [("CN", "a"), ("emailAddress", "ü@example")],
        [("CN", "a"), ("serialNumber", "a_b")],
        [("XX", "a")],
    ],
)
def test_what_is_no_subject_is_refused(subject: list[tuple[str, str]]) -> None:
    with pytest.raises(SigningError) as refused:
        make(subject=subject)
    assert refused.value.field == "subject"


def test_other_keys_and_too_many_names_are_refused() -> None:
    with pytest.raises(SigningError, match="Choose one of RSA 2048"):
        make_request(SUBJECT, [], "RSA 1024")
    with pytest.raises(SigningError, match="at most 100"):
        make([f"a{number}.example" for number in range(101)])


# --- what was issued ----------------------------------------------------------------------------------------------
def files(one: pki.Issued) -> dict[str, bytes]:
    """The certificate of a key in every form that authorities send."""
    certificates = [*one.chain, one.cert]  # the leaf last, as some send it
    return {
        "DER": pki.der(one.cert),
        "PEM": one.pem.encode(),
        "PEM with its chain": pki.pem(*certificates).encode(),
        "p7b": pkcs7.serialize_certificates(certificates, Encoding.DER),
        "PEM p7b": pkcs7.serialize_certificates(certificates, Encoding.PEM),
    }


def p7b_files(one: pki.Issued, folder: Path) -> dict[str, bytes]:
    """PKCS #7 as other programs write it: openssl sorts nothing, certutil calls it a certificate."""
    (folder / "leaf first.pem").write_text(pki.pem(one.cert, *one.chain))
    (folder / "leaf last.pem").write_text(pki.pem(*reversed([one.cert, *one.chain])))
    found = {
        f"{order}, {form}": pki.openssl(
            "crl2pkcs7", "-nocrl", "-certfile", f"{order}.pem", "-outform", form, folder=folder
        )
        for order in ("leaf first", "leaf last")
        for form in ("PEM", "DER")
    }
    armoured = found["leaf first, PEM"]
    found["certutil -encode"] = armoured.replace(b"PKCS7", b"CERTIFICATE")
    found["openssl cms"] = armoured.replace(b"PKCS7", b"CMS")
    found["base64 alone"] = b"\r\n".join(armoured.splitlines()[1:-1])
    found["UTF-16"] = armoured.decode().encode("utf-16")
    return found | {"BER": indefinite(found["leaf first, DER"])}


def indefinite(data: bytes) -> bytes:
    """The same, with an outer SEQUENCE of indefinite length."""
    outer = next(children(data))
    return b"\x30\x80" + outer.body + b"\0\0"


def test_what_was_issued_is_read_in_every_form_with_its_chain(tmp_path: Path) -> None:
    made, root = make(), pki.make_ca("Root")
    one = issued(made, pki.make_ca("Intermediate", parent=root))
    for form, data in (files(one) | p7b_files(one, tmp_path)).items():
        signed = read_signed(data, made.public_key_sha256)
        assert signed.facts.thumbprint == one.thumbprint, form
        whole = pki.pem(one.cert, *one.chain)
        assert signed.chain_pem == (one.pem if form in ("DER", "PEM") else whole), form


def test_of_several_for_the_key_the_newest_counts() -> None:
    made, ca, now = make(), pki.make_ca(), datetime.now(UTC).replace(microsecond=0)
    older = issued(made, ca, not_before=now - timedelta(days=9))
    newer = issued(made, ca, not_before=now - timedelta(days=1))
    for pair in ((older, newer), (newer, older)):
        data = pki.pem(*(each.cert for each in pair)).encode()
        assert read_signed(data, made.public_key_sha256).facts.thumbprint == newer.thumbprint


def test_a_certificate_for_another_key_comes_with_what_the_file_has() -> None:
    other = pki.issue(common_name="other")
    with pytest.raises(ForeignKeyError) as refused:
        read_signed(pki.pem(other.cert, *other.chain).encode(), make().public_key_sha256)
    assert refused.value.certificates == (other.cert, *other.chain)


def outcome(data: bytes, key_sha256: str) -> type:
    """What comes of a file, whose certificates can be named if they are for another key."""
    try:
        return type(read_signed(data, key_sha256))
    except ForeignKeyError as error:
        return type(error) if all(name_text(each.subject) for each in error.certificates) else Exception
    except FileRefused as error:
        return type(error)


def test_a_damaged_certificate_is_refused_wherever_the_damage_is() -> None:
    made = make()
    der = pki.der(issued(made, not_after=datetime(2100, 1, 1, tzinfo=UTC)).cert)
    outcomes = set()
    for place in range(len(der)):
        for change in (0x01, 0x20, 0x80, 0xFF):
            damaged = der[:place] + bytes([der[place] ^ change]) + der[place + 1 :]
            outcomes.add(outcome(damaged, made.public_key_sha256))
    assert outcomes == {Signed, FileRefused, ForeignKeyError}


def test_what_holds_no_certificate_is_refused_with_what_to_do() -> None:
    made = make()
    one = issued(made)
    wrong = {
        b"": "empty",
        b"x" * 1_000_001: "at most 1 MB",
        b"hello": "no certificate file",
        made.csr_pem.encode(): "signing request itself",
        one.pem.encode() + one.key_pem.encode(): "contains a private key",
        one.pem.replace("M", "!", 20).encode(): "damaged",
        b"-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----": "damaged",
        b"-----BEGIN NOTHING-----": "no certificate",
        one.pem[:-30].encode(): "damaged",
        pkcs7.serialize_certificates([one.cert], Encoding.DER)[:-30]: "damaged",
        pki.pfx(one): ".pfx file",
    }
    for data, words in wrong.items():
        with pytest.raises(FileRefused) as refused:
            read_signed(data, made.public_key_sha256)
        assert (refused.value.field, words in refused.value.message) == ("file", True), refused.value.message
