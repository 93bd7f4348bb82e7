"""Real certificates for tests: authorities, server and client certificates, and PFX files of every dialect.

    ca = make_ca(common_name="Demo CA")
    server = issue(ca, common_name="localhost", server=True)
    client = issue(ca, common_name="partner-bank", client=True)
    data = pfx(client, password=b"secret")

Every builder has a default for every argument. EC keys are made anew (they cost nothing), RSA and DSA keys
once per process and slot, which is the common name unless given: one common name, one RSA key.
"""

import functools
import hashlib
import ipaddress
import itertools
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes as Key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CURVES: dict[str, type[ec.EllipticCurve]] = {"ec": ec.SECP256R1, "ec384": ec.SECP384R1, "ec521": ec.SECP521R1}
OPENSSL = shutil.which("openssl")
KEYTOOL = shutil.which("keytool")
_FOR_A_MOMENT = (
    "-J-XX:TieredStopAtLevel=1",
    "-J-XX:+UseSerialGC",
)  # half the time, for a process that ends at once


@dataclass(frozen=True)
class Issued:
    """A certificate with its key. `chain` is its issuers, nearest first, the root last."""

    cert: x509.Certificate
    key: Key
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> str:
        """The certificate alone, as PEM."""
        return pem(self.cert)

    @property
    def chain_pem(self) -> str:
        """Leaf and intermediates as PEM, leaf first, without the root: what a server is configured with."""
        return "".join(pem(cert) for cert in (self.cert, *self.chain) if cert.subject != cert.issuer)

    @property
    def key_pem(self) -> str:
        """The private key as unencrypted PKCS #8 PEM."""
        return key_pem(self.key)

    @property
    def thumbprint(self) -> str:
        """SHA-1 of the DER in upper-case hex."""
        return thumbprint(self.cert)

    def write(self, folder: Path, name: str = "") -> tuple[Path, Path]:
        """Write `name`.pem (leaf first, then its issuers without the root) and `name`.key into the folder."""
        name = name or f"certificate-{next(_FILE_NUMBERS)}"
        folder.mkdir(parents=True, exist_ok=True)
        cert_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
        cert_file.write_text(self.chain_pem or self.pem)
        key_file.write_text(self.key_pem)
        return cert_file, key_file


class Authority(Issued):
    """A CA: pass it to `issue` or, for an intermediate, to `make_ca`."""


_FILE_NUMBERS = itertools.count(1)


def make_ca(
    common_name: str = "Test CA",
    *,
    parent: Authority | None = None,
    key_type: str = "ec",
    key: Key | None = None,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> Authority:
    """A root CA, or with `parent` an intermediate one."""
    key = key or make_key(key_type, slot=f"ca {common_name}")
    subject = distinguished_name(common_name)
    builder = _builder(subject, parent.cert.subject if parent else subject, key, not_before, not_after)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(sign_certificates=True), critical=True)
    if parent is None:
        return Authority(builder.sign(key, _hash_for(key)), key)
    builder = builder.add_extension(_authority_identifier(parent.key), critical=False)
    return Authority(builder.sign(parent.key, _hash_for(parent.key)), key, (parent.cert, *parent.chain))


def issue(
    authority: Authority | None = None,
    common_name: str = "client",
    *,
    subject: x509.Name | None = None,
    sans: Sequence[str] = ("localhost", "127.0.0.1"),
    key_type: str = "ec",
    key: Key | None = None,
    slot: str = "",
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    client: bool = True,
    server: bool = True,
) -> Issued:
    """A certificate of the authority (of a new one by default), for TLS clients, servers, or both."""
    authority = authority or make_ca()
    key = key or make_key(key_type, slot=slot or common_name)
    subject = subject if subject is not None else distinguished_name(common_name)
    builder = _builder(subject, authority.cert.subject, key, not_before, not_after)
    builder = _leaf_extensions(builder, sans, client=client, server=server)
    builder = builder.add_extension(_authority_identifier(authority.key), critical=False)
    cert = builder.sign(authority.key, _hash_for(authority.key))
    return Issued(cert, key, (authority.cert, *authority.chain))


def self_signed(
    common_name: str = "self-signed",
    *,
    subject: x509.Name | None = None,
    sans: Sequence[str] = ("localhost", "127.0.0.1"),
    key_type: str = "ec",
    key: Key | None = None,
    slot: str = "",
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    client: bool = True,
    server: bool = True,
) -> Issued:
    """A certificate that signs itself and is no CA."""
    key = key or make_key(key_type, slot=slot or common_name)
    subject = subject if subject is not None else distinguished_name(common_name)
    builder = _builder(subject, subject, key, not_before, not_after)
    builder = _leaf_extensions(builder, sans, client=client, server=server)
    return Issued(builder.sign(key, _hash_for(key)), key)


