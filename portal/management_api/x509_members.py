"""Members that say what an X.509 certificate says: those of versions and of CA certificates."""

from typing import Any

from gateway.models.certificates import CaCertificate, CertificateVersion
from portal.management_api.times import time_text

_TEXT = {"type": "string", "readOnly": True}
_TIME = {"type": "string", "format": "date-time", "readOnly": True}

SCHEMA = {
    "subject": _TEXT,
    "issuer": _TEXT,
    "serialNumber": _TEXT,
    "thumbprint": _TEXT,
    "sha256": _TEXT,
    "keyType": _TEXT,
    "notBefore": _TIME,
    "expirationDate": _TIME,
    "createdAt": _TIME,
}


def x509_members(row: CertificateVersion | CaCertificate) -> dict[str, Any]:
    """Those of a row."""
    return {
        "subject": row.subject,
        "issuer": row.issuer,
        "serialNumber": row.serial_number,
        "thumbprint": row.thumbprint,
        "sha256": row.sha256,
        "keyType": row.key_type,
        "notBefore": time_text(row.not_before),
        "expirationDate": time_text(row.not_after),
        "createdAt": time_text(row.created_at),
    }
