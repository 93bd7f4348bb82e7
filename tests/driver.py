"""An administrator in a process of their own: `python -m tests.driver` answers one JSON command a line.

Commands are lists: a name of this module and its arguments.
"""

import json
import sys
from pathlib import Path
from typing import Any

import django

django.setup()

from gateway.changes.apis import create_api  # noqa: E402
from gateway.changes.base import Actor  # noqa: E402
from gateway.changes.ca_certificates import upload_ca_certificates  # noqa: E402
from gateway.changes.certificates import delete_certificate, upload_certificate  # noqa: E402
from gateway.changes.security import CertificateCredentials, NoCredentials, Trust, save_security  # noqa: E402
from gateway.models import Api, CaCertificate, Certificate  # noqa: E402
from gateway.records import live_gateways, wait_in_effect  # noqa: E402

ME = Actor("command", "driver")


def prepare(url: str, ca_file: str, *pfx_files: str) -> list[str]:
    """An API "bank" with every operation that trusts the CA, and a certificate of each PFX file."""
    upload_ca_certificates(ME, data=Path(ca_file).read_bytes())
    create_api(
        ME,
        display_name="bank",
        web_service_url=url,
        suffix="bank",
        http=True,
        https=True,
        subscription_required=False,
        all_operations=True,
    )
    choose("")
    uploaded = (upload_certificate(ME, data=Path(p).read_bytes(), password="secret") for p in pfx_files)
    return [certificate.resource_id for certificate in uploaded]


def choose(certificate_id: str) -> dict[str, Any]:
    """What Save on the Security tab does, the wait included. Without an id, no credentials."""
    trust = Trust(ca_certificates=tuple(CaCertificate.objects.values_list("pk", flat=True)))
    credentials = (
        CertificateCredentials(Certificate.objects.get(resource_id=certificate_id).key)
        if certificate_id
        else NoCredentials()
    )
    return wait(save_security(ME, Api.objects.get().key, credentials=credentials, trust=trust))


def delete(certificate_id: str) -> dict[str, Any]:
    return wait(delete_certificate(ME, Certificate.objects.get(resource_id=certificate_id).key))


def wait(revision: int) -> dict[str, Any]:
    effect = wait_in_effect(revision)
    return {"revision": revision, "running": effect.running, "lagging": effect.lagging}


def gateways() -> list[str]:
    return [lease.name for lease in live_gateways()]


def main() -> None:
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(globals()[name](*arguments)), flush=True)


if __name__ == "__main__":
    main()
