"""APIs and their operations."""

from uuid import UUID

from django.db import models
from django.db.models.functions import Lower

from gateway.models.base import ConfigurationRow, ResourceRow, Row
from gateway.models.certificates import CaCertificate


class Api(ResourceRow):
    """An API: where callers reach it (`suffix`, schemes) and where it goes.

    Credentials have no column: they are a statement of the API's policy document.
    """

    display_name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    web_service_url = models.CharField(max_length=2000)
    suffix = models.CharField(max_length=400, blank=True)
    http = models.BooleanField(default=False)
    https = models.BooleanField(default=True)
    subscription_required = models.BooleanField(default=True)
    # Limits in seconds, bytes and calls; None leaves it to the settings GATEWAY_*.
    connect_timeout = models.PositiveIntegerField(null=True)
    read_timeout = models.PositiveIntegerField(null=True)
    total_timeout = models.PositiveIntegerField(null=True)
    max_body_bytes = models.PositiveBigIntegerField(null=True)
    max_calls = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "API"
        constraints = [
            models.UniqueConstraint(Lower("resource_id"), name="api_id_unique"),
            models.UniqueConstraint(Lower("suffix"), name="api_suffix_unique"),
        ]

    def __str__(self) -> str:
        return self.display_name


class BackEndTrust(ConfigurationRow):
    """What an API demands of the certificate of its back end: the scheme, host and port of its web service URL.

    Every API has one. It also says whether calls are refused once the client certificate has expired, and whether
    the handshake is tried after a Save.
    """

    api = models.OneToOneField(Api, on_delete=models.CASCADE, related_name="trust")
    validate_certificate_chain = models.BooleanField(default=True)
    validate_certificate_name = models.BooleanField(default=True)
    public_cas = models.BooleanField(default=True)
    refuse_expired = models.BooleanField(default=False)
    probe_after_save = models.BooleanField(default=True)

    class Meta:
        verbose_name = verbose_name_plural = "back end trust"

    def __str__(self) -> str:
        return f"back end trust of {self.api}"

    @property
    def part_key(self) -> UUID:
        """An API's trust is known by the API."""
        return self.api_id


class TrustedCa(Row):
    """That an API trusts an uploaded CA certificate, which keeps that from being deleted."""

    trust = models.ForeignKey(BackEndTrust, on_delete=models.CASCADE, related_name="trusted_cas")
    ca_certificate = models.ForeignKey(CaCertificate, on_delete=models.PROTECT, related_name="trusted_by")

    class Meta:
        verbose_name = "trusted CA certificate"
        constraints = [models.UniqueConstraint(fields=["trust", "ca_certificate"], name="trusted_ca_unique")]

    def __str__(self) -> str:
        return f"{self.trust.api} trusts {self.ca_certificate}"


class Operation(ResourceRow):
    """An operation of an API: an HTTP verb and a URL template. `shape` is what two templates must not share."""

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="operations")
    display_name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    method = models.CharField(max_length=10)
    url_template = models.CharField(max_length=1000)
    shape = models.CharField(max_length=1000)

    class Meta:
        constraints = [
            models.UniqueConstraint("api", Lower("resource_id"), name="operation_id_unique"),
            models.UniqueConstraint(fields=["api", "method", "shape"], name="operation_template_unique"),
        ]

    def __str__(self) -> str:
        return self.display_name
