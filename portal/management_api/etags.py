"""ETags and preconditions (RFC 9110, 8.8.3 and 13.1): an ETag is the quoted base64 of a revision's 8 bytes."""

import base64
import binascii
import re

from gateway.errors import EditConflict

# No pattern may try anew from each character on: a field can have 8,000 of them
_MEMBER = re.compile(r'(?:[^",]|"[^"]*"?)+')
# Quotation marks are often lost between shells and clients, and there is no mistaking what is meant
_TAG = re.compile(r'(?P<weak>W/)?(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s"]+))')


def etag_of(revision: int) -> str:
    """The ETag of an entity at a revision, such as "AAAAAAAAL6U="."""
    return f'"{base64.b64encode(revision.to_bytes(8, "big")).decode()}"'


def revisions_in(field: str, *, weak: bool) -> set[int]:
    """The revisions that If-Match or If-None-Match names; tags that are none of ours match nothing.

    `weak` tags count too: for If-None-Match, which compares weakly (RFC 9110, 13.1.2), not for If-Match (13.1.1).
    """
    tags = [tag for member in _MEMBER.findall(field) if (tag := _TAG.fullmatch(member.strip()))]
    found = {_revision(tag["quoted"] or tag["bare"] or "") for tag in tags if weak or not tag["weak"]}
    return {revision for revision in found if revision is not None}


def expected_revision(field: str | None, now: int | None) -> int | None:
    """The revision that a change is to expect: None for any, as without the field or for "*".

    `now` is that of the entity, None where there is none, which nothing matches. The change compares again, behind
    the revision lock. Raises EditConflict.
    """
    if field is None:
        return None
    if now is None or (field.strip() != "*" and now not in revisions_in(field, weak=False)):
        raise EditConflict(now or 0)
    return None if field.strip() == "*" else now


def excludes(field: str | None, now: int | None) -> bool:
    """Whether If-None-Match is not fulfilled by an entity at a revision (None: there is none)."""
    if field is None or now is None:
        return False
    return field.strip() == "*" or now in revisions_in(field, weak=True)


def _revision(tag: str) -> int | None:
    try:
        raw = base64.b64decode(tag, validate=True)
    except (ValueError, binascii.Error):
        return None
    return int.from_bytes(raw, "big") if len(raw) == 8 else None
