"""Reads a client certificate with its key and chain from a PFX or PEM file, with messages for a person. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.file_contents import (
    MAX_FILE_BYTES,
    Contents,
    NamedCertificate,
    as_bytes_of_text,
    check_size,
    kind_of,
)
from gateway.findings import Finding, Severity
from gateway.pem_files import read_pem
from gateway.pkcs12 import read_pfx
from gateway.preflight import by_severity, findings_of
from gateway.x509 import (
    MAX_CHAIN,
    Chain,
    FileRefused,
    X509Facts,
    certificate_problem,
    common_name,
    is_ca,
    key_sha256_of,
    name_text,
    order_chain,
    pem,
    public_key_sha256,
    weakly_signed,
    x509_facts,
)

__all__ = [
    "MAX_FILE_BYTES",
    "ClientCertificate",
    "FileRefused",
    "KeyChoice",
    "SeveralKeys",
    "read_certificate_file",
]

_MISMATCH = "The private key does not belong to the certificate in the file. Export both together again."
_NO_KEY = "The file has no private key. Export the certificate again, together with its private key."
_NO_CERTIFICATE = "The file has a private key but no certificate. Export both together."
_SIGNATURE = "The certificate is signed with SHA-1 or MD5, which TLS no longer accepts. Have it issued again."
_NOT_THERE = "The key that was chosen is not in this file. "
_CHOOSE = "The file has several private keys with their certificates. Choose the one to use."

_WANTED = "A .pfx or .pem file is needed that has both."
_OTHERS = {
    "certificate": f"This is a certificate without its private key (.cer or .crt). {_WANTED}",
    "private key": f"This is a private key without its certificate. {_WANTED}",
    "pkcs7": f"This is a .p7b file, which has certificates but no private key. {_WANTED}",
    "jks": "This is an old Java key store. Make a .pfx file of it with: "
    "keytool -importkeystore -srckeystore client.jks -destkeystore client.pfx -deststoretype pkcs12",
    "image": "This is an image. A .pfx or .pem file is needed.",
    "text": "This is a text file. A .pfx or .pem file is needed.",
}
_UNKNOWN = "This is no .pfx file (PKCS #12) and no .pem file, or its beginning is damaged."

_Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """One of several keys in a file. `id` is what `read_certificate_file` takes as `key`."""

    id: str
    label: str


class SeveralKeys(FileRefused):
    """The file has several keys, and a person has to choose one of `choices`."""

    def __init__(self, choices: tuple[KeyChoice, ...], message: str = _CHOOSE) -> None:
        super().__init__("key", message)
        self.choices = choices


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate with its private key (PKCS #8 DER) and its chain, leaf first.

    `friendly_name` is what the file calls it, "" if it does not. `choices` are the keys of a file with several.
    """

    facts: X509Facts
    chain_pem: str
    private_key: bytes = field(repr=False)
    common_name: str
    friendly_name: str
    findings: tuple[Finding, ...]
    choices: tuple[KeyChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pair:
    """A key and its certificate: the newest, where the file has several for the same key."""

    key: PrivateKeyTypes = field(repr=False)
    leaf: NamedCertificate
    number_of_leaves: int

    @property
    def id(self) -> str:
        return public_key_sha256(self.key.public_key())


def read_certificate_file(data: bytes, password: str, *, key: str = "") -> ClientCertificate:
    """Read the certificate, its chain and its private key from a PFX or PEM file. An empty password means none.

    Of a file with several keys `key` says which, by the id of a choice. Raises FileRefused, whose message names
    neither the password nor anything of the key, and SeveralKeys when a choice is needed.
    """
    check_size(data)
    contents = _contents(data, password)
    pairs = _pairs(contents)
    choices = tuple(_choice(pair) for pair in pairs) if len(pairs) > 1 else ()
    pair = _chosen(pairs, key, choices)
    _check_usable(pair)
    leaf = pair.leaf.certificate
    facts = x509_facts(leaf)
    given = [each.certificate for each in contents.certificates]
    chain = order_chain(leaf, given)
    chain_pem = pem(chain.certificates)
    found = [*contents.findings, *_of_file(contents, pair, choices), *_of_chain(chain, given, pairs)]
    return ClientCertificate(
        facts=facts,
        chain_pem=chain_pem,
        private_key=cast(_Private, pair.key).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        common_name=common_name(leaf),
        friendly_name=pair.leaf.friendly_name,
        findings=by_severity([*findings_of(chain_pem, datetime.now(UTC)), *found]),
        choices=choices,
    )


def _contents(data: bytes, password: str) -> Contents:
    text = as_bytes_of_text(data)
    kind = kind_of(text)
    if kind == "pem":
        return read_pem(text, password)
    if kind != "pfx":
        raise FileRefused("file", _OTHERS.get(kind, _UNKNOWN))
    return read_pfx(data, password)


# --- The key and its certificate --------------------------------------------------------------------------


def _pairs(contents: Contents) -> list[_Pair]:
    """Each key that has a certificate, once. Raises FileRefused if there is none."""
    if not contents.keys:
        raise FileRefused("file", _NO_KEY)
    if not contents.certificates:
        raise FileRefused("file", _NO_CERTIFICATE)
    ids = [(key_sha256_of(named.certificate), named) for named in contents.certificates]
    pairs: dict[str, _Pair] = {}
    for key in contents.keys:
        own_id = public_key_sha256(key.public_key())
        leaves = list({named.certificate: named for id_, named in ids if id_ == own_id}.values())
        if leaves:
            newest = max(leaves, key=lambda named: named.certificate.not_valid_before_utc)
            pairs.setdefault(own_id, _Pair(key, newest, len(leaves)))
    if not pairs:
        raise FileRefused("file", _MISMATCH)
    return list(pairs.values())


def _chosen(pairs: list[_Pair], key: str, choices: tuple[KeyChoice, ...]) -> _Pair:
    if not key and len(pairs) == 1:
        return pairs[0]
    for pair in pairs:
        if pair.id == key:
            return pair
    if choices:
        raise SeveralKeys(choices, f"{_NOT_THERE}{_CHOOSE}" if key else _CHOOSE)
    subject = name_text(pairs[0].leaf.certificate.subject)
    raise FileRefused(
        "key", f"{_NOT_THERE}Its only one is that of {subject}: send the form again to use that."
    )


def _choice(pair: _Pair) -> KeyChoice:
    facts = x509_facts(pair.leaf.certificate)
    name = f"“{pair.leaf.friendly_name}”, " if pair.leaf.friendly_name else ""
    until = f"{facts.not_after:%Y-%m-%d}"
    label = f"{facts.subject} ({name}{facts.key_type}, valid until {until}, …{facts.thumbprint[-4:]})"
    return KeyChoice(pair.id, label)


def _check_usable(pair: _Pair) -> None:
    if problem := certificate_problem(pair.leaf.certificate):
        text = f"{problem} Use a certificate with RSA from 2048 bits, EC P-256 or Ed25519."
        raise FileRefused("file", text)
    if weakly_signed(pair.leaf.certificate):
        raise FileRefused("file", _SIGNATURE)


# --- What to know about the file --------------------------------------------------------------------------


def _of_file(contents: Contents, pair: _Pair, choices: tuple[KeyChoice, ...]) -> list[Finding]:
    found = []
    if len(contents.keys) > 1:
        text = f"The file has {len(contents.keys)} private keys; only the one of this certificate is stored."
        found.append(Finding("several-keys", Severity.NOTE, text))
    if pair.number_of_leaves > 1:
        text = f"The file has {pair.number_of_leaves} certificates for the same key; the newest one is used."
        found.append(Finding("several-certificates", Severity.NOTE, text))
    if name := pair.leaf.friendly_name:
        text = f"The file calls it “{name}” (its friendly name)."
        found.append(Finding("friendly-name", Severity.NOTE, text))
    return found


def _of_chain(chain: Chain, given: list[x509.Certificate], pairs: list[_Pair]) -> list[Finding]:
    found = []
    if chain.weak:
        text = f"The issuer {name_text(chain.weak.subject)} is signed with SHA-1 or MD5 and was left out."
        remedy = "Ask the CA for its certificate signed with SHA-256, and upload a file that has it."
        found.append(Finding("weak-issuer", Severity.WARNING, text, remedy))
    with_keys = {pair.id for pair in pairs}
    strangers = [cert for cert in chain.left_out if key_sha256_of(cert) not in with_keys]
    if strangers and not (chain.weak or len(pairs) > 1):
        text = f"Certificates in the file that are not its issuers and were left out: {len(strangers)}."
        found += [
            *_gap(chain.certificates, strangers),
            Finding("unrelated-certificates", Severity.NOTE, text),
        ]
    used = [cert for cert in dict.fromkeys(given) if cert in chain.certificates]
    if used != list(chain.certificates):
        text = "The certificates in the file were not in the order of the chain. They are stored in the right one."
        found.append(Finding("chain-reordered", Severity.NOTE, text))
    return found


def _gap(chain: tuple[x509.Certificate, ...], strangers: list[x509.Certificate]) -> Iterator[Finding]:
    """Whether the chain breaks off below others in the file; of one without any issuer findings_of says so."""
    last = chain[-1]
    ends = last.issuer == last.subject or len(chain) in (1, MAX_CHAIN)
    if not ends and any(map(is_ca, strangers)):
        missing, issued = name_text(last.issuer), name_text(last.subject)
        text = (
            f"The chain breaks off: the certificate of {missing}, which issued {issued}, is not in the file."
        )
        remedy = "If that is not a root, upload a file that has it, too: back ends may refuse the chain."
        yield Finding("chain-gap", Severity.WARNING, text, remedy)
