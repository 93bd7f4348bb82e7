"""Back ends: what is demanded of the certificates of the servers below a URL."""

from django.db import models
from django.db.models.functions import Lower

from gateway.errors import Use
from gateway.models.base import ResourceRow, referring


class BackEndQuerySet(models.QuerySet["BackEnd"]):
    """Lists of back ends."""

    def with_uses(self) -> "BackEndQuerySet":
        """With the documents that name each."""
        paths = ("document__api", "document__operation__api")
        return self.prefetch_related(referring(self, "policy_references", *paths, without="document__xml"))


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

    objects = BackEndQuerySet.as_manager()

    class Meta:
        verbose_name = "back end"
        constraints = [
            models.UniqueConstraint(Lower("resource_id"), name="back_end_id_unique"),
            models.UniqueConstraint(fields=["url"], name="back_end_url_unique"),
        ]

    def __str__(self) -> str:
        return self.resource_id

    @property
    def uses(self) -> tuple[Use, ...]:
        """The policy documents that name this back end, by name."""
        return tuple(sorted((r.document.use for r in self.policy_references.all()), key=str))
