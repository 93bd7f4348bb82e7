"""APIs and their operations."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from gateway.models.base import ConfigurationRow, ResourceRow, Row
from gateway.models.certificates import CaCertificate


class ApiQuerySet(models.QuerySet["Api"]):
    """Lists of APIs."""

    def search(self, text: str) -> "ApiQuerySet":
        """By name, id, suffix, web service URL or description."""
        columns = ("display_name", "resource_id", "suffix", "web_service_url", "description")
        return self.filter(_any(columns, text))


class OperationQuerySet(models.QuerySet["Operation"]):
    """Lists of operations."""

    def search(self, text: str) -> "OperationQuerySet":
        """By name, id, HTTP verb, URL template or description."""
        return self.filter(
            _any(("display_name", "resource_id", "method", "url_template", "description"), text)
        )


def _any(columns: tuple[str, ...], text: str) -> Q:
    found = Q()
    for column in columns:
        found |= Q(**{f"{column}__icontains": text})
    return found


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
    created_at = models.DateTimeField()

    objects = ApiQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("resource_id"), name="api_id_unique"),
            models.UniqueConstraint(Lower("suffix"), name="api_suffix_unique"),
        ]

    def __str__(self) -> str:
        return self.display_name


class BackEndTrust(ConfigurationRow):
    """What an API demands of the certificate of its back end: the scheme, host and port of its web service URL.

    Every API has one.
    """

    api = models.OneToOneField(Api, on_delete=models.CASCADE, related_name="trust")
    validate_certificate_chain = models.BooleanField(default=True)
    validate_certificate_name = models.BooleanField(default=True)
    public_cas = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"back end trust of {self.api}"


class TrustedCa(Row):
    """That an API trusts an uploaded CA certificate, which keeps that from being deleted."""

    trust = models.ForeignKey(BackEndTrust, on_delete=models.CASCADE, related_name="trusted_cas")
    ca_certificate = models.ForeignKey(CaCertificate, on_delete=models.PROTECT, related_name="trusted_by")

    class Meta:
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

    objects = OperationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("api", Lower("resource_id"), name="operation_id_unique"),
            models.UniqueConstraint(fields=["api", "method", "shape"], name="operation_template_unique"),
        ]

    def __str__(self) -> str:
        return self.display_name
