"""Changes to operations.

Of an operation's policy document the rewrite-uri statement is a field here, too. A document that says more than the
field can show is left alone by it: only the policy editor changes that.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway import url_templates
from gateway.changes.base import Actor, Change, change, expect_revision
from gateway.changes.ids import free_id
from gateway.changes.policies import document_of, save_document, text_of
from gateway.changes.policy_documents import parsed
from gateway.changes.policy_references import Lookup, faults_in, refuse
from gateway.errors import AlreadyExists, Invalid, NotFound
from gateway.models import Api, Operation
from gateway.policies import parser, splice
from gateway.policies.faults import PolicyErrors
from gateway.policies.named_values import has_reference

METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE")


def create_operation(
    actor: Actor,
    api_key: UUID,
    *,
    method: str,
    url_template: str,
    display_name: str,
    description: str = "",
    rewrite_template: str = "",
    resource_id: str = "",
) -> Operation:
    """Add an operation to an API. Raises NotFound, Invalid or AlreadyExists on the parameter's name."""
    values = _clean(method, url_template, display_name, description, rewrite_template)
    with change(actor) as this:
        api = _get_api(api_key)
        operation = _create(this, api, values, resource_id.strip())
        _set_rewrite(this, operation, rewrite_template)
        this.audit("created", operation, {name: ["", value] for name, value in values.items()})
    return operation


def _create(this: Change, api: Api, values: dict[str, str], resource_id: str = "") -> Operation:
    _refuse_clash(api, values["method"], values["shape"])
    resource_id = free_id(
        api.operations.all(), resource_id, values["display_name"], field="id", default="operation"
    )
    return Operation.objects.create(api=api, resource_id=resource_id, revision=this.revision, **values)


def create_all_operations(actor: Actor, api_key: UUID) -> int:
    """Add `/*` for every verb that has none yet; returns the revision. Raises NotFound, and AlreadyExists on
    "url_template" when every verb has it.
    """
    with change(actor) as this:
        add_all_operations(this, _get_api(api_key))
        return this.revision


def add_all_operations(this: Change, api: Api) -> None:
    """Add `/*` for every verb, so that each call to the API reaches its back end.

    That is one decision, so the audit log has one entry for it. Raises AlreadyExists when nothing is missing.
    """
    shape = url_templates.parse_template("/*").shape
    there = set(api.operations.filter(shape=shape).values_list("method", flat=True))
    missing = [method for method in METHODS if method not in there]
    if not missing:
        raise AlreadyExists({"url_template": "Every HTTP verb has an operation for /* already."})
    for method in missing:
        values = {"method": method, "url_template": "/*", "shape": shape}
        _create(this, api, {**values, "display_name": f"{method} anything"})
    this.audit("added all operations to", api, {"operations": ["", f"/* for {', '.join(missing)}"]})


def update_operation(
    actor: Actor,
    key: UUID,
    *,
    method: str,
    url_template: str,
    display_name: str,
    description: str = "",
    rewrite_template: str | None = "",
    revision: int | None = None,
    row_revision: int | None = None,
) -> Operation:
    """Change an operation; a rewrite template of None leaves its policy alone.

    `revision` is that of the operation with its policy, `row_revision` that of the operation alone. Raises what
    create_operation does, and EditConflict.
    """
    values = _clean(method, url_template, display_name, description, rewrite_template or "")
    with change(actor) as this:
        operation = get_operation(key)
        expect_revision(revision_of(operation), revision)
        expect_revision(operation.revision, row_revision)
        _refuse_clash(operation.api, values["method"], values["shape"], but=operation)
        before = rewrite_template_of(operation)
        changed = _write(this, operation, values)
        this.audit("updated", operation, changed)
        if rewrite_template is not None:
            _refuse_other(before)
            _set_rewrite(this, operation, rewrite_template)
        elif "url_template" in changed and before != OtherRewrite(UNREADABLE):
            _check_policy(operation)
    return operation


def _write(this: Change, operation: Operation, values: dict[str, str]) -> dict[str, Any]:
    changed = {name: [getattr(operation, name), value] for name, value in values.items()}
    changed = {name: both for name, both in changed.items() if both[0] != both[1]}
    for name, (_, value) in changed.items():
        setattr(operation, name, value)
    operation.revision = this.revision
    operation.save(update_fields=[*changed, "revision"])
    return changed