def make_key(key_type: str = "ec", *, slot: str = "") -> Key:
    """A private key: "ec" (P-256), "ec384", "ec521", "ed25519", "rsa" (2048), "rsa1024" ..., "dsa"."""
    if key_type == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if key_type in CURVES:
        return ec.generate_private_key(CURVES[key_type]())
    return _slow_key(key_type, slot)


@functools.cache
def _slow_key(key_type: str, slot: str) -> Key:
    if key_type == "dsa":
        return dsa.generate_private_key(2048)
    return rsa.generate_private_key(public_exponent=65537, key_size=int(key_type.removeprefix("rsa") or 2048))


# --- Text and numbers of a certificate -----------------------------------------------------------------


def distinguished_name(common_name: str = "", organization: str = "", country: str = "") -> x509.Name:
    """A name in the order certificates have it: country, organization, common name."""
    parts = [
        (NameOID.COUNTRY_NAME, country),
        (NameOID.ORGANIZATION_NAME, organization),
        (NameOID.COMMON_NAME, common_name),
    ]
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts if text])


def thumbprint(cert: x509.Certificate) -> str:
    """SHA-1 of the DER in upper-case hex."""
    return hashlib.sha1(der(cert)).hexdigest().upper()


def der(cert: x509.Certificate) -> bytes:
    """The certificate's DER."""
    return cert.public_bytes(Encoding.DER)


def pem(*certs: x509.Certificate) -> str:
    """The certificates as PEM, one after the other."""
    return "".join(cert.public_bytes(Encoding.PEM).decode() for cert in certs)


