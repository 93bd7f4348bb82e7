"""Certificates, named values and back ends by the names that policy documents use."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import QuerySet

from gateway.models import BackEnd, Certificate, NamedValue
from gateway.models.base import with_id
from gateway.publish.parts import chosen, opened, text
from gateway.snapshot import Secret


@dataclass(frozen=True, slots=True)
class Names:
    """What some documents refer to, or all there is.

    A name among what was not read is asked for: the references of a document are those of its last saving, and a
    named value that stands for (a part of) a name may be another one by now.
    """

    using: str
    complete: bool
    certificates: dict[str, str] = field(default_factory=dict)
    thumbprints: dict[str, str] = field(default_factory=dict)
    named_values: dict[str, NamedValue | None] = field(default_factory=dict)
    back_ends: dict[str, BackEnd | None] = field(default_factory=dict)
    _secrets: dict[UUID, tuple[Secret | None, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, using: str, documents: Collection[UUID] | None) -> "Names":
        """What those documents refer to; for None everything."""
        names = cls(using, documents is None)
        keys = None if documents is None else list(map(str, documents))
        column = "policy_references__document"
        for certificates in chosen(names._all_certificates(), column, keys):
            names._add(certificates)
        for values in chosen(NamedValue.objects.using(using), column, keys):
            names.named_values.update((row.resource_id.lower(), row) for row in values)
        for back_ends in chosen(BackEnd.objects.using(using), column, keys):
            names.back_ends.update((row.resource_id.lower(), row) for row in back_ends)
        return names

    def _all_certificates(self) -> QuerySet[Certificate]:
        return (
            Certificate.objects.using(self.using)
            .select_related("current")
            .only("resource_id", "current__thumbprint")
        )

    def _add(self, rows: Iterable[Certificate]) -> None:
        for row in rows:
            self.certificates[row.resource_id.lower()] = text(row.key)
            if row.current:
                self.thumbprints[row.current.thumbprint] = text(row.key)

    def newest(self, names: Iterable[str]) -> int:
        """The newest revision of some named values."""
        return max((row.revision for row in map(self._named, names) if row), default=0)

    def certificate(self, certificate_id: str | None, thumbprint: str | None) -> str:
        """The key of a certificate. Raises LookupError."""
        if certificate_id is not None:
            if certificate_id.lower() not in self.certificates and not self.complete:
                self._add(with_id(self._all_certificates(), certificate_id))
            return self.certificates[certificate_id.lower()]
        thumbprint = thumbprint or ""
        if thumbprint not in self.thumbprints and not self.complete:
            self._add(self._all_certificates().filter(current__thumbprint=thumbprint))
        return self.thumbprints[thumbprint]

    def _named(self, name: str) -> NamedValue | None:
        key = name.lower()
        if key not in self.named_values and not self.complete:
            self.named_values[key] = with_id(NamedValue.objects.using(self.using), name).first()
        return self.named_values.get(key)

    def named_value(self, name: str) -> str | Secret:
        """A named value, a Secret if it is secret. Raises LookupError, also when it cannot be opened."""
        row = self._named(name)
        if row is None:
            raise LookupError(name)
        if not row.secret:
            return row.value
        if row.key not in self._secrets:
            self._secrets[row.key] = opened(row._meta.db_table, "sealed_value", row.key, row.sealed_value)
        secret, problem = self._secrets[row.key]
        if secret is None:
            raise LookupError(problem)
        return secret

    def back_end(self, name: str) -> BackEnd:
        """The back end with that id. Raises LookupError."""
        key = name.lower()
        if key not in self.back_ends and not self.complete:
            self.back_ends[key] = with_id(BackEnd.objects.using(self.using), name).first()
        row = self.back_ends.get(key)
        if row is None:
            raise LookupError(name)
        return row
