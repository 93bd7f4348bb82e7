"""The demonstration's API, described as a person would, but without credentials: choosing them is the guide."""

from pathlib import Path

from cryptography import x509

from gateway.addresses import parse_web_service_url
from gateway.changes.apis import create_api, update_api
from gateway.changes.base import Actor
from gateway.changes.ca_certificates import upload_ca_certificates
from gateway.changes.operations import create_operation
from gateway.changes.security import NoCredentials, Trust, save_security
from gateway.models import Api, CaCertificate
from gateway.x509 import x509_facts
from portal.demonstration.samples import OPERATIONS

ACTOR = Actor("command", "quickstart")
NAME, SUFFIX = "Partner Bank", "partner-bank"
_DESCRIPTION = "A demonstration: its back end answers with the client certificate that it saw."


def ensure_demonstration_api(web_service_url: str, ca_certificate: Path) -> None:
    """Describe the API, or point the one that is there to the back end's address. What a person changed stays."""
    api = Api.objects.filter(suffix__iexact=SUFFIX).first()
    if api is None:
        _describe(web_service_url, _ensure_ca(ca_certificate))
    elif _is_ours(api) and api.web_service_url != web_service_url:
        update_api(
            ACTOR,
            api.pk,
            display_name=api.display_name,
            description=api.description,
            web_service_url=web_service_url,
            suffix=api.suffix,
            http=api.http,
            https=api.https,
            confirmed=True,
        )


def _describe(web_service_url: str, ca: CaCertificate) -> None:
    api = create_api(
        ACTOR,
        display_name=NAME,
        description=_DESCRIPTION,
        web_service_url=web_service_url,
        suffix=SUFFIX,
        http=True,
        https=True,
        all_operations=True,
    )
    for method, url_template, name, description in OPERATIONS:
        create_operation(
            ACTOR,
            api.pk,
            method=method,
            url_template=url_template,
            display_name=name,
            description=description,
        )
    save_security(
        ACTOR, api.pk, credentials=NoCredentials(), trust=Trust(public_cas=False, ca_certificates=(ca.pk,))
    )


def _ensure_ca(path: Path) -> CaCertificate:
    data = path.read_bytes()
    thumbprint = x509_facts(x509.load_pem_x509_certificate(data)).thumbprint
    known = CaCertificate.objects.filter(thumbprint=thumbprint).first()
    return known or upload_ca_certificates(ACTOR, data=data, name="demonstration-ca")[0]


def _is_ours(api: Api) -> bool:
    """Whether the API still goes to a demonstration back end: https on this machine, whatever the port."""
    url = parse_web_service_url(api.web_service_url)
    return (url.scheme, url.host, url.path) == ("https", "localhost", "")
