"""PFX and CA certificate files as programs write them, and everything else that people upload instead."""

import hashlib
import os
import ssl
import subprocess
import sys
import traceback
import unicodedata
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    pkcs7,
)
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.ca_files import read_ca_certificates
from gateway.certificate_files import ClientCertificate, KeyChoice, SeveralKeys, read_certificate_file
from gateway.x509 import FileRefused
from tests import pki

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de")
needs_openssl = pytest.mark.skipif(pki.OPENSSL is None, reason="needs the openssl command")
needs_keytool = pytest.mark.skipif(pki.KEYTOOL is None, reason="needs Java's keytool")


@pytest.fixture(scope="module")
def root() -> pki.Authority:
    return pki.make_ca("Test Root")


@pytest.fixture(scope="module")
def authority(root: pki.Authority) -> pki.Authority:
    return pki.make_ca("Test Issuing CA", parent=root)


@pytest.fixture(scope="module")
def client(authority: pki.Authority) -> pki.Issued:
    return pki.issue(authority, subject=pki.distinguished_name("partner-bank", "Partner", "DE"))


def refusal_of(data: bytes, password: str = "password") -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        read_certificate_file(data, password)
    return caught.value


def ca_refusal_of(data: bytes) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        read_ca_certificates(data)
    return caught.value


def choices_of(data: bytes, password: str = "password") -> tuple[KeyChoice, ...]:
    with pytest.raises(SeveralKeys) as caught:
        read_certificate_file(data, password)
    assert caught.value.field == "key"
    return caught.value.choices


def chain_of(read: ClientCertificate) -> tuple[x509.Certificate, ...]:
    return tuple(x509.load_pem_x509_certificates(read.chain_pem.encode()))


def codes(read: ClientCertificate) -> list[str]:
    return [finding.code for finding in read.findings]


def key_der(issued: pki.Issued) -> bytes:
    return issued.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def signed_with_sha_1(common_name: str, folder: Path) -> pki.Issued:
    ca, issued = pki.make_ca(key_type="rsa"), pki.issue(common_name=common_name, key_type="rsa")
    ca.write(folder, "ca")
    issued.write(folder, "issued")
    request = ["req", "-new", "-key", "issued.key", "-subj", f"/CN={common_name}", "-out", "issued.csr"]
    pki.openssl(*request, folder=folder)
    sign = "x509 -req -in issued.csr -CA ca.pem -CAkey ca.key -sha1 -days 5 -set_serial 7"
    cert = x509.load_pem_x509_certificate(pki.openssl(*sign.split(), folder=folder))
    return pki.Issued(cert, issued.key, (ca.cert,))


def self_signed_by_openssl(folder: Path, *options: str) -> pki.Issued:
    issued = pki.self_signed(key_type="rsa")
    issued.write(folder, "issued")
    command = ["req", "-x509", "-key", "issued.key", "-subj", "/CN=by-openssl", *options]
    return pki.Issued(x509.load_pem_x509_certificate(pki.openssl(*command, folder=folder)), issued.key)


# --- Files that are accepted ------------------------------------------------------------------------------


def test_a_pfx_gives_certificate_chain_and_key(client: pki.Issued) -> None:
    read = read_certificate_file(pki.pfx(client), "password")

    assert chain_of(read) == (client.cert, *client.chain)
    assert load_der_private_key(read.private_key, None).public_key() == client.cert.public_key()
    assert read.common_name == "partner-bank"
    assert codes(read) == []


def test_the_facts_are_those_of_the_certificate(client: pki.Issued) -> None:
    facts = read_certificate_file(pki.pfx(client), "password").facts

    assert facts.subject == "CN=partner-bank, O=Partner, C=DE"
    assert facts.issuer == "CN=Test Issuing CA"
    assert int(facts.serial_number, 16) == client.cert.serial_number
    assert facts.serial_number == facts.serial_number.upper()
    assert (facts.not_before, facts.not_after) == (
        client.cert.not_valid_before_utc,
        client.cert.not_valid_after_utc,
    )
    assert facts.thumbprint == pki.thumbprint(client.cert)
    assert facts.sha256 == hashlib.sha256(pki.der(client.cert)).hexdigest().upper()
    assert facts.key_type == "EC P-256"


