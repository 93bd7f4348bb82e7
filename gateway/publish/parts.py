"""Rows -> parts of a snapshot, kind by kind: those of some keys, or of all.

Rows come as tuples and texts that many parts share are one object: with 100,000 operations that halves the time
and the memory of a first reading.
"""

import hashlib
import sys
from collections.abc import Iterable, Iterator, Set
from datetime import UTC
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from gateway import keystore
from gateway.errors import Unreadable
from gateway.models import (
    Api,
    BackEnd,
    BackEndTrust,
    Certificate,
    CertificateVersion,
    Operation,
    Subscription,
    TrustedCa,
)
from gateway.models.subscriptions import ACTIVE
from gateway.snapshot import Api as ApiPart
from gateway.snapshot import BackEnd as BackEndPart
from gateway.snapshot import CertificateMaterial, Secret, Trust
from gateway.snapshot import Operation as OperationPart
from gateway.snapshot import Subscription as SubscriptionPart

GLOBAL = "global"
# Far below what any database takes in one statement.
_AT_ONCE = 500

M = TypeVar("M", bound=Model)
Keys = Set[str] | None


def chosen(rows: QuerySet[M], column: str, keys: Iterable[str] | None) -> Iterator[QuerySet[M]]:
    """The rows whose column is one of some keys, a few hundred at a time; all of them for None."""
    if keys is None:
        yield rows
        return
    rest = iter(keys)
    while some := list(islice(rest, _AT_ONCE)):
        yield rows.filter(**{f"{column}__in": some})


def text(key: UUID) -> str:
    """A key as parts hold it: one object, however many refer to it."""
    return sys.intern(str(key))


def fingerprint(chain_pem: str) -> str:
    """What names a certificate's material: SHA-256 of its chain (whose leaf holds the public key), in hex."""
    return hashlib.sha256(chain_pem.encode()).hexdigest()


def opened(table: str, column: str, key: UUID, sealed: str) -> tuple[Secret | None, str]:
    """A secret, or why it cannot be opened."""
    try:
        return Secret(keystore.open_sealed(table, column, key, sealed)), ""
    except Unreadable as error:
        return None, str(error)


def certificates(using: str, keys: Keys) -> Iterator[CertificateMaterial]:
    """The material of client certificates."""
    for rows in chosen(Certificate.objects.using(using).select_related("current"), "pk", keys):
        yield from map(_certificate, rows.iterator())


def material(using: str, certificate: UUID, version: UUID | None = None) -> CertificateMaterial | None:
    """The material of one client certificate, also in a version that is not the current one; None if it is gone."""
    row = Certificate.objects.using(using).select_related("current").filter(pk=certificate).first()
    if row is None:
        return None
    one = row.current if version is None else row.versions.filter(pk=version).first()
    return _material(row, one) if one else None


def _certificate(row: Certificate) -> CertificateMaterial:
    assert row.current is not None  # noqa: S101 (a slot without a version is never committed)
    return _material(row, row.current)


def _material(row: Certificate, version: CertificateVersion) -> CertificateMaterial:
    private_key, problem = opened(
        version._meta.db_table, "sealed_private_key", version.key, version.sealed_private_key
    )
    return CertificateMaterial(
        key=text(row.key),
        revision=max(row.revision, version.revision),
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


def trusts(using: str, keys: Keys) -> Iterator[Trust]:
    """What APIs demand of their back ends' certificates."""
    pems: dict[UUID, str] = {}
    trusted: dict[UUID, list[str]] = {}
    for cas in chosen(TrustedCa.objects.using(using), "trust__api", keys):
        columns = cas.values_list("trust__api_id", "ca_certificate_id", "ca_certificate__pem")
        for api, ca, pem in columns.iterator():
            trusted.setdefault(api, []).append(pems.setdefault(ca, pem))
    for rows in chosen(BackEndTrust.objects.using(using), "api", keys):
        for row in rows.iterator():
            yield Trust(
                key=text(row.api_id),
                revision=row.revision,
                validate_chain=row.validate_certificate_chain,
                validate_name=row.validate_certificate_name,
                public_cas=row.public_cas,
                authorities_pem=tuple(sorted(trusted.get(row.api_id, ()))),
                refuse_expired=row.refuse_expired,
            )


def apis(using: str, keys: Keys) -> Iterator[ApiPart]:
    """APIs, each with the key of its policy: its own if it has a document, else that of All APIs."""
    for rows in chosen(Api.objects.using(using).select_related("policy_document"), "pk", keys):
        yield from map(_api, rows.defer("description", "policy_document__xml").iterator())


def _api(row: Api) -> ApiPart:
    key = text(row.key)
    return ApiPart(
        key=key,
        revision=row.revision,
        id=row.resource_id,
        name=row.display_name,
        suffix=row.suffix,
        web_service_url=row.web_service_url,
        schemes=frozenset(s for s, on in (("http", row.http), ("https", row.https)) if on),
        trust=key,
        policy=key if hasattr(row, "policy_document") else GLOBAL,
        subscription_required=row.subscription_required,
        connect_timeout=row.connect_timeout,
        read_timeout=row.read_timeout,
        total_timeout=row.total_timeout,
        max_body_bytes=row.max_body_bytes,
        max_calls=row.max_calls,
    )


_OPERATION = (
    "key",
    "revision",
    "api_id",
    "resource_id",
    "display_name",
    "method",
    "url_template",
    "policy_document__revision",
    "api__policy_document__revision",
)


def operations(using: str, keys: Keys) -> Iterator[OperationPart]:
    """Operations, each with the key of its policy: that of the narrowest scope with a document."""
    for rows in chosen(Operation.objects.using(using), "pk", keys):
        yield from map(_operation, rows.values_list(*_OPERATION).iterator())


def _operation(columns: tuple[Any, ...]) -> OperationPart:
    uuid, revision, api_uuid, resource_id, name, method, url_template, own, of_api = columns
    key, api = text(uuid), text(api_uuid)
    inherited = api if of_api is not None else GLOBAL
    policy = key if own is not None else inherited
    return OperationPart(key, revision, api, resource_id, name, sys.intern(method), url_template, policy)


def subscriptions(using: str, keys: Keys) -> Iterator[SubscriptionPart]:
    """Active subscriptions; the keys of others let nobody in."""
    for rows in chosen(Subscription.objects.using(using).filter(state=ACTIVE), "pk", keys):
        yield from map(_subscription, rows.iterator())


def _subscription(row: Subscription) -> SubscriptionPart:
    table = row._meta.db_table
    primary, problem = opened(table, "sealed_primary_key", row.key, row.sealed_primary_key)
    secondary, other = opened(table, "sealed_secondary_key", row.key, row.sealed_secondary_key)
    return SubscriptionPart(
        key=text(row.key),
        revision=row.revision,
        id=row.resource_id,
        api=text(row.api_id) if row.api_id else "",
        primary_key=primary,
        secondary_key=secondary,
        allow_tracing=row.allow_tracing,
        problem=problem or other,
    )


_BACK_END = (
    "key",
    "revision",
    "resource_id",
    "url",
    "validate_certificate_chain",
    "validate_certificate_name",
)


def back_ends(using: str, keys: Keys) -> Iterator[BackEndPart]:
    """Back ends."""
    for rows in chosen(BackEnd.objects.using(using), "pk", keys):
        for key, *columns in rows.values_list(*_BACK_END).iterator():
            yield BackEndPart(text(key), *columns)
