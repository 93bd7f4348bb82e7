"""Where callers reach the gateway: by the listeners that it really has, and by GATEWAY_PUBLIC_URL.

A plain listener behind a proxy that speaks TLS is one for https: with an https:// GATEWAY_PUBLIC_URL and no
certificate of its own the gateway takes every call for an https one (gateway/node.py).
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port

from gateway.addresses import authority_of
from gateway.models import Api
from gateway.portal_url import ANY_ADDRESS
from gateway.url_templates import normalise

SCHEMES = ("https", "http")  # the safer one first: where one address has to do, it is this one's
LABELS = {"http": "HTTP", "https": "HTTPs"}
_PARAMETER = re.compile(r"\{[^{}]*\}")
_MOST_PARTS = 40


def gateway_bases(request: HttpRequest | None = None) -> dict[str, str]:
    """The gateway's address, without a slash at its end, for each scheme that it offers; https first.

    A gateway that listens on every address is taken to be at the host at which `request` reached the portal.
    """
    public = settings.GATEWAY_PUBLIC_URL
    scheme = public.partition(":")[0].lower()
    if scheme == "https" and not settings.GATEWAY_TLS_CERTIFICATE:
        return {"https": public}
    bases = _listeners(_host(request))
    if scheme in bases:
        bases[scheme] = public
    return bases


def _listeners(host: str) -> dict[str, str]:
    tls = bool(settings.GATEWAY_TLS_CERTIFICATE)
    ports = {"https": settings.GATEWAY_PORT} if tls else {"http": settings.GATEWAY_PORT}
    if tls and settings.GATEWAY_PLAIN_PORT:
        ports["http"] = settings.GATEWAY_PLAIN_PORT
    return {scheme: f"{scheme}://{authority_of(scheme, host, port)}" for scheme, port in ports.items()}


def _host(request: HttpRequest | None) -> str:
    """The host name that callers use, as well as it can be known."""
    public = urlsplit(settings.GATEWAY_PUBLIC_URL).hostname
    if public or settings.GATEWAY_HOST not in ANY_ADDRESS:
        return public or str(settings.GATEWAY_HOST)
    return split_domain_port(request.get_host())[0] if request else "127.0.0.1"


def why_not_offered(scheme: str) -> str:
    """Why the gateway cannot be called with a scheme, and which setting changes that."""
    if scheme == "https":
        return "the gateway has no TLS; an operator sets GATEWAY_TLS_CERTIFICATE and GATEWAY_TLS_KEY"
    if settings.GATEWAY_TLS_CERTIFICATE:
        return "the gateway listens with TLS only; an operator adds a plain listener with GATEWAY_PLAIN_PORT"
    return "callers reach the gateway over https only, by its GATEWAY_PUBLIC_URL"


def urls_at(suffix: str, schemes: Mapping[str, bool], bases: Mapping[str, str]) -> tuple[str, ...]:
    """The public URLs of a suffix for the ticked schemes that the gateway offers; https first."""
    return tuple(f"{bases[scheme]}/{suffix}" for scheme in SCHEMES if schemes.get(scheme) and scheme in bases)


def public_urls(api: Api, bases: Mapping[str, str]) -> tuple[str, ...]:
    """The URLs at which callers reach an API; none if it takes no scheme that the gateway offers."""
    return urls_at(api.suffix, {"http": api.http, "https": api.https}, bases)


def example_target(url_template: str) -> str:
    """A path and query that a URL template fits, with 1 for each parameter."""
    return _PARAMETER.sub("1", url_template.replace("/*", "/"))


def api_at(target: str) -> Api | None:
    """The API that gets a call: of all whose suffix its path begins with, the one with the longest."""
    parts = normalise(target.partition("?")[0]).split("/")[1:]
    suffixes = ["/".join(parts[:count]) for count in range(min(len(parts), _MOST_PARTS) + 1)]
    return max(Api.objects.filter(suffix__in=suffixes), key=lambda api: len(api.suffix), default=None)