@needs_openssl
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-legacy",),
        ("-legacy", "-descert"),
        ("-legacy", "-keypbe", "PBE-SHA1-RC2-40", "-certpbe", "PBE-SHA1-RC2-40"),
        ("-legacy", "-keypbe", "PBE-SHA1-RC4-128", "-certpbe", "PBE-SHA1-RC4-128"),
        ("-nomac",),
        ("-macalg", "sha512"),
        ("-keypbe", "NONE"),
        ("-nomaciter", "-noiter"),
    ],
    ids=" ".join,
)
def test_files_of_openssl_are_read(client: pki.Issued, options: tuple[str, ...]) -> None:
    read = read_certificate_file(pki.openssl_pfx(client, "password", *options), "password")

    assert chain_of(read) == (client.cert, *client.chain)
    assert read.private_key == key_der(client)
    assert codes(read) == (["legacy-encryption"] if "-legacy" in options else [])


@needs_keytool
def test_a_file_of_keytool_is_read() -> None:
    assert read_certificate_file(pki.keytool_pfx("from-java"), "password").facts.subject == "CN=from-java"


@pytest.mark.filterwarnings("ignore:PKCS#12 bundle could not be parsed as DER:UserWarning")
def test_a_file_in_ber_with_indefinite_lengths_is_read(client: pki.Issued) -> None:
    der = pki.pfx(client)
    assert der[:2] == b"\x30\x82"

    read = read_certificate_file(b"\x30\x80" + der[4:] + b"\0\0", "password")

    assert read.private_key == key_der(client)


def test_a_self_signed_certificate_is_accepted() -> None:
    alone = pki.self_signed("alone")

    read = read_certificate_file(pki.pfx(alone), "password")

    assert chain_of(read) == (alone.cert,)
    assert codes(read) == ["self-signed"]


@pytest.mark.parametrize(
    ("key_type", "text"),
    [
        ("rsa", "RSA 2048"),
        ("rsa3072", "RSA 3072"),
        ("ec", "EC P-256"),
        ("ec384", "EC P-384"),
        ("ec521", "EC P-521"),
        ("ed25519", "Ed25519"),
    ],
)
def test_keys_that_tls_can_use_are_accepted(
    authority: pki.Authority, tmp_path: Path, key_type: str, text: str
) -> None:
    read = read_certificate_file(pki.pfx(pki.issue(authority, key_type=key_type, slot="shared")), "password")

    assert read.facts.key_type == text
    (tmp_path / "chain.pem").write_text(read.chain_pem)
    key = load_der_private_key(read.private_key, None)
    (tmp_path / "key.pem").write_text(pki.key_pem(key))
    ssl.create_default_context().load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")


# --- Passwords --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["wrong", "password ", "Password", "pässword", "x" * 5000])
def test_a_wrong_password_is_refused_on_the_password_field(client: pki.Issued, password: str) -> None:
    error = refusal_of(pki.pfx(client), password)

    assert (error.field, error.message) == ("password", "The password is wrong or the file is damaged.")


@needs_openssl
@pytest.mark.parametrize("options", [("-legacy",), ("-nomac",), ()], ids=" ".join)
def test_a_wrong_password_is_refused_in_every_dialect(client: pki.Issued, options: tuple[str, ...]) -> None:
    assert refusal_of(pki.openssl_pfx(client, "password", *options), "wrong").field == "password"


def test_an_empty_password_where_one_is_needed_is_refused(client: pki.Issued) -> None:
    error = refusal_of(pki.pfx(client), "")

    assert error.field == "password"
    assert "Enter the password" in error.message


def test_a_file_without_a_password_is_accepted_with_none(client: pki.Issued) -> None:
    read = read_certificate_file(pki.pfx(client, b""), "")

    assert read.private_key == key_der(client)
    assert codes(read) == []


@needs_openssl
@pytest.mark.parametrize("options", [(), ("-legacy",)], ids=" ".join)
def test_a_file_encrypted_with_an_empty_password_is_accepted_with_none(
    client: pki.Issued, options: tuple[str, ...]
) -> None:
    assert read_certificate_file(pki.openssl_pfx(client, "", *options), "").private_key == key_der(client)


def test_a_password_that_is_not_needed_is_a_warning(client: pki.Issued) -> None:
    read = read_certificate_file(pki.pfx(client, b""), "password")

    assert read.private_key == key_der(client)
    assert codes(read) == ["password-not-needed"]


