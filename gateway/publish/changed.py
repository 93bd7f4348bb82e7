"""Which parts of a snapshot may have changed since its revision: by revisions of rows and by recorded deletions.

Every row carries the revision of the change that last wrote it, but not every part is made of one row:

- A certificate is made of its slot and its current version.
- A trust is made of its row and of the CA certificates that it trusts. What it trusts (TrustedCa) has no revision:
  a change to it writes the trust's row.
- A policy is made of its document, of those of the broader scopes, and of what they refer to.
- Which policy an API and its operations run under depends on which documents are there.
- A part with a problem may have been mended by a change that wrote no revision, such as re-sealing: it is always
  looked at again. Other parts lose nothing by re-sealing, which changes no secret.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from gateway.models import (
    Api,
    BackEnd,
    BackEndTrust,
    CaCertificate,
    Certificate,
    CertificateVersion,
    Deletion,
    NamedValue,
    Operation,
    PolicyDocument,
    Subscription,
)
from gateway.models.base import ConfigurationRow
from gateway.publish.parts import GLOBAL, chosen, text
from gateway.snapshot import Snapshot

M = TypeVar("M", bound=Model)


def changed_keys(previous: Snapshot, using: str) -> dict[str, set[str] | None]:
    """The keys of the parts to read again, by kind; None for all of a kind."""
    since = _Since.read(previous, using)
    certificates = since.written(Certificate) | since.written(CertificateVersion, "certificate_id")
    scopes = since.scopes(certificates)
    apis, operations = since.under_another_policy(scopes)
    return {
        "certificates": certificates | since.troubled("certificates"),
        "trusts": since.written(BackEndTrust, "api_id") | since.trusting_written_cas(),
        "apis": since.written(Api) | apis,
        "operations": since.written(Operation) | operations,
        "policies": None if GLOBAL in scopes else scopes | since.below(scopes),
        "subscriptions": since.written(Subscription) | since.troubled("subscriptions"),
        "back_ends": since.written(BackEnd),
    }


@dataclass(frozen=True, slots=True)
class _Since:
    """What was written or deleted since a snapshot."""

    previous: Snapshot
    using: str
    deleted: Mapping[str, set[str]]

    @classmethod
    def read(cls, previous: Snapshot, using: str) -> "_Since":
        deleted = defaultdict[str, set[str]](set)
        rows = Deletion.objects.using(using).filter(revision__gt=previous.revision)
        for table, row in rows.values_list("table", "row"):
            deleted[table].add(text(row))
        return cls(previous, using, deleted)

    def gone(self, model: type[ConfigurationRow]) -> set[str]:
        """The part keys of rows that were deleted."""
        return self.deleted.get(model._meta.db_table, set())

    def written(self, model: type[ConfigurationRow], column: str = "pk") -> set[str]:
        """The part keys, which are in that column, of rows that were written or deleted."""
        return self._values(
            self._rows(model).filter(revision__gt=self.previous.revision), column
        ) | self.gone(model)

    def troubled(self, kind: str) -> frozenset[str]:
        """The keys of parts with a problem."""
        return self.previous.troubled.get(kind, frozenset())

    def trusting_written_cas(self) -> set[str]:
        """The keys of trusts in CA certificates that were written."""
        written = self.written(CaCertificate)
        trusting = chosen(self._rows(BackEndTrust), "trusted_cas__ca_certificate", written)
        return {key for rows in trusting for key in self._values(rows, "api_id")}

    def scopes(self, certificates: set[str]) -> set[str]:
        """The scopes whose own document was written, deleted, or refers to something that was.

        A certificate that another version is current of is not found by its former thumbprint any more.
        """
        documents = self._rows(PolicyDocument)
        found = [
            documents.filter(revision__gt=self.previous.revision),
            *chosen(documents, "references__named_value", self.written(NamedValue)),
            *chosen(documents, "references__certificate", certificates),
            *chosen(documents, "references__back_end", self.written(BackEnd)),
        ]
        columns = (each.values_list("operation_id", "api_id") for each in found)
        written = {
            text(operation or api) if operation or api else GLOBAL
            for rows in columns
            for operation, api in rows
        }
        return written | self.gone(PolicyDocument) | self.troubled("policies")

    def below(self, scopes: set[str]) -> set[str]:
        """The operations with a document of their own in those scopes that are APIs."""
        below = chosen(self._rows(PolicyDocument), "operation__api", scopes)
        return {key for rows in below for key in self._values(rows, "operation_id")}

    def under_another_policy(self, scopes: set[str]) -> tuple[set[str], set[str]]:
        """The APIs and operations of which a document came or went: another policy is theirs, or may be."""
        went = self.gone(PolicyDocument)
        apis = {key for key in scopes if self._came_or_went(key, self.previous.apis, went)}
        operations = {key for key in scopes if self._came_or_went(key, self.previous.operations, went)}
        for rows in chosen(self._rows(Operation), "api", apis):
            operations |= self._values(rows, "pk")
        return apis, operations

    @staticmethod
    def _came_or_went(key: str, parts: Mapping[str, Any], went: set[str]) -> bool:
        return key in parts and (key in went or parts[key].policy != key)

    def _rows(self, model: type[M]) -> QuerySet[M]:
        return model._default_manager.using(self.using)

    @staticmethod
    def _values(rows: QuerySet[Any], column: str) -> set[str]:
        return set(map(text, rows.values_list(column, flat=True)))
