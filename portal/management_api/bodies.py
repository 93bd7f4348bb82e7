"""Bodies of requests: JSON, judged by the very schemas that the OpenAPI description publishes.

A schema is that of an entity's `properties`: member names with their JSON Schema (2020-12). Members that are
"readOnly" are accepted and left out, so that what GET answered can be PUT.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from itertools import islice
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from portal.management_api.errors import ApiError, Detail, incorrect, too_large

Schema = Mapping[str, Mapping[str, Any]]
Path = tuple[str | int, ...]
# What an entity has beside its properties; of no consequence in a request.
_AROUND = {"id", "name", "type", "properties", "etag"}
JSON_TYPES = ("application/json", "text/json", "application/merge-patch+json", "")
MOST_DEPTH = 32
MOST_VALUES = 10_000  # in one body: each costs time in the schema, and may come to an error of its own
_MOST_TOLD = 100  # characters of a name, and members that are given twice
_LARGEST = 2**53 - 1  # which every reader of JSON knows exactly (RFC 8259, 6)


def json_body(request: HttpRequest, media_types: tuple[str, ...] = JSON_TYPES) -> dict[str, Any]:
    """The JSON object of a request. Raises ApiError."""
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if request.content_type not in media_types or charset not in ("utf-8", "utf8"):
        sent = request.headers.get("Content-Type", "")
        message = f"The media type '{sent}' is not supported. Send application/json in UTF-8."
        raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    found = _parsed(_raw(request))
    if not isinstance(found, dict):
        raise incorrect(Detail("body", "The body has to be a JSON object."))
    if details := list(_unfit(found)):
        raise incorrect(*details)
    return found


def _raw(request: HttpRequest) -> bytes:
    if request.headers.get("Transfer-Encoding") and not request.headers.get("Content-Length"):
        # WSGI knows a body's end by its length alone
        message = "Send the body with a Content-Length."
        raise ApiError(HTTPStatus.LENGTH_REQUIRED, "LengthRequired", message)
    try:
        return request.body
    except RequestDataTooBig:
        raise too_large(settings.DATA_UPLOAD_MAX_MEMORY_SIZE) from None
    except UnreadablePostError:
        raise incorrect(Detail("body", "The body ended too early.")) from None


def _parsed(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8-sig")
        if text.strip():
            return json.loads(
                text,
                object_pairs_hook=_once,
                parse_constant=_refuse_constant,
                parse_int=lambda digits: int(digits) if len(digits) < 20 else math.inf,
            )
        message = "The body is empty. Send a JSON object."
    except UnicodeDecodeError:
        message = "The body is not in UTF-8."
    except json.JSONDecodeError as error:
        message = f"The body is no JSON: it goes wrong in line {error.lineno}, column {error.colno}."
    except (ValueError, RecursionError):
        message = "The body is no JSON."
    raise incorrect(Detail("body", message)) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)  # NaN, Infinity


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Readers differ in which of two members with one name counts, so neither does."""
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = islice((name for name in counts if counts[name] > 1), _MOST_TOLD)
        raise incorrect(*(Detail(_printable(name), "This member is given twice.") for name in twice))
    return found


def _unfit(body: Any) -> Iterator[Detail]:
    """What no member may be, whatever its schema: it could not be stored, or not on every database."""
    waiting: list[tuple[Any, Path, int]] = [(body, (), 0)]
    count = 0
    while waiting:
        value, path, depth = waiting.pop()
        count += 1
        if isinstance(value, dict):
            yield from _unfit_text("".join(value), path or ("body",))
            around = () if path == ("properties",) else path  # as the targets of other errors
            waiting += [(each, (*around, name), depth + 1) for name, each in value.items()]
        elif isinstance(value, list):
            waiting += [(each, (*path, index), depth + 1) for index, each in enumerate(value)]
        elif isinstance(value, str):
            yield from _unfit_text(value, path)
        elif isinstance(value, int | float) and not -_LARGEST <= value <= _LARGEST:
            yield Detail(_target(path), "This number is too large.")
        if depth > MOST_DEPTH:
            yield Detail("body", f"Nest at most {MOST_DEPTH} levels.")
            return
        if count + len(waiting) > MOST_VALUES:
            yield Detail("body", f"Give at most {MOST_VALUES:,} values.")
            return


def _unfit_text(text: str, path: Path) -> Iterator[Detail]:
    if "\0" in text or _printable(text) != text:
        yield Detail(_target(path), "Leave out NUL characters and halves of surrogate pairs.")


def _target(path: Iterable[str | int]) -> str:
    """A path as a target. A long name is cut: an error for each of many values below it has it once more."""
    return _printable(".".join(str(name)[:_MOST_TOLD] for name in path))


def _printable(text: str) -> str:
    """A text that can be encoded: JSON can name halves of surrogate pairs, UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def properties_of(
    body: Mapping[str, Any], schema: Schema, *, required: Iterable[str] = (), refused: Mapping[str, str]
) -> dict[str, Any]:
    """The members of a body's `properties` that say something, if they may be said.

    `refused` are members of the original that are not supported here, each with what to do instead; they may be
    null, false, or empty. Raises ApiError with everything that is wrong.
    """
    beside = [name for name in body if name not in _AROUND]
    details = [
        Detail(name, f"Put '{name}' into 'properties'." if name in schema else _unknown(name))
        for name in beside
    ]
    given = body.get("properties", {})
    if not isinstance(given, dict):
        raise incorrect(*details, Detail("properties", "This has to be a JSON object."))
    found = {name: value for name, value in given.items() if not _says_nothing(name, value, schema, refused)}
    details += [Detail(name, refused[name]) for name in found if name in refused]
    rest = {name: value for name, value in found.items() if name not in refused}
    details += judge(rest, schema, [name for name in required if name not in beside])
    if details:
        raise incorrect(*details)
    return rest


def _says_nothing(name: str, value: Any, schema: Schema, refused: Mapping[str, str]) -> bool:
    if name in refused:
        return is_empty(value)
    return bool(schema.get(name, {}).get("readOnly"))


def is_empty(value: Any) -> bool:
    """Whether a value says nothing, however deep: {"oAuth2": null} says as little as null."""
    if isinstance(value, dict | list):
        return all(map(is_empty, value.values() if isinstance(value, dict) else value))
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
    path, instance = _target(error.absolute_path), cast(Any, error.instance)
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


_MOST = ("maxLength", "maxItems", "maxProperties")
# Without the value, which may be a secret
_WORDS = {
    "type": "This has to be of the type {}.",
    "enum": "Use one of: {}.",
    "const": "Use {}.",
    "maxLength": "Use at most {} characters.",
    "minLength": "Use at least {} characters.",
    "minimum": "Use a number of at least {}.",
    "maximum": "Use a number of at most {}.",
    "minItems": "Give at least {}.",
}


def _in_words(validator: str, value: Any) -> str:
    if validator in _MOST and value == 0:
        return "This is not supported. Leave it out."
    if validator == "not":
        return f"This cannot be {json.dumps(value['const'])}."
    words = _WORDS.get(validator, "The value is not of the form that openapi.json describes.")
    between = " or " if validator == "type" else ", "
    values = value if isinstance(value, list | tuple) else [value]
    if validator == "enum":
        values = [each for each in values if each is not None]  # by which nothing is said
    return words.format(between.join(map(_as_written, values)))


def _as_written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _unknown(name: str) -> str:
    return f"'{name}' is no known member. Leave it out."
