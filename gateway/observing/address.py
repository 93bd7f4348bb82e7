"""Where operators are served: a listener of their own, so that callers reach none of it."""

import socket

from django.conf import settings


def operator_address() -> str | None:
    """The address as gunicorn's `bind` has it; None if operators are not served, or at a port that is not known."""
    host, port = settings.GATEWAY_OPERATOR_HOST, settings.GATEWAY_OPERATOR_PORT
    return f"[{host}]:{port}" if port and ":" in host else f"{host}:{port}" if port else None


def is_for_operators(listener: socket.socket) -> bool:
    """Whether a listening socket is the one of the settings GATEWAY_OPERATOR_*, and so not for callers."""
    host, port = settings.GATEWAY_OPERATOR_HOST, settings.GATEWAY_OPERATOR_PORT
    if not port or listener.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return listener.getsockname()[:2] in [address[:2] for *_, address in found]
