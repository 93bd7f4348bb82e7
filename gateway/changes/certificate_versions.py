"""Changes to the versions of a client certificate: a successor is added, then used; a former one is used again.

Both at once is to replace it. Exactly one version is in use, the certificate's `current`. To use another one is to
renew or to roll back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from gateway import keystore
from gateway.certificate_contents import contents_of
from gateway.certificate_files import ClientCertificate, FileRefused, read_certificate_file
from gateway.changes.base import Actor, Change, change, expect_revision
from gateway.changes.policy_rewriting import Rewrite, Rewriting, by_thumbprint, listed, write_rewritings
from gateway.errors import AlreadyExists, EditConflict, Invalid, NotFound, Unreadable, Use
from gateway.models import AuditEntry, Certificate, CertificateVersion
from gateway.x509 import X509Facts

_KEY_COLUMN = "sealed_private_key"
_ADDED = "uploaded a version of"
_REMOVED = "removed a version of"
KEY_UNREADABLE = "The private key of {} cannot be opened, so nothing could be presented with it: {}"


@dataclass(frozen=True, slots=True)
class Used:
    """What using a version came to: the revision of the change, and the policies that were rewritten."""

    revision: int
    rewritten: tuple[Use, ...]


def add_version(
    actor: Actor,
    certificate_key: UUID,
    *,
    data: bytes,
    password: str,
    key: str = "",
    revision: int | None = None,
) -> CertificateVersion:
    """Store the certificate and key of a file as the next version of a certificate, which is not in use yet.

    Raises NotFound, EditConflict, Invalid on "file", "password" or "key", AlreadyExists on "file".
    """
    material = read_material(data, password, key)
    with change(actor) as this:
        certificate = get_certificate(certificate_key)
        expect_revision(certificate.revision, revision)
        version = _add(this, certificate, material)
        touch(this, certificate)
    return version


def _add(this: Change, certificate: Certificate, material: ClientCertificate) -> CertificateVersion:
    version = create_version(this, certificate, material.facts, material.chain_pem, material.private_key)
    this.audit(_ADDED, certificate, {"version": ["", str(version.number)], **added(version)})
    return version


def use_version(
    actor: Actor,
    certificate_key: UUID,
    version_key: UUID,
    *,
    revision: int | None = None,
    rewrites: Iterable[Rewrite] | None = None,
) -> Used:
    """Make a version the one that every call presents which starts from now on.

    Policies that name the certificate by a thumbprint name it by its id from then on, so that no renewal needs
    them again; `rewrites` are those that the person has confirmed, None if nobody was asked. Raises NotFound,
    EditConflict when something changed meanwhile, or Invalid on "version": it is in use, or its key cannot be
    opened.
    """
    with change(actor) as this:
        certificate = get_certificate(certificate_key)
        expect_revision(certificate.revision, revision)
        version = _get_version(certificate, version_key)
        if version == certificate.current:
            raise Invalid({"version": f"Version {version.number} is in use already."})
        rewritings = by_thumbprint(certificate)
        if rewrites is not None and tuple(rewrites) != tuple(each.rewrite for each in rewritings):
            raise EditConflict(certificate.revision)
        return _use(this, certificate, version, rewritings, "version")


def _use(
    this: Change,
    certificate: Certificate,
    version: CertificateVersion,
    rewritings: Iterable[Rewriting],
    field: str,
) -> Used:
    refuse_unreadable_key(version, field)
    before, certificate.current = get_current(certificate), version
    touch(this, certificate, "current")
    rewritten = write_rewritings(this, rewritings, field)
    action = "renewed" if version.number > before.number else "rolled back"
    this.audit(action, certificate, _difference(before, version, rewritten))
    return Used(this.revision, rewritten)


class _AsItWasError(Exception):
    """Ends a change that has nothing to change, so that it writes nothing at all."""


def replace_certificate(
    actor: Actor,
    certificate_key: UUID,
    *,
    data: bytes,
    password: str,
    key: str = "",
    revision: int | None = None,
) -> Used:
    """Have a certificate be what is in a file, in one change: add a version and use it.

    A former version with the same material is used again, and nothing is written for the one in use: whoever sends
    the same file again and again changes nothing. See use_version for policies that name a thumbprint. Raises
    NotFound, EditConflict, Invalid on "file", "password" or "key", AlreadyExists on "file".
    """
    material = read_material(data, password, key)
    try:
        with change(actor) as this:
            certificate = get_certificate(certificate_key)
            expect_revision(certificate.revision, revision)
            return _replace(this, certificate, material)
    except _AsItWasError:
        return Used(certificate.revision, ())


def _replace(this: Change, certificate: Certificate, material: ClientCertificate) -> Used:
    before = get_current(certificate)
    version = certificate.versions.filter(sha256=material.facts.sha256).first()
    if version is None:
        version = _add(this, certificate, material)
    elif version.chain_pem != material.chain_pem or unreadable_key(version):
        _store_again(this, certificate, version, material)
    elif version == before:
        raise _AsItWasError
    if version != before:
        return _use(this, certificate, version, by_thumbprint(certificate), "file")
    touch(this, certificate)
    return Used(this.revision, ())


def _store_again(
    this: Change, certificate: Certificate, version: CertificateVersion, material: ClientCertificate
) -> None:
    """Have a version be as it is in a file with the same certificate: with those issuers, and a key that opens.

    Its revision stays: by that it is known who uploaded it. That of the certificate tells gateways.
    """
    numbers = [str(len(contents_of(each).chain)) for each in (version.chain_pem, material.chain_pem)]
    version.chain_pem = material.chain_pem
    version.sealed_private_key = _sealed(version, material.private_key)
    version.save(update_fields=["chain_pem", "sealed_private_key"])
    words = {"version": [str(version.number)] * 2, "certificates in the chain": numbers}
    this.audit("uploaded again a version of", certificate, words)


def planned_rewrites(certificate: Certificate) -> tuple[Rewrite, ...]:
    """The policies that name a certificate by a thumbprint, which another version's use rewrites."""
    return tuple(each.rewrite for each in by_thumbprint(certificate))


