"""Writes the gateway's configuration: `python -m tests.benchmarks.configuration FOLDER BACK_END KEY`.

One API with a few operations, whose calls need a subscription key, run under policies of three scopes, and are
forwarded with a client certificate.
"""

import sys
from pathlib import Path

import django

django.setup()

from gateway.changes.ca_certificates import upload_ca_certificates  # noqa: E402
from gateway.changes.certificates import upload_certificate  # noqa: E402
from gateway.changes.security import CertificateCredentials, Trust, save_security  # noqa: E402
from tests.builders import ALICE, make_api, make_operation, make_subscription  # noqa: E402


def configure(folder: Path, back_end: str, key: str) -> None:
    """Everything goes through gateway.changes, as from the portal."""
    api = make_api("Bank", web_service_url=back_end)
    make_operation(api, "/accounts", rewrite_template="/accounts")
    make_operation(api, "/accounts/{id}")
    make_operation(api, "/statements/{number}")
    make_operation(api, "/uploads", method="POST")
    make_subscription(api=api, primary_key=key)
    authorities = upload_ca_certificates(ALICE, data=(folder / "ca.pem").read_bytes())
    certificate = upload_certificate(ALICE, data=(folder / "client.pfx").read_bytes(), password="secret")
    trust = Trust(public_cas=False, ca_certificates=tuple(each.pk for each in authorities))
    save_security(ALICE, api.key, credentials=CertificateCredentials(certificate.key), trust=trust)


if __name__ == "__main__":
    configure(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
