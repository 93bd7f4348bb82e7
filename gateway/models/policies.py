"""Policy documents, and what they refer to."""

from uuid import UUID

from django.db import models
from django.db.models import Q

from gateway.errors import Use
from gateway.models.apis import Api, Operation
from gateway.models.back_ends import BackEnd
from gateway.models.base import ConfigurationRow, Row
from gateway.models.certificates import Certificate
from gateway.models.named_values import NamedValue


class PolicyDocument(ConfigurationRow):
    """The policy of one scope as its author wrote it: global (neither API nor operation), API or operation."""

    api = models.OneToOneField(Api, null=True, on_delete=models.CASCADE, related_name="policy_document")
    operation = models.OneToOneField(
        Operation, null=True, on_delete=models.CASCADE, related_name="policy_document"
    )
    xml = models.TextField()

    class Meta:
        # SQLite would look for the document of All APIs among those of all APIs.
        indexes = [models.Index(fields=["api", "operation"], name="policy_document_scope")]
        constraints = [
            models.CheckConstraint(
                condition=Q(api=None) | Q(operation=None), name="policy_document_one_scope"
            ),
            models.UniqueConstraint(
                models.Value(1), condition=Q(api=None, operation=None), name="policy_document_one_global"
            ),
        ]

    def __str__(self) -> str:
        return f"policy of {self.operation or self.api or 'All APIs'}"

    @property
    def part_key(self) -> UUID:
        """A policy is known by the API or operation that it is for."""
        return self.api_id or self.operation_id or self.key

    @property
    def scope(self) -> str:
        """The scope's name: "global", "api" or "operation"."""
        if self.operation_id:
            return "operation"
        return "api" if self.api_id else "global"

    @property
    def use(self) -> Use:
        """This document as a place that refers to something."""
        api = self.operation.api if self.operation else self.api
        return Use(
            self.scope,
            api.resource_id if api else "",
            api.display_name if api else "",
            self.operation.resource_id if self.operation else "",
            self.operation.display_name if self.operation else "",
        )


class PolicyVersion(ConfigurationRow):
    """What a scope's document was since a change: its text, or nothing if that change deleted it.

    `action` is what was done, such as "saved". The actor is text, so that the version outlives the account.
    """

    api = models.ForeignKey(Api, null=True, on_delete=models.CASCADE, related_name="policy_versions")
    operation = models.ForeignKey(
        Operation, null=True, on_delete=models.CASCADE, related_name="policy_versions"
    )
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=20)
    actor_name = models.CharField(max_length=200)
    action = models.CharField(max_length=40)
    xml = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["api", "operation", "revision"], name="policy_version_scope")]
        constraints = [
            models.CheckConstraint(
                condition=Q(api=None) | Q(operation=None), name="policy_version_one_scope"
            ),
        ]

    def __str__(self) -> str:
        return f"policy of {self.operation or self.api or 'All APIs'}, revision {self.revision}"


class PolicyReference(Row):
    """That a document names a certificate, a named value or a back end, which keeps that from being deleted."""

    document = models.ForeignKey(PolicyDocument, on_delete=models.CASCADE, related_name="references")
    certificate = models.ForeignKey(
        Certificate, null=True, on_delete=models.PROTECT, related_name="policy_references"
    )
    named_value = models.ForeignKey(
        NamedValue, null=True, on_delete=models.PROTECT, related_name="policy_references"
    )
    back_end = models.ForeignKey(
        BackEnd, null=True, on_delete=models.PROTECT, related_name="policy_references"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(certificate__isnull=False, named_value=None, back_end=None)
                | Q(certificate=None, named_value__isnull=False, back_end=None)
                | Q(certificate=None, named_value=None, back_end__isnull=False),
                name="policy_reference_one_target",
            ),
            models.UniqueConstraint(
                fields=["document", "certificate"], name="policy_reference_certificate_unique"
            ),
            models.UniqueConstraint(fields=["document", "named_value"], name="policy_reference_value_unique"),
            models.UniqueConstraint(fields=["document", "back_end"], name="policy_reference_back_end_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.document} refers to {self.certificate or self.named_value or self.back_end}"