@needs_openssl
@pytest.mark.parametrize("made", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
@pytest.mark.parametrize("options", [(), ("-legacy",)], ids=" ".join)
def test_a_password_opens_in_either_unicode_form(
    client: pki.Issued, made: str, typed: str, options: tuple[str, ...]
) -> None:
    password = "Straße für Zoë 😀 €"
    data = pki.openssl_pfx(client, unicodedata.normalize(made, password), *options)

    assert read_certificate_file(data, unicodedata.normalize(typed, password)).private_key == key_der(client)


def test_a_password_opens_as_old_openssl_took_its_utf_8(client: pki.Issued) -> None:
    taken = "pässwörd".encode().decode("latin-1")

    assert read_certificate_file(pki.pfx(client, taken.encode()), "pässwörd").private_key == key_der(client)


@pytest.mark.parametrize("password", ["password\0", "\0", "pass\ud800word"])
def test_a_password_that_no_file_can_have_is_refused_without_being_shown(
    client: pki.Issued, password: str, capfd: pytest.CaptureFixture[str]
) -> None:
    error = refusal_of(pki.pfx(client), password)

    assert error.field == "password"
    assert "cannot" not in error.message
    assert capfd.readouterr() == ("", "")


# --- Files that are no PFX --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "start"),
    [
        (b"", "The file is empty."),
        (PNG, "This is an image."),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "This is an image."),
        (b"hello\r\n", "This is a text file."),
        ("Grüße".encode(), "This is a text file."),
        (b"0", "This is a text file."),
        (b"\xfe\xed\xfe\xed\0\0\0\2", "This is an old Java key store."),
        (b"PK\3\4\x14\0\0\0", "This is no .pfx file (PKCS #12) and no .pem file"),
        (b"\0" * 50, "This is no .pfx file (PKCS #12) and no .pem file"),
        (b"\x30\x82", "This is no .pfx file (PKCS #12) and no .pem file"),
        (b"\x30\x03\x02\x01\x03", "This PFX file is damaged or incomplete."),
    ],
)
def test_a_file_that_is_no_pfx_is_refused_on_the_file_field(data: bytes, start: str) -> None:
    error = refusal_of(data)

    assert error.field == "file"
    assert error.message.startswith(start)


def test_a_certificate_is_no_pfx(client: pki.Issued) -> None:
    assert refusal_of(pki.der(client.cert)).message.startswith(
        "This is a certificate without its private key"
    )


def test_a_private_key_is_no_pfx(client: pki.Issued) -> None:
    assert refusal_of(key_der(client)).message.startswith("This is a private key without its certificate")


def test_a_p7b_file_is_no_pfx(client: pki.Issued) -> None:
    data = pkcs7.serialize_certificates([client.cert, *client.chain], Encoding.DER)

    assert refusal_of(data).message.startswith("This is a .p7b file")


@pytest.mark.parametrize("size", [1_000_001, 20_000_000])
def test_a_file_that_is_too_large_is_refused_with_its_size(client: pki.Issued, size: int) -> None:
    error = refusal_of(pki.pfx(client).ljust(size, b"\0"))

    assert error.field == "file"
    assert f"{size / 1e6:.1f} MB" in error.message
    assert "1 MB" in error.message


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_called_damaged(client: pki.Issued, part: float) -> None:
    data = pki.pfx(client)

    error = refusal_of(data[: int(len(data) * part)])

    assert (error.field, error.message) == (
        "file",
        "This PFX file is damaged or incomplete. Export or copy it again.",
    )


