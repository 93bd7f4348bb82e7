"""What looks like a secret in a policy document, which is exported as its author wrote it. Pure."""

from collections.abc import Iterator
from functools import lru_cache

from gateway.export.texts import File
from gateway.policies import parser
from gateway.policies.parser import PolicyErrors
from gateway.policies.secrets import literal_secrets


def looking_like_secrets(file: File) -> Iterator[str]:
    """What the author of a policy may have meant to be a secret: where it stands, but not what it is."""
    if not file.path.endswith(".xml"):
        return
    scope = "operation" if "/operations/" in file.path else "api" if "/" in file.path else "global"
    for line, what in _found(file.content.decode(), scope):
        yield f"{file.path}, line {line}: {what} looks like a secret."


@lru_cache(maxsize=256)  # many scopes have the same document
def _found(xml: str, scope: str) -> tuple[tuple[int, str], ...]:
    try:
        document = parser.parse(xml, scope)
    except PolicyErrors:
        return ()
    return tuple((secret.line, secret.what) for secret in literal_secrets(document))
