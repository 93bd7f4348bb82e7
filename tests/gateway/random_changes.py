"""Changes drawn at random, on a configuration small enough that they meet."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Model
from django.test import override_settings

from gateway import keystore
from gateway.changes import (
    apis,
    back_ends,
    ca_certificates,
    certificate_moves,
    certificate_versions,
    certificates,
    named_values,
    operations,
    signing_requests,
    subscriptions,
)
from gateway.changes.base import change
from gateway.changes.encryption import reseal
from gateway.changes.named_values import set_secret
from gateway.changes.policies import delete_policy, restore_policy, save_policy
from gateway.changes.policy_documents import scope_of
from gateway.changes.security import (
    BasicCredentials,
    CertificateCredentials,
    Credentials,
    NoCredentials,
    Trust,
    save_security,
)
from gateway.errors import ChangeError, Unreadable
from gateway.models import (
    Api,
    BackEnd,
    CaCertificate,
    Certificate,
    CertificateVersion,
    NamedValue,
    Operation,
    PolicyDocument,
    PolicyVersion,
    Revision,
    SigningRequest,
    Subscription,
)
from gateway.policies.documents import NEW_DOCUMENT
from tests import pki
from tests.arrange import set_text, update_directly
from tests.builders import (
    ALICE,
    issued_for,
    make_api,
    make_operation,
    make_signing_request,
    make_version,
    renew,
)

_PFX = [pki.pfx(pki.self_signed(common_name=name), password=b"secret") for name in ("one", "two", "three")]
_CAS = [pki.make_ca(common_name=name).pem.encode() for name in ("CA one", "CA two")]
_TEMPLATES = ("/a", "/a/{id}", "/b/{id}/*", "/*")
_REWRITES = ("", "", "/x", "/y/{id}")
_OF_NAMED_VALUE = '<base /><authentication-certificate certificate-id="{{which}}" />'
_OF_THUMBPRINT = '<base /><authentication-certificate thumbprint="{thumbprint}" />'
_OF_BACK_END = '<base /><set-backend-service backend-id="back-end-1" />'
_INBOUND = (
    "<base />",
    "",
    '<base /><authentication-certificate certificate-id="one" />',
    '<authentication-certificate certificate-id="TWO" />',
    _OF_NAMED_VALUE,
    _OF_THUMBPRINT,
    '<base /><authentication-basic username="{{user}}" password="{{password}}" />',
    '<base /><authentication-basic username="alice" password="written {number}" />',
    _OF_BACK_END,
    '<base /><set-backend-service backend-id="{{which}}" />',
)
_BACKEND = ("<base />", '<forward-request timeout="{{seconds}}" />', '<forward-request timeout="9" />', "")
_BACK_ENDS = ("one", "back-end-1", "back-end-2")
_URLS = (
    "https://bank.example",
    "https://back-end-1.example",
    "https://back-end-1.example/base",
    "https://back-end-2.example/base",
    "https://back-end-2.example/bas",
    "http://plain.example",
)
_VALUES = ("one", "two", "5", "7")
KEYS = [keystore.new_key(), *settings.CERTIFICATE_ENCRYPTION_KEYS]
_SEALED: tuple[tuple[type[Model], str], ...] = (
    (CertificateVersion, "sealed_private_key"),
    (NamedValue, "sealed_value"),
    (Subscription, "sealed_primary_key"),
)

M = TypeVar("M", bound=Model)


def pick(model: type[M], number: int, **conditions: Any) -> M:
    """One of the rows there are. Raises Nothing."""
    rows = list(model._default_manager.filter(**conditions).order_by("revision", "pk"))
    if not rows:
        raise Nothing
    return rows[number % len(rows)]


class Nothing(Exception):
    """There is nothing to change."""


class Changes:
    """Each public method is a change; its numbers choose to what, and how. Some will be refused."""

    def __init__(self) -> None:
        self._whole: dict[tuple[type[Model], str, object], str] = {}

    def begin(self) -> None:
        """Something of everything, so that there is what to change."""
        for number in (0, 1, 2):
            self.set_named_value(number, 0)
        self.set_secret(0, 0)
        self.upload_ca_certificate(0, 0)
        for number in (0, 1):
            self.create_back_end(number, number)
        for number in (0, 1):
            self.upload_certificate(number, 0)
            api = make_api(f"API {number}")
            self._save_policy(make_operation(api, "/a"), _INBOUND.index(_OF_BACK_END))
            make_operation(api, "/a/{id}", rewrite_template="/x/{id}")
            self.create_subscription(number, number)
        self._save_policy(pick(Api, 0), _INBOUND.index(_OF_THUMBPRINT))
        self._save_policy(pick(Api, 1), _INBOUND.index(_OF_NAMED_VALUE))

    def make(self, name: str, one: int, two: int) -> None:
        """Make one change, or see it refused."""
        with suppress(ChangeError, Unreadable, Nothing):
            getattr(self, name)(one, two)

    def create_api(self, one: int, two: int) -> None:
        make_api(f"API {one}", all_operations=two == 3)

    def update_api(self, one: int, two: int) -> None:
        apis.update_api(
            ALICE,
            pick(Api, one).key,
            display_name=f"Renamed {two}",
            description="",
            web_service_url=f"https://back-end-{two}.example/base",
            suffix=f"suffix/{two}",
            http=bool(two % 2),
            https=True,
            subscription_required=bool(two % 3),
            limits=apis.Limits(max_calls=two + 1),
            confirmed=True,
        )

    def delete_api(self, one: int, two: int) -> None:
        apis.delete_api(ALICE, pick(Api, one).key)

    def create_operation(self, one: int, two: int) -> None:
        template = _TEMPLATES[two % 4]
        rewrite = _REWRITES[one % 4] if "{id}" in template else ""
        make_operation(pick(Api, one), template, rewrite_template=rewrite)

    def update_operation(self, one: int, two: int) -> None:
        operations.update_operation(
            ALICE,
            pick(Operation, one).key,
            method=("GET", "POST")[one % 2],
            url_template=_TEMPLATES[two % 4],
            display_name=f"Operation {two}",
            rewrite_template=_REWRITES[two % 4],
        )

    def delete_operation(self, one: int, two: int) -> None:
        operations.delete_operation(ALICE, pick(Operation, one).key)

    def save_policy(self, one: int, two: int) -> None:
        scopes = [*Operation.objects.order_by("revision", "pk"), *Api.objects.order_by("revision", "pk")]
        if scopes:
            self._save_policy(scopes[(one * 5 + two) % len(scopes)], one + two * 3)

    def save_policy_of_an_api(self, one: int, two: int) -> None:
        self._save_policy(pick(Api, one), two)

    def save_policy_of_all_apis(self, one: int, two: int) -> None:
        self._save_policy(None, one + two * 2)

    def _save_policy(self, scope: Api | Operation | None, number: int) -> None:
        inbound, backend = _INBOUND[number % len(_INBOUND)], _BACKEND[number % len(_BACKEND)]
        if "{thumbprint}" in inbound:
            inbound = inbound.format(thumbprint=pick(CertificateVersion, number).thumbprint)
        inbound = inbound.replace("{number}", str(number))
        xml = f"<policies><inbound>{inbound}</inbound><backend>{backend}</backend></policies>"
        save_policy(ALICE, scope, NEW_DOCUMENT if number == 0 else xml)

    def delete_policy(self, one: int, two: int) -> None:
        scope = ("api__isnull", "operation__isnull")[two % 2]
        delete_policy(ALICE, scope_of(pick(PolicyDocument, one, **{scope: False})))

    def restore_policy(self, one: int, two: int) -> None:
        version = pick(PolicyVersion, one * 6 + two)
        restore_policy(ALICE, scope_of(version), version.key)

    def choose_credentials(self, one: int, two: int) -> None:
        chosen: Credentials = NoCredentials()
        if two % 3 == 1:
            chosen = CertificateCredentials(pick(Certificate, two).key)
        elif two % 3 == 2:
            chosen = BasicCredentials("alice", f"password {one}")
        save_security(ALICE, pick(Api, one).key, credentials=chosen, trust=Trust())

    def choose_trust(self, one: int, two: int) -> None:
        cas = list(CaCertificate.objects.order_by("revision").values_list("pk", flat=True))[: two % 3]
        trust = Trust(validate_name=bool(one % 2), ca_certificates=tuple(cas))
        save_security(ALICE, pick(Api, one).key, credentials=NoCredentials(), trust=trust)

    def upload_certificate(self, one: int, two: int) -> None:
        certificates.upload_certificate(ALICE, data=_PFX[one % 3], password="secret")

    def delete_certificate(self, one: int, two: int) -> None:
        certificates.delete_certificate(ALICE, pick(Certificate, one).key)

    def add_version(self, one: int, two: int) -> None:
        make_version(pick(Certificate, one))

    def use_version(self, one: int, two: int) -> None:
        version = pick(CertificateVersion, one * 6 + two)
        certificate_versions.use_version(ALICE, version.certificate_id, version.key)

    def renew_certificate(self, one: int, two: int) -> None:
        renew(pick(Certificate, one))

    def remove_version(self, one: int, two: int) -> None:
        version = pick(CertificateVersion, one * 6 + two)
        certificate_versions.remove_version(ALICE, version.certificate_id, version.key)

    def move_everywhere(self, one: int, two: int) -> None:
        certificate, to = pick(Certificate, one), pick(Certificate, two)
        uses = [each.use for each in certificate_moves.planned_moves(certificate, to)]
        certificate_moves.move_everywhere(ALICE, certificate.key, to.key, uses=uses)

    def create_signing_request(self, one: int, two: int) -> None:
        make_signing_request(pick(Certificate, one) if two % 2 else None)

    def complete_signing_request(self, one: int, two: int) -> None:
        row = pick(SigningRequest, one)
        signing_requests.complete_signing_request(ALICE, row.key, data=issued_for(row).pem.encode())

    def delete_signing_request(self, one: int, two: int) -> None:
        signing_requests.delete_signing_request(ALICE, pick(SigningRequest, one).key)

    def upload_ca_certificate(self, one: int, two: int) -> None:
        ca_certificates.upload_ca_certificates(ALICE, data=_CAS[one % 2])

    def delete_ca_certificate(self, one: int, two: int) -> None:
        ca_certificates.delete_ca_certificate(ALICE, pick(CaCertificate, one).key)

    def create_back_end(self, one: int, two: int) -> None:
        checks = {"validate_certificate_chain": bool(two % 2), "validate_certificate_name": two > 2}
        back_ends.create_back_end(ALICE, resource_id=_BACK_ENDS[one % 3], url=_URLS[two], **checks)

    def update_back_end(self, one: int, two: int) -> None:
        row, chain = pick(BackEnd, one), bool((one + two) % 2)
        back_ends.update_back_end(
            ALICE, row.key, url=_URLS[two], validate_certificate_chain=chain, confirmed=True
        )

    def update_checks_of_back_end(self, one: int, two: int) -> None:
        row, chain = pick(BackEnd, one), bool(two % 2)
        back_ends.update_back_end(ALICE, row.key, url=row.url, validate_certificate_chain=chain)

    def delete_back_end(self, one: int, two: int) -> None:
        back_ends.delete_back_end(ALICE, pick(BackEnd, one).key)

    def set_named_value(self, one: int, two: int) -> None:
        which, seconds = ("one", "two", "nobody")[two % 3], ("5", "7", "soon")[two % 3]
        values = (("which", which), ("seconds", seconds), ("user", f"user {two}"))
        set_text(*values[one % 3])

    def set_secret(self, one: int, two: int) -> None:
        with change(ALICE) as this:
            set_secret(this, "password", f"secret {one}")

    def create_named_value(self, one: int, two: int) -> None:
        name = ("which", "seconds", "user", "password")[one % 4]
        named_values.create_named_value(ALICE, name=name, value=_VALUES[two % 4], secret=one % 4 == 3)

    def update_named_value(self, one: int, two: int) -> None:
        row = pick(NamedValue, one)
        secret = row.secret if two < 4 else not row.secret
        value = _VALUES[two % 4] if two else None
        named_values.update_named_value(ALICE, row.key, value=value, secret=secret, tags=[f"tag {two}"])

    def delete_named_value(self, one: int, two: int) -> None:
        named_values.delete_named_value(ALICE, pick(NamedValue, one).key)

    def create_subscription(self, one: int, two: int) -> None:
        api = pick(Api, one).key if two % 2 else None
        subscriptions.create_subscription(ALICE, display_name=f"Subscription {one}", api=api)

    def update_subscription(self, one: int, two: int) -> None:
        row = pick(Subscription, one)
        subscriptions.update_subscription(
            ALICE, row.key, display_name=row.display_name, allow_tracing=bool(two % 2)
        )

    def set_state_of_subscription(self, one: int, two: int) -> None:
        actions = (
            subscriptions.suspend_subscription,
            subscriptions.activate_subscription,
            subscriptions.cancel_subscription,
        )
        actions[two % 3](ALICE, pick(Subscription, one).key)

    def regenerate_key(self, one: int, two: int) -> None:
        subscriptions.regenerate_key(ALICE, pick(Subscription, one).key, "primary")

    def delete_subscription(self, one: int, two: int) -> None:
        subscriptions.delete_subscription(ALICE, pick(Subscription, one).key)

    def reseal(self, one: int, two: int) -> None:
        keys = KEYS if one % 2 else KEYS[::-1]
        with override_settings(CERTIFICATE_ENCRYPTION_KEYS=keys):
            reseal(ALICE)

    def damage(self, one: int, two: int) -> None:
        """A row is written with a secret that cannot be opened."""
        model, column = _SEALED[two % 3]
        row = pick(model, one)
        if getattr(row, column) != "damaged":
            self._whole[model, column, row.pk] = getattr(row, column)
        update_directly(model, row.pk, **{column: "damaged"}, revision=Revision.objects.get().number + 1)

    def mend(self, one: int, two: int) -> None:
        """The secret of a row can be opened again, which no revision tells."""
        for model, column, key in list(self._whole)[:1]:
            sealed = self._whole.pop((model, column, key))
            if model._default_manager.filter(pk=key, **{column: "damaged"}).exists():
                update_directly(model, key, **{column: sealed})


NAMES = tuple(
    name
    for name, value in vars(Changes).items()
    if isinstance(value, Callable) and not name.startswith("_") and name not in ("begin", "make")
)