def remove_version(
    actor: Actor, certificate_key: UUID, version_key: UUID, *, revision: int | None = None
) -> int:
    """Delete a version that is not in use, with its private key; returns the revision of the change.

    Raises NotFound, EditConflict, or Invalid on "version" for the one in use.
    """
    with change(actor) as this:
        certificate = get_certificate(certificate_key)
        expect_revision(certificate.revision, revision)
        version = _get_version(certificate, version_key)
        if version == certificate.current:
            text = (
                f"Version {version.number} is in use. Use another version first, or delete the certificate."
            )
            raise Invalid({"version": text})
        gone = {name: [text, ""] for name, (_, text) in added(version).items()}
        this.audit(_REMOVED, certificate, {"version": [str(version.number), ""], **gone})
        this.delete(version)
        touch(this, certificate)
        return this.revision


# --- shared with other changes of certificates --------------------------------------------------------------------
def read_material(data: bytes, password: str, key: str = "") -> ClientCertificate:
    """The certificate and key of a file. Raises Invalid on "file", "password" or "key"."""
    try:
        return read_certificate_file(data, password, key=key)
    except FileRefused as error:
        raise Invalid({error.field: error.message}) from None


def get_certificate(key: UUID) -> Certificate:
    """The certificate with that key and its current version. Raises NotFound."""
    row = Certificate.objects.select_related("current").filter(pk=key).first()
    if row is None:
        raise NotFound("Certificate not found.")
    return row


def get_current(certificate: Certificate) -> CertificateVersion:
    """The version in use. A certificate without one is never committed."""
    assert certificate.current is not None  # noqa: S101
    return certificate.current