def test_damage_within_is_not_told_from_a_wrong_password(client: pki.Issued) -> None:
    data = bytearray(pki.pfx(client))
    data[len(data) // 2] ^= 1

    error = refusal_of(bytes(data))

    assert error.message == "The password is wrong or the file is damaged."


# --- PFX files that lack something ------------------------------------------------------------------------


def test_a_pfx_without_a_private_key_is_refused(client: pki.Issued) -> None:
    error = refusal_of(pki.pfx(client, with_key=False))

    assert error.field == "file"
    assert error.message.startswith("The file has no private key.")


@needs_openssl
def test_a_pfx_of_openssl_without_a_private_key_is_refused(client: pki.Issued) -> None:
    assert refusal_of(pki.openssl_pfx(client, "password", "-nokeys")).message.startswith(
        "The file has no private key."
    )


def test_a_pfx_without_a_certificate_is_refused(client: pki.Issued) -> None:
    error = refusal_of(pki.pfx(client, with_cert=False, chain=()))

    assert error.field == "file"
    assert "no certificate" in error.message


def test_a_pfx_whose_key_belongs_to_no_certificate_is_refused(
    client: pki.Issued, authority: pki.Authority
) -> None:
    other = pki.issue(authority, "somebody-else")

    error = refusal_of(pki.pfx(client, with_cert=False, chain=(other.cert, *other.chain)))

    assert error.field == "file"
    assert error.message.startswith("The private key does not belong to the certificate")


@needs_openssl
def test_a_pfx_whose_key_was_exchanged_is_refused(client: pki.Issued, authority: pki.Authority) -> None:
    data = pki.openssl_pfx(client, "x", "-keypbe", "NONE", "-certpbe", "NONE", "-nomac")
    other = pki.issue(authority, "somebody-else")
    assert data.count(key_der(client)) == 1
    assert len(key_der(client)) == len(key_der(other))

    error = refusal_of(data.replace(key_der(client), key_der(other)))

    assert error.message.startswith("The private key does not belong to the certificate")


@needs_openssl
def test_of_a_pfx_with_several_keys_the_chosen_one_is_used(
    client: pki.Issued, authority: pki.Authority
) -> None:
    others = (pki.issue(authority, "second"), pki.self_signed("third"))
    data = pki.joined_pfx(client, *others)

    choices = choices_of(data, "")

    assert [choice.label.split(" (")[0] for choice in choices] == [
        "CN=partner-bank, O=Partner, C=DE",
        "CN=second",
        "CN=third",
    ]
    for choice, issued in zip(choices, (client, *others), strict=True):
        read = read_certificate_file(data, "", key=choice.id)
        assert read.private_key == key_der(issued)
        assert chain_of(read) == (issued.cert, *issued.chain)
        assert read.choices == choices


@needs_keytool
def test_of_a_key_store_of_keytool_with_several_keys_the_chosen_one_is_used() -> None:
    data = pki.keytool_pfx("first", "second", key_options=("-keyalg", "RSA", "-keysize", "2048"))

    first, second = choices_of(data)

    assert "“second”" in second.label
    assert read_certificate_file(data, "password", key=second.id).facts.subject == "CN=second"
    assert read_certificate_file(data, "password", key=first.id).friendly_name == "first"


@pytest.mark.parametrize(
    ("key_type", "words"),
    [("rsa1024", "1024 bits, but at least 2048"), ("dsa", "DSA 2048 keys cannot be used")],
)
def test_keys_that_tls_cannot_use_are_refused(authority: pki.Authority, key_type: str, words: str) -> None:
    error = refusal_of(pki.pfx(pki.issue(authority, key_type=key_type)))

    assert error.field == "file"
    assert words in error.message


def test_uncommon_curves_are_refused(authority: pki.Authority) -> None:
    key = ec.generate_private_key(ec.SECP256K1())

    assert "secp256k1" in refusal_of(pki.pfx(pki.issue(authority, key=key))).message


def made_by_openssl(folder: Path, *key_options: str) -> bytes:
    """A PFX file of a self-signed certificate and its key."""
    pki.openssl("genpkey", *key_options, "-out", "its.key", folder=folder)
    pki.openssl(
        "req",
        "-x509",
        "-key",
        "its.key",
        "-subj",
        "/CN=its",
        "-out",
        "its.pem",
        "-days",
        "300",
        folder=folder,
    )
    command = ["pkcs12", "-export", "-inkey", "its.key", "-in", "its.pem", "-passout", "pass:password"]
    return pki.openssl(*command, folder=folder)


@needs_openssl
def test_an_rsa_key_for_pss_alone_is_refused_because_openssl_could_not_present_it(tmp_path: Path) -> None:
    data = made_by_openssl(tmp_path, "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048")

    assert "RSASSA-PSS" in refusal_of(data).message


@needs_openssl
def test_a_curve_that_is_spelled_out_is_warned_of(tmp_path: Path) -> None:
    options = ("ec_paramgen_curve:prime256v1", "ec_param_enc:explicit")
    data = made_by_openssl(tmp_path, "-algorithm", "EC", *(x for each in options for x in ("-pkeyopt", each)))

    assert codes(read_certificate_file(data, "password"))[0] == "uncommon-key"


@needs_openssl
def test_a_certificate_signed_with_sha_1_is_refused(tmp_path: Path) -> None:
    error = refusal_of(pki.pfx(signed_with_sha_1("client", tmp_path)))

    assert error.field == "file"
    assert "SHA-1" in error.message


@needs_openssl
def test_a_self_signed_certificate_may_use_sha_1_because_nobody_checks_it(tmp_path: Path) -> None:
    issued = self_signed_by_openssl(tmp_path, "-sha1", "-set_serial", "7")

    read = read_certificate_file(pki.pfx(issued), "password")

    assert read.facts.serial_number == "07"
    cert_file, key_file = issued.write(tmp_path, "sha1")
    ssl.create_default_context().load_cert_chain(cert_file, key_file)


@needs_openssl
def test_a_certificate_for_any_purpose_is_good_for_tls_clients(tmp_path: Path) -> None:
    issued = self_signed_by_openssl(tmp_path, "-addext", "extendedKeyUsage=anyExtendedKeyUsage,serverAuth")

    assert "no-client-usage" not in codes(read_certificate_file(pki.pfx(issued), "password"))


@needs_openssl
def test_a_serial_number_that_is_longer_than_any_is_refused(tmp_path: Path) -> None:
    issued = self_signed_by_openssl(tmp_path, "-set_serial", "0x" + "7" * 66)

    assert "breaks the rules" in ca_refusal_of(issued.pem.encode()).message


@needs_openssl
def test_an_issuer_signed_with_sha_1_is_left_out_with_a_warning(tmp_path: Path) -> None:
    old = signed_with_sha_1("Old CA", tmp_path)
    client = pki.issue(pki.Authority(old.cert, old.key, old.chain))

    read = read_certificate_file(pki.pfx(client), "password")

    assert chain_of(read) == (client.cert,)
    assert codes(read) == ["chain-incomplete", "weak-issuer"]
    assert "CN=Old CA" in read.findings[1].text


@needs_openssl
def test_a_file_that_asks_for_years_of_key_derivation_is_refused(client: pki.Issued) -> None:
    data = pki.openssl_pfx(client, "password", "-iter", "70000")
    rounds = b"\x02\x03" + (70000).to_bytes(3)
    assert data.count(rounds) == 3  # key, certificates, MAC

    four_million = b"\x02\x03" + (4_000_000).to_bytes(3)

    error = refusal_of(data.replace(rounds, four_million))  # too much only if all three are counted

    assert error.field == "file"
    assert "too much work" in error.message


@needs_openssl
def test_a_file_in_an_old_encryption_that_is_switched_off_says_so(client: pki.Issued, tmp_path: Path) -> None:
    (tmp_path / "old.pfx").write_bytes(pki.openssl_pfx(client, "password", "-legacy"))
    program = (
        "import sys, pathlib; from gateway.certificate_files import read_certificate_file, FileRefused\n"
        "try: read_certificate_file(pathlib.Path(sys.argv[1]).read_bytes(), 'password')\n"
        "except FileRefused as error: print(error.field, error.message)"
    )

    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "old.pfx")],
        env=os.environ | {"CRYPTOGRAPHY_OPENSSL_NO_LEGACY": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.stdout.startswith("file The file uses an old encryption (RC2, RC4 or DES)")


# --- Warnings ---------------------------------------------------------------------------------------------


def test_an_expired_certificate_is_accepted_with_a_warning(authority: pki.Authority) -> None:
    end = datetime(2025, 3, 5, 14, 20, tzinfo=UTC)

    read = read_certificate_file(pki.pfx(pki.issue(authority, not_after=end)), "password")

    assert codes(read)[:1] == ["expired"]


def test_a_certificate_that_is_not_yet_valid_is_accepted_with_a_warning(authority: pki.Authority) -> None:
    read = read_certificate_file(pki.pfx(pki.issue(authority, not_before=NOW + DAY)), "password")

    assert codes(read) == ["not-yet-valid"]


def test_a_server_certificate_is_accepted_with_a_warning(authority: pki.Authority) -> None:
    read = read_certificate_file(pki.pfx(pki.issue(authority, client=False)), "password")

    assert codes(read) == ["no-client-usage"]


def test_a_certificate_without_purposes_is_good_for_all(authority: pki.Authority) -> None:
    read = read_certificate_file(pki.pfx(pki.issue(authority, client=False, server=False)), "password")

    assert codes(read) == []


# --- The chain --------------------------------------------------------------------------------------------


def test_the_chain_is_put_in_order_leaf_first(client: pki.Issued) -> None:
    issuing, root = client.chain

    read = read_certificate_file(pki.pfx(client, chain=(root, issuing)), "password")

    assert chain_of(read) == (client.cert, issuing, root)
    assert codes(read) == ["chain-reordered"]


def test_duplicates_are_left_out_of_the_chain(client: pki.Issued) -> None:
    issuing, root = client.chain

    read = read_certificate_file(
        pki.pfx(client, chain=(root, issuing, root, client.cert, issuing)), "password"
    )

    assert chain_of(read) == (client.cert, issuing, root)
    assert codes(read) == ["chain-reordered"]


def test_certificates_that_are_no_issuers_are_left_out_with_a_warning(client: pki.Issued) -> None:
    stranger = pki.self_signed("stranger")

    read = read_certificate_file(pki.pfx(client, chain=(stranger.cert, *client.chain)), "password")

    assert chain_of(read) == (client.cert, *client.chain)
    assert codes(read) == ["unrelated-certificates"]


def test_of_two_authorities_with_one_name_the_one_that_signed_is_in_the_chain(root: pki.Authority) -> None:
    real = pki.make_ca("Twin", parent=root)
    namesakes = [pki.make_ca("Twin", parent=root, key_type=key_type).cert for key_type in ("ec", "rsa")]
    client = pki.issue(real)

    read = read_certificate_file(pki.pfx(client, chain=(*namesakes, real.cert, root.cert)), "password")

    assert chain_of(read) == (client.cert, real.cert, root.cert)


def test_a_root_that_was_renewed_is_in_the_chain_once(root: pki.Authority) -> None:
    renewed = pki.make_ca("Test Root", key=root.key)
    client = pki.issue(root)

    read = read_certificate_file(pki.pfx(client, chain=(renewed.cert, root.cert)), "password")

    assert len(chain_of(read)) == 2


def test_a_chain_without_end_is_cut_off_because_each_step_checks_many_signatures(root: pki.Authority) -> None:
    authority = root
    for number in range(25):
        authority = pki.make_ca(f"Authority {number}", parent=authority)

    read = read_certificate_file(pki.pfx(pki.issue(authority)), "password")

    assert len(chain_of(read)) == 20


def test_authorities_that_sign_each_other_end_the_chain() -> None:
    one, two = pki.make_ca("One"), pki.make_ca("Two")
    one_by_two = pki.make_ca("One", parent=two, key=one.key)
    two_by_one = pki.make_ca("Two", parent=one, key=two.key)
    client = pki.issue(one)

    read = read_certificate_file(pki.pfx(client, chain=(two_by_one.cert, one_by_two.cert)), "password")

    assert chain_of(read) == (client.cert, one_by_two.cert, two_by_one.cert)


# --- Text -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("common_name", "subject", "proposed"),
    [
        ("Müller & Söhne", "CN=Müller & Söhne", "Müller & Söhne"),
        ("a,b+c=d", r"CN=a\,b\+c=d", "a,b+c=d"),
        ("<script>", r"CN=\<script\>", "<script>"),
        ("two\nlines", r"CN=two\0Alines", "twolines"),
        ("left\u202eright", r"CN=left\E2\80\AEright", "leftright"),
        ("nul\0", r"CN=nul\00", "nul"),
        ("株式会社", "CN=株式会社", "株式会社"),
        ("\u200e", r"CN=\E2\80\8E", "localhost"),
    ],
)
def test_odd_characters_in_a_subject_can_be_seen(
    authority: pki.Authority, common_name: str, subject: str, proposed: str
) -> None:
    read = read_certificate_file(pki.pfx(pki.issue(authority, common_name)), "password")

    assert (read.facts.subject, read.common_name) == (subject, proposed)


