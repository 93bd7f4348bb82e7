"""What runs in the two processes of a race: `python -m tests.race <socket> <races>` runs one race after the other.

A race is a list: an action of this module, the name that the rows of the race begin with, and a revision for
each of its rounds. The outcomes are printed, a list for each race, as JSON. Before each round both wait for each
other at the socket, a descriptor of a pair.
"""

import base64
import json
import socket
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

import django

django.setup()

from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from gateway.changes.apis import create_api, update_api  # noqa: E402
from gateway.changes.base import Actor, change  # noqa: E402
from gateway.changes.certificate_moves import move_everywhere, planned_moves  # noqa: E402
from gateway.changes.certificate_versions import planned_rewrites, remove_version, use_version  # noqa: E402
from gateway.changes.certificates import delete_certificate  # noqa: E402
from gateway.changes.named_values import delete_named_value  # noqa: E402
from gateway.changes.policies import save_document, save_policy  # noqa: E402
from gateway.changes.principals import find_principal, opened_keys  # noqa: E402
from gateway.changes.security import CertificateCredentials, Trust, save_security  # noqa: E402
from gateway.models import Api, Certificate, CertificateVersion, NamedValue  # noqa: E402
from portal.management_api.etags import etag_of  # noqa: E402
from portal.management_api.tokens import token  # noqa: E402
from tests import pki  # noqa: E402

ME = Actor("command", "race")
SERVICE = "/management/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/portal"


def assign(name: str, revision: int) -> None:
    certificate, api = Certificate.objects.get(resource_id=name), Api.objects.get(resource_id=name)
    save_security(ME, api.key, credentials=CertificateCredentials(certificate.key), trust=Trust())


def name(name: str, revision: int) -> None:
    """Save a policy that names a certificate."""
    statement = f'<authentication-certificate certificate-id="{name}" />'
    api = Api.objects.get(resource_id=name)
    save_policy(ME, api, f"<policies><inbound><base />{statement}</inbound></policies>")


def save(name: str, revision: int) -> None:
    """Save a policy as somebody who has seen none there."""
    api = Api.objects.get(resource_id=name)
    save_policy(ME, api, f"<policies><!-- {time.time_ns()} --></policies>", revision=0)


def delete(name: str, revision: int) -> None:
    certificate = Certificate.objects.filter(resource_id=name).first()
    if certificate:
        delete_certificate(ME, certificate.key)


def renew(name: str, revision: int) -> None:
    """Use the successor of a certificate."""
    certificate = Certificate.objects.get(resource_id=name)
    use_version(ME, certificate.key, certificate.versions.get(number=2).key)


def confirm(name: str, revision: int) -> None:
    """Use the successor, as somebody who has looked at it."""
    certificate = Certificate.objects.get(resource_id=name)
    successor, rewrites = certificate.versions.get(number=2), planned_rewrites(certificate)
    use_version(ME, certificate.key, successor.key, revision=certificate.revision, rewrites=rewrites)


def remove_successor(name: str, revision: int) -> None:
    certificate = Certificate.objects.get(resource_id=name)
    remove_version(ME, certificate.key, certificate.versions.get(number=2).key)


def move(name: str, revision: int) -> None:
    """Have what names a certificate name another one, which is called the same with an "x" behind."""
    row, to = (Certificate.objects.get(resource_id=each) for each in (name, f"{name}x"))
    move_everywhere(ME, row.key, to.key, uses=[each.use for each in planned_moves(row, to)])


def delete_other(name: str, revision: int) -> None:
    delete(f"{name}x", revision)


def name_by_thumbprint(name: str, revision: int) -> None:
    """Save a policy that names a certificate by the thumbprint that it begins with."""
    thumbprint = CertificateVersion.objects.get(certificate__resource_id=name, number=1).thumbprint
    statement = f'<authentication-certificate thumbprint="{thumbprint}" />'
    api = Api.objects.get(resource_id=name)
    save_policy(ME, api, f"<policies><inbound><base />{statement}</inbound></policies>")


def use_value(name: str, revision: int) -> None:
    """The API's document comes to refer to the named value."""
    statement = f'<forward-request timeout="{{{{{name}}}}}" />'
    with change(ME) as this:
        api = Api.objects.get(resource_id=name)
        save_document(this, api, f"<policies><backend>{statement}</backend></policies>")


def delete_value(name: str, revision: int) -> None:
    delete_named_value(ME, NamedValue.objects.get(resource_id=name).key)


