"""The one table of entities, by which requests are answered and the OpenAPI description is made."""

from typing import Any

from portal.management_api.resource import Resource
from portal.management_api.resources.apis import Apis
from portal.management_api.resources.backends import Backends
from portal.management_api.resources.ca_certificates import CaCertificates
from portal.management_api.resources.certificate_versions import CertificateVersions
from portal.management_api.resources.certificates import CERTIFICATES
from portal.management_api.resources.gateways import Gateways
from portal.management_api.resources.named_values import NamedValues
from portal.management_api.resources.operations import Operations
from portal.management_api.resources.policies import Policies
from portal.management_api.resources.subscriptions import Subscriptions
from portal.management_api.resources.trust import Trusts

RESOURCES: tuple[Resource[Any], ...] = (
    CERTIFICATES,
    Apis(),
    Operations(),
    Policies(),
    Policies(Apis()),
    Policies(Operations()),
    NamedValues(),
    Subscriptions(),
    Backends(),
    Gateways(),
    CaCertificates(),
    CertificateVersions(CERTIFICATES),
    Trusts(),
)
