"""Changes to what an API's Security tab shows: the gateway's credentials, and what it trusts at the back end.

The credentials are a statement of the API's policy document and nothing else. A document that says more than
the tab can show is left alone by it: only the policy editor changes that.
"""

from dataclasses import dataclass, field
from uuid import UUID

from gateway import addresses
from gateway.changes.apis import get_api
from gateway.changes.base import Actor, Change, change, expect_revision
from gateway.changes.ids import free_id
from gateway.changes.named_values import delete_password_if_unused, password_stem, set_secret
from gateway.changes.policies import document_of, save_document, text_of
from gateway.changes.policy_documents import goes_elsewhere, parsed_or_none
from gateway.changes.policy_references import HTTPS_NEEDED
from gateway.errors import Invalid
from gateway.models import Api, BackEndTrust, CaCertificate, Certificate, NamedValue, TrustedCa
from gateway.models.base import with_id
from gateway.policies import parser, splice
from gateway.policies.named_values import has_reference
from gateway.policies.parser import PolicyErrors
from gateway.policies.splice import Authentication


@dataclass(frozen=True, slots=True)
class NoCredentials:
    """Present nothing."""


@dataclass(frozen=True, slots=True)
class BasicCredentials:
    """HTTP basic (RFC 7617). A password of None keeps the one that is stored."""

    username: str
    password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificateCredentials:
    """Present a client certificate, by its key."""

    certificate: UUID


@dataclass(frozen=True, slots=True)
class OtherCredentials:
    """The author of the document wrote what the tab cannot show; saving the tab leaves it as it is."""

    explanation: str


Credentials = NoCredentials | BasicCredentials | CertificateCredentials


@dataclass(frozen=True, slots=True)
class Trust:
    """What an API demands of its back end's certificate; CA certificates by key.

    And what its row says beside that: whether calls with an expired client certificate are refused, and whether the
    handshake is checked after a Save.
    """

    validate_chain: bool = True
    validate_name: bool = True
    public_cas: bool = True
    ca_certificates: tuple[UUID, ...] = ()
    refuse_expired: bool = False
    probe_after_save: bool = True


@dataclass(frozen=True, slots=True)
class Security:
    """What the tab shows, and the revision that it was read at."""

    credentials: Credentials | OtherCredentials
    trust: Trust
    revision: int


UNREADABLE = "The policy of this API cannot be read."
_SEVERAL = "The policy of this API holds more than one authentication statement."
_YES_NO = {True: "yes", False: "no"}
_NO_CERTIFICATE = "The policy of this API names a certificate that is not there."
_NO_PASSWORD = "The policy of this API names a password that is not there."  # noqa: S105 (no password)
_NAMED_CERTIFICATE = "The policy of this API names its certificate by a named value."
_NAMED_USER = "The policy of this API takes its user name from a named value."


def read_security(api: Api) -> Security:
    """What an API's Security tab shows."""
    document = document_of(api)
    written = document.revision if document else 0
    found = _found(api)
    password = _password_of(found) if found else None
    revision = max(api.trust.revision, written, password.revision if password else 0)
    credentials = _credentials(found, password) if found else OtherCredentials(UNREADABLE)
    return Security(credentials, _trust(api.trust), revision)


def may_present(api: Api) -> bool:
    """Whether its calls may go over https, without which no certificate is presented."""
    if addresses.parse_web_service_url(api.web_service_url).scheme == "https":
        return True
    return goes_elsewhere(api, parsed_or_none(document_of(api)))


def _found(api: Api) -> Authentication | None:
    """What the API's document says about authentication, None if it cannot be read."""
    try:
        return splice.authentication_of(parser.parse(text_of(api), "api"))
    except PolicyErrors:
        return None


def _password_of(found: Authentication) -> NamedValue | None:
    """The named value that an HTTP basic statement refers to."""
    return with_id(NamedValue.objects.all(), found.name).first() if found.kind == "basic" else None


def _credentials(found: Authentication, password: NamedValue | None) -> Credentials | OtherCredentials:
    match found.kind:
        case "none":
            return NoCredentials()
        case "basic" if has_reference(found.username):
            return OtherCredentials(_NAMED_USER)
        case "basic":
            return BasicCredentials(found.username, None) if password else OtherCredentials(_NO_PASSWORD)
        case "several":
            return OtherCredentials(_SEVERAL)
    return _certificate_credentials(found)


def _certificate_credentials(found: Authentication) -> CertificateCredentials | OtherCredentials:
    if has_reference(found.name):
        return OtherCredentials(_NAMED_CERTIFICATE)
    if found.kind == "certificate-id":
        certificate = with_id(Certificate.objects.all(), found.name).first()
    else:
        certificate = Certificate.objects.filter(current__thumbprint=found.name).first()
    return CertificateCredentials(certificate.key) if certificate else OtherCredentials(_NO_CERTIFICATE)


def _trust(row: BackEndTrust) -> Trust:
    cas = row.trusted_cas.values_list("ca_certificate_id", flat=True)
    return Trust(
        row.validate_certificate_chain,
        row.validate_certificate_name,
        row.public_cas,
        tuple(sorted(cas)),
        row.refuse_expired,
        row.probe_after_save,
    )


def save_security(
    actor: Actor,
    api_key: UUID,
    *,
    credentials: Credentials | OtherCredentials | None,
    trust: Trust,
    revision: int | None = None,
) -> int:
    """Choose the credentials that the gateway shows to an API's back end, and what it trusts there.

    OtherCredentials, None and what is there already leave the document alone. Returns the revision of the change.
    Raises NotFound, EditConflict, or Invalid on "certificate", "username", "password", "ca_certificates", on
    "credentials" where the document says what the tab cannot show, or on "xml" where it cannot be saved as it is.
    """
    with change(actor) as this:
        api = get_api(api_key)
        before = read_security(api)
        expect_revision(before.revision, revision)
        if isinstance(credentials, Credentials) and credentials != before.credentials:
            _write_credentials(this, api, before.credentials, credentials)
        if _trust(api.trust) != trust:
            _write_trust(this, api.trust, trust)
        this.audit("updated security of", api, _difference(before, read_security(api)))
        return this.revision


