"""The smallest Django project whose calls django-revproxy hands on: settings, URLs and WSGI application."""

import os
from pathlib import Path
from typing import Any

import django
import urllib3
from django.conf import settings

FOLDER = Path(os.environ["BENCHMARK_FOLDER"])

settings.configure(
    SECRET_KEY="only-for-benchmarks",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["revproxy"],
)
django.setup()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.urls import re_path  # noqa: E402
from revproxy.views import ProxyView  # noqa: E402

_POOL = urllib3.PoolManager(
    maxsize=64,
    ca_certs=str(FOLDER / "ca.pem"),
    cert_file=str(FOLDER / "client.pem"),
    key_file=str(FOLDER / "client.key"),
)


class MutualTlsView(ProxyView):
    """A ProxyView that presents a client certificate and, as the others here, tries once."""

    upstream = os.environ["BENCHMARK_BACK_END"]
    add_x_forwarded = True
    retries = False

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.http = _POOL


urlpatterns = [re_path(r"^bank/(?P<path>.*)$", MutualTlsView.as_view())]
application = WSGIHandler()