def test_a_mail_address_and_a_multi_valued_part_are_written_out(authority: pki.Authority) -> None:
    subject = x509.Name(
        [
            x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COUNTRY_NAME, "DE")]),
            x509.RelativeDistinguishedName(
                [
                    x509.NameAttribute(NameOID.COMMON_NAME, "bank"),
                    x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@example.com"),
                ]
            ),
        ]
    )

    facts = read_certificate_file(pki.pfx(pki.issue(authority, subject=subject)), "password").facts

    assert facts.subject in (
        "CN=bank+emailAddress=a@example.com, C=DE",
        "emailAddress=a@example.com+CN=bank, C=DE",
    )


def test_a_certificate_without_a_subject_is_called_by_its_alternative_name(authority: pki.Authority) -> None:
    read = read_certificate_file(
        pki.pfx(pki.issue(authority, subject=x509.Name([]), sans=("api.partner.example",))), "password"
    )

    assert (read.facts.subject, read.common_name) == ("(no name)", "api.partner.example")


def test_a_certificate_without_any_name_is_called_certificate(authority: pki.Authority) -> None:
    read = read_certificate_file(pki.pfx(pki.issue(authority, subject=x509.Name([]), sans=())), "password")

    assert read.common_name == "certificate"


# --- Secrets ----------------------------------------------------------------------------------------------


