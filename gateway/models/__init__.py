from gateway.models.apis import Api, BackEndTrust, Operation, TrustedCa
from gateway.models.audit import AuditEntry
from gateway.models.back_ends import BackEnd
from gateway.models.base import Deletion, Revision
from gateway.models.certificates import CaCertificate, Certificate, CertificateVersion, SigningRequest
from gateway.models.management import ManagementApi, Principal
from gateway.models.named_values import NamedValue
from gateway.models.notifications import NotificationSettings
from gateway.models.policies import PolicyDocument, PolicyReference, PolicyVersion
from gateway.models.records import (
    ConnectionTest,
    ExpiryNotice,
    GatewayLease,
    HeldConnections,
    NotificationRun,
    Presentation,
    Trace,
)
from gateway.models.subscriptions import Subscription

__all__ = [
    "Api",
    "AuditEntry",
    "BackEnd",
    "BackEndTrust",
    "CaCertificate",
    "Certificate",
    "CertificateVersion",
    "ConnectionTest",
    "Deletion",
    "ExpiryNotice",
    "GatewayLease",
    "HeldConnections",
    "ManagementApi",
    "NamedValue",
    "NotificationRun",
    "NotificationSettings",
    "Operation",
    "PolicyDocument",
    "PolicyReference",
    "PolicyVersion",
    "Presentation",
    "Principal",
    "Revision",
    "SigningRequest",
    "Subscription",
    "Trace",
    "TrustedCa",
]
