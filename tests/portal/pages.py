"""What tests of pages look for in them."""

import html
import re
from typing import Any

from gateway.models import AuditEntry


def text(response: Any) -> str:
    """What a person reads on a page: without tags, entities resolved, white space collapsed."""
    body = re.sub(r"<(script|style|noscript).*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def newest_entry() -> tuple[str, str, str, str]:
    """The newest audit entry as (actor, action, kind, name)."""
    entry = AuditEntry.objects.latest("revision", "at")
    return entry.actor_name, entry.action, entry.object_kind, entry.object_name
