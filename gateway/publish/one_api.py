"""One API as a full reading would give it, from its own rows alone: for what is asked about a single API."""

from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from gateway.models import Operation as OperationRow
from gateway.publish import parts
from gateway.publish.parts import GLOBAL, text
from gateway.publish.policies import policies
from gateway.publish.reading import current_revision
from gateway.snapshot import (
    Api,
    BackEnd,
    CertificateMaterial,
    EffectivePolicy,
    Operation,
    Snapshot,
    Trust,
)

P = TypeVar("P", Api, BackEnd, CertificateMaterial, EffectivePolicy, Operation, Trust)

_ATTEMPTS = 5


def around(using: str, api_key: str) -> Snapshot:
    """An API, its operations, the policies, certificates and trust that they refer to, and all back ends.

    There are no subscriptions in it.

    On the connection `using`, which may be one that sees each change as it is committed: what a change came into
    is read again. An API that is not there is a snapshot without parts.
    """
    for _ in range(_ATTEMPTS):
        snapshot = _read(using, api_key)
        if current_revision(using) == snapshot.revision:
            break
    return snapshot


def _read(using: str, api_key: str) -> Snapshot:
    revision = current_revision(using)
    apis = _by_key(parts.apis(using, {api_key}))
    if not apis:
        return Snapshot(revision)
    keys = set(
        map(text, OperationRow.objects.using(using).filter(api=UUID(api_key)).values_list("pk", flat=True))
    )
    found = _by_key(policies(using, {GLOBAL, api_key} | keys))
    named = {certificate for policy in found.values() for certificate in policy.certificates}
    return Snapshot(
        revision,
        certificates=_by_key(parts.certificates(using, named)),
        trusts=_by_key(parts.trusts(using, {api_key})),
        apis=apis,
        operations=_by_key(parts.operations(using, keys)),
        policies=found,
        back_ends=_by_key(parts.back_ends(using, None)),
    )


def _by_key(found: Iterable[P]) -> dict[str, P]:
    return {part.key: part for part in found}
