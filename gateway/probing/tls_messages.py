"""What the messages of a TLS handshake say (RFC 5246, 7.4 and RFC 8446, 4), as far as a probe tells of it. Pure.

Everything here comes from the other side: whatever cannot be read raises ValueError and nothing else.
"""

from dataclasses import dataclass

TLS12, TLS13 = 0x0303, 0x0304
VERSIONS = {0x0300: "SSL 3", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", TLS12: "TLS 1.2", TLS13: "TLS 1.3"}
_SUPPORTED_VERSIONS, _SIGNATURE_ALGORITHMS, _CERTIFICATE_AUTHORITIES = 43, 13, 47

ALGORITHMS = {
    0x0201: "RSA with SHA-1",
    0x0203: "ECDSA with SHA-1",
    0x0301: "RSA with SHA-224",
    0x0303: "ECDSA with SHA-224",
    0x0202: "DSA with SHA-1",
    0x0302: "DSA with SHA-224",
    0x0402: "DSA with SHA-256",
    0x0502: "DSA with SHA-384",
    0x0602: "DSA with SHA-512",
    0x0401: "RSA with SHA-256",
    0x0501: "RSA with SHA-384",
    0x0601: "RSA with SHA-512",
    0x0403: "ECDSA with SHA-256 (P-256)",
    0x0503: "ECDSA with SHA-384 (P-384)",
    0x0603: "ECDSA with SHA-512 (P-521)",
    0x0804: "RSA-PSS with SHA-256",
    0x0805: "RSA-PSS with SHA-384",
    0x0806: "RSA-PSS with SHA-512",
    0x0807: "Ed25519",
    0x0808: "Ed448",
    0x0809: "RSA-PSS key with SHA-256",
    0x080A: "RSA-PSS key with SHA-384",
    0x080B: "RSA-PSS key with SHA-512",
}


@dataclass(frozen=True, slots=True)
class ServerHello:
    """What the back end chose. `cipher` is the number of a cipher suite."""

    version: int
    cipher: int


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """What a back end says about the certificates it takes.

    `authorities` are names as DER; none means that it does not say. `algorithms` are SignatureSchemes.
    """

    authorities: tuple[bytes, ...] = ()
    algorithms: tuple[int, ...] = ()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def __bool__(self) -> bool:
        return bool(self._data)

    def take(self, count: int) -> bytes:
        taken, self._data = self._data[:count], self._data[count:]
        if len(taken) < count:
            raise ValueError("a message ends too early")
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def vector(self, size: int) -> "_Reader":
        """What a length of `size` bytes is in front of."""
        return _Reader(self.take(self.number(size)))

    def rest(self) -> bytes:
        return self.take(len(self._data))


def _body(message: bytes) -> _Reader:
    reader = _Reader(message)
    reader.take(1)
    return reader.vector(3)


def _extensions(reader: _Reader) -> dict[int, _Reader]:
    extensions = reader.vector(2) if reader else reader
    found = {}
    while extensions:
        kind = extensions.number(2)
        found[kind] = extensions.vector(2)
    return found


def server_hello(message: bytes) -> ServerHello:
    """A ServerHello (or a HelloRetryRequest)."""
    body = _body(message)
    version = body.number(2)
    body.take(32)
    body.vector(1)
    cipher = body.number(2)
    body.take(1)
    chosen = _extensions(body).get(_SUPPORTED_VERSIONS)
    return ServerHello(chosen.number(2) if chosen else version, cipher)


def certificates(message: bytes, version: int) -> tuple[bytes, ...]:
    """The certificates of a Certificate message as DER, as they were sent."""
    body = _body(message)
    if version >= TLS13:
        body.vector(1)
    entries, found = body.vector(3), []
    while entries:
        found.append(entries.vector(3).rest())
        if version >= TLS13:
            entries.vector(2)
    return tuple(found)


def certificate_request(message: bytes, version: int) -> CertificateRequest:
    """A CertificateRequest."""
    body = _body(message)
    body.vector(1)  # the context of TLS 1.3, the types of certificates of TLS 1.2
    if version < TLS13:
        algorithms = _numbers(body.vector(2)) if version == TLS12 else ()
        return CertificateRequest(_names(body.vector(2)), algorithms)
    said = _extensions(body)
    authorities, signatures = said.get(_CERTIFICATE_AUTHORITIES), said.get(_SIGNATURE_ALGORITHMS)
    return CertificateRequest(
        _names(authorities.vector(2)) if authorities else (),
        _numbers(signatures.vector(2)) if signatures else (),
    )


def _numbers(reader: _Reader) -> tuple[int, ...]:
    found = []
    while reader:
        found.append(reader.number(2))
    return tuple(found)


def _names(reader: _Reader) -> tuple[bytes, ...]:
    found = []
    while reader:
        found.append(reader.vector(2).rest())
    return tuple(found)


def version_name(version: int) -> str:
    """The version's name."""
    return VERSIONS.get(version, f"version 0x{version:04X}")
