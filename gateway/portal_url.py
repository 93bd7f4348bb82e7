"""Where people reach the portal, for links that are read elsewhere: PORTAL_PUBLIC_URL, or what can be guessed.

Gateways tell the address of a trace, too; one on another machine than the portal can guess nothing.
"""

from django.conf import settings

from gateway.addresses import authority_of

ANY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 (compared with, never bound to)


def portal_url() -> str:
    """The portal's address without a slash at its end."""
    if settings.PORTAL_PUBLIC_URL:
        return str(settings.PORTAL_PUBLIC_URL)
    names = [name for name in settings.ALLOWED_HOSTS if not name.startswith((".", "*"))]
    if settings.PORTAL_BEHIND_TLS_PROXY and names:
        return f"https://{names[0]}"
    scheme = "https" if settings.PORTAL_TLS_CERTIFICATE else "http"
    host = settings.PORTAL_HOST if settings.PORTAL_HOST not in ANY_ADDRESS else (names or ["127.0.0.1"])[0]
    return f"{scheme}://{authority_of(scheme, host, settings.PORTAL_PORT)}"
