"""Client certificates (a named slot and the versions of its material) and CA certificates."""

from django.db import models
from django.db.models.functions import Lower

from gateway.models.base import ConfigurationRow, ResourceRow


class Certificate(ResourceRow):
    """A named client certificate. What is presented is its current version."""

    current = models.ForeignKey(
        "gateway.CertificateVersion", null=True, on_delete=models.RESTRICT, related_name="+"
    )  # null only between two INSERTs of one transaction
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("resource_id"), name="certificate_id_unique")]

    def __str__(self) -> str:
        return self.resource_id


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


class CaCertificate(X509Columns, ResourceRow):
    """A CA certificate that an API may trust when it validates its back end."""

    pem = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("resource_id"), name="ca_certificate_id_unique")]

    def __str__(self) -> str:
        return self.resource_id