def test_the_private_key_is_not_in_the_repr(client: pki.Issued) -> None:
    read = read_certificate_file(pki.pfx(client), "password")

    assert "private_key" not in repr(read)
    assert repr(read.private_key) not in repr(read)


@pytest.mark.parametrize("password", ["hunter2-wrong", "hunter2\0", "hunter2-\ud800"])
def test_no_refusal_carries_the_password_or_another_exception(client: pki.Issued, password: str) -> None:
    error = refusal_of(pki.pfx(client), password)

    assert "hunter2" not in repr(error)
    assert "hunter2" not in "".join(traceback.format_exception(error))
    assert (error.__cause__, error.__context__) == (None, None)


@pytest.mark.parametrize("data", [b"", b"\x30\x03\x02\x01\x03", b"-----BEGIN CERTIFICATE-----\n", b"junk"])
def test_no_refusal_of_a_file_has_a_context(data: bytes) -> None:
    for error in (refusal_of(data), ca_refusal_of(data)):
        assert (error.__cause__, error.__context__) == (None, None)


# --- CA certificates --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["pem", "der"])
def test_a_ca_certificate_is_read_from_pem_and_der(root: pki.Authority, form: str) -> None:
    (read,) = read_ca_certificates(root.pem.encode() if form == "pem" else pki.der(root.cert))

    assert (read.pem, read.common_name, read.findings) == (root.pem, "Test Root", ())
    assert read.facts.thumbprint == pki.thumbprint(root.cert)


