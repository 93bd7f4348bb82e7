"""The portal's gunicorn configuration: `gunicorn -c python:portal.gunicorn_portal portal.wsgi:application`."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from portal import settings

_host = f"[{settings.PORTAL_HOST}]" if ":" in settings.PORTAL_HOST else settings.PORTAL_HOST
bind = [f"{_host}:{settings.PORTAL_PORT}"]
worker_class = "portal.gunicorn_worker.PortalWorker"
workers = settings.PORTAL_WORKERS
threads = settings.PORTAL_THREADS
keepalive = 5
timeout = 60
graceful_timeout = settings.STOP_SECONDS
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (heartbeats, never content)
control_socket_disable = True
limit_request_line = 8190  # the longest $filter of the REST API with its quotation marks encoded
loglevel = settings.LOG_LEVEL.lower()
certfile = settings.PORTAL_TLS_CERTIFICATE or None
keyfile = settings.PORTAL_TLS_KEY or None
# Django alone decides whom to believe about the scheme: PORTAL_BEHIND_TLS_PROXY.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}


def ssl_context(config: Any, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """gunicorn's own context, from TLS 1.2 on (RFC 8996)."""
    context = default()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
