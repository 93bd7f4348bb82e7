"""Changes to APIs."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils import timezone

from gateway import addresses
from gateway.changes.base import Actor, Change, change, expect_revision
from gateway.changes.ids import free_id
from gateway.changes.named_values import delete_password_if_unused
from gateway.changes.operations import add_all_operations
from gateway.changes.policies import documents_of, presents_certificate, references_in, sends_secret
from gateway.changes.policy_references import HTTPS_NEEDED
from gateway.changes.subscriptions import delete_in
from gateway.errors import AlreadyExists, Invalid, NeedsConfirmation, NotFound
from gateway.models import Api, BackEndTrust
from gateway.url_templates import normalise

_COLUMNS = ("display_name", "description", "web_service_url", "suffix", "http", "https")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of an API; None leaves one to the settings GATEWAY_*. Times are in seconds.

    `connect_timeout` until a connection to the back end is made, `read_timeout` between two pieces of its answer,
    `total_timeout` for a whole call; `max_body_bytes` of a request; `max_calls` in flight in one gateway process.
    """

    connect_timeout: int | None = None
    read_timeout: int | None = None
    total_timeout: int | None = None
    max_body_bytes: int | None = None
    max_calls: int | None = None


NO_LIMITS = Limits()
# The largest value of each limit: a day, and what a column of every database holds.
MOST = {
    "connect_timeout": 300,
    "read_timeout": 86_400,
    "total_timeout": 86_400,
    "max_body_bytes": 2**53,
    "max_calls": 1_000_000,
}


def create_api(
    actor: Actor,
    *,
    display_name: str,
    web_service_url: str,
    suffix: str,
    http: bool,
    https: bool,
    description: str = "",
    subscription_required: bool = True,
    limits: Limits = NO_LIMITS,
    resource_id: str = "",
    all_operations: bool = False,
) -> Api:
    """Describe an API; `all_operations` adds `/*` for every verb. It starts without credentials.

    Raises Invalid or AlreadyExists on "display_name", "web_service_url", "suffix", "scheme", "id" or a limit.
    """
    values = _clean(display_name, description, web_service_url, suffix, http, https, limits)
    values["subscription_required"] = subscription_required
    with change(actor) as this:
        _refuse_taken_suffix(values["suffix"])
        resource_id = free_id(
            Api.objects.all(), resource_id.strip(), values["display_name"], field="id", default="api"
        )
        api = Api.objects.create(
            resource_id=resource_id, revision=this.revision, created_at=timezone.now(), **values
        )
        BackEndTrust.objects.create(api=api, revision=this.revision)
        this.audit("created", api, {name: ["", value] for name, value in values.items() if value is not None})
        if all_operations:
            add_all_operations(this, api)
    return api


def update_api(
    actor: Actor,
    key: UUID,
    *,
    display_name: str,
    description: str,
    web_service_url: str,
    suffix: str,
    http: bool,
    https: bool,
    subscription_required: bool | None = None,
    limits: Limits | None = None,
    revision: int | None = None,
    confirmed: bool = False,
) -> Api:
    """Change an API's settings; None leaves one as it is. Raises what create_api does, NotFound, EditConflict, and
    NeedsConfirmation when an API with credentials would show them to another host.
    """
    values = _clean(display_name, description, web_service_url, suffix, http, https, limits)
    if subscription_required is not None:
        values["subscription_required"] = subscription_required
    with change(actor) as this:
        api = get_api(key)
        expect_revision(api.revision, revision)
        _refuse_taken_suffix(values["suffix"], but=api)
        _check_credentials(api, values["web_service_url"], confirmed)
        this.audit("updated", api, _write(this, api, values))
    return api


