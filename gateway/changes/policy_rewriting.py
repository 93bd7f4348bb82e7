"""Policy documents whose statements are made to name a certificate by its id, within a change of certificates.

Which documents there are to look into is known by what they refer to (PolicyReference). One that cannot be read,
such as a newer release's, is left alone: it is not executed either.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.db.models import QuerySet

from gateway.changes.base import Change
from gateway.changes.policy_documents import parsed_or_none, scope_of, write_version
from gateway.changes.policy_references import Lookup, write_references
from gateway.errors import Invalid, Use
from gateway.models import Certificate, PolicyDocument
from gateway.policies import parser
from gateway.policies.certificate_ids import with_certificate_id
from gateway.policies.faults import PolicyErrors
from gateway.policies.parser import Document
from gateway.policies.references import Reference, references_of

_MOST_NAMED = 20  # policies in one entry of the audit log; each has an entry of its own


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A policy document that is rewritten: where it is, its text before and its text after."""

    use: Use
    before: str = field(repr=False)
    after: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A rewrite that can be written, and what the document says now."""

    row: PolicyDocument = field(repr=False)
    document: Document = field(repr=False)
    rewrite: Rewrite


def by_thumbprint(certificate: Certificate) -> list[Rewriting]:
    """How the documents that name a certificate by the thumbprint of a version would name it by its id."""
    thumbprints = set(certificate.versions.values_list("thumbprint", flat=True))
    return _rewritings(
        _documents(certificate).filter(xml__contains="thumbprint"),
        certificate,
        lambda each: each.kind == "thumbprint" and each.name in thumbprints,
    )


def by_any_name(certificate: Certificate, to: Certificate) -> list[Rewriting]:
    """How the documents that name a certificate, in whatever way, would name another one by its id."""
    thumbprints, lookup = set(certificate.versions.values_list("thumbprint", flat=True)), Lookup()

    def names_it(each: Reference) -> bool:
        if each.kind == "thumbprint":
            return each.name in thumbprints
        return each.kind == "certificate-id" and lookup.target(each.kind, each.name) == certificate

    return _rewritings(_documents(certificate), to, names_it)


def unreadable_uses(certificate: Certificate) -> tuple[Use, ...]:
    """The documents that refer to a certificate and cannot be read, so that no rewriting reaches them."""
    found = (row.use for row in _documents(certificate) if parsed_or_none(row) is None)
    return tuple(sorted(found, key=str))


def _documents(certificate: Certificate) -> QuerySet[PolicyDocument]:
    rows = PolicyDocument.objects.filter(references__certificate=certificate)
    return rows.select_related("api", "operation__api")


def _rewritings(
    rows: QuerySet[PolicyDocument], to: Certificate, names_it: Callable[[Reference], bool]
) -> list[Rewriting]:
    lookup = Lookup()
    found = (_rewriting(row, to, names_it, lookup) for row in rows)
    return sorted((each for each in found if each), key=lambda each: str(each.rewrite.use))


def _rewriting(
    row: PolicyDocument, to: Certificate, names_it: Callable[[Reference], bool], lookup: Lookup
) -> Rewriting | None:
    document = parsed_or_none(row)
    if document is None:
        return None
    elements = [each.element for each in references_of(document, lookup.named_value) if names_it(each)]
    after = with_certificate_id(row.xml, elements, to.resource_id)
    return Rewriting(row, document, Rewrite(row.use, row.xml, after)) if after != row.xml else None


def write_rewritings(this: Change, rewritings: Iterable[Rewriting], field: str) -> tuple[Use, ...]:
    """Write documents that were rewritten, each with its references and an entry in its history.

    Nothing else about a document is judged: what is wrong with it keeps no certificate from being renewed. Raises
    Invalid on `field` if one could not be read any more: with a longer name it may be too large.
    """
    lookup = Lookup()
    return tuple(_write(this, each, lookup, field) for each in rewritings)


def _write(this: Change, rewriting: Rewriting, lookup: Lookup, field: str) -> Use:
    row, rewrite = rewriting.row, rewriting.rewrite
    try:
        document = parser.parse(rewrite.after, row.scope)
    except PolicyErrors as error:
        text = f"The policy of {rewrite.use} would become invalid: {error.faults[0]}"
        raise Invalid({field: text}) from None
    row.xml, row.revision = rewrite.after, this.revision
    row.save(update_fields=["xml", "revision"])
    write_references(row, document, lookup)
    write_version(this, scope_of(row), "rewritten", row.xml)
    this.audit("rewrote", row, {"policy": [rewrite.before, rewrite.after]})
    return rewrite.use


def listed(uses: Iterable[Use]) -> str:
    """Policies in the words of the audit log."""
    names = list(map(str, uses))
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
