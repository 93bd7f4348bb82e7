"""Which files are an export's own, told by their paths, and the marker that says what a directory is. Pure."""

import json
import re
from dataclasses import dataclass

from gateway.export.texts import as_json

MARKER = "export.json"
FORMAT = 1
KIND = "publisher portal configuration"
SECRETS = "secrets"  # the folder of what is sealed
MOST_FOLDERS = 4  # one within the other

_NAME = r"[^/.][^/]*"
_OWN = re.compile(
    rf"""
    export\.json | policy\.xml | notifications\.json | managementApi\.json
    | apis/{_NAME}/(api\.json | policy\.xml | operations/{_NAME}\.(json|xml))
    | certificates/{_NAME}/(certificate\.json | [0-9]+\.pem)
    | (caCertificates | signingRequests/{_NAME})/{_NAME}\.(json|pem)
    | (namedValues | subscriptions | backEnds | principals)/{_NAME}\.json
    | {SECRETS}/(certificates/{_NAME}/[0-9]+\.key\.pem | recipient\.pem | values\.p7m)
    """,
    re.VERBOSE,
)


class NotAnExport(Exception):
    """A directory is not one that may be written to, or compared with. The message is for a person."""


@dataclass(frozen=True, slots=True)
class Marker:
    """What a directory's marker says: whether all of the export was written, and whether with what is sealed."""

    complete: bool = True
    secrets: bool = False

    def as_file(self) -> bytes:
        values = {"format": FORMAT, "kind": KIND, "complete": self.complete, "secrets": self.secrets}
        return as_json(values)


def read_marker(content: bytes) -> Marker:
    """What a marker says. Raises NotAnExport."""
    try:
        values = json.loads(content)
        kind, number = values["kind"], values["format"]
        marker = Marker(bool(values["complete"]), bool(values["secrets"]))
    except (ValueError, LookupError, TypeError, RecursionError):
        kind, number = "", FORMAT
    if kind != KIND:
        raise NotAnExport(f"its {MARKER} is not that of an export")
    if number != FORMAT:
        raise NotAnExport(f"it is an export of format {number!r}, and this release writes format {FORMAT}")
    return marker


def is_own(path: str) -> bool:
    """Whether a file may be one that an export wrote. What begins with a dot never is."""
    return bool(_OWN.fullmatch(path))


def is_sealed(path: str) -> bool:
    """Whether a file of an export holds secrets, sealed."""
    return path.startswith(f"{SECRETS}/")
