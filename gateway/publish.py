"""Rows -> Snapshot: the only module that turns one into the other."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from gateway import keystore
from gateway.errors import Unreadable
from gateway.models import (
    Api,
    BackEndTrust,
    Certificate,
    NamedValue,
    Operation,
    PolicyDocument,
    Revision,
    Subscription,
)
from gateway.models.subscriptions import ACTIVE
from gateway.policies import effective, parser
from gateway.policies.parser import Document, PolicyErrors
from gateway.policies.references import references_of
from gateway.snapshot import Api as ApiPart
from gateway.snapshot import CertificateMaterial, EffectivePolicy, Secret, Snapshot, Trust
from gateway.snapshot import Operation as OperationPart
from gateway.snapshot import Subscription as SubscriptionPart

GLOBAL = "global"

P = TypeVar("P", CertificateMaterial, Trust, ApiPart, OperationPart, EffectivePolicy, SubscriptionPart)


def current_revision(using: str = "snapshot") -> int:
    """The revision of the newest committed change."""
    return Revision.objects.using(using).values_list("number", flat=True).get(pk=1)


def load(previous: Snapshot | None = None, using: str = "snapshot") -> Snapshot:
    """The whole configuration as one transaction of the connection `using` sees it.

    Parts that are as they were in `previous` are the same objects, so that whoever holds something derived from
    one can tell. A secret that cannot be opened becomes a `problem` of its part and takes nothing else down.
    """
    with transaction.atomic(using=using):
        revision = current_revision(using)
        if previous and previous.revision == revision:
            return previous
        return _Reading(using, previous or Snapshot(revision=0)).snapshot(revision)


def fingerprint(chain_pem: str) -> str:
    """What names a certificate's material: SHA-256 of its chain (whose leaf holds the public key), in hex."""
    return hashlib.sha256(chain_pem.encode()).hexdigest()


def _shared(previous: Mapping[str, P], parts: Iterable[P]) -> dict[str, P]:
    """Parts by key; one that equals its predecessor is that very object."""
    return {part.key: known if (known := previous.get(part.key)) == part else part for part in parts}


