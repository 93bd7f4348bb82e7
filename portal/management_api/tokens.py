"""Access tokens of the management REST API: how they are written, signed and read. Pure.

The original's form, nothing of it URL-encoded: `SharedAccessSignature uid=<identifier>&ex=<expiry>&sn=<signature>`,
where the signature is the base64 of the HMAC-SHA512 of identifier, line feed and expiry, by the key's own text.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

SCHEME = "SharedAccessSignature"
IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,80}")
_LONGEST = 1000
_NAMES = ("uid", "ex", "sn")
_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{86}==")
# As .NET writes one that round-trips, and as others write ISO 8601; without a zone it is UTC
_LONG = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,7})?(?:Z|([+-])([0-9]{2}):([0-9]{2}))?"
)
_SHORT = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it came: not yet known to be good. `expiry` is the text that was signed."""

    identifier: str
    expiry: str
    expires_at: datetime
    signature: str

    def __repr__(self) -> str:
        return f"Token(identifier={self.identifier!r}, expiry={self.expiry!r})"

    def is_signed_with(self, key: str) -> bool:
        """Whether that key signed it, compared in constant time."""
        return hmac.compare_digest(sign(self.identifier, self.expiry, key).encode(), self.signature.encode())


def sign(identifier: str, expiry: str, key: str) -> str:
    """The signature of a token. A key counts as the text that it is: it is not decoded."""
    made = hmac.digest(key.encode(), f"{identifier}\n{expiry}".encode(), "sha512")
    return base64.b64encode(made).decode()


def expiry_text(at: datetime) -> str:
    """A time as tokens have it, with seven digits of a second: 2014-08-04T22:03:00.0000000Z."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"


def token(identifier: str, expires_at: datetime, key: str) -> str:
    """A whole value for the field Authorization."""
    expiry = expiry_text(expires_at)
    return f"{SCHEME} uid={identifier}&ex={expiry}&sn={sign(identifier, expiry, key)}"


def parse(authorization: str) -> Token | None:
    """The token in a value of the field Authorization, as such or after "Bearer"; None for anything else."""
    if len(authorization) > _LONGEST:
        return None
    scheme, _, rest = authorization.strip(" ").partition(" ")
    if scheme.lower() == "bearer":
        rest = rest.strip(" ")
        word, _, after = rest.partition(" ")
        rest = after if word.lower() == SCHEME.lower() else rest
    elif scheme.lower() != SCHEME.lower():
        return None
    parts = _parts(rest.strip(" "))
    return _token(*parts) if parts else None


def _parts(text: str) -> list[str] | None:
    """Identifier, expiry and signature, from uid=...&ex=...&sn=... or from the three alone in that order."""
    parts = text.split("&")
    if len(parts) != len(_NAMES):
        return None
    if "=" not in parts[0]:
        return parts
    named = dict(part.split("=", 1) for part in parts if "=" in part)
    return [named[name] for name in _NAMES] if sorted(named) == sorted(_NAMES) else None


def _token(identifier: str, expiry: str, signature: str) -> Token | None:
    expires_at = _time(expiry)
    if expires_at is None or not IDENTIFIER.fullmatch(identifier) or not _SIGNATURE.fullmatch(signature):
        return None
    return Token(identifier, expiry, expires_at, signature)


def _time(text: str) -> datetime | None:
    try:
        if _SHORT.fullmatch(text):
            return datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=UTC)
        found = _LONG.fullmatch(text)
        return datetime.fromisoformat(found[1]).replace(tzinfo=_zone(found)) if found else None
    except ValueError:
        return None


def _zone(found: re.Match[str]) -> timezone:
    if not found[2]:
        return UTC
    distance = timedelta(hours=int(found[3]), minutes=int(found[4]))
    return timezone(-distance if found[2] == "-" else distance)
