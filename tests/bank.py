"""A back end over real TLS that demands client certificates of its own CA, and an API and certificates for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gateway.changes.ca_certificates import upload_ca_certificates
from gateway.changes.certificates import upload_certificate
from gateway.changes.security import Trust
from gateway.models import Api, CaCertificate, Certificate
from tests import pki
from tests.back_end import BackEnd
from tests.builders import ALICE, PASSWORD, make_api


@dataclass(frozen=True)
class Bank:
    """What stands on both sides. `ca` is what the API has to trust."""

    back_end: BackEnd
    authority: pki.Authority
    api: Api
    certificate: Certificate
    ca: CaCertificate

    @property
    def trust(self) -> Trust:
        """Trust in the back end."""
        return Trust(public_cas=False, ca_certificates=(self.ca.key,))


def upload(issued: pki.Issued, name: str = "") -> Certificate:
    """A client certificate."""
    data = pki.pfx(issued, password=PASSWORD.encode())
    return upload_certificate(ALICE, data=data, password=PASSWORD, name=name)


@contextmanager
def open_bank(*, required: bool = True) -> Iterator[Bank]:
    """An API of a back end that runs."""
    authority = pki.make_ca("Bank CA")
    with BackEnd(server=pki.issue(authority, "localhost"), clients=authority, required=required) as back_end:
        ca = upload_ca_certificates(ALICE, data=authority.pem.encode(), name="bank-ca")[0]
        certificate = upload(pki.issue(authority, "partner-bank"))
        api = make_api(web_service_url=back_end.url)
        yield Bank(back_end, authority, api, certificate, ca)
