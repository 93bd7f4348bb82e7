"""Requests to the REST API without a server: the official client over a transport of ours, and plain ones."""

import json
from typing import Any

from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest
from azure.core.rest._http_response_impl import HttpResponseImpl
from azure.core.utils import case_insensitive_dict
from azure.mgmt.apimanagement import ApiManagementClient
from django.http import HttpResponse
from django.test import Client

GROUP, SERVICE = "group", "portal"
HOST = "http://testserver"
SERVICE_PATH = (
    f"/subscriptions/sub/resourceGroups/{GROUP}/providers/Microsoft.ApiManagement/service/{SERVICE}"
)
VERSION = "2024-05-01"


class Arm:
    """Plain requests in the ARM dialect; `headers` are given by their names with underscores: If_Match="*"."""

    def __init__(self, token: str) -> None:
        self.headers = {"Authorization": token}
        self.client = Client()

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """A request for an address below the service's; a body that is no text is sent as JSON."""
        mark = "&" if "?" in path else "?"
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(
            method,
            f"/management{SERVICE_PATH}{path}{mark}api-version={VERSION}",
            "" if body is None else body if isinstance(body, str | bytes) else json.dumps(body),
            content_type="application/json",
            headers={**self.headers, **given},
        )

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self("GET", path, **headers)

    def put(self, path: str, properties: Any, **headers: str) -> HttpResponse:
        return self("PUT", path, {"properties": properties}, **headers)

    def patch(self, path: str, properties: Any, **headers: str) -> HttpResponse:
        return self("PATCH", path, {"properties": properties}, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self("POST", path, body, **headers)

    def delete(self, path: str, **headers: str) -> HttpResponse:
        return self("DELETE", path, **{"If_Match": "*", **headers})


class _Answer(HttpResponseImpl):  # type: ignore[misc]
    """A response of the test client as the official client reads one."""

    def __init__(self, request: HttpRequest, response: HttpResponse) -> None:
        super().__init__(
            request=request,
            internal_response=response,
            status_code=response.status_code,
            headers=case_insensitive_dict(dict(response.headers)),
            reason=response.reason_phrase,
            content_type=response.headers.get("Content-Type"),
            stream_download_generator=lambda pipeline, answer, **options: iter([response.content]),
            block_size=4096,
        )
        self._content = response.content
        self._is_stream_consumed = self._is_closed = True

    def body(self) -> bytes:
        return bytes(self._content)


class InProcess(HttpTransport):  # type: ignore[misc]
    """A transport whose server is Django's test client."""

    def send(self, request: HttpRequest, **options: Any) -> _Answer:
        path = request.url.removeprefix(HOST)
        headers = {name: value for name, value in request.headers.items() if name != "Content-Length"}
        kind = headers.pop("Content-Type", "application/json")
        response = Client().generic(
            request.method, path, request.content or request.data or b"", content_type=kind, headers=headers
        )
        return _Answer(request, response)

    def open(self) -> None: ...

    def close(self) -> None: ...

    def __enter__(self) -> "InProcess":
        return self

    def __exit__(self, *args: Any) -> None: ...


class Authorization(SansIOHTTPPolicy):  # type: ignore[misc]
    """Sends a token as it is; the client's own would refuse http."""

    def __init__(self, token: str) -> None:
        self.token = token

    def on_request(self, request: PipelineRequest) -> None:
        request.http_request.headers["Authorization"] = self.token


class _NoCredential:
    def get_token(self, *scopes: str, **options: Any) -> Any:
        raise AssertionError("nothing asks for a token of Azure")


def azure_client(token: str) -> ApiManagementClient:
    """The official client, for the REST API in this process."""
    return ApiManagementClient(
        _NoCredential(),
        "sub",
        base_url=f"{HOST}/management",
        authentication_policy=Authorization(token),
        transport=InProcess(),
        retry_total=0,
        polling_interval=0,
    )