def create(name: str, revision: int) -> None:
    create_api(ME, display_name=name, web_service_url="https://x.example", suffix=name, http=True, https=True)


def update(name: str, revision: int) -> None:
    """Save an API's settings as somebody who has seen it at that revision."""
    api = Api.objects.get(resource_id=name)
    update_api(
        ME,
        api.key,
        revision=revision,
        display_name=api.display_name,
        description=f"{time.time_ns()}",
        web_service_url=api.web_service_url,
        suffix=api.suffix,
        http=True,
        https=True,
    )


# --- over the REST API: the outcome is a status ------------------------------------------------------------------
def put(name: str, revision: int) -> str:
    """Change an API, as somebody who has its ETag; it was made right after what was made at that revision."""
    api = {"displayName": name, "description": f"{time.time_ns()}", "serviceUrl": "https://x.example"}
    return rest("PUT", f"/apis/{name}", {**api, "path": name}, **{"If-Match": etag_of(revision + 1)})


def only_create(name: str, revision: int) -> str:
    """Save a policy if there is none."""
    xml = f"<policies><!-- {time.time_ns()} --></policies>"
    return rest("PUT", f"/apis/{name}/policies/policy", {"value": xml}, **{"If-None-Match": "*"})


def patch_title(name: str, revision: int) -> str:
    return rest("PATCH", f"/apis/{name}", {"displayName": "Patched"}, **{"If-Match": "*"})


def patch_limit(name: str, revision: int) -> str:
    return rest("PATCH", f"/apis/{name}", {"limits": {"maxCalls": 7}}, **{"If-Match": "*"})


def replace(name: str, revision: int) -> str:
    """Replace a certificate, as somebody who has its ETag; it was made right after the API of `put`."""
    return put_certificate(name, **{"If-Match": etag_of(revision + 2)})


def upsert(name: str, revision: int) -> str:
    """Have a certificate, whether there was one or not."""
    return put_certificate(name)


def drop(name: str, revision: int) -> str:
    """Delete a certificate, as somebody who has its ETag; it was made right after that of `replace`."""
    return rest("DELETE", f"/certificates/{name}", {}, **{"If-Match": etag_of(revision + 3)})


def put_value(name: str, revision: int) -> str:
    """Change a named value, as somebody who has its ETag; it was made right after the API of `only_create`."""
    return upsert_value(name, 0, **{"If-Match": etag_of(revision + 6)})


def upsert_value(name: str, revision: int, **headers: str) -> str:
    """Have a named value, whether there was one or not."""
    value = {"displayName": name, "value": f"{time.time_ns()}"}
    return rest("PUT", f"/namedValues/{name}", value, **headers)


def suspend(name: str, revision: int) -> str:
    return rest("PATCH", f"/subscriptions/{name}", {"state": "suspended"}, **{"If-Match": "*"})


def rename(name: str, revision: int) -> str:
    return rest("PATCH", f"/subscriptions/{name}", {"displayName": "Renamed"}, **{"If-Match": "*"})


def put_certificate(name: str, **headers: str) -> str:
    data = base64.b64encode(pki.pfx(pki.self_signed(name), password=b"")).decode()
    return rest("PUT", f"/certificates/{name}", {"data": data}, **headers)


def rest(method: str, path: str, properties: dict[str, object], **headers: str) -> str:
    """A request of the principal "racer"."""
    principal = find_principal("racer")
    assert principal
    _, key = opened_keys(principal)[0]
    answer = Client().generic(
        method,
        f"{SERVICE}{path}?api-version=2024-05-01",
        json.dumps({"properties": properties}),
        content_type="application/json",
        headers={"Authorization": token("racer", timezone.now() + timedelta(minutes=5), key), **headers},
    )
    return str(answer.status_code)


def outcome(action: str, name: str, revision: int) -> str:
    try:
        return globals()[action](name, revision) or "done"
    except Exception as error:  # whichever it is, the tests know those that may be
        return type(error).__name__


def main() -> None:
    other = socket.socket(fileno=int(sys.argv[1]))

    def together(action: str, race: str, revisions: list[int]) -> Iterator[str]:
        for number, revision in enumerate(revisions):
            other.send(b".")
            assert other.recv(1), "the other process has ended"
            yield outcome(action, f"{race}-{number}", revision)

    print(json.dumps([list(together(*race)) for race in json.loads(sys.argv[2])]))


if __name__ == "__main__":
    main()
