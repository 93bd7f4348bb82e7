"""An administrator in a process of their own: `python -m tests.driver` answers one JSON command a line.

Commands are lists: a name of this module, its arguments and its named arguments.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import django
from django.db import connections

django.setup()

from gateway.changes import certificate_moves, certificate_versions  # noqa: E402
from gateway.changes.apis import Limits, create_api, delete_api, update_api  # noqa: E402
from gateway.changes.base import Actor  # noqa: E402
from gateway.changes.ca_certificates import upload_ca_certificates  # noqa: E402
from gateway.changes.certificate_moves import planned_moves  # noqa: E402
from gateway.changes.certificates import delete_certificate, upload_certificate  # noqa: E402
from gateway.changes.operations import create_operation, delete_operation, update_operation  # noqa: E402
from gateway.changes.policies import save_policy  # noqa: E402
from gateway.changes.security import (  # noqa: E402
    BasicCredentials,
    CertificateCredentials,
    Credentials,
    NoCredentials,
    Trust,
    save_security,
)
from gateway.changes.subscriptions import (  # noqa: E402
    activate_subscription,
    create_subscription,
    regenerate_key,
    reveal_keys,
    suspend_subscription,
    update_subscription,
)
from gateway.connection_tests import ConnectionOrder, NotMade, ask  # noqa: E402
from gateway.models import Api, CaCertificate, Certificate, Revision, Subscription, Trace  # noqa: E402
from gateway.records import held, live_gateways, presentations, wait_in_effect  # noqa: E402
from gateway.records_traces import wait_for  # noqa: E402

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
    """What Save on bank's Security tab does, the wait included. Without an id, no credentials."""
    return secure("bank", certificate_id)


def secure(api: str, certificate_id: str = "", user: str = "", trusts: bool = True) -> dict[str, Any]:
    """The same for any API: a certificate, or HTTP basic as a user, or nothing; trusting every CA, or none."""
    cas = CaCertificate.objects.values_list("pk", flat=True) if trusts else ()
    credentials: Credentials = NoCredentials()
    if certificate_id:
        credentials = CertificateCredentials(Certificate.objects.get(resource_id=certificate_id).key)
    elif user:
        credentials = BasicCredentials(user, "secret")
    trust = Trust(ca_certificates=tuple(cas))
    return wait(save_security(ME, _api(api).key, credentials=credentials, trust=trust))


def add_api(name: str, url: str, **more: Any) -> dict[str, Any]:
    """An API with that name as its id and suffix; by default with every operation, and no key is asked for."""
    values = {"http": True, "https": True, "subscription_required": False, "all_operations": True, **more}
    values["limits"] = Limits(**values.get("limits", {}))
    return wait(create_api(ME, display_name=name, web_service_url=url, suffix=name, **values).revision)


def move_api(name: str, url: str) -> dict[str, Any]:
    """Another web service URL."""
    values = {"display_name": name, "description": "", "suffix": name, "http": True, "https": True}
    return wait(update_api(ME, _api(name).key, web_service_url=url, **values).revision)


def remove_api(name: str) -> dict[str, Any]:
    return wait(delete_api(ME, _api(name).key))


def remove_apis(*names: str) -> None:
    """Those of these that are there."""
    for api in Api.objects.filter(resource_id__in=names):
        wait(delete_api(ME, api.key))


def add_operation(api: str, url_template: str, rewrite_template: str = "") -> dict[str, Any]:
    """GET with that URL template."""
    key, name = _api(api).key, url_template.strip("/")
    values = {"display_name": name, "rewrite_template": rewrite_template}
    return wait(create_operation(ME, key, method="GET", url_template=url_template, **values).revision)


def rewrite(api: str, url_template: str, template: str) -> dict[str, Any]:
    """Another Rewrite URL template."""
    operation = _api(api).operations.get(url_template=url_template)
    values = {"display_name": operation.display_name, "rewrite_template": template}
    update_operation(ME, operation.key, method="GET", url_template=url_template, **values)
    return wait(Revision.objects.get().number)


def remove_operation(api: str, url_template: str) -> dict[str, Any]:
    return wait(delete_operation(ME, _api(api).operations.get(url_template=url_template).key))


