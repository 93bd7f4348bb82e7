"""Replace everywhere: whatever names one client certificate names another one, in a single change."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from gateway.changes.base import Actor, change
from gateway.changes.certificate_versions import get_certificate, get_current, refuse_unreadable_key
from gateway.changes.policy_documents import scope_of
from gateway.changes.policy_references import Lookup, without_https
from gateway.changes.policy_rewriting import Rewrite, Rewriting, by_any_name, listed, write_rewritings
from gateway.errors import EditConflict, Invalid, NotFound, Use
from gateway.models import Certificate


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move came to: the revision of the change, and the policies that name the other certificate now."""

    revision: int
    uses: tuple[Use, ...]


def planned_moves(certificate: Certificate, to: Certificate) -> tuple[Rewrite, ...]:
    """The policies that name a certificate, by id, thumbprint or named value, and how they would name `to`.

    Not those that cannot be read (see policy_rewriting.unreadable_uses): these go on referring to it.
    """
    return tuple(each.rewrite for each in by_any_name(certificate, to))


def move_everywhere(actor: Actor, key: UUID, to_key: UUID, *, uses: Iterable[Use]) -> Moved:
    """Have every policy that names one certificate name another one; every call that starts afterwards presents it.

    `uses` are those that the person has confirmed. Raises NotFound, EditConflict when there are others meanwhile,
    or Invalid on "to": it is the same or gone, its key cannot be opened, nothing is to be moved, or an API among
    them calls its back end without https.
    """
    with change(actor) as this:
        certificate = get_certificate(key)
        to = _target(certificate, to_key)
        rewritings = by_any_name(certificate, to)
        if {each.rewrite.use for each in rewritings} != set(uses):
            raise EditConflict(certificate.revision)
        _refuse_impossible(rewritings, certificate, to)
        moved = write_rewritings(this, rewritings, "to")
        words: dict[str, list[str]] = {
            "certificate": [str(certificate), str(to)],
            "policies rewritten": ["", listed(moved)],
        }
        this.audit("replaced everywhere", certificate, words)
        return Moved(this.revision, moved)


def _target(certificate: Certificate, key: UUID) -> Certificate:
    if key == certificate.pk:
        raise Invalid({"to": "This is the certificate that is to be replaced. Choose another one."})
    try:
        to = get_certificate(key)
    except NotFound:
        raise Invalid({"to": "This certificate was deleted meanwhile. Choose another one."}) from None
    refuse_unreadable_key(get_current(to), "to")
    return to


def _refuse_impossible(rewritings: list[Rewriting], certificate: Certificate, to: Certificate) -> None:
    """That nothing is to be done, or something that no call could be made with (RFC 8446: it needs TLS)."""
    if not rewritings:
        raise Invalid({"to": f"No policy that can be read names “{certificate}”."})
    lookup = Lookup()
    for each in rewritings:
        if next(without_https(scope_of(each.row), each.document, lookup), None):
            text = f"“{each.rewrite.use}” calls its back end without https, where “{to}” cannot be presented."
            raise Invalid({"to": f"{text} Give it an https:// web service URL, or other credentials, first."})