def test_several_ca_certificates_are_read_in_order_each_once(
    root: pki.Authority, authority: pki.Authority
) -> None:
    text = f"subject=Test\n{authority.pem}\r\n# and its root\n{root.pem}{authority.pem}"

    read = read_ca_certificates(text.encode())

    assert [each.common_name for each in read] == ["Test Issuing CA", "Test Root"]


@needs_openssl
def test_the_older_pem_label_is_read(root: pki.Authority) -> None:
    text = root.pem.replace("CERTIFICATE", "X509 CERTIFICATE")

    assert read_ca_certificates(text.encode())[0].pem == root.pem


@pytest.mark.parametrize(
    ("issued", "code", "words"),
    [
        (lambda: pki.self_signed("server"), "no-ca", "not marked as a CA"),
        (
            lambda: pki.make_ca(not_after=datetime(2025, 3, 5, 14, 20, tzinfo=UTC)),
            "expired",
            "2025-03-05 14:20",
        ),
        (lambda: pki.make_ca(not_before=NOW + DAY), "not-yet-valid", "It is not valid before"),
        (lambda: pki.make_ca(key_type="rsa1024"), "weak-key", "1024 bits"),
    ],
)
def test_a_ca_certificate_of_little_use_is_accepted_and_says_what_to_do(
    issued: Callable[[], pki.Issued], code: str, words: str
) -> None:
    (finding,) = read_ca_certificates(issued().pem.encode())[0].findings

    assert finding.code == code
    assert words in finding.text
    assert finding.remedy


