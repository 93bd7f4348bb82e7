"""Back ends: what is demanded of the certificates of the servers below a URL."""

from django.db import models
from django.db.models.functions import Lower

from gateway.models.base import ResourceRow


class BackEnd(ResourceRow):
    """A back end as the REST API describes one: a URL and what is checked of its certificate.

    It holds for calls to that URL and to what is below it, whatever API they belong to; of several the one with the
    longest URL. A policy may name one to send calls there. It has no credentials: these are a policy statement.
    """

    title = models.CharField(max_length=300, blank=True)
    description = models.TextField(max_length=2000, blank=True)
    url = models.CharField(max_length=2000)
    validate_certificate_chain = models.BooleanField(default=True)
    validate_certificate_name = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "back end"
        constraints = [
            models.UniqueConstraint(Lower("resource_id"), name="back_end_id_unique"),
            models.UniqueConstraint(fields=["url"], name="back_end_url_unique"),
        ]

    def __str__(self) -> str:
        return self.resource_id