def subscribe(name: str) -> list[str]:
    """A subscription to an API, with the same name; returns its keys."""
    row = create_subscription(ME, display_name=name, api=_api(name).key)
    wait(row.revision)
    return list(reveal_keys(ME, row.key))


def regenerate(subscription: str) -> dict[str, Any]:
    """Another primary key."""
    return wait(regenerate_key(ME, _subscription(subscription).key, "primary").revision)


def suspend(subscription: str) -> dict[str, Any]:
    return wait(suspend_subscription(ME, _subscription(subscription).key).revision)


def activate(subscription: str) -> dict[str, Any]:
    return wait(activate_subscription(ME, _subscription(subscription).key).revision)


def allow_tracing(subscription: str) -> dict[str, Any]:
    row = _subscription(subscription)
    values = {"display_name": row.display_name, "api": row.api_id, "allow_tracing": True}
    return wait(update_subscription(ME, row.key, **values).revision)


def trace(address: str) -> Any:
    """The document of the trace at an address, once it is written; None if it never is."""
    found = wait_for(UUID(address.rpartition("/")[2]), 10)
    return found and found.content


def traces() -> int:
    """How many traces are kept."""
    return Trace.objects.count()


def _api(name: str) -> Api:
    return Api.objects.get(resource_id=name)


def _subscription(name: str) -> Subscription:
    return Subscription.objects.get(resource_id=name)


def delete(certificate_id: str) -> dict[str, Any]:
    return wait(delete_certificate(ME, Certificate.objects.get(resource_id=certificate_id).key))


def add_version(certificate_id: str, pfx_file: str) -> int:
    """The number of a successor, which is not in use yet."""
    key = Certificate.objects.get(resource_id=certificate_id).key
    return certificate_versions.add_version(
        ME, key, data=Path(pfx_file).read_bytes(), password="secret"
    ).number


def use_version(certificate_id: str, number: int) -> dict[str, Any]:
    """Renew, or roll back."""
    row = Certificate.objects.get(resource_id=certificate_id)
    version = row.versions.get(number=number)
    return wait(certificate_versions.use_version(ME, row.key, version.key, revision=row.revision).revision)


def move_everywhere(certificate_id: str, to: str) -> dict[str, Any]:
    """Whatever names one certificate names another."""
    row, other = (Certificate.objects.get(resource_id=name) for name in (certificate_id, to))
    uses = [each.use for each in planned_moves(row, other)]
    return wait(certificate_moves.move_everywhere(ME, row.key, other.key, uses=uses).revision)


def name_by_thumbprint(api: str, thumbprint: str) -> dict[str, Any]:
    """A policy of an API that names its certificate so."""
    statement = f"<authentication-certificate thumbprint='{thumbprint}' />"
    xml = f"<policies><inbound><base />{statement}</inbound></policies>"
    return wait(save_policy(ME, _api(api), xml).revision)


def try_connection(certificate_id: str = "", *, url: str, trusts: bool = True) -> dict[str, Any]:
    """What Test connection does; the report, or why there is none."""
    certificate = Certificate.objects.get(resource_id=certificate_id).key if certificate_id else None
    cas = tuple(CaCertificate.objects.values_list("pk", flat=True)) if trusts else ()
    try:
        return ask(ConnectionOrder(url, certificate, ca_certificates=cas)).as_json()
    except NotMade as reason:
        return {"not_made": str(reason)}


def wait(revision: int) -> dict[str, Any]:
    effect = wait_in_effect(revision)
    returned = time.monotonic()  # every process has the same clock
    return {
        "revision": revision,
        "running": effect.running,
        "lagging": effect.lagging,
        "returned": returned,
    }


def presented(*thumbprints: str) -> list[list[Any]]:
    """Thumbprint, API, back end and time of what was presented."""
    found = presentations(thumbprints)
    return [[each.thumbprint, each.api, each.back_end, each.last_at.timestamp()] for each in found]


def held_connections(*thumbprints: str) -> dict[str, int]:
    return held(thumbprints)


def gateways() -> list[str]:
    return [lease.name for lease in live_gateways()]


def main() -> None:
    for line in sys.stdin:
        name, arguments, named = json.loads(line)
        print(json.dumps(globals()[name](*arguments, **named)), flush=True)
        connections.close_all()  # the database may go away before the next command


if __name__ == "__main__":
    main()