def test_a_private_key_beside_a_ca_certificate_is_refused(root: pki.Authority) -> None:
    for text in (root.pem + root.key_pem, root.pem + pki.key_pem(root.key, b"secret")):
        error = ca_refusal_of(text.encode())
        assert error.field == "file"
        assert error.message.startswith("The file contains a private key")


def test_a_pfx_is_no_ca_certificate(client: pki.Issued) -> None:
    error = ca_refusal_of(pki.pfx(client))

    assert error.field == "file"
    assert error.message.startswith("This is a .pfx file")


def test_a_private_key_is_no_ca_certificate(client: pki.Issued) -> None:
    assert ca_refusal_of(key_der(client)).message.startswith("This is a private key")


def test_a_p7b_file_is_no_ca_certificate(root: pki.Authority) -> None:
    assert ca_refusal_of(pkcs7.serialize_certificates([root.cert], Encoding.DER)).message.startswith(
        "This is a .p7b file"
    )


def test_a_certificate_request_is_no_ca_certificate() -> None:
    request = x509.CertificateSigningRequestBuilder().subject_name(pki.distinguished_name("x"))
    text = request.sign(pki.make_key(), pki.hashes.SHA256()).public_bytes(Encoding.PEM)

    assert "certificate request" in ca_refusal_of(text).message


def test_a_damaged_certificate_is_refused(root: pki.Authority) -> None:
    for data in (pki.der(root.cert)[:-5], root.pem.replace("M", "?", 3).encode(), root.pem[:200].encode()):
        error = ca_refusal_of(data)
        assert error.field == "file"
        assert "damaged or incomplete" in error.message


@pytest.mark.parametrize(
    ("data", "start"),
    [
        (b"", "The file is empty."),
        (b"hello", "This is no certificate file."),
        (PNG, "This is no certificate file."),
    ],
)
def test_a_file_that_has_no_certificate_is_refused(data: bytes, start: str) -> None:
    assert ca_refusal_of(data).message.startswith(start)


def test_a_ca_file_that_is_too_large_is_refused(root: pki.Authority) -> None:
    assert "too large" in ca_refusal_of(root.pem.encode().ljust(1_000_001)).message


# --- Anything ---------------------------------------------------------------------------------------------

_CLIENT = pki.issue(pki.make_ca())
_SAMPLES = (
    pki.pfx(_CLIENT, b""),
    *([pki.openssl_pfx(_CLIENT, "", "-nomac", "-keypbe", "NONE", "-certpbe", "NONE")] if pki.OPENSSL else []),
    pki.der(_CLIENT.cert),
    _CLIENT.chain[0].public_bytes(Encoding.PEM),
    (_CLIENT.key_pem + _CLIENT.pem).encode(),
    *([pki.joined_pfx(_CLIENT, pki.self_signed("second"))] if pki.OPENSSL else []),
)
_quick = settings(
    max_examples=250, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)


def _fields(data: bytes, password: str = "") -> set[str]:
    """The fields that the readers refuse the data on; any other exception ends the test."""
    fields = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library, about BER and odd serial numbers
        for read in (lambda: read_certificate_file(data, password), lambda: read_ca_certificates(data)):
            try:
                read()
            except FileRefused as error:
                fields.add(error.field)
    return fields


@_quick
@given(st.binary(max_size=200), st.text(max_size=10))
def test_any_bytes_are_read_or_refused(data: bytes, password: str) -> None:
    assert _fields(data, password) <= {"file", "password", "key"}


@_quick
@given(st.sampled_from(_SAMPLES), st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=3))
def test_any_damage_is_read_or_refused(data: bytes, damage: list[tuple[float, int]]) -> None:
    changed = bytearray(data)
    for place, value in damage:
        changed[int(place * len(changed))] = value
    assert _fields(bytes(changed)) <= {"file", "password", "key"}


@_quick
@given(st.lists(st.sampled_from(b"-----BEGIN |-----END |CERTIFICATE|PRIVATE KEY|-----|\n|AA".split(b"|"))))
def test_any_mixture_of_pem_is_read_or_refused(pieces: list[bytes]) -> None:
    assert _fields(b"-----BEGIN " + b"".join(pieces)) <= {"file", "password"}