def _write(this: Change, api: Api, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Write the values that differ, and return them as [before, after]."""
    changed = {
        name: [getattr(api, name), value] for name, value in values.items() if getattr(api, name) != value
    }
    for name, (_, value) in changed.items():
        setattr(api, name, value)
    api.revision = this.revision
    api.save(update_fields=[*changed, "revision"])
    return changed


def get_api(key: UUID) -> Api:
    """The API with that key. Raises NotFound."""
    try:
        return Api.objects.select_related("trust").get(pk=key)
    except Api.DoesNotExist:
        raise NotFound("API not found.") from None


def delete_api(actor: Actor, key: UUID, *, revision: int | None = None) -> int:
    """Delete an API with its operations, policies, subscriptions and the secret named values that only it used."""
    with change(actor) as this:
        api = get_api(key)
        expect_revision(api.revision, revision)
        names = sorted(set(_passwords(api)))
        this.audit("deleted", api, {"web_service_url": [api.web_service_url, ""], "suffix": [api.suffix, ""]})
        for subscription in api.subscriptions.all():
            delete_in(this, subscription)
        this.delete(api, *documents_of(api), *api.operations.all(), api.trust)
        for name in names:
            delete_password_if_unused(this, api, name)
        return this.revision


def _passwords(api: Api) -> Iterator[str]:
    """The names of the secret named values that an API's documents refer to."""
    for references in references_in(api):
        yield from references.filter(named_value__secret=True).values_list(
            "named_value__resource_id", flat=True
        )


def _clean(
    display_name: str,
    description: str,
    web_service_url: str,
    suffix: str,
    http: bool,
    https: bool,
    limits: Limits | None,
) -> dict[str, Any]:
    """The values as they are stored. Raises Invalid with everything that is wrong."""
    # One spelling of a suffix (RFC 3986, 6.2.2): what routing takes for the same is the same to the index, too.
    suffix = normalise(suffix.strip())
    values = (display_name.strip(), description.strip(), web_service_url.strip().rstrip("/"), suffix)
    limited = asdict(limits) if limits else {}
    errors = {
        "display_name": _name_fault(values[0]),
        "web_service_url": _url_fault(values[2]),
        "suffix": _suffix_fault(values[3]),
        "scheme": "" if http or https else "Choose at least one scheme: callers need a way in.",
        **{name: _limit_fault(name, value) for name, value in limited.items()},
    }
    if any(errors.values()):
        raise Invalid({name: text for name, text in errors.items() if text})
    return dict(zip(_COLUMNS, (*values, http, https), strict=True)) | limited


def _limit_fault(name: str, value: int | None) -> str:
    if value is None or 1 <= value <= MOST[name]:
        return ""
    return f"Use a whole number from 1 to {MOST[name]}, or leave it empty."


def _name_fault(name: str) -> str:
    if not name:
        return "Enter a name."
    return "" if len(name) <= 100 else "Use at most 100 characters."


def _url_fault(text: str) -> str:
    try:
        url = addresses.parse_web_service_url(text)
    except ValueError as error:
        return str(error)
    rules = addresses.AddressRules.from_settings(settings.GATEWAY_ALLOWED_BACK_END_NETWORKS)
    return addresses.check_literal(url.host, rules) or ""


def _suffix_fault(suffix: str) -> str:
    try:
        addresses.validate_suffix(suffix)
    except ValueError as error:
        return str(error)
    return ""


def _refuse_taken_suffix(suffix: str, but: Api | None = None) -> None:
    same = Api.objects.filter(Exact(Lower("suffix"), Lower(Value(suffix))))
    if other := same.exclude(pk__in=[but.pk] if but else []).first():
        raise AlreadyExists({"suffix": _taken(suffix, other)})


def _taken(suffix: str, other: Api) -> str:
    if not suffix:
        return f"Only one API can do without a suffix, and “{other}” already does. Enter a suffix."
    return f"The suffix “{suffix}” is already taken by “{other}”. Choose another one."


def _check_credentials(api: Api, web_service_url: str, confirmed: bool) -> None:
    """A certificate is presented over https only; no credentials go to another host unless a person agreed."""
    old, new = (addresses.parse_web_service_url(url) for url in (api.web_service_url, web_service_url))
    if new.scheme != "https" and (certificate := presents_certificate(api, at_its_own_url=True)):
        raise Invalid({"web_service_url": HTTPS_NEEDED.format(certificate=certificate)})
    if old.origin == new.origin or confirmed:
        return
    certificate = presents_certificate(api)
    what = [f"present the client certificate “{certificate}”"] if certificate else []
    if sends_secret(api):
        what.append("send the passwords and other secrets of its policies")
    if what:
        raise NeedsConfirmation(
            f"From now on the gateway would {' and '.join(what)} to {new.origin} instead of {old.origin}."
        )
