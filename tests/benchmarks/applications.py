"""Applications for gunicorn that the gateway is compared with.

BENCHMARK_FOLDER names the folder with certificates, BENCHMARK_BACK_END the back end's URL.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
import urllib3

FOLDER = Path(os.environ["BENCHMARK_FOLDER"])
URL = os.environ["BENCHMARK_BACK_END"]
CERTIFICATE = (str(FOLDER / "client.pem"), str(FOLDER / "client.key"))
CA = str(FOLDER / "ca.pem")

Message = MutableMapping[str, Any]
Asgi = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


def with_lifespan(application: Asgi) -> Asgi:
    """An application that may be started with a lifespan."""

    async def wrapped(scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})

    return wrapped


async def _body(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def bare_urllib3() -> Asgi:
    """A bare urllib3 pool behind the gateway's ASGI server."""
    url = urllib3.util.parse_url(URL)
    pool = urllib3.HTTPSConnectionPool(
        str(url.host),
        url.port,
        maxsize=64,
        ca_certs=CA,
        cert_file=CERTIFICATE[0],
        key_file=CERTIFICATE[1],
        retries=False,
    )
    threads = ThreadPoolExecutor(64)

    def ask(method: str, target: str, body: bytes | None) -> urllib3.BaseHTTPResponse:
        return pool.urlopen(method, target, body, redirect=False, decode_content=False)

    async def application(scope: Message, receive: Any, send: Any) -> None:
        path, method = scope["gateway.head"].path.removeprefix("/bank"), scope["method"]
        body = await _body(receive) if method == "POST" else None
        answer = await asyncio.get_running_loop().run_in_executor(threads, ask, method, path, body)
        fields = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": fields})
        await send({"type": "http.response.body", "body": answer.data})

    return with_lifespan(application)


def bare_requests() -> Callable[..., Iterable[bytes]]:
    """The yardstick: a bare requests adapter, to be run with 8 threads of gunicorn's gthread worker."""
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=64, max_retries=0)

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["RAW_URI"].removeprefix("/bank")
        body = environ["wsgi.input"].read() if environ.get("CONTENT_LENGTH") else None
        request = requests.Request(environ["REQUEST_METHOD"], URL + path, data=body).prepare()
        answer = adapter.send(request, verify=CA, cert=CERTIFICATE, stream=True)
        data = answer.raw.read(decode_content=False)
        start_response(f"{answer.status_code} {answer.reason}", list(answer.headers.items()))
        return [data]

    return application
