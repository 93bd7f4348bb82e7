"""TLS towards back ends: contexts that present a client certificate and verify what a Trust demands."""

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from gateway.failures import CallFailure
from gateway.snapshot import CertificateMaterial, Trust


def client_context(certificate: CertificateMaterial | None, trust: Trust) -> ssl.SSLContext:
    """A context for one certificate (or none) and one trust.

    The name is checked by OpenSSL together with the chain; where only the name is to be checked, call
    `check_name` after the handshake. Raises CallFailure if the certificate or an authority cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.check_hostname = trust.validate_chain and trust.validate_name
    context.verify_mode = ssl.CERT_REQUIRED if trust.validate_chain else ssl.CERT_NONE
    if trust.validate_chain:
        _load_authorities(context, trust)
    if certificate is not None:
        _load_certificate(context, certificate)
    return context


def _load_authorities(context: ssl.SSLContext, trust: Trust) -> None:
    # An uploaded certificate is trusted for what it is, root or not (X.509 path building stops at it).
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        if trust.public_cas:
            context.load_verify_locations(cafile=certifi.where())
        if trust.authorities_pem:
            context.load_verify_locations(cadata="\n".join(trust.authorities_pem))
    except (ssl.SSLError, OSError, ValueError) as error:
        raise CallFailure("back-end-trust-unusable", str(error)) from None


def _load_certificate(context: ssl.SSLContext, certificate: CertificateMaterial) -> None:
    if certificate.private_key is None:
        raise CallFailure("client-certificate-unusable", certificate.problem)
    try:
        key = load_der_private_key(certificate.private_key.reveal(), None)
        key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with _file_of(key_pem + certificate.chain_pem.encode()) as path:
            context.load_cert_chain(path, password="")  # never ask at a terminal
    except (ssl.SSLError, OSError, ValueError, TypeError) as error:
        # Only the kind of error: its text may quote what it could not read.
        detail = f"certificate {certificate.id}: {type(error).__name__}"
        raise CallFailure("client-certificate-unusable", detail) from None


@contextmanager
def _file_of(data: bytes) -> Iterator[str]:
    """A path under which OpenSSL can read data that never rests on a disk (where the system can do that)."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
        path = f"/proc/self/fd/{descriptor}"
    else:
        descriptor, path = tempfile.mkstemp()  # mode 0600
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(data)
        yield path
    finally:
        os.close(descriptor)
        if not path.startswith("/proc/"):
            os.unlink(path)  # noqa: PTH108


def check_name(certificate_der: bytes, host: str) -> None:
    """Check a back end's certificate against a host (RFC 9525, 6) although its chain is not validated.

    Raises CallFailure with "back-end-name-mismatch".
    """
    try:
        certificate = x509.load_der_x509_certificate(certificate_der)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        matches = _matches(names, host)
    except Exception:  # no such extension, or hostile bytes: each oddity raises a class of its own
        matches = False
    if not matches:
        raise CallFailure("back-end-name-mismatch", f"the certificate is not for {host}")


def _matches(names: x509.SubjectAlternativeName, host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return any(_name_matches(name, host) for name in names.get_values_for_type(x509.DNSName))
    return address in names.get_values_for_type(x509.IPAddress)


def _name_matches(pattern: str, host: str) -> bool:
    """Whether a DNS-ID matches: exact, or with a wildcard as the whole left-most label (RFC 9525, 6.3)."""
    pattern, host = pattern.lower().rstrip("."), host.lower().rstrip(".")
    if not pattern.startswith("*."):
        return pattern == host
    label, _, rest = host.partition(".")
    return bool(label) and "." in rest and rest == pattern[2:]
