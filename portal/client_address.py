"""The address that a request comes from, as sign-in failures are counted by it."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

_IPV6_PREFIX = 64  # one subscriber has a whole /64 (RFC 6177): counting single addresses would count nothing


def client_address(request: HttpRequest) -> str | None:
    """The caller's address (AXES_CLIENT_IP_CALLABLE); None where the server knows none, as on a Unix socket.

    With PORTAL_PROXY_COUNT proxies in front it is what the outermost of them wrote into X-Forwarded-For. What
    stands further left was sent by the caller, who could write anything.
    """
    count = settings.PORTAL_PROXY_COUNT
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if count and len(forwarded) >= count:
        address = _counted(forwarded[-count])
        if address:
            return address
    return _counted(request.META.get("REMOTE_ADDR", ""))


def _counted(text: str) -> str | None:
    """The address without what may stand around it: some proxies write the port of the connection behind it."""
    without_port = re.sub(r"^(\[.*\]|[0-9.]*):[0-9]+$", r"\1", text.strip())
    try:
        address = ipaddress.ip_address(without_port.strip("[]"))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address.packed, _IPV6_PREFIX), strict=False).network_address)
