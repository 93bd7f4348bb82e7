"""Certificate files as programs of many kinds write them: PEM in every form, PFX of Windows, Java and Firefox."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from gateway.certificate_files import ClientCertificate, KeyChoice, SeveralKeys, read_certificate_file
from gateway.der import encode
from gateway.x509 import FileRefused
from tests import pki

needs_openssl = pytest.mark.skipif(pki.OPENSSL is None, reason="needs the openssl command")
PASSWORD = "pass-wörd"
LONG = "Straße €" * 25  # 200 characters
WINDOWS = ("-CSP", "Microsoft Enhanced RSA and AES Cryptographic Provider", "-LMK", "-name", "partner")
BER_IS_READ = pytest.mark.filterwarnings("ignore:PKCS#12 bundle could not be parsed as DER:UserWarning")


@pytest.fixture(scope="module")
def authority() -> pki.Authority:
    return pki.make_ca("Test Issuing CA", parent=pki.make_ca("Test Root"))


@pytest.fixture(scope="module")
def client(authority: pki.Authority) -> pki.Issued:
    return pki.issue(authority, "partner-bank", key_type="rsa")


@pytest.fixture(scope="module")
def second(authority: pki.Authority) -> pki.Issued:
    return pki.issue(authority, "second")


def key_der(issued: pki.Issued) -> bytes:
    return issued.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def traditional(issued: pki.Issued, password: str = "") -> str:
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return issued.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, encryption).decode()


def chain(issued: pki.Issued) -> str:
    return pki.pem(issued.cert, *issued.chain)


def read(text: str | bytes, password: str = "", key: str = "") -> ClientCertificate:
    return read_certificate_file(text.encode() if isinstance(text, str) else text, password, key=key)


def refusal_of(text: str | bytes, password: str = "", key: str = "") -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        read(text, password, key)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    return caught.value


def choices_of(text: str | bytes, password: str = "", key: str = "") -> tuple[KeyChoice, ...]:
    error = refusal_of(text, password, key)
    assert isinstance(error, SeveralKeys)
    assert error.field == "key"
    return error.choices


def codes(found: ClientCertificate) -> list[str]:
    return [finding.code for finding in found.findings]


def is_whole(found: ClientCertificate, issued: pki.Issued) -> bool:
    return (found.private_key, found.chain_pem) == (key_der(issued), chain(issued))


# --- PEM files that are accepted ------------------------------------------------------------------------


@pytest.mark.parametrize("key_type", ["rsa", "ec", "ed25519"])
def test_a_pem_file_gives_certificate_chain_and_key(authority: pki.Authority, key_type: str) -> None:
    issued = pki.issue(authority, "partner-bank", key_type=key_type)

    found = read(chain(issued) + issued.key_pem)

    assert is_whole(found, issued)
    assert (found.common_name, found.friendly_name) == ("partner-bank", "")
    assert codes(found) == (["uncommon-key"] if key_type == "ed25519" else [])


@pytest.mark.parametrize("kind", ["rsa", "ec"])
@pytest.mark.parametrize("password", ["", PASSWORD])
@pytest.mark.parametrize("form", ["PKCS #8", "traditional"])
def test_a_key_in_pem_is_read_in_every_form(
    client: pki.Issued, second: pki.Issued, kind: str, password: str, form: str
) -> None:
    issued = client if kind == "rsa" else second
    key = pki.key_pem(issued.key, password.encode()) if form == "PKCS #8" else traditional(issued, password)

    found = read(key + chain(issued), password)

    assert is_whole(found, issued)
    assert codes(found) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.encode("utf-16"),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: b"Bag Attributes\n    friendlyName: a: b\nsubject=CN = x\n" + text.encode() + b"\n# end",
        lambda text: (
            text.replace("BEGIN CERT", "BEGIN X509 CERT").replace("END CERT", "END X509 CERT").encode()
        ),
    ],
    ids=["CRLF", "UTF-16", "byte order mark", "text around", "older label"],
)
def test_a_pem_file_is_read_as_programs_write_it(client: pki.Issued, change: object) -> None:
    assert is_whole(read(change(chain(client) + client.key_pem)), client)  # type: ignore[operator]


@needs_openssl
@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("rsa -des3 -traditional", ["legacy-encryption"]),
        ("pkcs8 -topk8 -v2 des3", ["legacy-encryption"]),
        ("pkcs8 -topk8 -v1 PBE-SHA1-3DES", ["legacy-encryption"]),
        ("pkcs8 -topk8 -scrypt", []),
        ("pkcs8 -topk8 -v2prf hmacWithSHA512", []),
    ],
)
def test_keys_that_openssl_encrypted_are_read(
    client: pki.Issued, tmp_path: Path, command: str, found: list[str]
) -> None:
    (tmp_path / "key.pem").write_text(client.key_pem)
    key = pki.openssl(*command.split(), "-in", "key.pem", "-passout", f"pass:{PASSWORD}", folder=tmp_path)

    answer = read(key.decode() + chain(client), PASSWORD)

    assert is_whole(answer, client)
    assert codes(answer) == found


@needs_openssl
def test_the_parameters_before_a_key_of_openssl_are_passed_over(
    authority: pki.Authority, tmp_path: Path
) -> None:
    text = pki.openssl("ecparam", "-name", "prime256v1", "-genkey", folder=tmp_path).decode()
    assert text.startswith("-----BEGIN EC PARAMETERS-----")
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(text[text.index("-----BEGIN EC PRIVATE") :].encode(), None)

    assert read(text + chain(pki.issue(authority, "made-by-hand", key=key))).common_name == "made-by-hand"  # type: ignore[arg-type]


def test_a_chain_in_the_wrong_order_is_put_right_and_mentioned(client: pki.Issued) -> None:
    issuing, root = client.chain

    found = read(pki.pem(root, issuing) + client.key_pem + pki.pem(client.cert))

    assert is_whole(found, client)
    assert codes(found) == ["chain-reordered"]


def test_a_gap_in_the_chain_is_warned_of_and_says_whose_certificate_is_missing(
    authority: pki.Authority,
) -> None:
    between = pki.make_ca("Between", parent=authority)
    client = pki.issue(pki.make_ca("Nearest", parent=between))
    nearest, _, *above = client.chain

    found = read(client.key_pem + pki.pem(client.cert, nearest, *above))

    assert codes(found) == ["chain-gap", "unrelated-certificates"]
    assert "CN=Between, which issued CN=Nearest, is not in the file" in found.findings[0].text


def test_of_several_certificates_for_one_key_the_newest_is_used(
    authority: pki.Authority, client: pki.Issued
) -> None:
    old = pki.issue(authority, "old", key=client.key, not_before=datetime.now(UTC) - timedelta(days=300))

    found = read(old.pem + chain(client) + client.key_pem)

    assert is_whole(found, client)
    assert codes(found) == ["several-certificates"]


def test_a_password_that_a_pem_file_does_not_need_is_mentioned(client: pki.Issued) -> None:
    assert codes(read(client.key_pem + chain(client), "not needed")) == ["password-not-needed"]


# --- PEM files that are refused -------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["PKCS #8", "traditional"])
@pytest.mark.parametrize(("password", "words"), [("wrong", "is wrong or"), ("", "Enter the password")])
def test_a_pem_file_is_refused_on_the_password_field(
    client: pki.Issued, form: str, password: str, words: str
) -> None:
    key = pki.key_pem(client.key, b"right") if form == "PKCS #8" else traditional(client, "right")

    error = refusal_of(key + chain(client), password)

    assert error.field == "password"
    assert words in error.message


def refused_files() -> dict[str, tuple[str, str]]:
    one, other = pki.self_signed("one"), pki.self_signed("other")
    body = one.pem.splitlines()[1]
    openssh = one.key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()  # type: ignore[arg-type]
    return {
        "no key": (one.pem, "The file has no private key."),
        "no certificate": (one.key_pem, "The file has a private key but no certificate."),
        "mismatch": (one.pem + other.key_pem, "The private key does not belong to the certificate"),
        "OpenSSH": (openssh + one.pem, "The private key is in OpenSSH's own format."),
        "damaged certificate": (
            one.key_pem + one.pem.replace(body, body[:-8]),
            "A certificate in the file is damaged",
        ),
        "damaged key": (one.key_pem.replace("M", "A", 3) + one.pem, "A private key in the file is damaged"),
        "no end": (one.pem + one.key_pem[:80], "A private key in the file is damaged"),
        "request": ("-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END", "The file has no private key."),
        "weak": (pem_of(pki.self_signed("weak", key_type="rsa1024")), "The RSA key has 1024 bits"),
        "many keys": (one.key_pem * 21 + one.pem, "The file has 21 private keys."),
    }


def pem_of(issued: pki.Issued) -> str:
    return issued.key_pem + issued.pem


@pytest.mark.parametrize(
    "what",
    [
        "no key",
        "no certificate",
        "mismatch",
        "OpenSSH",
        "damaged certificate",
        "damaged key",
        "no end",
        "request",
        "weak",
        "many keys",
    ],
)
def test_a_pem_file_is_refused_on_the_file_field(what: str) -> None:
    text, start = refused_files()[what]

    error = refusal_of(text)

    assert error.field == "file"
    assert error.message.startswith(start)


@needs_openssl
def test_a_key_in_a_cipher_that_is_not_read_says_so(client: pki.Issued, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(client.key_pem)
    command = "rsa -in key.pem -camellia128 -traditional -passout pass:password"
    key = pki.openssl(*command.split(), folder=tmp_path).decode()

    error = refusal_of(key + chain(client), "password")

    assert (error.field, "a cipher that is not read here" in error.message) == ("file", True)


@needs_openssl
@pytest.mark.parametrize(
    ("options", "usual", "hostile"),
    [
        ("-scrypt", b"\x02\x02\x40\x00\x02\x01\x08", b"\x02\x02\x7f\xff\x02\x01\x7f"),
        ("-v2 aes256 -iter 70000", b"\x02\x03\x01\x11\x70", b"\x02\x03\x4f\xff\xff"),
    ],
)
def test_encrypted_keys_that_ask_together_for_too_much_work_are_refused(
    client: pki.Issued, tmp_path: Path, options: str, usual: bytes, hostile: bytes
) -> None:
    (tmp_path / "key.pem").write_text(client.key_pem)
    command = ["pkcs8", "-topk8", "-in", "key.pem", *options.split(), "-passout", "pass:password"]
    der = pki.openssl(*command, "-outform", "DER", folder=tmp_path)
    assert der.count(usual) == 1
    body = base64.encodebytes(der.replace(usual, hostile)).decode()
    text = f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}-----END ENCRYPTED PRIVATE KEY-----\n"

    assert "too much work" in refusal_of(text * 2 + chain(client), "password").message


def test_keys_that_would_take_minutes_to_check_are_refused(client: pki.Issued) -> None:
    """RSA keys are checked for primes: 3 s for 8192 bits, hours for what fits into a file."""
    large = b"\x30\x83" + (6000).to_bytes(3) + bytes(6000)
    body = base64.encodebytes(large).decode()
    text = f"-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----\n"

    for file in (text + chain(client), pki.pfx_of_key(large)):
        assert "RSA with more than 8192 bits" in refusal_of(file).message


@pytest.mark.parametrize("kind", ["definite", "indefinite"])
def test_a_pfx_that_is_nested_too_deep_is_called_damaged(kind: str) -> None:
    octets = b"\x24\x80" * 3000 + bytes(6000)
    if kind == "definite":
        octets = b""
        for _ in range(3000):
            octets = encode(0x24, octets)
    content = bytes.fromhex("06092a864886f70d010701") + encode(0xA0, octets)

    error = refusal_of(encode(0x30, b"\x02\x01\x03" + encode(0x30, content)))

    assert error.message.startswith("This PFX file is damaged")


# --- Several keys ---------------------------------------------------------------------------------------


def test_of_a_pem_file_with_several_keys_the_chosen_one_is_used(
    client: pki.Issued, second: pki.Issued
) -> None:
    text = "".join(pki.key_pem(each.key, b"pw") + each.pem for each in (client, second))
    text += pki.pem(*client.chain)

    choices = choices_of(text, "pw")

    assert [choice.label.split(" (")[0] for choice in choices] == ["CN=partner-bank", "CN=second"]
    for choice, issued in zip(choices, (client, second), strict=True):
        found = read(text, "pw", choice.id)
        assert is_whole(found, issued)
        assert (codes(found), found.choices) == (["several-keys"], choices)


@needs_openssl
@pytest.mark.parametrize(
    "options", [("-legacy",), ("-iter", "1"), ("-keypbe", "NONE", "-certpbe", "NONE")], ids=" ".join
)
def test_of_a_pfx_with_several_encrypted_keys_the_chosen_one_is_used(
    client: pki.Issued, second: pki.Issued, options: tuple[str, ...]
) -> None:
    data = pki.joined_pfx(client, second, password=PASSWORD, options=options)

    first_choice, second_choice = choices_of(data, PASSWORD)

    assert is_whole(read(data, PASSWORD, first_choice.id), client)
    assert is_whole(read(data, PASSWORD, second_choice.id), second)
    if "NONE" not in options:
        assert refusal_of(data, "wrong", second_choice.id).field == "password"


@BER_IS_READ
@needs_openssl
def test_of_a_file_in_ber_with_several_keys_the_chosen_one_is_used(
    client: pki.Issued, second: pki.Issued
) -> None:
    data = pki.in_ber(pki.joined_pfx(client, second, password=PASSWORD, options=("-iter", "1")))

    _, choice = choices_of(data, PASSWORD)

    assert is_whole(read(data, PASSWORD, choice.id), second)


def test_a_key_without_a_certificate_is_no_choice(client: pki.Issued, second: pki.Issued) -> None:
    found = read(second.key_pem + client.key_pem + chain(client))

    assert is_whole(found, client)
    assert codes(found) == ["several-keys"]


def test_the_same_key_twice_is_one(client: pki.Issued) -> None:
    assert is_whole(read(client.key_pem + chain(client) + traditional(client)), client)


def test_a_choice_from_another_file_is_refused(client: pki.Issued, second: pki.Issued) -> None:
    both = pem_of(client) + pem_of(second)
    stranger = "0" * 64

    alone = refusal_of(pem_of(client), key=stranger)

    assert not isinstance(alone, SeveralKeys)
    assert (alone.field, alone.message.startswith("The key that was chosen is not in this file.")) == (
        "key",
        True,
    )
    assert len(choices_of(both, key=stranger)) == 2


# --- PFX files of other programs ------------------------------------------------------------------------


@needs_openssl
@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("-legacy", *WINDOWS), ["friendly-name", "legacy-encryption"]),
        (("-legacy", "-descert", *WINDOWS), ["friendly-name", "legacy-encryption"]),
        (("-iter", "2000", "-macalg", "sha256", *WINDOWS), ["friendly-name"]),
        (("-nomac", *WINDOWS), ["friendly-name"]),
    ],
    ids=["RC2-40 and 3DES, SHA-1", "3DES, SHA-1", "AES-256, SHA-256", "no MAC"],
)
@pytest.mark.parametrize("password", ["password", LONG])
def test_files_like_those_of_windows_are_read(
    client: pki.Issued, options: tuple[str, ...], found: list[str], password: str
) -> None:
    answer = read(pki.openssl_pfx(client, password, *options), password)

    assert is_whole(answer, client)
    assert answer.friendly_name == "partner"
    assert sorted(codes(answer)) == found


def test_a_friendly_name_is_shown_without_what_nobody_sees(client: pki.Issued) -> None:
    found = read(pki.pfx(client, name="Müller\u202e & Söhne".encode()), "password")

    assert found.friendly_name == "Müller & Söhne"


@BER_IS_READ
def test_a_file_of_firefox_is_read() -> None:
    """Written by NSS 3.87 (pk12util), in BER; the certificate expires in 2126."""
    data = (Path(__file__).parent / "files" / "nss.p12").read_bytes()

    found = read(data, "pw")

    assert (found.facts.subject, found.friendly_name) == ("CN=from-firefox", "from-firefox")
    assert (
        x509.load_pem_x509_certificates(found.chain_pem.encode())[0].issuer.rfc4514_string() == "CN=Test CA"
    )
