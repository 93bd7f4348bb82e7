"""Plain requests in the classic dialect."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

VERSION = "2014-02-14"


class Classic:
    """`headers` are given by their names with underscores: If_Match="*"."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.client = Client()

    def __call__(
        self, method: str, path: str, body: Any = None, *, version: str = VERSION, **headers: str
    ) -> HttpResponse:
        """A request for an address below /management."""
        mark = "&" if "?" in path else "?"
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(
            method,
            f"/management{path}" + (f"{mark}api-version={version}" if version else ""),
            "" if body is None else json.dumps(body),
            content_type=given.pop("Content-Type", "application/json"),
            headers={"Authorization": self.token, **given},
        )

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self("GET", path, **headers)

    def put(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self("PUT", path, body, **headers)

    def delete(self, path: str, **headers: str) -> HttpResponse:
        return self("DELETE", path, **{"If_Match": "*", **headers})