def delete_operation(
    actor: Actor, key: UUID, *, revision: int | None = None, row_revision: int | None = None
) -> int:
    """Delete an operation and its policy; returns the revision. Raises NotFound, EditConflict."""
    with change(actor) as this:
        operation = get_operation(key)
        expect_revision(revision_of(operation), revision)
        expect_revision(operation.revision, row_revision)
        this.audit(
            "deleted",
            operation,
            {"method": [operation.method, ""], "url_template": [operation.url_template, ""]},
        )
        document = document_of(operation)
        this.delete(operation, *([document] if document else []))
        return this.revision


def _get_api(key: UUID) -> Api:
    api = Api.objects.filter(pk=key).first()
    if api is None:
        raise NotFound("API not found.")
    return api


def get_operation(key: UUID) -> Operation:
    """The operation with that key. Raises NotFound."""
    try:
        return Operation.objects.select_related("api", "policy_document").get(pk=key)
    except Operation.DoesNotExist:
        raise NotFound("Operation not found.") from None


def revision_of(operation: Operation) -> int:
    """The revision that last wrote an operation or its policy, which holds its rewrite URL template."""
    document = document_of(operation)
    return max(operation.revision, document.revision if document else 0)


@dataclass(frozen=True, slots=True)
class OtherRewrite:
    """The author of an operation's document wrote what the field cannot show."""

    explanation: str


UNREADABLE = "The policy of this operation cannot be read."
_SEVERAL = "The policy of this operation holds more than one rewrite-uri statement."
_NAMED = "The policy of this operation rewrites the URL with a named value."


def rewrite_template_of(operation: Operation) -> str | OtherRewrite:
    """The Rewrite URL template as the operation's policy document has it, "" when there is none."""
    try:
        found = splice.rewrites_of(parser.parse(text_of(operation), "operation"))
    except PolicyErrors:
        return OtherRewrite(UNREADABLE)
    if len(found) > 1:
        return OtherRewrite(_SEVERAL)
    if found and has_reference(found[0]):
        return OtherRewrite(_NAMED)
    return found[0] if found else ""


def _refuse_other(rewrite: str | OtherRewrite) -> None:
    if isinstance(rewrite, OtherRewrite):
        raise Invalid({"rewrite_template": f"{rewrite.explanation} Use the policy editor to change that."})


def _set_rewrite(this: Change, operation: Operation, rewrite_template: str) -> None:
    save_document(this, operation, splice.set_rewrite(text_of(operation), rewrite_template.strip() or None))


def _check_policy(operation: Operation) -> None:
    """What the field does not show may rewrite with parameters that the URL template does not have any more."""
    try:
        document = parsed(operation, text_of(operation))
        faults = faults_in(operation, document, document, Lookup())
        refuse(tuple(fault for fault in faults if fault.element == "rewrite-uri"))
    except PolicyErrors as error:
        told = [f"The policy of this operation would become invalid. {fault}" for fault in error.faults]
        raise Invalid({"url_template": told}) from None


def _clean(
    method: str, url_template: str, display_name: str, description: str, rewrite: str
) -> dict[str, str]:
    """The values as they are stored. Raises Invalid with everything that is wrong."""
    errors: dict[str, str] = {}
    if method not in METHODS:
        errors["method"] = f"Choose one of {', '.join(METHODS)}."
    if not 1 <= len(display_name.strip()) <= 100:
        errors["display_name"] = "Enter a display name of at most 100 characters."
    try:
        template = url_templates.parse_template(url_template.strip())
    except ValueError as error:
        raise Invalid({**errors, "url_template": str(error)}) from None
    try:
        if rewrite.strip():
            url_templates.parse_rewrite_template(rewrite.strip(), template)
    except ValueError as error:
        errors["rewrite_template"] = str(error)
    if errors:
        raise Invalid(errors)
    return {
        "method": method,
        "url_template": template.text,
        "shape": template.shape,
        "display_name": display_name.strip(),
        "description": description.strip(),
    }


def _refuse_clash(api: Api, method: str, shape: str, but: Operation | None = None) -> None:
    others = api.operations.filter(method=method, shape=shape).exclude(pk__in=[but.pk] if but else [])
    if other := others.first():
        raise AlreadyExists(
            {
                "url_template": f"{method} {other.url_template} is already there as “{other}”, and a call could "
                "not tell the two apart. Choose another URL template or HTTP verb."
            }
        )