def _opened(table: str, column: str, key: UUID, sealed: str) -> tuple[Secret | None, str]:
    try:
        return Secret(keystore.open_sealed(table, column, key, sealed)), ""
    except Unreadable as error:
        return None, str(error)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One reading of all tables through one connection."""

    using: str
    previous: Snapshot

    def snapshot(self, revision: int) -> Snapshot:
        certificates = list(Certificate.objects.using(self.using).select_related("current"))
        documents = _Documents.read(self.using, certificates)
        return Snapshot(
            revision=revision,
            certificates=_shared(self.previous.certificates, map(self._certificate, certificates)),
            trusts=_shared(self.previous.trusts, self._trusts()),
            apis=_shared(self.previous.apis, self._apis(documents)),
            operations=_shared(self.previous.operations, self._operations(documents)),
            policies=_shared(self.previous.policies, documents.effective_policies()),
            subscriptions=_shared(self.previous.subscriptions, self._subscriptions()),
        )

    def _certificate(self, row: Certificate) -> CertificateMaterial:
        version = row.current
        assert version is not None  # noqa: S101 (a slot without a version is never committed)
        revision = max(row.revision, version.revision)
        known = self.previous.certificates.get(str(row.key))
        if known and known.revision == revision and not known.problem:
            return known
        private_key, problem = _opened(
            version._meta.db_table, "sealed_private_key", version.key, version.sealed_private_key
        )
        return CertificateMaterial(
            key=str(row.key),
            revision=revision,
            id=row.resource_id,
            version=str(version.key),
            subject=version.subject,
            thumbprint=version.thumbprint,
            fingerprint=fingerprint(version.chain_pem),
            not_before=version.not_before.astimezone(UTC),
            not_after=version.not_after.astimezone(UTC),
            chain_pem=version.chain_pem,
            private_key=private_key,
            problem=problem,
        )

    def _trusts(self) -> Iterator[Trust]:
        rows = BackEndTrust.objects.using(self.using).prefetch_related("trusted_cas__ca_certificate")
        for row in rows:
            authorities = sorted(trusted.ca_certificate.pem for trusted in row.trusted_cas.all())
            yield Trust(
                key=str(row.api_id),
                revision=row.revision,
                validate_chain=row.validate_certificate_chain,
                validate_name=row.validate_certificate_name,
                public_cas=row.public_cas,
                authorities_pem=tuple(authorities),
            )

    def _apis(self, documents: "_Documents") -> Iterator[ApiPart]:
        for row in Api.objects.using(self.using).iterator():
            key = str(row.key)
            yield ApiPart(
                key=key,
                revision=row.revision,
                id=row.resource_id,
                name=row.display_name,
                suffix=row.suffix,
                web_service_url=row.web_service_url,
                schemes=frozenset(s for s, on in (("http", row.http), ("https", row.https)) if on),
                trust=key,
                policy=key if key in documents.of_apis else GLOBAL,
                subscription_required=row.subscription_required,
                connect_timeout=row.connect_timeout,
                read_timeout=row.read_timeout,
                total_timeout=row.total_timeout,
                max_body_bytes=row.max_body_bytes,
                max_calls=row.max_calls,
            )

    def _subscriptions(self) -> Iterator[SubscriptionPart]:
        for row in Subscription.objects.using(self.using).filter(state=ACTIVE).iterator():
            known = self.previous.subscriptions.get(str(row.key))
            if known and known.revision == row.revision and not known.problem:
                yield known
            else:
                yield _subscription(row)

    def _operations(self, documents: "_Documents") -> Iterator[OperationPart]:
        for row in Operation.objects.using(self.using).iterator():
            key, api = str(row.key), str(row.api_id)
            inherited = api if api in documents.of_apis else GLOBAL
            yield OperationPart(
                key=key,
                revision=row.revision,
                api=api,
                id=row.resource_id,
                name=row.display_name,
                method=row.method,
                url_template=row.url_template,
                policy=key if key in documents.of_operations else inherited,
            )


def _subscription(row: Subscription) -> SubscriptionPart:
    table = row._meta.db_table
    primary, problem = _opened(table, "sealed_primary_key", row.key, row.sealed_primary_key)
    secondary, other = _opened(table, "sealed_secondary_key", row.key, row.sealed_secondary_key)
    return SubscriptionPart(
        key=str(row.key),
        revision=row.revision,
        id=row.resource_id,
        api=str(row.api_id or ""),
        primary_key=primary,
        secondary_key=secondary,
        allow_tracing=row.allow_tracing,
        problem=problem or other,
    )


@dataclass(frozen=True, slots=True)
class _Text:
    """A document as it was read: parsed, or with the problem that it has; and the named values in it."""

    revision: int = 0
    document: Document | None = None
    named_values: tuple[str, ...] = ()
    problem: str = ""

    @classmethod
    def parsed(cls, row: PolicyDocument) -> "_Text":
        """A document is checked when it is saved: one with a problem was written by a newer release."""
        try:
            document = parser.parse(row.xml, row.scope)
        except PolicyErrors as error:
            return cls(row.revision, problem=f"The {row} cannot be read: {error}")
        return cls(row.revision, document, references_of(document).named_values)


_NO_TEXT = _Text()


@dataclass(frozen=True, slots=True)
class _Documents:
    """All policy documents, and what their statements refer to."""

    of_global: _Text
    of_apis: Mapping[str, _Text]
    of_operations: Mapping[str, tuple[str, _Text]]
    names: "_Names"

    @classmethod
    def read(cls, using: str, certificates: Iterable[Certificate]) -> "_Documents":
        of_global, of_apis, of_operations = _NO_TEXT, {}, {}
        for row in PolicyDocument.objects.using(using).select_related("operation__api", "api"):
            text = _Text.parsed(row)
            if row.operation:
                of_operations[str(row.operation_id)] = (str(row.operation.api_id), text)
            elif row.api_id:
                of_apis[str(row.api_id)] = text
            else:
                of_global = text
        return cls(of_global, of_apis, of_operations, _Names.read(using, certificates))

    def effective_policies(self) -> Iterator[EffectivePolicy]:
        """One policy for each scope that has a document of its own."""
        yield self._resolve(GLOBAL)
        for api, text in self.of_apis.items():
            yield self._resolve(api, text)
        for operation, (api, text) in self.of_operations.items():
            yield self._resolve(operation, self.of_apis.get(api, _NO_TEXT), text)

    def _resolve(self, key: str, api: _Text = _NO_TEXT, operation: _Text = _NO_TEXT) -> EffectivePolicy:
        texts = (self.of_global, api, operation)
        revision = max(max(text.revision, self.names.newest(text.named_values)) for text in texts)
        problem = next((text.problem for text in texts if text.problem), "")
        if problem:
            return EffectivePolicy(key, revision, problem=problem)
        try:
            sections = effective.resolve(
                self.of_global.document,
                api.document,
                operation.document,
                self.names.certificate,
                self.names.named_value,
            )
        except LookupError as error:
            return EffectivePolicy(key, revision, problem=str(error))
        return EffectivePolicy(key, revision, *sections)


@dataclass(frozen=True, slots=True)
class _Names:
    """Certificates and named values by the names that documents use."""

    certificates: Mapping[str, str]
    thumbprints: Mapping[str, str]
    named_values: Mapping[str, NamedValue]

    @classmethod
    def read(cls, using: str, certificates: Iterable[Certificate]) -> "_Names":
        return cls(
            {row.resource_id.lower(): str(row.key) for row in certificates},
            {row.current.thumbprint: str(row.key) for row in certificates if row.current},
            {row.resource_id.lower(): row for row in NamedValue.objects.using(using).iterator()},
        )

    def newest(self, names: Iterable[str]) -> int:
        """The newest revision of some named values."""
        found = (self.named_values.get(name.lower()) for name in names)
        return max((row.revision for row in found if row), default=0)

    def certificate(self, certificate_id: str | None, thumbprint: str | None) -> str:
        """The key of a certificate. Raises LookupError."""
        if certificate_id is not None:
            return self.certificates[certificate_id.lower()]
        return self.thumbprints[thumbprint or ""]

    def named_value(self, name: str) -> str | Secret:
        """A named value, a Secret if it is secret. Raises LookupError, also when it cannot be opened."""
        row = self.named_values[name.lower()]
        if not row.secret:
            return row.value
        secret, problem = _opened(row._meta.db_table, "sealed_value", row.key, row.sealed_value)
        if secret is None:
            raise LookupError(problem)
        return secret
