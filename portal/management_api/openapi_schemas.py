"""The schemas and the words of an entity in the OpenAPI description."""

import inspect
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from portal.management_api.resource import Resource

Json = dict[str, Any]
_SHORT = {"api": "API", "apis": "APIs", "ca": "CA"}
# What says nothing: null, false, "", [] and {}. Not as an enum: generators of clients know none of mixed types, and
# would leave out every entity that has one
_NOTHING: Json = {
    "type": ["null", "boolean", "string", "array", "object"],
    "not": {"const": True},
    "maxLength": 0,
    "items": {},
    "maxItems": 0,
    "maxProperties": 0,
}


class Words(NamedTuple):
    """What an entity is called."""

    schema: str  # CaCertificate
    path: str  # ApisOperationsPolicies
    one: str  # a CA certificate
    plural: str  # CA certificates
    of_parent: str  # " of an API"
    description: str

    @classmethod
    def of(cls, resource: Resource[Any]) -> "Words":
        """From the names of classes and segments."""
        name = type(resource).__name__
        path = "".join(each.segment[0].upper() + each.segment[1:] for each in resource.chain())
        prefix = "Classic" if name.startswith("Classic") else ""
        parent = f" of {_one(type(resource.parent).__name__)}" if resource.parent else ""
        text = " ".join((inspect.getdoc(type(resource)) or "").split())
        one = f"the {_words(_singular(name))}" if resource.singleton else _one(name)
        return cls(_singular(name), prefix + path, one, _words(name), parent, text)


def _singular(name: str) -> str:
    return re.sub("ies$", "y", name) if name.endswith("ies") else name.removesuffix("s")


def _words(name: str) -> str:
    words = [word.lower() for word in re.findall("[A-Z][a-z0-9]*", name)]
    return " ".join(_SHORT.get(word, word) for word in words)


def _one(name: str) -> str:
    words = _words(_singular(name))
    return f"{'an' if words[0] in 'AaEeIiOo' else 'a'} {words}"


def schemas_of(resource: Resource[Any], *, flat: bool = False) -> Json:
    """What an entity is in answers, in lists and in bodies. A `flat` one has its members not in `properties`."""
    name = Words.of(resource).schema
    around = {} if flat else _around()
    answered = {member: each for member, each in _members(resource).items() if not _is(each, "writeOnly")}
    sent = _members(resource)
    found = {
        name: _entity(around, answered, flat=flat, answer=True),
        f"{name}Parameters": _entity(around, sent, resource.required, flat=flat),
    }
    if "PATCH" in resource.methods:
        found[f"{name}UpdateParameters"] = _entity(around, sent, flat=flat)
    if not resource.singleton:
        found[f"{name}List"] = _list(name, flat=flat)
    if not resource.methods & {"PUT", "POST"}:
        del found[f"{name}Parameters"]
    return found


def _around() -> Json:
    return {member: {"type": "string", "readOnly": True} for member in ("id", "type", "name")}


def _is(schema: Mapping[str, Any], what: str) -> bool:
    return bool(schema.get(what))


def _members(resource: Resource[Any]) -> dict[str, Json]:
    """The members, and those of the original that may be there as long as they say nothing."""
    refused = {
        name: {**_NOTHING, "description": f"Has to say nothing. {text}"}
        for name, text in resource.refused.items()
    }
    return {**refused, **{name: dict(each) for name, each in resource.schema.items()}}


def _entity(
    around: Json, members: Json, required: tuple[str, ...] = (), *, flat: bool, answer: bool = False
) -> Json:
    properties: Json = {"type": "object", "properties": members, "additionalProperties": False}
    if required:
        properties["required"] = list(required)
    if flat:
        return properties
    wanted = [*around, "properties"] if answer else ["properties"] if required else []
    found: Json = {
        "type": "object",
        "properties": {**around, "properties": properties},
        "additionalProperties": False,
    }
    if not answer:
        found["properties"]["etag"] = {"type": ["string", "null"], "readOnly": True}
    return {**found, "required": wanted} if wanted else found


def _list(name: str, *, flat: bool) -> Json:
    link: Json = {"type": "string", "format": "uri", "description": "The next page, if there is one."}
    if flat:
        link["type"] = ["string", "null"]
    return {
        "type": "object",
        "properties": {
            "value": {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}},
            "count": {"type": "integer", "description": "How many there are on all pages."},
            "nextLink": link,
        },
        "required": ["value", "count", *(["nextLink"] if flat else [])],
        "additionalProperties": False,
    }
