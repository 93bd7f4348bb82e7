from gateway.models.apis import Api, BackEndTrust, Operation, TrustedCa
from gateway.models.audit import AuditEntry
from gateway.models.base import Deletion, Revision
from gateway.models.certificates import CaCertificate, Certificate, CertificateVersion
from gateway.models.named_values import NamedValue
from gateway.models.policies import PolicyDocument, PolicyReference, PolicyVersion
from gateway.models.records import GatewayLease
from gateway.models.subscriptions import Subscription

__all__ = [
    "Api",
    "AuditEntry",
    "BackEndTrust",
    "CaCertificate",
    "Certificate",
    "CertificateVersion",
    "Deletion",
    "GatewayLease",
    "NamedValue",
    "Operation",
    "PolicyDocument",
    "PolicyReference",
    "PolicyVersion",
    "Revision",
    "Subscription",
    "TrustedCa",
]
