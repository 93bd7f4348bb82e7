"""Bodies that end too early are an error (RFC 9112, 8), which neither gunicorn nor Django notices by itself.

When a connection breaks, what came of a form would be saved as if it were all of it.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Stream(Protocol):
    """What a WSGI server reads a body with."""

    def read(self, size: int, /) -> bytes: ...

    def readline(self, size: int, /) -> bytes: ...


class WholeBody:
    """A body of a known length. Reading raises OSError, which Django makes an UnreadablePostError of."""

    def __init__(self, stream: Stream, length: int) -> None:
        self._stream, self._left = stream, length

    def read(self, size: int | None = -1, /) -> bytes:
        """So many bytes, or all that are left."""
        found = b""
        wanted = self._wanted(size)
        while len(found) < wanted:
            found += self._came(self._stream.read(wanted - len(found)))
        return found

    def readline(self, size: int | None = -1, /) -> bytes:
        """A line, or what of it fits."""
        wanted = self._wanted(size)
        return self._came(self._stream.readline(wanted)) if wanted else b""

    def _wanted(self, size: int | None) -> int:
        return self._left if size is None or size < 0 else min(size, self._left)

    def _came(self, data: bytes) -> bytes:
        if not data:
            raise OSError("The body ended too early.")
        self._left -= len(data)
        return data


def whole_bodies(application: Application) -> Application:
    """The application, with bodies that are whole."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or ""
        if length.isdecimal():
            environ["wsgi.input"] = WholeBody(environ["wsgi.input"], int(length))
        return application(environ, start_response)

    return answer
