"""Where people reach the portal, for links that are read elsewhere: PORTAL_PUBLIC_URL, or what can be guessed.

Gateways tell the address of a trace, too; one on another machine than the portal can guess nothing.
"""

from django.conf import settings

_ANY = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 (compared with, never bound to)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def portal_url() -> str:
    """The portal's address without a slash at its end."""
    if settings.PORTAL_PUBLIC_URL:
        return str(settings.PORTAL_PUBLIC_URL)
    names = [name for name in settings.ALLOWED_HOSTS if not name.startswith((".", "*"))]
    if settings.PORTAL_BEHIND_TLS_PROXY and names:
        return f"https://{names[0]}"
    scheme = "https" if settings.PORTAL_TLS_CERTIFICATE else "http"
    host = settings.PORTAL_HOST if settings.PORTAL_HOST not in _ANY else (names or ["127.0.0.1"])[0]
    return f"{scheme}://{_authority(host, scheme)}"


def _authority(host: str, scheme: str) -> str:
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return host if _DEFAULT_PORTS[scheme] == settings.PORTAL_PORT else f"{host}:{settings.PORTAL_PORT}"
