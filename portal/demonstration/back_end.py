"""A back end to try things out with: it demands a client certificate and answers with what it saw, as JSON;
at a few paths with something else (portal.demonstration.samples).

`python -m portal.demonstration.back_end --fd N --folder FOLDER` takes over the listening socket N; the folder is
what portal.demonstration.pki makes. It needs neither Django nor a database.
"""

import argparse
import json
import signal
import socket
import socketserver
import ssl
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from cryptography import x509

from gateway.x509 import x509_facts
from portal.demonstration.samples import sample

MAX_BODY_BYTES = 10_000_000
_IDLE_SECONDS = 60
_LINGER_SECONDS = 2.0


class BackEnd(socketserver.ThreadingTCPServer):
    """Serves every connection in a thread of its own, the TLS handshake included."""

    daemon_threads = True

    def __init__(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        super().__init__(listener.getsockname(), Answer, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.context = context

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands, then answer. A caller that is refused is told so by a TLS alert."""
        request.settimeout(_IDLE_SECONDS)
        connection = self.context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        try:
            connection.do_handshake()
        except OSError:
            _let_the_alert_arrive(connection)
            return
        Answer(connection, client_address, self)
        with suppress(OSError):
            connection.unwrap()
        connection.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that goes away is no news; anything else is one line."""
        error = sys.exception() if sys.version_info >= (3, 12) else sys.exc_info()[1]
        if not isinstance(error, OSError):
            print(f"demonstration back end: {error!r}", file=sys.stderr)  # noqa: T201 (a program's messages)


def _let_the_alert_arrive(connection: ssl.SSLSocket) -> None:
    """Read on for a moment. In TLS 1.3 a caller sends its request before the refusal reaches it; closing with
    that unread would reset the connection, and the reset can overtake the alert (RFC 9293, 3.10.7).
    """
    with suppress(OSError), socket.socket(fileno=connection.detach()) as plain:
        plain.settimeout(_LINGER_SECONDS)
        plain.shutdown(socket.SHUT_WR)
        while plain.recv(65536):
            pass


class Answer(BaseHTTPRequestHandler):
    """One connection: every request is answered with what arrived."""

    protocol_version = "HTTP/1.1"
    server_version = "demonstration"
    sys_version = ""
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        try:
            body = self._body()
        except ValueError as error:
            self.close_connection = True
            self._send(400, *_json({"message": str(error)}))
            return
        seen = self._seen(body)
        self._send(200, *(sample(seen["path"], seen["certificate"]["subject"]) or _json(seen)))

    def __getattr__(self, name: str) -> Any:
        """Every method is welcome: the base class looks for do_GET, do_POST and so on."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _seen(self, body: bytes) -> dict[str, Any]:
        assert isinstance(self.connection, ssl.SSLSocket)  # noqa: S101 (finish_request made it one)
        facts = x509_facts(
            x509.load_der_x509_certificate(self.connection.getpeercert(binary_form=True) or b"")
        )
        return {
            "certificate": {"subject": facts.subject, "thumbprint": facts.thumbprint},
            "method": self.command,
            "path": self.requestline.split(" ")[1],  # self.path has no doubled slash any more
            "headers": [list(pair) for pair in self.headers.items()],
            "body": body.decode("utf-8", "replace"),
        }

    def _send(self, status: int, content_type: str, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _body(self) -> bytes:
        """The request's content (RFC 9112, 6.3). Raises ValueError."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= MAX_BODY_BYTES:
            raise ValueError(f"The demonstration takes at most {MAX_BODY_BYTES} bytes.")
        return self.rfile.read(length)

    def _chunks(self) -> Iterator[bytes]:
        """RFC 9112, 7.1; trailers are read and dropped."""
        room = MAX_BODY_BYTES
        while size := int(self.rfile.readline(100).split(b";")[0], 16):
            room -= size
            if room < 0:
                raise ValueError(f"The demonstration takes at most {MAX_BODY_BYTES} bytes.")
            yield self.rfile.read(size)
            self.rfile.readline(100)
        while self.rfile.readline(10_000).strip():
            pass

    def log_message(self, format: str, *args: Any) -> None:
        """Calls are not logged: the answers tell."""


def _json(content: dict[str, Any]) -> tuple[str, bytes]:
    return "application/json", json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"


def tls_context(folder: Path) -> ssl.SSLContext:
    """TLS 1.2 and 1.3, with a client certificate of the demonstration's CA demanded.

    Without session tickets: a resumed session would show the certificate of the connection before.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "ca.crt")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    context.load_cert_chain(folder / "back-end.crt", folder / "back-end.key")
    return context


def main(arguments: Sequence[str]) -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="portal.demonstration.back_end", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="number of the listening socket")
    parser.add_argument(
        "--folder", type=Path, required=True, help="folder with ca.crt, back-end.crt, back-end.key"
    )
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    BackEnd(socket.socket(fileno=options.fd), tls_context(options.folder)).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
