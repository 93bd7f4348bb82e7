"""Changes to back ends: what is checked of the certificates of the servers below a URL."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from gateway import addresses
from gateway.changes.back_end_credentials import shown_to
from gateway.changes.base import Actor, Change, change, expect_revision
from gateway.changes.ids import free_id
from gateway.errors import AlreadyExists, InUse, Invalid, NeedsConfirmation, NotFound
from gateway.models import BackEnd
from gateway.url_templates import normalise

_MOST_TITLE = BackEnd._meta.get_field("title").max_length or 0
_MOST_DESCRIPTION = BackEnd._meta.get_field("description").max_length or 0
_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")  # what a database does not take
_YES_NO = {True: "yes", False: "no"}


def create_back_end(
    actor: Actor,
    *,
    resource_id: str,
    url: str,
    title: str = "",
    description: str = "",
    validate_certificate_chain: bool = True,
    validate_certificate_name: bool = True,
) -> BackEnd:
    """Describe a back end; without an id it gets one made from its title.

    From then on its two switches hold for all calls to its URL and to what is below it. Raises Invalid or
    AlreadyExists on "id", "url", "title" or "description".
    """
    values = _clean(url, title, description, validate_certificate_chain, validate_certificate_name)
    with change(actor) as this:
        _refuse_taken_url(values["url"])
        rows, name = BackEnd.objects.all(), values["title"]
        resource_id = free_id(rows, resource_id.strip(), name, field="id", default="backend")
        row = BackEnd.objects.create(
            resource_id=resource_id, revision=this.revision, created_at=timezone.now(), **values
        )
        this.audit(
            "created", row, {name: ["", _shown(value)] for name, value in values.items() if value != ""}
        )
    return row


def update_back_end(
    actor: Actor,
    key: UUID,
    *,
    url: str,
    title: str = "",
    description: str = "",
    validate_certificate_chain: bool = True,
    validate_certificate_name: bool = True,
    revision: int | None = None,
    confirmed: bool = False,
) -> BackEnd:
    """Change a back end; policies that name it follow its URL.

    Raises what create_back_end does, NotFound, EditConflict, and NeedsConfirmation when credentials of a policy
    that names it would be shown to another host.
    """
    values = _clean(url, title, description, validate_certificate_chain, validate_certificate_name)
    with change(actor) as this:
        row = get_back_end(key)
        expect_revision(row.revision, revision)
        _refuse_taken_url(values["url"], but=row)
        _check_credentials(row, values["url"], confirmed)
        this.audit("updated", row, _write(this, row, values))
    return row


def delete_back_end(actor: Actor, key: UUID, *, revision: int | None = None) -> int:
    """Delete a back end that no policy names; returns the revision of the change.

    Raises NotFound, EditConflict, or InUse with every policy that names it.
    """
    try:
        with change(actor) as this:
            row = get_back_end(key)
            expect_revision(row.revision, revision)
            _refuse_in_use(row)
            this.audit("deleted", row, {"url": [row.url, ""]})
            this.delete(row)
            return this.revision
    except IntegrityError:  # the second line: a reference that the check above could not see
        if found := BackEnd.objects.with_uses().filter(pk=key).first():
            _refuse_in_use(found)
        raise


def get_back_end(key: UUID) -> BackEnd:
    """The back end with that key. Raises NotFound."""
    row = BackEnd.objects.with_uses().filter(pk=key).first()
    if row is None:
        raise NotFound("Backend not found.")
    return row


def _refuse_in_use(row: BackEnd) -> None:
    if uses := row.uses:
        raise InUse("Backend cannot be deleted since it is being used by one or more policies.", uses)


# --- what may be written ------------------------------------------------------------------------------------------
def _clean(url: str, title: str, description: str, chain: bool, name: bool) -> dict[str, Any]:
    """The values as they are stored. Raises Invalid with everything that is wrong."""
    title, description = title.strip(), description.strip()
    known, url_fault = _normalised(url.strip())
    errors = {
        "url": url_fault,
        "title": _text_fault(title, _MOST_TITLE),
        "description": _text_fault(description, _MOST_DESCRIPTION),
    }
    if any(errors.values()):
        raise Invalid({name: text for name, text in errors.items() if text})
    return {
        "title": title,
        "description": description,
        "url": known,
        "validate_certificate_chain": chain,
        "validate_certificate_name": name,
    }


def _normalised(text: str) -> tuple[str, str]:
    """The one spelling of a URL, or what is wrong with it."""
    try:
        url = addresses.parse_web_service_url(text)
    except ValueError as error:
        return "", str(error).replace("web service URL", "URL")
    rules = addresses.AddressRules.from_settings(settings.GATEWAY_ALLOWED_BACK_END_NETWORKS)
    return str(replace(url, path=normalise(url.path))), addresses.check_literal(url.host, rules) or ""


def _text_fault(text: str, most: int) -> str:
    if _NO_TEXT.search(text):
        return "Use no NUL characters and no halves of characters."
    return f"Use at most {most} characters." if len(text) > most else ""


def _refuse_taken_url(url: str, but: BackEnd | None = None) -> None:
    same = BackEnd.objects.filter(url=url).exclude(pk__in=[but.pk] if but else [])
    if other := same.first():
        text = f"There is a back end with this URL already: “{other}”. Change that one, or use another URL."
        raise AlreadyExists({"url": text})


def _check_credentials(row: BackEnd, url: str, confirmed: bool) -> None:
    """A certificate is presented over https only; no credentials go to another host unless a person agreed."""
    old, new = (addresses.parse_web_service_url(each) for each in (row.url, url))
    if old.origin == new.origin:
        return
    if old.scheme == "https" and new.scheme != "https":
        _refuse_without_https(row)
    shown = None if confirmed else next(shown_to(row), None)
    if shown is None:
        return
    what = [f"present the client certificate “{shown.certificate}”"] if shown.certificate else []
    if shown.secret:
        what.append("send passwords and other secrets")
    raise NeedsConfirmation(
        f"From now on the gateway would {' and '.join(what)} to {new.origin} instead of {old.origin}, "
        f"as the policy of {shown.use} says."
    )


def _refuse_without_https(row: BackEnd) -> None:
    for shown in shown_to(row):
        if shown.certificate:
            text = (
                "A client certificate is only presented over https, and the policy of "
                f"{shown.use} presents “{shown.certificate}” to this back end. Use an https:// URL."
            )
            raise Invalid({"url": text})


# --- writing ------------------------------------------------------------------------------------------------------
def _write(this: Change, row: BackEnd, values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Write the values that differ, and return them as [before, after]."""
    before = {name: getattr(row, name) for name, value in values.items() if getattr(row, name) != value}
    for name in before:
        setattr(row, name, values[name])
    row.revision = this.revision
    row.save(update_fields=[*before, "revision"])
    return {name: [_shown(value), _shown(values[name])] for name, value in before.items()}


def _shown(value: str | bool) -> str:
    return _YES_NO[value] if isinstance(value, bool) else value
