"""Builders of configuration: each goes through gateway.changes, and each argument has a default."""

from typing import Any

from cryptography import x509

from gateway.changes.apis import create_api
from gateway.changes.back_ends import create_back_end
from gateway.changes.base import Actor
from gateway.changes.ca_certificates import upload_ca_certificates
from gateway.changes.certificate_versions import add_version, use_version
from gateway.changes.certificates import upload_certificate
from gateway.changes.named_values import create_named_value
from gateway.changes.operations import create_operation
from gateway.changes.policies import save_policy
from gateway.changes.security import CertificateCredentials, Credentials, Trust, save_security
from gateway.changes.signing_requests import create_signing_request
from gateway.changes.subscriptions import create_subscription
from gateway.models import (
    Api,
    BackEnd,
    CaCertificate,
    Certificate,
    CertificateVersion,
    NamedValue,
    Operation,
    SigningRequest,
    Subscription,
)
from tests import pki

ALICE = Actor("user", "alice")
PASSWORD = "correct horse"


def make_certificate(common_name: str = "partner-bank", name: str = "", **issued: Any) -> Certificate:
    """A client certificate that was uploaded as a PFX."""
    data = pki.pfx(pki.self_signed(common_name=common_name, **issued), password=PASSWORD.encode())
    return upload_certificate(ALICE, data=data, password=PASSWORD, name=name)


def make_version(certificate: Certificate, common_name: str = "", **issued: Any) -> CertificateVersion:
    """A successor of a certificate that was uploaded and is not in use yet."""
    issued = {"common_name": common_name or certificate.resource_id[:60], **issued}
    data = pki.pfx(pki.self_signed(**issued), password=PASSWORD.encode())
    return add_version(ALICE, certificate.key, data=data, password=PASSWORD)


def renew(certificate: Certificate) -> CertificateVersion:
    """Upload a successor of a certificate, and use it."""
    version = make_version(certificate)
    use_version(ALICE, certificate.key, version.key)
    certificate.refresh_from_db()
    return version


def make_signing_request(
    certificate: Certificate | None = None, common_name: str = "partner-bank", **values: Any
) -> SigningRequest:
    """A signing request for a certificate's next version, or for a new certificate."""
    values = {"names": [], "key_type": "EC P-256", **values}
    key = certificate.key if certificate else None
    return create_signing_request(ALICE, subject=[("CN", common_name)], certificate_key=key, **values)


def issued_for(row: SigningRequest, authority: pki.Authority | None = None, **issued: Any) -> pki.Issued:
    """What an authority makes of a signing request; the key is the public one, which is all that it gets."""
    request = x509.load_pem_x509_csr(row.csr_pem.encode())
    return pki.issue(authority, subject=request.subject, key=request, **issued)


def make_ca_certificate(common_name: str = "Test CA", name: str = "") -> CaCertificate:
    """A CA certificate that was uploaded."""
    authority = pki.make_ca(common_name=common_name)
    pem = authority.pem if isinstance(authority.pem, bytes) else authority.pem.encode()
    return upload_ca_certificates(ALICE, data=pem, name=name)[0]


def make_api(display_name: str = "Partner Bank", **values: Any) -> Api:
    """An API without credentials, reached at a suffix made from its name."""
    values = {
        "web_service_url": "https://bank.example",
        "suffix": display_name.lower().replace(" ", "-"),
        "http": True,
        "https": True,
        **values,
    }
    return create_api(ALICE, display_name=display_name, **values)


def make_operation(
    api: Api, url_template: str = "/accounts/{id}", method: str = "GET", **values: Any
) -> Operation:
    """An operation of an API."""
    values = {"display_name": f"{method} {url_template}", **values}
    return create_operation(ALICE, api.key, method=method, url_template=url_template, **values)


def make_back_end(resource_id: str = "bank", url: str = "https://bank.example", **values: Any) -> BackEnd:
    """A back end; everything is checked there unless asked."""
    return create_back_end(ALICE, resource_id=resource_id, url=url, **values)


def make_subscription(
    display_name: str = "Mobile app", api: Api | None = None, **values: Any
) -> Subscription:
    """An active subscription to an API, or to all."""
    return create_subscription(ALICE, display_name=display_name, api=api.key if api else None, **values)


def make_named_value(name: str = "partner-key", value: str = "a value", **values: Any) -> NamedValue:
    """A named value, as the pages call it a property; not a secret one unless asked."""
    return create_named_value(ALICE, name=name, value=value, **values)


def use_named_value(name: str, *scopes: Api | Operation | None) -> None:
    """Have the documents of some scopes send a named value, which may be secret, as a password."""
    statement = f'<authentication-basic username="alice" password="{{{{{name}}}}}" />'
    for scope in scopes:
        save_policy(ALICE, scope, f"<policies><inbound><base />{statement}</inbound></policies>")


def choose(api: Api, credentials: Certificate | Credentials, trust: Trust | None = None) -> int:
    """Choose credentials on an API's Security tab; a certificate stands for itself."""
    if isinstance(credentials, Certificate):
        credentials = CertificateCredentials(credentials.key)
    return save_security(ALICE, api.key, credentials=credentials, trust=trust or Trust())