def _get_version(certificate: Certificate, key: UUID) -> CertificateVersion:
    version = certificate.versions.filter(pk=key).first()
    if version is None:
        raise NotFound("This certificate has no such version.")
    return version


def touch(this: Change, certificate: Certificate, *columns: str) -> None:
    """Write columns of a certificate, and that it changed."""
    certificate.revision = this.revision
    certificate.save(update_fields=["revision", *columns])


def create_version(
    this: Change, certificate: Certificate, facts: X509Facts, chain_pem: str, private_key: bytes
) -> CertificateVersion:
    """The next version of a certificate, its key sealed. Raises AlreadyExists on "file"."""
    refuse_known_thumbprint(facts, certificate)
    version = CertificateVersion(
        certificate=certificate,
        number=_next_number(certificate),
        revision=this.revision,
        created_at=timezone.now(),
        chain_pem=chain_pem,
        **x509_columns(facts),
    )
    version.sealed_private_key = _sealed(version, private_key)
    version.save(force_insert=True)
    return version


def _sealed(version: CertificateVersion, private_key: bytes) -> str:
    return keystore.seal(version._meta.db_table, _KEY_COLUMN, version.key, private_key)


def _next_number(certificate: Certificate) -> int:
    """A number that no version of the certificate ever had: history and addresses tell versions by it."""
    last = certificate.versions.aggregate(last=Max("number"))["last"] or 0
    removed = AuditEntry.objects.filter(object_key=certificate.pk, action=_REMOVED)
    numbers = [int(changes["version"][0]) for changes in removed.values_list("changes", flat=True)]
    return max(last, *numbers) + 1 if numbers else last + 1


def refuse_known_thumbprint(facts: X509Facts, certificate: Certificate | None = None) -> None:
    """Refuse material that is here already, which names whose version it is. Raises AlreadyExists on "file"."""
    known = (
        CertificateVersion.objects.filter(thumbprint=facts.thumbprint).select_related("certificate").first()
    )
    if known is None:
        return
    text = f"This certificate is already here, under the name “{known.certificate}”. Use that one."
    if certificate and known.certificate_id == certificate.pk:
        state = (
            "is in use" if known.pk == certificate.current_id else "can be used without uploading it again"
        )
        text = f"This is version {known.number} of “{certificate}” already, which {state}."
    raise AlreadyExists({"file": text})


def refuse_unreadable_key(version: CertificateVersion, field: str) -> None:
    """Refuse a version whose sealed private key does not open. Raises Invalid on `field`."""
    if problem := unreadable_key(version):
        raise Invalid({field: KEY_UNREADABLE.format(version, problem)})


def unreadable_key(version: CertificateVersion) -> str:
    """Why the sealed private key of a version does not open, or ""."""
    try:
        keystore.open_sealed(version._meta.db_table, _KEY_COLUMN, version.key, version.sealed_private_key)
    except Unreadable as error:
        return str(error)
    return ""


def x509_columns(facts: X509Facts) -> dict[str, object]:
    """The columns of a row that are derived from an X.509 certificate."""
    names = [
        "subject",
        "issuer",
        "serial_number",
        "not_before",
        "not_after",
        "thumbprint",
        "sha256",
        "key_type",
    ]
    return {name: getattr(facts, name) for name in names}


# --- what the audit log shows -------------------------------------------------------------------------------------
def added(version: CertificateVersion) -> dict[str, list[str]]:
    """A version that was not there before, in words."""
    return {
        "subject": ["", version.subject],
        "thumbprint": ["", version.thumbprint],
        "valid until": ["", version.not_after.isoformat()],
    }


def _difference(
    before: CertificateVersion, after: CertificateVersion, rewritten: tuple[Use, ...]
) -> dict[str, list[str]]:
    old, new = added(before), added(after)
    found = {"version": [str(before.number), str(after.number)]}
    found |= {name: [old[name][1], new[name][1]] for name in old if old[name] != new[name]}
    if rewritten:
        found["policies rewritten"] = ["", listed(rewritten)]
    return found
