"""The snapshot of the API "policies": its documents are saved as XML, and what is published of them is judged.

This part of the suite's configuration goes the whole way, through gateway.changes and gateway.publish; the rest is
made by hand (see configuration.py).
"""

from collections.abc import Mapping

from django.db import transaction
from django.test import override_settings

from gateway import publish
from gateway.changes.base import Actor
from gateway.changes.ca_certificates import upload_ca_certificates
from gateway.changes.certificates import upload_certificate
from gateway.changes.named_values import create_named_value
from gateway.changes.policies import save_policy
from gateway.changes.security import NoCredentials, Trust
from gateway.models import CaCertificate
from gateway.snapshot import Snapshot
from tests import pki
from tests.builders import choose, make_api, make_operation
from tests.conformance.apis import LISTENERS
from tests.conformance.configuration import SETTINGS
from tests.conformance.credentials import Credentials
from tests.conformance.examples import EXAMPLES, header

JUDGE = Actor("command", "conformance")

_OF_ALL = (
    f"<policies><inbound>{header('X-Order', 'all', action='append')}</inbound>"
    "<backend><forward-request /></backend></policies>"
)
_OF_API = (
    f"<policies><inbound><base />{header('X-Order', 'api', action='append')}"
    '<authentication-certificate certificate-id="client-one" /></inbound></policies>'
)


def documented(back_end_port: int, issued: Credentials) -> Snapshot:
    """What is published of them, for a back end at a port and the ones behind it. The database stays as it is."""
    ports = {name: str(back_end_port + place) for place, name in enumerate(LISTENERS)}
    networks = SETTINGS["GATEWAY_ALLOWED_BACK_END_NETWORKS"].split(",")
    with override_settings(GATEWAY_ALLOWED_BACK_END_NETWORKS=networks), transaction.atomic():
        _save(ports, issued)
        snapshot = publish.load(using="default")
        transaction.set_rollback(True)
    return snapshot


def _save(ports: Mapping[str, str], issued: Credentials) -> None:
    for name in ("client-one", "client-two"):
        data = pki.pfx(issued[name], b"password")
        upload_certificate(JUDGE, data=data, password="password", name=name)
    (ca,) = upload_ca_certificates(JUDGE, data=issued["ca"].pem.encode(), name="ca")
    create_named_value(JUDGE, name="region", value="north", secret=False, tags=())
    create_named_value(JUDGE, name="shared-secret", value="correct horse", secret=True, tags=())
    save_policy(JUDGE, None, _OF_ALL)
    placeholders = {**ports, "client-two": issued["client-two"].thumbprint}
    _save_examples(f"https://localhost:{ports['mutual']}/base", ca, placeholders)
    _save_rerouted(f"https://localhost:{ports['self-signed']}", ca, placeholders)


def _save_examples(url: str, ca: CaCertificate, placeholders: Mapping[str, str]) -> None:
    api = make_api("Policies", web_service_url=url, subscription_required=False)
    choose(api, NoCredentials(), Trust(public_cas=False, ca_certificates=(ca.key,)))
    save_policy(JUDGE, api, _OF_API)
    for example in (each for examples in EXAMPLES.values() for each in examples):
        operation = make_operation(api, example.url_template, example.method)
        save_policy(JUDGE, operation, _filled(example.xml, placeholders))


def _save_rerouted(url: str, ca: CaCertificate, placeholders: Mapping[str, str]) -> None:
    """An API whose back end is not validated, with an operation for each other one that its calls may go to."""
    api = make_api("Rerouted", web_service_url=url, subscription_required=False)
    trust = Trust(validate_chain=False, validate_name=False, public_cas=False, ca_certificates=(ca.key,))
    choose(api, NoCredentials(), trust)
    make_operation(api, "/self-signed")
    for listener in ("optional", "other-name", "expired"):
        base_url = f'<set-backend-service base-url="https://localhost:{{{listener}}}" />'
        xml = f"<policies><inbound><base />{base_url}</inbound></policies>"
        save_policy(JUDGE, make_operation(api, f"/{listener}"), _filled(xml, placeholders))


def _filled(xml: str, placeholders: Mapping[str, str]) -> str:
    for name, value in placeholders.items():
        xml = xml.replace(f"{{{name}}}", value)
    return xml
