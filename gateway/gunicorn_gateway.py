"""The gateway's gunicorn configuration: `gunicorn -c python:gateway.gunicorn_gateway gateway.node:application`.

Everything comes from the settings GATEWAY_* (README.md); `-b` on the command line overrides the address.
"""

import os
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

from django.conf import settings

_host = f"[{settings.GATEWAY_HOST}]" if ":" in settings.GATEWAY_HOST else settings.GATEWAY_HOST
bind = [f"{_host}:{settings.GATEWAY_PORT}"]
worker_class = "gateway.worker.GatewayWorker"
workers = settings.GATEWAY_WORKERS
backlog = 2048
keepalive = 75
timeout = 30
graceful_timeout = settings.STOP_SECONDS
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (heartbeats, never content)
control_socket_disable = True
loglevel = settings.LOG_LEVEL.lower()
certfile = settings.GATEWAY_TLS_CERTIFICATE or None
keyfile = settings.GATEWAY_TLS_KEY or None
