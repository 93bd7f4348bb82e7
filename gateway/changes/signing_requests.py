"""Changes to signing requests: a key is made here, its certificate issued elsewhere, and the two brought together.

The private key is sealed at once, and leaves through no door: it moves into the version that it becomes.
"""

from collections.abc import Iterable
from uuid import UUID

from cryptography import x509
from django.db.models import QuerySet
from django.utils import timezone

from gateway import keystore, signing
from gateway.certificate_contents import leaf_of
from gateway.changes.base import Actor, Change, change
from gateway.changes.certificate_versions import added, create_version, get_certificate, get_current, touch
from gateway.changes.certificates import create_certificate
from gateway.changes.ids import free_id
from gateway.errors import AlreadyExists, Invalid, NotFound, Unreadable
from gateway.models import Certificate, CertificateVersion, SigningRequest
from gateway.signing import ForeignKeyError, MadeRequest, Signed, SigningError
from gateway.x509 import FileRefused, key_sha256_of, name_text

_COLUMN = "sealed_private_key"


def create_signing_request(
    actor: Actor,
    *,
    subject: Iterable[tuple[str, str]],
    names: Iterable[str],
    key_type: str,
    certificate_key: UUID | None = None,
    name: str = "",
) -> SigningRequest:
    """Make a key and a request to certify it: for the next version of a certificate, or for a new certificate.

    `name` is the new certificate's, made from the subject if empty. See signing.make_request for the rest. Raises
    NotFound, Invalid on "subject", "names", "key_type" or "name", AlreadyExists on "name".
    """
    pairs = list(subject)
    try:
        made = signing.make_request(pairs, names, key_type)  # before the lock: an RSA key takes its time
    except SigningError as error:
        raise Invalid({error.field: error.message}) from None
    with change(actor) as this:
        certificate = get_certificate(certificate_key) if certificate_key else None
        named = certificate.resource_id if certificate else _free_name(name.strip(), pairs)
        row = _create(this, certificate, named, made, key_type)
        words = {
            "signing request": ["", made.subject],
            "names": ["", ", ".join(made.names)],
            "key": ["", key_type],
        }
        if certificate:
            this.audit("created a signing request for", certificate, words)
        else:
            this.audit("created", row, words)
    return row


def _create(
    this: Change, certificate: Certificate | None, name: str, made: MadeRequest, key_type: str
) -> SigningRequest:
    row = SigningRequest(
        revision=this.revision,
        certificate=certificate,
        name=name,
        subject=made.subject,
        names="\n".join(made.names),
        key_type=key_type,
        public_key_sha256=made.public_key_sha256,
        csr_pem=made.csr_pem,
        created_at=timezone.now(),
        created_by=this.actor.name[:200],
    )
    row.sealed_private_key = keystore.seal(row._meta.db_table, _COLUMN, row.key, made.private_key)
    row.save(force_insert=True)
    return row


def _free_name(given: str, subject: list[tuple[str, str]]) -> str:
    """The name of a new certificate, which neither a certificate nor another request for one has."""
    planned = {name.lower() for name in _for_new_ones().values_list("name", flat=True)}
    proposed = next((text for short, text in subject if short == "CN" and text.strip()), "")
    name = free_id(
        Certificate.objects.all(), given, proposed, field="name", default="certificate", planned=planned
    )
    if given and name.lower() in planned:
        raise AlreadyExists(
            {"name": f"A signing request is for the name “{given}” already. Choose another one."}
        )
    return name


def _for_new_ones() -> QuerySet[SigningRequest]:
    return SigningRequest.objects.filter(certificate=None)


def complete_signing_request(actor: Actor, key: UUID, *, data: bytes) -> CertificateVersion:
    """Bring what was issued together with the key of a request, which is gone then.

    It becomes the next version of the request's certificate, not in use yet; or where that is None a new
    certificate. `data` is DER, PEM or .p7b, with or without the chain. Raises NotFound, Invalid or AlreadyExists
    on "file".
    """
    with change(actor) as this:
        row = _get(key)
        signed = _read_signed(row, data)
        private_key = _open(row)
        certificate = row.certificate
        if certificate is None:
            certificate = create_certificate(this, _name_of(row), signed.facts, signed.chain_pem, private_key)
            version = get_current(certificate)
            this.audit("completed a signing request for", certificate, added(version))
        else:
            version = create_version(this, certificate, signed.facts, signed.chain_pem, private_key)
            touch(this, certificate)
            words = {"version": ["", str(version.number)], **added(version)}
            this.audit("completed a signing request for", certificate, words)
        this.delete(row)
    return version


def delete_signing_request(actor: Actor, key: UUID) -> int:
    """Delete a request with its private key: what is issued for it can never be used. Raises NotFound."""
    with change(actor) as this:
        row = _get(key)
        words = {"signing request": [row.subject, ""]}
        if row.certificate:
            this.audit("deleted a signing request for", row.certificate, words)
        else:
            this.audit("deleted", row, words)
        this.delete(row)
        return this.revision


def _get(key: UUID) -> SigningRequest:
    row = SigningRequest.objects.select_related("certificate__current").filter(pk=key).first()
    if row is None:
        raise NotFound("Signing request not found.")
    return row


def _name_of(row: SigningRequest) -> str:
    """The name that was chosen, or one like it if a certificate has it by now."""
    rows = Certificate.objects.all()
    try:
        return free_id(rows, row.name, "", field="name", default="certificate")
    except AlreadyExists:
        return free_id(rows, "", row.name, field="name", default="certificate")


def _open(row: SigningRequest) -> bytes:
    try:
        return keystore.open_sealed(row._meta.db_table, _COLUMN, row.key, row.sealed_private_key)
    except Unreadable as error:
        text = (
            f"The private key of this signing request cannot be opened, so nothing can be made of it: {error}"
        )
        raise Invalid({"file": text}) from None


def _read_signed(row: SigningRequest, data: bytes) -> Signed:
    try:
        return signing.read_signed(data, row.public_key_sha256)
    except ForeignKeyError as error:
        raise Invalid({"file": f"{error.message} {_whose(error.certificates)}"}) from None
    except FileRefused as error:
        raise Invalid({error.field: error.message}) from None


# --- whose certificate it is --------------------------------------------------------------------------------------
def _whose(certificates: tuple[x509.Certificate, ...]) -> str:
    """Whose key the first known one of some certificates is for, for a person."""
    keys = {each: key_sha256_of(each) for each in certificates}
    for certificate, key in keys.items():
        if key and (known := SigningRequest.objects.filter(public_key_sha256=key).first()):
            return f"{name_text(certificate.subject)} is for the key of another one, the {known}. Upload it there."
    if found := _version_with({key for key in keys.values() if key}):
        return f"The file has a certificate for the key of {found}, which is here already."
    subjects = "; ".join(dict.fromkeys(name_text(each.subject) for each in certificates[:3]))
    return (
        f"The file has: {subjects}. No key here belongs to it. Ask the CA for what it made of this request."
    )


def _version_with(keys: set[str]) -> CertificateVersion | None:
    for version in CertificateVersion.objects.select_related("certificate").iterator():
        if key_sha256_of(leaf_of(version.chain_pem)) in keys:
            return version
    return None
