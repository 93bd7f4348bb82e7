"""Reads the files of certificates that authorities send back, with messages for a person.

They are DER or PEM (RFC 7468), of one certificate each or of many in PKCS #7 (.p7b, RFC 2315). PKCS #7 is taken
apart here: many programs do not sort its certificates as DER wants it (X.690, 11.6), and some write indefinite
lengths. Some call it a CERTIFICATE in PEM (certutil -encode), others send the base64 alone (RFC 7030).
"""

import binascii
import re
from contextlib import suppress

from cryptography import x509

from gateway.der import SEQUENCE, children
from gateway.file_contents import as_bytes_of_text, check_size, kind_of
from gateway.x509 import FileRefused

_BEGIN = rb"-----BEGIN ((?:X509 )?CERTIFICATE|PKCS7|PKCS #7 SIGNED DATA|CMS)-----"
_BLOCK = re.compile(_BEGIN + rb"([^-]*)-----END \1-----")
_CERTIFICATES = 0xA0  # [0] of SignedData (RFC 2315 section 9.1)

_DAMAGED = "A certificate in the file is damaged or incomplete. Export or copy it again."
_KEY_HERE = "The file contains a private key. The key is here already: upload only the certificate."
_REQUEST = (
    "This is the signing request itself. Send it to the CA, and upload the certificate that comes back."
)
_PFX = "This is a .pfx file. Upload the certificate alone (.cer, .crt, .pem or .p7b): its key is here."
_NO_FILE = "This is no certificate file, or it is damaged. Upload a .cer, .crt, .pem or .p7b file."


def read_issued(data: bytes) -> list[x509.Certificate]:
    """The certificates of a file, each once, in its order. Raises FileRefused on the field "file"."""
    check_size(data)
    data = as_bytes_of_text(data)
    if b"PRIVATE KEY-----" in data:
        raise FileRefused("file", _KEY_HERE)
    found = _of_pem(data) if b"-----BEGIN " in data else _alone(data)
    if not found:
        raise FileRefused("file", "The file has no certificate.")
    return list(dict.fromkeys(found))


def _of_pem(data: bytes) -> list[x509.Certificate]:
    blocks = _BLOCK.findall(data)
    if not blocks and b"CERTIFICATE REQUEST-----" in data:
        raise FileRefused("file", _REQUEST)
    if len(blocks) != len(re.findall(_BEGIN, data)):
        raise FileRefused("file", _DAMAGED)
    with suppress(Exception):  # hostile bytes
        return [each for _, text in blocks for each in _of_der(_decoded(text))]
    raise FileRefused("file", _DAMAGED)


def _alone(data: bytes) -> list[x509.Certificate]:
    """Of a file that is one thing and says nothing about itself."""
    with suppress(Exception):
        return _of_der(data)
    with suppress(Exception):
        return _of_der(_decoded(data))
    raise FileRefused("file", _PFX if kind_of(data) == "pfx" else _NO_FILE)


def _decoded(text: bytes) -> bytes:
    return binascii.a2b_base64(b"".join(text.split()), strict_mode=True)


def _of_der(data: bytes) -> list[x509.Certificate]:
    """Those of a certificate or of PKCS #7. Raises whatever it is that is wrong."""
    if kind_of(data) != "pkcs7":
        return [x509.load_der_x509_certificate(data)]
    _, content = children(next(children(data)).body)
    signed = children(next(children(content.body)).body)
    sets = (each.body for each in signed if each.tag == _CERTIFICATES)
    found = [each for inside in sets for each in children(inside) if each.tag == SEQUENCE]
    return [x509.load_der_x509_certificate(each.whole) for each in found]
