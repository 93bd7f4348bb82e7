"""The console's own HTTP: what it sends, how it reads, and that no gateway or back end makes it wait or fill up."""

import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from socket import SHUT_WR, socket

import pytest
from pytest_django import Settings

from portal.console import reading, sending
from portal.console.exchange import Answer, ConsoleRequest, NotSent
from portal.console.sending import send
from tests.odd_back_ends import Behaviour, closes, endless, full_queue, listening, resets, says, silent
from tests.pki import Issued, issue, make_ca

PUBLIC = "http://api.example:8080"
OK = b"HTTP/1.1 200 OK\r\n"
MIB = 1024 * 1024
At = Callable[[Behaviour], str]


@pytest.fixture
def gateway(settings: Settings) -> Iterator[At]:
    """Starts what is to be the gateway, and says so to the portal."""
    with ExitStack() as stack:

        def at(behave: Behaviour, scheme: str = "http") -> str:
            url = stack.enter_context(listening(behave, scheme))
            settings.CONSOLE_GATEWAY_URL = url
            return url

        yield at


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A moment in place of half a minute."""
    monkeypatch.setattr(sending, "SECONDS", 0.25)


def get(target: str = "/bank/accounts", method: str = "GET", **more: object) -> Answer:
    return send(PUBLIC, ConsoleRequest(method, target, **more))  # type: ignore[arg-type]


def recorder(answer: bytes = OK + b"Content-Length: 0\r\n\r\n") -> tuple[list[bytes], Behaviour]:
    seen: list[bytes] = []

    def behave(connection: socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data or not data.endswith((b"\r\n\r\n", b"END")):
            data += connection.recv(65536)
        seen.append(data)
        connection.sendall(answer)

    return seen, behave


# --- What is sent ---
def test_a_request_is_sent_as_it_was_entered(gateway: At) -> None:
    seen, behave = recorder()
    gateway(behave)
    fields = (("X-Name", "Zoë"), ("x-name", "  again"), ("Accept", "*/*"))
    get("/a%2Fb/../ü?q=|[x]&&", "POST", fields=fields, body="ß END".encode())
    assert seen == [
        "POST /a%2Fb/../ü?q=|[x]&& HTTP/1.1\r\nHost: api.example:8080\r\nX-Name: Zoë\r\nx-name:   again\r\n"
        "Accept: */*\r\nUser-Agent: publisher-portal-console\r\nContent-Length: 6\r\nConnection: close\r\n\r\n"
        "ß END".encode()
    ]


def test_a_user_agent_that_was_entered_is_the_only_one(gateway: At) -> None:
    seen, behave = recorder()
    gateway(behave)
    get(fields=(("user-agent", "mine"),))
    assert seen[0].lower().count(b"user-agent") == 1
    assert b"Content-Length" not in seen[0]


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ("/a HTTP/1.1\r\nX: y", ("A", "b")),
        ("/a", ("A", "b\r\nSubscription-Key: stolen")),
        ("/a", ("A\n", "b")),
        ("/a", ("A", "b\0")),
        ("/a", ("Transfer-Encoding", "chunked")),
        ("/a", ("Content-length ", "5")),
        ("/a", ("HOST", "metadata.internal")),
        ("/a", ("Connection", "keep-alive")),
    ],
)
def test_nothing_entered_becomes_another_request(gateway: At, target: str, field: tuple[str, str]) -> None:
    seen, behave = recorder()
    gateway(behave)
    with pytest.raises(NotSent, match="Take it out"):
        get(target, fields=(field,))
    assert not seen


def test_only_the_settings_say_where_a_call_goes(gateway: At, settings: Settings) -> None:
    seen, behave = recorder()
    url = gateway(behave)
    settings.CONSOLE_GATEWAY_URL = ""
    settings.GATEWAY_PORT = int(url.rsplit(":", 1)[1])
    settings.GATEWAY_HOST = "0.0.0.0"
    send(
        "http://evil.example:1", ConsoleRequest("GET", "/")
    )  # as a page's address would be with a forged Host
    assert b"Host: evil.example:1\r\n" in seen[0]


def test_a_path_of_the_gateways_address_comes_first(gateway: At, settings: Settings) -> None:
    seen, behave = recorder()
    settings.CONSOLE_GATEWAY_URL = gateway(behave) + "/inner"
    get("/bank")
    assert seen[0].startswith(b"GET /inner/bank HTTP/1.1\r\n")


# --- What comes back ---
def test_an_answer_is_told_as_it_came(gateway: At) -> None:
    gateway(
        says(
            b"HTTP/1.1 404 Nicht da\r\nA: 1\r\na:2 \r\nB:\xe9\r\nC: \xc3\xa9\r\nContent-Length: 3\r\n\r\nabc"
        )
    )
    answer = get()
    assert (answer.status, answer.reason) == (404, "Nicht da")
    assert answer.fields == (("A", "1"), ("a", "2"), ("B", "é"), ("C", "é"), ("Content-Length", "3"))
    assert (answer.body, answer.size, answer.read, answer.cut) == (b"abc", 3, 3, "")
    assert 0 < answer.seconds_to_head <= answer.seconds < 5


CHUNKS = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: 1\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "body", "size", "cut"),
    [
        (b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS, b"abcde", 5, ""),
        (b"\r\nto the end", b"to the end", 10, ""),
        (b"Content-Length: 9\r\n\r\nabc", b"abc", 9, "broken"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc", b"abc", None, "broken"),
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"abc", None, "broken"),
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", b"abc", None, "broken"),
        (b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"", None, "broken"),
        (b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 9999, b"", None, "broken"),
        (b"Content-Length: nine\r\n\r\nabc", b"abc", 3, ""),
    ],
)
def test_a_body_is_read_as_it_is_framed(
    gateway: At, answer: bytes, body: bytes, size: int | None, cut: str
) -> None:
    gateway(says(OK + answer))
    got = get()
    assert (got.body, got.size, got.read, got.cut) == (body, size, len(body), cut)


@pytest.mark.parametrize(("method", "status"), [("HEAD", b"200 OK"), ("GET", b"204 No"), ("GET", b"304 Not")])
def test_some_answers_have_no_body_whatever_they_say(gateway: At, method: str, status: bytes) -> None:
    def behave(connection: socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n\r\n")
        silent(connection)

    gateway(behave)
    answer = get(method=method)
    assert (answer.body, answer.size, answer.read, answer.cut) == (b"", 0, 0, "")


def test_answers_that_announce_the_answer_are_passed_over(gateway: At) -> None:
    gateway(
        says(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"A: b\r\n\r\n"
        )
    )
    answer = get(body=b"x" * 3 * MIB, method="POST")
    assert (answer.status, answer.fields) == (200, (("A", "b"),))


def test_an_answer_before_all_was_sent_is_read(gateway: At) -> None:
    def behave(connection: socket) -> None:
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        time.sleep(2)  # and takes nothing

    gateway(behave)
    answer = get(body=b"x" * 20 * MIB, method="POST")
    assert answer.status == 413
    assert answer.seconds < 1.5


def test_a_reset_in_the_middle_of_a_body_is_told(gateway: At) -> None:
    def behave(connection: socket) -> None:
        connection.recv(65536)
        connection.sendall(OK + b"Content-Length: 9\r\n\r\nabc")
        time.sleep(0.1)
        resets(connection)

    gateway(behave)
    answer = get()
    assert (answer.body, answer.cut, answer.size) == (b"abc", "broken", 9)


def test_thousands_of_fields_are_all_there(gateway: At) -> None:
    gateway(
        says(OK + b"".join(b"F%d: x\r\n" % n for n in range(5000)) + b"Long: " + b"y" * 65536 + b"\r\n\r\n")
    )
    fields = get().fields
    assert len(fields) == 5001
    assert len(fields[-1][1]) == 65536


# --- Bounds ---
def test_of_a_large_body_only_the_first_part_is_taken_in(gateway: At) -> None:
    length = 200 * 1000 * 1000
    gateway(endless(b"x" * 65536, OK + b"Content-Length: %d\r\n\r\n" % length))
    tracemalloc.start()
    answer = get()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(answer.body), answer.size, answer.cut) == (MIB, length, "size")
    assert answer.read < 2 * MIB
    assert answer.seconds < 3
    assert peak < 5 * MIB


@pytest.mark.parametrize("chunked", [True, False])
def test_an_endless_body_is_counted_to_a_bound(
    gateway: At, monkeypatch: pytest.MonkeyPatch, chunked: bool
) -> None:
    monkeypatch.setattr(reading, "MOST_COUNTED", 8 * MIB)
    head = OK + (b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"\r\n")
    gateway(endless(b"10000\r\n" + b"x" * 65536 + b"\r\n" if chunked else b"x" * 65536, head))
    answer = get()
    assert (len(answer.body), answer.size, answer.cut) == (MIB, None, "size")
    assert 8 * MIB <= answer.read < 9 * MIB


def test_reading_on_ends_after_some_seconds(gateway: At, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_SECONDS_COUNTED", 0.2)

    def behave(connection: socket) -> None:
        connection.recv(65536)
        connection.sendall(OK + b"\r\n" + b"x" * (MIB + 5))
        silent(connection)

    gateway(behave)
    answer = get()
    assert (len(answer.body), answer.read, answer.size, answer.cut) == (MIB, MIB + 5, None, "size")
    assert answer.seconds < 2


@pytest.mark.parametrize("size", [MIB - 1, MIB, MIB + 1])
def test_a_body_at_the_bound_is_whole_or_cut(gateway: At, size: int) -> None:
    gateway(says(OK + b"Content-Length: %d\r\n\r\n" % size + b"x" * size))
    answer = get()
    assert (len(answer.body), answer.size, answer.cut) == (min(size, MIB), size, "size" if size > MIB else "")


@pytest.mark.usefixtures("short")
def test_a_body_that_drips_is_cut_by_the_time(gateway: At) -> None:
    def behave(connection: socket) -> None:
        connection.recv(65536)
        connection.sendall(OK + b"Content-Type: text/event-stream\r\n\r\n")
        while True:
            connection.sendall(b"data: 1\n\n")
            time.sleep(0.05)

    gateway(behave)
    answer = get()
    assert (answer.cut, answer.size) == ("time", None)
    assert answer.body.startswith(b"data: 1\n\ndata: 1\n\n")
    assert 0.2 < answer.seconds < 1
    assert answer.seconds_to_head < 0.2


def drips(connection: socket) -> None:
    """A head, one byte after the other, that never ends."""
    while True:
        connection.sendall(b"H")
        time.sleep(0.05)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    "behave", [silent, drips, endless(b"HTTP/1.1 100 Continue\r\n\r\n"), lambda _: time.sleep(2)]
)
def test_the_time_is_over_before_a_head_came(
    gateway: At, behave: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_HEAD", 1 << 40)
    gateway(behave)
    start = time.monotonic()
    with pytest.raises(NotSent, match="no answer came, and the console waits no longer"):
        get(method="POST", body=b"x" * 20 * MIB if behave is not silent else b"")
    assert 0.2 < time.monotonic() - start < 1.2


def hangs_up(connection: socket) -> None:
    """Resets the connection once something was sent."""
    connection.recv(10)
    resets(connection)


# --- Not sent ---
@pytest.mark.parametrize(
    ("behave", "words"),
    [
        (closes, "ended the connection without an answer"),
        (hangs_up, "ended the connection without an answer"),
        (says(OK + b"A: b\r\n"), "ended the connection without an answer"),
        (says(b"SSH-2.0-OpenSSH\r\n"), "does not answer in HTTP/1.1"),
        (says(b"HTTP/2 200\r\n\r\n"), "does not answer in HTTP/1.1"),
        (endless(b"A: b\r\n", OK), "more than 256 kB of headers"),
        (endless(b"x" * 100, OK), "more than 256 kB of headers"),
        (endless(b"HTTP/1.1 100 Continue\r\n\r\n"), "more than 256 kB of headers"),
    ],
)
def test_what_is_no_answer_is_told(gateway: At, behave: Behaviour, words: str) -> None:
    url = gateway(behave)
    with pytest.raises(NotSent, match=words) as told:
        get()
    assert url in str(told.value)


def test_nobody_listens(gateway: At, settings: Settings) -> None:
    with socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings.CONSOLE_GATEWAY_URL = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(NotSent) as told:
            get()
    assert f"{settings.CONSOLE_GATEWAY_URL}: connection refused." in str(told.value)
    assert "Dashboard" in str(told.value)
    assert "CONSOLE_GATEWAY_URL" in str(told.value)


def test_a_gateway_that_does_not_accept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SECONDS_TO_CONNECT", 0.1)
    with full_queue() as url:
        settings.CONSOLE_GATEWAY_URL = url.replace("https", "http").replace("localhost", "127.0.0.1")
        with pytest.raises(NotSent, match=r"No gateway listens at .*: nothing happened within"):
            get()


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 80 + ".example", ".."])
def test_a_name_without_an_address(settings: Settings, host: str) -> None:
    settings.CONSOLE_GATEWAY_URL = f"http://{host}"
    with pytest.raises(NotSent, match="No gateway listens"):
        get()


def test_so_many_calls_at_a_time(gateway: At) -> None:
    go = threading.Event()

    def behave(connection: socket) -> None:
        connection.recv(65536)
        go.wait(5)
        connection.sendall(OK + b"\r\n")

    def get_in_room() -> Answer:
        with sending.room():
            return get()

    gateway(behave)
    threads = [threading.Thread(target=get_in_room) for _ in range(sending._MOST_AT_A_TIME)]
    for thread in threads:
        thread.start()
    try:
        deadline = time.monotonic() + 5
        while sending._room._value and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(NotSent, match="under way already"):
            get_in_room()
    finally:
        go.set()
        for thread in threads:
            thread.join()
    assert get_in_room().status == 200


# --- TLS ---
def with_tls(server: Issued, folder: Path, then: Behaviour) -> Behaviour:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*server.write(folder))

    def behave(connection: socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.settimeout(10)
            then(tls)

    return behave


def call_with_tls(body: bytes = b"") -> Answer:
    return send("https://api.example", ConsoleRequest("POST", "/bank", body=body))


def test_over_tls_the_gateways_own_certificate_is_trusted_for_its_public_name(
    gateway: Callable[..., str], settings: Settings, tmp_path: Path
) -> None:
    server = issue(make_ca(), sans=["api.example"], client=False)
    seen: list[bytes] = []

    def answers(connection: socket) -> None:
        data = b""
        while not data.endswith(b"END"):
            data += connection.recv(65536)
        seen.append(data)
        connection.sendall(OK + b"Content-Length: %d\r\n\r\n" % (3 * MIB) + b"x" * 3 * MIB)

    gateway(with_tls(server, tmp_path, answers), "https")
    certificate = tmp_path / "gateway.pem"
    certificate.write_text(server.pem)  # without its issuers: a leaf, trusted for what it is
    settings.GATEWAY_TLS_CERTIFICATE = str(certificate)
    answer = call_with_tls(b"y" * 3 * MIB + b"END")
    assert (answer.status, len(answer.body), answer.cut) == (200, MIB, "size")
    assert b"\r\nHost: api.example\r\n" in seen[0]
    assert len(seen[0]) > 3 * MIB


@pytest.mark.parametrize(("name", "trusted"), [("other.example", True), ("api.example", False)])
def test_another_certificate_is_sent_nothing(
    gateway: Callable[..., str], settings: Settings, tmp_path: Path, name: str, trusted: bool
) -> None:
    server = issue(make_ca(), sans=[name], client=False)
    seen: list[bytes] = []
    gateway(with_tls(server, tmp_path, lambda connection: seen.append(connection.recv(99))), "https")
    if trusted:
        settings.GATEWAY_TLS_CERTIFICATE = str(server.write(tmp_path, "gateway")[0])
    with pytest.raises(NotSent, match=r"is not accepted for api\.example: .*GATEWAY_TLS_CERTIFICATE"):
        call_with_tls()
    assert not [data for data in seen if data]


@pytest.mark.parametrize("behave", [says(b"HTTP/1.1 400 Bad\r\n\r\n"), closes, hangs_up])
def test_a_gateway_without_tls_is_told(gateway: Callable[..., str], behave: Behaviour) -> None:
    gateway(behave, "https")
    with pytest.raises(NotSent, match="CONSOLE_GATEWAY_URL, where http and https"):
        call_with_tls()


@pytest.mark.usefixtures("short")
def test_a_handshake_has_the_same_time(gateway: Callable[..., str]) -> None:
    gateway(silent, "https")
    with pytest.raises(NotSent, match="waits no longer"):
        call_with_tls()


def test_no_repr_or_message_has_what_was_entered(gateway: At) -> None:
    gateway(lambda connection: connection.shutdown(SHUT_WR))
    request = ConsoleRequest("GET", "/?key=hidden", (("Key", "hidden"),), b"hidden")
    with pytest.raises(NotSent) as told:
        send(PUBLIC, request)
    assert "hidden" not in f"{told.value} {request!r}"
