"""The gateway's gunicorn configuration: `gunicorn -c python:gateway.gunicorn_gateway gateway.node:application`.

Everything comes from the settings GATEWAY_* (README.md); `-b` on the command line overrides the addresses.
"""

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

from django.conf import settings

from gateway.observing import directory
from gateway.observing.address import operator_address
from gateway.worker import FLUSH_SECONDS

_host = f"[{settings.GATEWAY_HOST}]" if ":" in settings.GATEWAY_HOST else settings.GATEWAY_HOST
bind = [f"{_host}:{settings.GATEWAY_PORT}", *filter(None, [operator_address()])]
worker_class = "gateway.worker.GatewayWorker"
workers = settings.GATEWAY_WORKERS
backlog = 2048
keepalive = 75
timeout = 30
graceful_timeout = settings.STOP_SECONDS + FLUSH_SECONDS
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (heartbeats, never content)
control_socket_disable = True
loglevel = settings.LOG_LEVEL.lower()
certfile = settings.GATEWAY_TLS_CERTIFICATE or None
keyfile = settings.GATEWAY_TLS_KEY or None

_made: list[directory.MetricsDirectory] = []


def on_starting(server: Any) -> None:
    """Make the directory of the metrics, unless whoever started this has made one for several programs."""
    if directory.VARIABLE not in os.environ:
        _made.append(directory.MetricsDirectory())
        os.environ[directory.VARIABLE] = _made[0].path


def child_exit(server: Any, worker: Any) -> None:
    """In the master, when a process of the gateway has ended."""
    directory.process_ended(worker.pid)


def on_exit(server: Any) -> None:
    """Remove what was made."""
    for made in _made:
        made.remove()
