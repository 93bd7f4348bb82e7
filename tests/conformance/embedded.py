"""The embedded engine under the suite's configuration, as an ASGI application for gunicorn (see serving.py)."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from gateway.embedded.asgi import Engine
from gateway.node import engine_settings
from gateway.snapshot_codec import decode

engine = Engine(engine_settings())
engine.apply(decode(Path(os.environ["CONFIGURATION"]).read_text()))


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """ASGI 3."""
    if scope["type"] == "http":
        await engine(scope, receive, send)
        return
    for step in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{step}.complete"})
    engine.close()


application.max_head_bytes = engine.max_head_bytes  # type: ignore[attr-defined]
