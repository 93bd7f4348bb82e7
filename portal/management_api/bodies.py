"""Bodies of requests: JSON, judged by the very schemas that the OpenAPI description publishes.

A schema is that of an entity's `properties`: member names with their JSON Schema (2020-12). Members that are
"readOnly" are accepted and left out, so that what GET answered can be PUT.
"""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, cast

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from portal.management_api.errors import ApiError, Detail, incorrect

Schema = Mapping[str, Mapping[str, Any]]
# What an entity has beside its properties; of no consequence in a request.
_AROUND = {"id", "name", "type", "properties", "etag"}
JSON_TYPES = ("application/json", "text/json", "")


def json_body(request: HttpRequest, media_types: tuple[str, ...] = JSON_TYPES) -> dict[str, Any]:
    """The JSON object of a request. Raises ApiError."""
    if request.content_type not in media_types:
        message = f"The media type '{request.content_type}' is not supported. Send application/json."
        raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    try:
        found = json.loads(request.body, parse_constant=_refuse_constant)
    except RequestDataTooBig:
        message = "The body is too large."
        raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge", message) from None
    except (UnreadablePostError, UnicodeDecodeError, ValueError, RecursionError):
        raise incorrect(Detail("body", "The body is no JSON.")) from None
    if not isinstance(found, dict):
        raise incorrect(Detail("body", "The body has to be a JSON object."))
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def properties_of(
    body: Mapping[str, Any], schema: Schema, *, required: Iterable[str] = (), refused: Mapping[str, str]
) -> dict[str, Any]:
    """The members of a body's `properties` that say something, if they may be said.

    `refused` are members of the original that are not supported here, each with what to do instead; they may be
    null, false, or empty. Raises ApiError with everything that is wrong.
    """
    details = [Detail(name, _unknown(name)) for name in body if name not in _AROUND]
    given = body.get("properties", {})
    if not isinstance(given, dict):
        raise incorrect(*details, Detail("properties", "This has to be a JSON object."))
    found = {name: value for name, value in given.items() if not _says_nothing(name, value, schema, refused)}
    details += [Detail(name, refused[name]) for name in found if name in refused]
    rest = {name: value for name, value in found.items() if name not in refused}
    details += judge(rest, schema, required)
    if details:
        raise incorrect(*details)
    return rest


def _says_nothing(name: str, value: Any, schema: Schema, refused: Mapping[str, str]) -> bool:
    if name in refused:
        return _is_empty(value)
    return bool(schema.get(name, {}).get("readOnly"))


def _is_empty(value: Any) -> bool:
    """Whether a value says nothing, however deep: {"oAuth2": null} says as little as null."""
    if isinstance(value, dict | list):
        return all(map(_is_empty, value.values() if isinstance(value, dict) else value))
    return value is None or value is False or value == ""


def judge(given: Mapping[str, Any], schema: Schema, required: Iterable[str] = ()) -> list[Detail]:
    """What is wrong with some members, by JSON Schema."""
    whole = object_schema(schema, required)
    errors = Draft202012Validator(whole).iter_errors(given)
    return [detail for error in errors for detail in _told(error)]


def object_schema(schema: Schema, required: Iterable[str] = ()) -> dict[str, Any]:
    """The JSON Schema of an object with these members and no others."""
    return {
        "type": "object",
        "properties": {name: dict(each) for name, each in schema.items()},
        "required": list(required),
        "additionalProperties": False,
    }


def _told(error: ValidationError) -> list[Detail]:
    path, instance = ".".join(str(each) for each in error.absolute_path), cast(Any, error.instance)
    schema = cast(dict[str, Any], error.schema)
    match error.validator:
        case "additionalProperties":
            known = schema.get("properties", {})
            return [Detail(_join(path, name), _unknown(name)) for name in instance if name not in known]
        case "required":  # one error for each, whose name is nowhere but in its text
            missing = [name for name in schema["required"] if name not in instance]
            return [
                Detail(_join(path, n), f"'{n}' is missing.") for n in missing if f"'{n}'" in error.message
            ]
    return [Detail(path, _in_words(str(error.validator), error.validator_value))]


# Without the value, which may be a secret
_WORDS = {
    "type": "This has to be of the type {}.",
    "enum": "Use one of: {}.",
    "maxLength": "Use at most {} characters.",
    "minLength": "Use at least {} characters.",
    "minimum": "Use a number of at least {}.",
    "maximum": "Use a number of at most {}.",
    "minItems": "Give at least {}.",
}


def _in_words(validator: str, value: Any) -> str:
    words = _WORDS.get(validator, "The value is not of the form that openapi.json describes.")
    between = " or " if validator == "type" else ", "
    return words.format(between.join(map(str, value)) if isinstance(value, list | tuple) else value)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _unknown(name: str) -> str:
    return f"'{name}' is no known member. Leave it out."
