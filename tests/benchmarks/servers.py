"""What the benchmark puts side by side: a back end, and three ways to it with a client certificate.

Each is an application for gunicorn or uvicorn. BENCHMARK names the folder with certificates, BACK_END the URL.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
import urllib3

FOLDER = Path(os.environ.get("BENCHMARK", "."))
URL = os.environ.get("BACK_END", "https://localhost:1")
CERTIFICATE = (str(FOLDER / "client.pem"), str(FOLDER / "client.key"))
CA = str(FOLDER / "ca.pem")
BODY = b'{"account": 1, "balance": "12.50", "currency": "EUR"}' + b" " * 200
FIELDS = [
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(BODY)),
    (b"x-served-by", b"back"),
]

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


async def _back_end(scope: Message, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": FIELDS})
    await send({"type": "http.response.body", "body": BODY})


back_end = with_lifespan(_back_end)


def bare_urllib3() -> Asgi:
    """(b) A bare urllib3 pool behind the same ASGI server."""
    pool = urllib3.HTTPSConnectionPool(
        *_host_and_port(),
        maxsize=64,
        ca_certs=CA,
        cert_file=CERTIFICATE[0],
        key_file=CERTIFICATE[1],
        retries=False,
    )
    threads = ThreadPoolExecutor(64)

    def ask(method: str, target: str) -> urllib3.BaseHTTPResponse:
        return pool.urlopen(method, target, redirect=False, decode_content=False)

    async def application(scope: Message, receive: Any, send: Any) -> None:
        path = scope["path"].removeprefix("/bank")
        answer = await asyncio.get_running_loop().run_in_executor(threads, ask, scope["method"], path)
        fields = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": fields})
        await send({"type": "http.response.body", "body": answer.data})

    return with_lifespan(application)


def bare_requests() -> Callable[..., Iterable[bytes]]:
    """(c) The yardstick: a bare requests adapter, to be run with 8 threads of gunicorn's gthread worker."""
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=64, max_retries=0)

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["RAW_URI"].removeprefix("/bank")
        request = requests.Request(environ["REQUEST_METHOD"], URL + path).prepare()
        answer = adapter.send(request, verify=CA, cert=CERTIFICATE, stream=True)
        data = answer.raw.read(decode_content=False)
        start_response(f"{answer.status_code} {answer.reason}", list(answer.headers.items()))
        return [data]

    return application


def our_gateway() -> Asgi:
    """(d) The embedded engine, with a snapshot made by hand."""
    from gateway.embedded.asgi import Engine, EngineSettings
    from tests.running_engine import LOOPBACK
    from tests.snapshots import snapshot, trust

    engine = Engine(EngineSettings(rules=LOOPBACK))
    chosen = snapshot(URL, certificate=_material(), trusts=trust(authorities_pem=(Path(CA).read_text(),)))
    engine.apply(chosen)
    return with_lifespan(engine)


def _material() -> Any:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from tests.pki import Issued
    from tests.snapshots import material

    key: Any = load_pem_private_key(Path(CERTIFICATE[1]).read_bytes(), None)
    return material(Issued(x509.load_pem_x509_certificate(Path(CERTIFICATE[0]).read_bytes()), key))


def _host_and_port() -> tuple[str, int]:
    url = urllib3.util.parse_url(URL)
    return str(url.host), int(url.port or 443)
