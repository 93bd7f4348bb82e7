"""Client certificates (a named slot and the versions of its material) and CA certificates."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from gateway.errors import Use
from gateway.models.base import ConfigurationRow, ResourceRow, referring
from gateway.thumbprints import looks_like_thumbprint

if TYPE_CHECKING:
    from gateway.models.apis import BackEndTrust

EXPIRES_SOON = timedelta(days=30)


class CertificateQuerySet(models.QuerySet["Certificate"]):
    """Lists of client certificates."""

    def search(self, text: str) -> "CertificateQuerySet":
        """By id, subject, issuer or thumbprint, however that was pasted."""
        found = Q(resource_id__icontains=text)
        found |= Q(current__subject__icontains=text) | Q(current__issuer__icontains=text)
        if thumbprint := looks_like_thumbprint(text):
            found |= Q(current__thumbprint__contains=thumbprint) | Q(current__sha256__contains=thumbprint)
        return self.filter(found)

    def expired(self, now: datetime) -> "CertificateQuerySet":
        return self.filter(current__not_after__lte=now)

    def expiring(self, now: datetime) -> "CertificateQuerySet":
        """Still valid, for 30 days at most."""
        return self.filter(current__not_after__gt=now, current__not_after__lte=now + EXPIRES_SOON)

    def unused(self) -> "CertificateQuerySet":
        return self.filter(policy_references=None)

    def with_uses(self) -> "CertificateQuerySet":
        """With what a list shows: the current version and the documents that name each certificate."""
        paths = ("document__api", "document__operation__api")
        references = referring(self, "policy_references", *paths, without="document__xml")
        return self.select_related("current").prefetch_related(references)


class CaCertificateQuerySet(models.QuerySet["CaCertificate"]):
    """Lists of CA certificates."""

    def expired(self, now: datetime) -> "CaCertificateQuerySet":
        return self.filter(not_after__lte=now)

    def expiring(self, now: datetime) -> "CaCertificateQuerySet":
        """Still valid, for 30 days at most."""
        return self.filter(not_after__gt=now, not_after__lte=now + EXPIRES_SOON)

    def unused(self) -> "CaCertificateQuerySet":
        return self.filter(trusted_by=None)

    def with_uses(self) -> "CaCertificateQuerySet":
        """With the APIs that trust each."""
        return self.prefetch_related(referring(self, "trusted_by", "trust__api"))


class Certificate(ResourceRow):
    """A named client certificate. What is presented is its current version."""

    current = models.ForeignKey(
        "gateway.CertificateVersion", null=True, on_delete=models.RESTRICT, related_name="+"
    )  # null only between two INSERTs of one transaction
    created_at = models.DateTimeField()

    objects = CertificateQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("resource_id"), name="certificate_id_unique")]

    def __str__(self) -> str:
        return self.resource_id

    @property
    def uses(self) -> tuple[Use, ...]:
        """The policy documents that name this certificate, by name."""
        return tuple(sorted((r.document.use for r in self.policy_references.all()), key=str))


class X509Columns(models.Model):
    """Columns derived once from an X.509 certificate (RFC 5280)."""

    subject = models.TextField()
    issuer = models.TextField()
    serial_number = models.CharField(max_length=64)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField(db_index=True)
    thumbprint = models.CharField(max_length=40, unique=True)
    sha256 = models.CharField(max_length=64)
    key_type = models.CharField(max_length=40)

    class Meta:
        abstract = True


class CertificateVersion(X509Columns, ConfigurationRow):
    """The material of a client certificate. `chain_pem` starts with the leaf; the key is sealed PKCS #8 DER."""

    certificate = models.ForeignKey(Certificate, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    chain_pem = models.TextField()
    sealed_private_key = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["certificate", "number"], name="certificate_version_number_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.certificate} version {self.number}"

    @property
    def part_key(self) -> UUID:
        """Material is known by the certificate that it is a version of."""
        return self.certificate_id


class SigningRequest(ConfigurationRow):
    """A key made here and the request to certify it (PKCS #10, RFC 2986), until the certificate is there.

    What is issued becomes the next version of `certificate`, or where that is None the first of a new one called
    `name`. The key is sealed PKCS #8 DER and leaves through no door. `names` are alternative names, one a line.
    """

    certificate = models.ForeignKey(
        Certificate, null=True, on_delete=models.CASCADE, related_name="signing_requests"
    )
    name = models.CharField(max_length=80)
    subject = models.TextField()
    names = models.TextField(blank=True)
    key_type = models.CharField(max_length=40)
    public_key_sha256 = models.CharField(max_length=64, unique=True)
    csr_pem = models.TextField()
    sealed_private_key = models.TextField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)

    def __str__(self) -> str:
        return f"signing request of {self.certificate or self.name}"


class CaCertificate(X509Columns, ResourceRow):
    """A CA certificate that an API may trust when it validates its back end."""

    pem = models.TextField()
    created_at = models.DateTimeField()

    objects = CaCertificateQuerySet.as_manager()

    class Meta:
        verbose_name = "CA certificate"
        constraints = [models.UniqueConstraint(Lower("resource_id"), name="ca_certificate_id_unique")]

    def __str__(self) -> str:
        return self.resource_id

    @property
    def uses(self) -> tuple[Use, ...]:
        """The APIs that trust this CA certificate, by name."""
        return _by_name(trusted.trust for trusted in self.trusted_by.all())

    @property
    def at_risk(self) -> tuple[Use, ...]:
        """Those of them that check their back end's certificate, by name."""
        trusts = (trusted.trust for trusted in self.trusted_by.all())
        return _by_name(trust for trust in trusts if trust.validate_certificate_chain)


def _by_name(trusts: "Iterable[BackEndTrust]") -> tuple[Use, ...]:
    apis = (trust.api for trust in trusts)
    return tuple(sorted((Use("trust", api.resource_id, api.display_name) for api in apis), key=str))
