"""Addresses of the ARM dialect: what each of them names, and what can be done there."""

from typing import Any, NamedTuple

from portal.management_api.errors import not_found
from portal.management_api.resource import Action, Resource
from portal.management_api.table import RESOURCES


class Found(NamedTuple):
    """What an address names: an entity, the ids on the way to it, its own id ("" for the list), and an action."""

    resource: Resource[Any]
    parents: tuple[str, ...]
    name: str
    action: Action | None


def find(rest: str) -> Found | None:
    """What the address below that of the service names, None if nothing has such an address."""
    parts = [part for part in rest.split("/") if part]
    for resource in RESOURCES:
        if (found := _matched(resource, parts)) is not None:
            return found
    return None


def _matched(resource: Resource[Any], parts: list[str]) -> Found | None:
    template = [part for part in resource.template.split("/") if part]
    names = _names(template, parts)
    if names is None:
        return None
    rest = parts[len(template) :]
    if not rest and len(parts) == len(template):
        return Found(resource, *_own(resource, names), None)
    if not rest:
        return None if resource.singleton else Found(resource, tuple(names), "", None)
    action = next((a for a in resource.actions if [a.name.lower()] == [r.lower() for r in rest]), None)
    return Found(resource, *_own(resource, names), action) if action else None


def _names(template: list[str], parts: list[str]) -> list[str] | None:
    """The ids in an address that fits a URL template so far; it may lack the last part, or go on."""
    if len(parts) < len(template) - 1:
        return None
    pairs = list(zip(template, parts, strict=False))
    if any(want[0] != "{" and want.lower() != part.lower() for want, part in pairs):
        return None
    return [part for want, part in pairs if want[0] == "{"]


def _own(resource: Resource[Any], names: list[str]) -> tuple[tuple[str, ...], str]:
    """The ids of parents, and the entity's own."""
    return (tuple(names), resource.segment) if resource.singleton else (tuple(names[:-1]), names[-1])


def parents_of(resource: Resource[Any], names: tuple[str, ...]) -> tuple[Any, ...]:
    """The rows that an address names before the entity. Raises ApiError for the first that is not there."""
    rows: tuple[Any, ...] = ()
    for each, name in zip(resource.chain(), names, strict=False):
        row = each.find(rows, name)
        if row is None:
            raise not_found(each.label)
        rows = (*rows, row)
    return rows


def allowed(resource: Resource[Any], *, one: bool, action: Action | None = None) -> tuple[str, ...]:
    """The methods that an address takes: of a list, of an entity (`one`), or of an action."""
    if action:
        return ("POST",)
    own = ("PUT", "PATCH", "DELETE") if one else ("POST",)
    return ("GET", "HEAD", *(method for method in own if method in resource.methods))
