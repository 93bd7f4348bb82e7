"""What operators and their programs ask a gateway process: metrics and health. Callers never reach it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.embedded.call import Receive, Scope, Send

_JSON, _TEXT = "application/json", "text/plain; charset=utf-8"


class Answer(NamedTuple):
    """Status, body and its media type."""

    status: int
    body: bytes
    content_type: str = _TEXT


class OperatorApplication:
    """ASGI 3: GET and HEAD of /metrics, /health/live and /health/ready.

    `metrics` takes the Accept field and returns text and media type; `readiness` says whether calls can be served,
    and what there is to say about it. The first runs in a thread, one at a time.
    """

    def __init__(
        self,
        metrics: Callable[[str], tuple[bytes, str]],
        readiness: Callable[[], tuple[bool, dict[str, Any]]],
    ) -> None:
        self._metrics = metrics
        self._readiness = readiness
        self._scraping = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(scope)
        fields = [
            (b"content-type", answer.content_type.encode()),
            (b"content-length", b"%d" % len(answer.body)),
            (b"cache-control", b"no-store"),
        ]
        if answer.status == 405:
            fields.append((b"allow", b"GET, HEAD"))
        await send({"type": "http.response.start", "status": answer.status, "headers": fields})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope) -> Answer:
        match scope["gateway.head"].path:
            case "/metrics" | "/health/live" | "/health/ready" if scope["method"] not in ("GET", "HEAD"):
                return Answer(405, b"Only GET and HEAD are answered here.\n")
            case "/metrics":
                async with self._scraping:
                    text, content_type = await asyncio.to_thread(self._metrics, _accept(scope))
                return Answer(200, text, content_type)
            case "/health/live":
                return Answer(200, _json({"live": True}), _JSON)
            case "/health/ready":
                ready, facts = self._readiness()
                return Answer(200 if ready else 503, _json({"ready": ready, **facts}), _JSON)
        return Answer(404, b"There are /metrics, /health/live and /health/ready.\n")


def _accept(scope: Scope) -> str:
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"accept")


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode() + b"\n"