def key_pem(key: Key, password: bytes = b"") -> str:
    """The key as PKCS #8 PEM, encrypted if there is a password."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


# --- PFX files -----------------------------------------------------------------------------------------


def pfx(
    issued: Issued | None = None,
    password: bytes = b"password",
    *,
    name: bytes | None = None,
    with_key: bool = True,
    with_cert: bool = True,
    chain: Iterable[x509.Certificate] | None = None,
    encryption: KeySerializationEncryption | None = None,
) -> bytes:
    """A PFX file written by `cryptography`. An empty password means none. `chain` replaces the issuers.

    Unless told, its key derivation has a single round: nobody guesses these passwords, and there are many.
    """
    issued = issued or issue()
    if encryption is None:
        quick = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(1)
        encryption = quick.build(password) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(
        name,
        issued.key if with_key else None,  # type: ignore[arg-type]
        issued.cert if with_cert else None,
        issued.chain if chain is None else tuple(chain),
        encryption,
    )


def openssl_pfx(issued: Issued | None = None, password: str | bytes = "password", *options: str) -> bytes:
    """A PFX file written by `openssl pkcs12 -export` with more of its options, such as "-legacy"."""
    issued = issued or issue()
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "key.pem").write_text(issued.key_pem)
        (folder / "cert.pem").write_text(issued.pem)
        secret = password.encode() if isinstance(password, str) else password
        (folder / "password").write_bytes(secret + b"\n")
        command = ["pkcs12", "-export", "-out", "out.pfx", "-passout", "file:password"]
        if "-nokeys" not in options:
            command += ["-inkey", "key.pem"]
        if issued.chain:
            (folder / "chain.pem").write_text(pem(*issued.chain))
            command += ["-certfile", "chain.pem"]
        openssl(*command, "-in", "cert.pem", *options, folder=folder)
        return (folder / "out.pfx").read_bytes()


def openssl(*arguments: str, folder: Path) -> bytes:
    """Run openssl in the folder and return what it prints. Raises CalledProcessError."""
    assert OPENSSL, "the openssl command is needed for this test"
    run = subprocess.run([OPENSSL, *arguments], cwd=folder, capture_output=True, check=True)
    return run.stdout


PLAIN = ("-keypbe", "NONE", "-certpbe", "NONE")


def joined_pfx(*issued: Issued, password: str = "", options: Sequence[str] = PLAIN) -> bytes:
    """A PFX file with a key and a certificate of each (which no option of openssl makes), without a MAC."""
    safes = b"".join(_safes(openssl_pfx(each, password, *options, "-nomac")) for each in issued)
    content = _element(0x30, _DATA + _element(0xA0, _element(0x04, _element(0x30, safes))))
    return _element(0x30, _VERSION_3 + content)


def pfx_of_key(key: bytes) -> bytes:
    """A PFX file with one key bag and nothing else, whatever the bag holds."""
    bag = _element(0x30, bytes.fromhex("060b2a864886f70d010c0a0101") + _element(0xA0, key))
    info = _element(0x30, _DATA + _element(0xA0, _element(0x04, _element(0x30, bag))))
    content = _element(0x30, _DATA + _element(0xA0, _element(0x04, _element(0x30, info))))
    return _element(0x30, _VERSION_3 + content)


def in_ber(data: bytes) -> bytes:
    """A PFX of `joined_pfx` as Firefox writes one: indefinite lengths, and octet strings in pieces."""
    safes = b"".join(_indefinite(safe) for safe in _elements(_safes(data)))
    safe = b"\x30\x80" + safes + b"\0\0"
    content = b"\x30\x80" + _DATA + b"\xa0\x80" + _in_pieces(safe) + b"\0\0" * 2
    return b"\x30\x80" + _VERSION_3 + content + b"\0\0"


def _indefinite(info: bytes) -> bytes:
    """A ContentInfo; one of the type data with its octet string in pieces."""
    body = _inside(info)
    if not body.startswith(_DATA):
        return info
    safe = _inside(_inside(body[len(_DATA) :]))
    return b"\x30\x80" + _DATA + b"\xa0\x80" + _in_pieces(safe) + b"\0\0" * 2


def _in_pieces(octets: bytes) -> bytes:
    """An OCTET STRING in two pieces."""
    return b"\x24\x80" + _element(0x04, octets[:100]) + _element(0x04, octets[100:]) + b"\0\0"


def _elements(data: bytes) -> Iterable[bytes]:
    while data:
        size = data[1] & 0x7F if data[1] > 0x80 else 0
        length = 2 + size + (int.from_bytes(data[2 : 2 + size]) if size else data[1])
        yield data[:length]
        data = data[length:]


_DATA = bytes.fromhex("06092a864886f70d010701")
_VERSION_3 = b"\x02\x01\x03"


def _safes(data: bytes) -> bytes:
    """The ContentInfos within the AuthenticatedSafe of a PFX (RFC 7292 section 4) without a MAC."""
    content = _inside(data)[len(b"\x02\x01\x03") :]
    safe = _inside(content)[len(b"\x06\x09") + 9 :]
    return _inside(_inside(_inside(safe)))


def _inside(element: bytes) -> bytes:
    return element[2 + (element[1] & 0x7F if element[1] > 0x80 else 0) :]


def _element(tag: int, body: bytes) -> bytes:
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8)
    length = bytes([len(body)]) if len(body) < 0x80 else bytes([0x80 + len(size)]) + size
    return bytes([tag]) + length + body


def keytool_pfx(
    *common_names: str, password: str = "password", key_options: Sequence[str] = ("-keyalg", "EC")
) -> bytes:
    """A PKCS #12 key store written by Java's keytool, with one key and self-signed certificate per name."""
    assert KEYTOOL, "Java's keytool is needed for this test"
    with TemporaryDirectory() as name:
        store = Path(name) / "store.p12"
        common = ["-storetype", "PKCS12", "-keystore", str(store), "-storepass", password, "-validity", "30"]
        for common_name in common_names or ("keytool",):
            names = ["-alias", common_name, "-dname", f"CN={common_name}"]
            run = [KEYTOOL, *_FOR_A_MOMENT, "-genkeypair", *key_options, *names, *common]
            subprocess.run(run, capture_output=True, check=True)
        return store.read_bytes()


# --- Parts of a certificate ----------------------------------------------------------------------------


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, not_before: datetime | None, not_after: datetime | None
) -> x509.CertificateBuilder:
    now = datetime.now(UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before or min(now - timedelta(days=1), (not_after or now) - timedelta(days=1)))
        .not_valid_after(not_after or max(now, not_before or now) + timedelta(days=365))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _leaf_extensions(
    builder: x509.CertificateBuilder, sans: Sequence[str], *, client: bool, server: bool
) -> x509.CertificateBuilder:
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH] * client + [ExtendedKeyUsageOID.SERVER_AUTH] * server
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(sign_certificates=False), critical=True)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if sans:
        names = [_general_name(name) for name in sans]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _authority_identifier(key: Key) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _hash_for(key: Key) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
