"""Back ends that behave oddly, on real sockets: OpenSSL's s_server, canned bytes, and a relay that interferes."""

import itertools
import re
import select
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.pki import OPENSSL, Issued, pem

Behaviour = Callable[[socket.socket], None]


@contextmanager
def s_server(
    server: Issued, *options: str, clients: Issued | None = None, answer: bytes = b"", late: bool = False
) -> Iterator[str]:
    """The URL of OpenSSL's s_server. It demands certificates of `clients` and names them and their issuers.

    With an `answer` it takes any certificate, and sends that whatever it is asked. With `late` it demands the
    certificate when a request is there, in a second handshake (TLS 1.2).
    """
    assert OPENSSL, "the openssl command is needed for this test"
    with TemporaryDirectory() as name:
        folder = Path(name)
        certificate, key = server.write(folder)
        command = [OPENSSL, "s_server", "-accept", "127.0.0.1:0", "-naccept", "5"]
        command += ["-cert", str(certificate), "-key", str(key), "-cert_chain", str(certificate)]
        if clients:
            (folder / "clients.pem").write_text(pem(clients.cert, *clients.chain))
            command += ["-CAfile", str(folder / "clients.pem")]
            strict = ["-verify_return_error", *([] if late else ["-Verify", "3"])]
            command += ["-verify", "3"] if answer and not late else strict
        process = subprocess.Popen(
            [*command, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        assert process.stdin
        assert process.stdout
        if not late:
            process.stdin.write(answer)
        try:
            port = _port_of(process.stdout)
            if late:
                threading.Thread(target=_renegotiate, args=(process, answer), daemon=True).start()
            yield f"https://localhost:{port}"
        finally:
            process.kill()
            process.communicate()


def _renegotiate(process: "subprocess.Popen[bytes]", answer: bytes) -> None:
    assert process.stdin
    assert process.stdout
    seen = b""
    with suppress(OSError, ValueError):  # it is over already
        while b"OPTIONS" not in seen and (data := process.stdout.read(4096)):
            seen += data
        process.stdin.write(b"R\n")
        time.sleep(0.1)
        process.stdin.write(answer)


def _port_of(output: object) -> str:
    text = b""
    for _ in range(2000):
        text += output.read(1)  # type: ignore[attr-defined]
        if match := re.search(rb"ACCEPT [^\n]*:(\d+)\n", text):
            return match[1].decode()
    raise AssertionError(text)


@contextmanager
def listening(behave: Behaviour, scheme: str = "https") -> Iterator[str]:
    """The URL of a server that does `behave` with each connection, in a thread, and then closes it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            behave(connection)

    def accept() -> None:
        for _ in itertools.count():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"{scheme}://localhost:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def says(data: bytes, *, first: bool = False) -> Behaviour:
    """Sends bytes, `first` or after the first ones came in, and ends when the other side does."""

    def behave(connection: socket.socket) -> None:
        if not first:
            connection.recv(65536)
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        silent(connection)

    return behave


def silent(connection: socket.socket) -> None:
    """Reads until the other side ends."""
    while connection.recv(65536):
        pass


def endless(data: bytes, first: bytes = b"") -> Behaviour:
    """Sends bytes again and again."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(first)
        while True:
            connection.sendall(data)

    return behave


def closes(connection: socket.socket) -> None:
    """Closes in good order for TCP, without an alert."""
    connection.shutdown(socket.SHUT_WR)


def resets(connection: socket.socket) -> None:
    """Resets."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def alert(number: int, version: int = 0x0303) -> bytes:
    """A fatal alert that is not encrypted."""
    return struct.pack("!BHHBB", 21, version, 2, 2, number)


def instead_of_finishing(url: str, then: Behaviour) -> Behaviour:
    """Passes a TLS 1.2 handshake on to a back end up to the client's certificate. Then does `then` instead."""

    def behave(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1]))) as real:
            real.settimeout(10)
            real.sendall(connection.recv(65536))
            flight = b""
            while b"\x0e\x00\x00\x00" not in flight[-4:]:  # ServerHelloDone
                flight += real.recv(65536)
            connection.sendall(flight)
            connection.recv(65536)
            then(connection)

    return behave


def half_a_flight(url: str, then: Behaviour) -> Behaviour:
    """Passes on half of a back end's first messages. Then does `then`."""

    def behave(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1]))) as real:
            real.settimeout(10)
            real.sendall(connection.recv(65536))
            connection.sendall(real.recv(65536)[:150])
            then(connection)

    return behave


def hides_its_last_word(url: str) -> Behaviour:
    """Passes a TLS 1.3 handshake on to a back end; the first time, resets instead of what that says after it."""
    times = itertools.count(1)

    def behave(connection: socket.socket) -> None:
        first_time = next(times) == 1
        with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1]))) as real:
            parts = 0  # that the client has sent: the first is its hello
            while True:
                for ready in select.select([connection, real], [], [])[0]:
                    if ready is real and parts > 1 and first_time:
                        return resets(connection)
                    data = ready.recv(65536)
                    parts += ready is connection
                    (real if ready is connection else connection).sendall(data)
                    if not data:
                        return None

    return behave


@contextmanager
def full_queue() -> Iterator[str]:
    """The URL of a port that answers no attempt to connect: its queue is full, and nobody takes from it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            with suppress(BlockingIOError):
                each.connect(listener.getsockname())
        try:
            yield f"https://localhost:{listener.getsockname()[1]}"
        finally:
            for each in waiting:
                each.close()
