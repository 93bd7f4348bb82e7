"""Re-sealing of everything that is sealed, with the first encryption key."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db.models import Model

from gateway import keystore
from gateway.changes.base import Actor, change
from gateway.errors import Unreadable
from gateway.models import CertificateVersion, NamedValue, Principal, SigningRequest, Subscription

_Sealing = (
    type[CertificateVersion] | type[NamedValue] | type[Principal] | type[SigningRequest] | type[Subscription]
)
_SEALED: tuple[tuple[_Sealing, str], ...] = (
    (CertificateVersion, "sealed_private_key"),
    (SigningRequest, "sealed_private_key"),
    (NamedValue, "sealed_value"),
    (Subscription, "sealed_primary_key"),
    (Subscription, "sealed_secondary_key"),
    (Principal, "sealed_primary_key"),
    (Principal, "sealed_secondary_key"),
)


@dataclass(frozen=True, slots=True)
class Resealed:
    """What a run did: rows sealed anew, rows that were already, and a message for each that cannot be opened."""

    resealed: int
    already: int
    problems: tuple[str, ...]


def reseal(actor: Actor, progress: Callable[[int, int], None] = lambda done, total: None) -> Resealed:
    """Seal everything with the first key, one transaction a row: it can be stopped and run again.

    `progress(done, total)` is called after each row. What is sealed does not change, so no gateway reloads it.
    """
    rows = list(_rows())
    already, problems, resealed = 0, [], 0
    for done, (model, column, key) in enumerate(rows, 1):
        try:
            changed = _reseal_row(actor, model, column, key)
        except Unreadable as error:
            problems.append(str(error))
        else:
            resealed, already = resealed + changed, already + (not changed)
        progress(done, len(rows))
    return Resealed(resealed, already, tuple(problems))


def _rows() -> Iterator[tuple[type[Model], str, object]]:
    for model, column in _SEALED:
        for key in model._default_manager.exclude(**{column: ""}).values_list("pk", flat=True):
            yield model, column, key


def _reseal_row(actor: Actor, model: type[Model], column: str, key: object) -> bool:
    """Re-seal one row. False if it needs none, or went away meanwhile. Raises Unreadable."""
    row = model._default_manager.filter(pk=key).first()
    if row is None or not keystore.needs_reseal(getattr(row, column)):
        return False
    with change(actor) as this:
        row = model._default_manager.filter(
            pk=key
        ).first()  # again, behind the lock: it may have been renewed
        if row is None:  # or have gone away, as a signing request does that is completed
            return False
        table = model._meta.db_table
        secret = keystore.open_sealed(table, column, row.pk, getattr(row, column))
        setattr(row, column, keystore.seal(table, column, row.pk, secret))
        row.save(update_fields=[column])
        this.audit("re-sealed", row)
    return True