def save_trust(actor: Actor, api_key: UUID, trust: Trust, *, revision: int | None = None) -> BackEndTrust:
    """Choose what the gateway trusts at an API's back end; `revision` is that of the trust alone.

    Raises NotFound, EditConflict, or Invalid on "ca_certificates".
    """
    with change(actor) as this:
        api = get_api(api_key)
        expect_revision(api.trust.revision, revision)
        before = read_security(api)
        if before.trust != trust:
            _write_trust(this, api.trust, trust)
        this.audit("updated security of", api, _difference(before, read_security(api)))
        return api.trust


def _difference(before: Security, after: Security) -> dict[str, list[str]]:
    old, new = _in_words(before), _in_words(after)
    return {name: [old[name], new[name]] for name in old if old[name] != new[name]}


def _in_words(security: Security) -> dict[str, str]:
    """What the audit log shows: names, no keys and no secrets."""
    trust = security.trust
    cas = CaCertificate.objects.filter(pk__in=trust.ca_certificates).order_by("resource_id")
    trusted = [*(["public CAs"] if trust.public_cas else []), *map(str, cas)]
    return {
        "with credentials": _credentials_in_words(security.credentials),
        "refuse calls with an expired certificate": _YES_NO[trust.refuse_expired],
        "validate certificate chain": _YES_NO[trust.validate_chain],
        "validate certificate name": _YES_NO[trust.validate_name],
        "trusted CA certificates": ", ".join(trusted),
        "check the handshake after Save": _YES_NO[trust.probe_after_save],
    }


def _credentials_in_words(credentials: Credentials | OtherCredentials) -> str:
    match credentials:
        case CertificateCredentials(certificate=key):
            certificate = Certificate.objects.select_related("current").get(pk=key)
            return f"client certificate {certificate} ({certificate.current.thumbprint})"  # type: ignore[union-attr]
        case BasicCredentials(username=username):
            return f"HTTP basic as {username}"
        case OtherCredentials(explanation=text):
            return text
    return "none"


def _write_credentials(
    this: Change, api: Api, before: Credentials | OtherCredentials, credentials: Credentials
) -> None:
    if isinstance(before, OtherCredentials):
        raise Invalid({"credentials": f"{before.explanation} Use the policy editor to change that."})
    found = _found(api)
    stored = _password_of(found) if found else None
    match credentials:
        case CertificateCredentials(certificate=key):
            statement: str | None = splice.certificate_statement(_certificate(api, key).resource_id)
        case BasicCredentials():
            _check_basic(credentials, stored)
            statement = splice.basic_statement(
                credentials.username, _store_password(this, api, credentials, stored)
            )
        case NoCredentials():
            statement = None
    save_document(this, api, splice.set_authentication(text_of(api), statement))
    if stored:
        delete_password_if_unused(this, api, stored.resource_id)


def _store_password(this: Change, api: Api, credentials: BasicCredentials, stored: NamedValue | None) -> str:
    """Seal a new password, or keep the stored one; returns the name that the document refers to.

    What somebody else made, or other documents refer to, keeps its value: this API gets one of its own.
    """
    if not credentials.password and stored:
        return stored.resource_id
    stem = password_stem(api)
    if stored and stored.resource_id.startswith(stem) and stored.policy_references.count() == 1:
        name = stored.resource_id
    else:
        name = free_id(NamedValue.objects.all(), "", stem, field="password", default="basic-password")
    return set_secret(this, name, credentials.password or "").resource_id


def _certificate(api: Api, key: UUID) -> Certificate:
    certificate = Certificate.objects.filter(pk=key).first()
    if certificate is None:
        raise Invalid({"certificate": "This certificate was deleted meanwhile. Choose another one."})
    if not may_present(api):
        raise Invalid({"certificate": HTTPS_NEEDED.format(certificate=certificate)})
    return certificate


def _check_basic(credentials: BasicCredentials, stored: NamedValue | None) -> None:
    """RFC 7617, 2: a user-id holds no colon, and neither part a control character."""
    name, password = credentials.username, credentials.password or ""
    if not name or ":" in name or "{{" in name or not name.isprintable():
        raise Invalid(
            {"username": "Enter a user name without a colon, doubled braces or control characters."}
        )
    if any(ord(c) < 32 or ord(c) == 127 for c in password):
        raise Invalid({"password": "A password cannot hold control characters."})
    if not password and stored is None:
        raise Invalid({"password": "Enter the password."})


def _write_trust(this: Change, row: BackEndTrust, trust: Trust) -> None:
    cas = list(CaCertificate.objects.filter(pk__in=trust.ca_certificates))
    if len(cas) != len(set(trust.ca_certificates)):
        raise Invalid({"ca_certificates": "A CA certificate was deleted meanwhile. Choose again."})
    row.validate_certificate_chain = trust.validate_chain
    row.validate_certificate_name = trust.validate_name
    row.public_cas = trust.public_cas
    row.refuse_expired = trust.refuse_expired
    row.probe_after_save = trust.probe_after_save
    row.revision = this.revision
    row.save()
    row.trusted_cas.exclude(ca_certificate__in=cas).delete()
    for ca in cas:
        TrustedCa.objects.get_or_create(trust=row, ca_certificate=ca)
