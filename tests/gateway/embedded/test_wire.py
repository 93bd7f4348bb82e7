"""What goes over the wire, both ways, seen by a real back end and a real caller."""

import http.client
import select
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from gateway.snapshot import ForwardRequest, RewriteUri
from tests.back_end import BackEnd, Connection, Seen, show
from tests.pki import Authority, Issued
from tests.running_engine import RunningEngine, running_engine, wait_until
from tests.snapshots import HERE, snapshot, trust

pytestmark = pytest.mark.wire


@pytest.fixture
def back_end(ca: Authority, server: Issued) -> Iterator[BackEnd]:
    with BackEnd(server) as back_end:
        yield back_end


@pytest.fixture
def gateway(back_end: BackEnd, ca: Authority) -> Iterator[RunningEngine]:
    with running_engine(snapshot(back_end.url + "/base", trusts=trust(ca))) as gateway:
        yield gateway


# --- Targets (RFC 9112, 3.2; RFC 3986) ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rest",
    [
        "/a%2fb",
        "/a%2Fb",
        "/a|b[c]",
        "/%7euser",
        "//double//slashes/",
        "/p?",
        "/p",
        "/p??x",
        "/p?a=%20&b=+&c=%zz&a=1",
        "/p?q=http://x/../y",
        "/a;v=1,2/b=c@:$!'()*",
        "/with%20space%00%e2%82%ac",
        "/",
        "",
    ],
)
def test_the_target_after_the_suffix_is_forwarded_byte_for_byte(
    gateway: RunningEngine, back_end: BackEnd, rest: str
) -> None:
    answer = gateway.raw(f"GET /bank{rest} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200")
    assert back_end.seen[0].target == f"/base{rest}"


@pytest.mark.parametrize(
    "target",
    [
        "/bank/../other",
        "/bank/./x",
        "/bank/%2e%2e/x",
        "/bank/.%2E/x",
        "/bank/..",
        "/bank/a%2f..%2fb",
        "/bank/a\\..\\b",
        "/bank/..%5cx",
        "bank/x",
        "*",
        "bank:443",
        "/bank/\xff",
        "/bank/#x",
    ],
)
def test_a_target_that_could_be_read_in_two_ways_is_answered_400(
    gateway: RunningEngine, back_end: BackEnd, target: str
) -> None:
    request = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1")
    assert gateway.raw(request).startswith(b"HTTP/1.1 400 ")
    assert not back_end.connections


def test_an_absolute_target_is_forwarded_in_origin_form(gateway: RunningEngine, back_end: BackEnd) -> None:
    gateway.raw(b"GET http://elsewhere/bank/x?y HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert back_end.seen[0].target == "/base/x?y"


def test_a_call_without_an_operation_gets_the_recorded_answer(gateway: RunningEngine) -> None:
    answer = gateway.call(target="/elsewhere")
    assert answer.status == 404
    assert answer.body == b'{ "statusCode": 404, "message": "Resource not found" }'


def test_a_rewrite_template_gives_the_target(back_end: BackEnd, ca: Authority) -> None:
    chosen = snapshot(
        back_end.url + "/base",
        trusts=trust(ca),
        operations=(("GET", "/customers/{id}"),),
        inbound=(RewriteUri("/v2/c?id={id}", True, HERE),),
    )
    with running_engine(chosen) as gateway:
        gateway.call(target="/bank/customers/4%2F2?page=1")
    assert back_end.seen[0].target == "/base/v2/c?id=4%2F2&page=1"


# --- Fields (RFC 9110, 7) -------------------------------------------------------------------------------------


def test_hop_by_hop_fields_stay_here_and_host_is_the_back_ends(
    gateway: RunningEngine, back_end: BackEnd
) -> None:
    gateway.raw(
        b"GET /bank/x HTTP/1.1\r\nHost: gateway.example\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\n"
        b"Keep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\nProxy-Authorization: Basic x\r\nX-End: 2\r\n\r\n"
    )
    seen = back_end.seen[0]
    assert [name.lower() for name, _ in seen.fields] == [
        "host",
        "x-end",
        "via",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
    ]
    assert seen.values("host") == [f"localhost:{back_end.port}"]
    assert seen.values("x-forwarded-host") == ["gateway.example"]


def test_nothing_is_added_for_a_client_library(gateway: RunningEngine, back_end: BackEnd) -> None:
    gateway.raw(b"GET /bank/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    seen = back_end.seen[0]
    assert not seen.values("user-agent") + seen.values("accept-encoding") + seen.values("accept")


def test_repeated_fields_stay_apart_both_ways(gateway: RunningEngine, back_end: BackEnd) -> None:
    back_end.behave = lambda connection, seen: connection.answer(b"", "Set-Cookie: a=1", "Set-Cookie: b=2, c")
    answer = gateway.raw(
        b"GET /bank/x HTTP/1.1\r\nHost: x\r\nCookie: a=1\r\nCookie: b=2\r\nX-F: 1\r\nX-F: 2\r\n"
        b"Connection: close\r\n\r\n"
    )
    assert back_end.seen[0].values("cookie") == ["a=1", "b=2"]
    assert back_end.seen[0].values("x-f") == ["1", "2"]
    assert answer.lower().count(b"set-cookie: ") == 2


def test_what_a_caller_says_of_where_it_came_from_is_not_handed_on(
    gateway: RunningEngine, back_end: BackEnd
) -> None:
    claims = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https", "Forwarded": "for=192.0.2.1"}
    gateway.call(headers=claims)
    assert back_end.seen[0].values("x-forwarded-for") == ["127.0.0.1"]
    assert back_end.seen[0].values("x-forwarded-proto") == ["http"]
    assert back_end.seen[0].values("forwarded") == []


def test_cookies_of_the_portal_never_reach_a_back_end(back_end: BackEnd, ca: Authority) -> None:
    private = frozenset((b"portal_session", b"csrftoken"))
    with running_engine(snapshot(back_end.url, trusts=trust(ca)), private_cookies=private) as gateway:
        gateway.call(headers={"Cookie": "a=1; portal_session=secret; b=2"})
        gateway.call(headers={"Cookie": "csrftoken=secret"})
    assert back_end.seen[0].values("cookie") == ["a=1; b=2"]
    assert back_end.seen[1].values("cookie") == []


def test_a_cookie_of_one_caller_is_not_sent_for_the_next(gateway: RunningEngine, back_end: BackEnd) -> None:
    back_end.behave = lambda connection, seen: connection.answer(b"", "Set-Cookie: session=mine")
    gateway.call()
    gateway.call()
    assert back_end.seen[1].values("cookie") == []


def test_redirects_are_handed_on(gateway: RunningEngine, back_end: BackEnd) -> None:
    back_end.behave = lambda connection, seen: connection.answer(b"", "Location: /there", status="302 Found")
    answer = gateway.call()
    assert (answer.status, answer.values("location"), len(back_end.seen)) == (302, ["/there"], 1)


# --- Answers --------------------------------------------------------------------------------------------------


def test_compressed_bodies_pass_unchanged(gateway: RunningEngine, back_end: BackEnd) -> None:
    body = b"\x1f\x8b\x08 not really gzip"
    back_end.behave = lambda connection, seen: connection.answer(body, "Content-Encoding: gzip")
    answer = gateway.call(headers={"Accept-Encoding": "gzip"})
    assert (answer.body, answer.values("content-encoding")) == (body, ["gzip"])


def test_an_interim_answer_is_dropped_and_no_caller_gets_anothers_answer(
    gateway: RunningEngine, back_end: BackEnd
) -> None:
    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        time.sleep(0.1)
        connection.answer(seen.target.encode())

    back_end.behave = behave
    with gateway.connect() as kept:
        for turn in range(3):
            answer = gateway.call(target=f"/bank/{turn}", connection=kept)
            assert (answer.status, answer.body) == (200, f"/base/{turn}".encode())
    assert back_end.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100,
    ],
)
def test_what_is_not_http_is_a_protocol_error_and_closes_the_connection(
    gateway: RunningEngine, back_end: BackEnd, answer: bytes
) -> None:
    back_end.behave = lambda connection, seen: connection.write(answer)
    refused = gateway.call()
    assert (refused.status, refused.json["code"]) == (502, "back-end-protocol-error")
    wait_until(lambda: back_end.open == 0)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_a_connection_is_not_used_again_after_any_doubt(
    gateway: RunningEngine, back_end: BackEnd, answer: bytes
) -> None:
    back_end.behave = lambda connection, seen: connection.write(answer)
    for _ in range(2):
        assert gateway.call().body == b"ok"
    assert back_end.connections == 2


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answers_without_content_leave_both_connections_usable(
    gateway: RunningEngine, back_end: BackEnd, status: str
) -> None:
    back_end.behave = lambda connection, seen: connection.write(
        f"HTTP/1.1 {status}\r\nETag: x\r\nContent-Length: 5\r\n\r\n".encode()
        if status.startswith("304")
        else f"HTTP/1.1 {status}\r\nETag: x\r\n\r\n".encode()
    )
    with gateway.connect() as kept:
        for _ in range(3):
            answer = gateway.call(connection=kept)
            assert (answer.status, answer.body) == (int(status[:3]), b"")
    assert back_end.connections == 1


def test_head_keeps_the_content_length_and_has_no_body(gateway: RunningEngine, back_end: BackEnd) -> None:
    back_end.behave = lambda connection, seen: connection.write(
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    )
    with gateway.connect() as kept:
        for _ in range(2):
            answer = gateway.call("HEAD", connection=kept)
            assert (answer.body, answer.values("content-length")) == (b"", ["5"])
    assert back_end.connections == 1


@pytest.mark.parametrize("size", [0, 1, 70_000, 5_000_000])
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_bodies_of_every_size_and_framing_arrive_whole(
    gateway: RunningEngine, back_end: BackEnd, size: int, framing: str
) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    def behave(connection: Connection, seen: Seen) -> None:
        if framing == "length":
            connection.answer(body)
        elif framing == "chunked":
            connection.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for place in range(0, size, 9999):
                part = body[place : place + 9999]
                connection.write(b"%x;ext=1\r\n%b\r\n" % (len(part), part))
            connection.write(b"0\r\nTrailer: dropped\r\n\r\n")
        else:
            connection.write(b"HTTP/1.1 200 OK\r\n\r\n" + body)
            connection.end()

    back_end.behave = behave
    for _ in range(2):
        assert gateway.call().body == body
    assert back_end.connections == (2 if framing == "close" else 1)


@pytest.mark.parametrize("framing", ["Content-Length: 10", "Transfer-Encoding: chunked", "X: close"])
def test_a_back_end_that_stops_mid_body_cuts_the_callers_connection(
    gateway: RunningEngine, back_end: BackEnd, framing: str
) -> None:
    def behave(connection: Connection, seen: Seen) -> None:
        start = b"a\r\nhalf" if "chunked" in framing else b"half"
        connection.write(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode() + start)
        time.sleep(0.1)
        connection.close()

    back_end.behave = behave
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        gateway.call()


def test_server_sent_events_arrive_when_they_are_sent(gateway: RunningEngine, back_end: BackEnd) -> None:
    released = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for number in range(3):
            connection.write(b"9\r\ndata: %d\n\n\r\n" % number)
            assert released.wait(5)
            released.clear()
        connection.write(b"0\r\n\r\n")

    back_end.behave = behave
    with gateway.connect() as caller:
        caller.request("GET", "/bank/events")
        answer = caller.getresponse()
        for number in range(3):
            assert answer.read1(100) == b"data: %d\n\n" % number  # while the back end waits
            released.set()
        assert answer.read() == b""


def test_an_answer_without_a_body_yet_shows_its_head_at_once(
    gateway: RunningEngine, back_end: BackEnd
) -> None:
    go_on = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        go_on.wait(5)
        connection.write(b"ok")

    back_end.behave = behave
    with gateway.connect() as caller:
        caller.request("GET", "/bank/slow")
        answer = caller.getresponse()
        go_on.set()
        assert answer.read() == b"ok"


# --- Requests with bodies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 100_000, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_request_bodies_arrive_whole_in_the_framing_they_came_in(
    gateway: RunningEngine, back_end: BackEnd, size: int, chunked: bool
) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    back_end.behave = lambda connection, seen: connection.answer(str(len(seen.body)).encode())
    parts = [body[place : place + 9999] for place in range(0, size, 9999)]
    with gateway.connect() as kept:
        for _ in range(2):
            sent = iter(parts) if chunked else body
            assert gateway.call("POST", body=sent, encode_chunked=chunked, connection=kept).status == 200
    assert [seen.body for seen in back_end.seen] == [body] * 2
    assert back_end.seen[0].values("transfer-encoding") == (["chunked"] if chunked else [])
    assert back_end.connections == 1


def test_a_slow_sender_is_forwarded_part_by_part(gateway: RunningEngine, back_end: BackEnd) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as caller:
        caller.sendall(b"POST /bank/x HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nConnection: close\r\n\r\n")
        for part in (b"ab", b"cd", b"ef"):
            time.sleep(0.12)
            caller.sendall(part)
        assert caller.recv(65536).startswith(b"HTTP/1.1 200")
    assert back_end.seen[0].body == b"abcdef"


def test_100_continue_is_answered_and_not_forwarded(gateway: RunningEngine, back_end: BackEnd) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as caller:
        caller.sendall(
            b"POST /bank/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
            b"Connection: close\r\n\r\n"
        )
        assert caller.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.sendall(b"ok")
        assert caller.recv(65536).startswith(b"HTTP/1.1 200")
    assert back_end.seen[0].values("expect") == []


def test_a_call_that_is_refused_is_not_asked_for_its_body(gateway: RunningEngine) -> None:
    answer = gateway.raw(
        b"POST /elsewhere HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\nExpect: 100-continue\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"connection: close" in answer


def test_a_back_end_that_answers_before_the_body_was_sent_is_heard(
    gateway: RunningEngine, back_end: BackEnd, ca: Authority
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as early:

        def refuse() -> None:
            peer, _ = early.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(
                    b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
                peer.shutdown(socket.SHUT_WR)
                time.sleep(0.2)

        threading.Thread(target=refuse, daemon=True).start()
        gateway.apply(snapshot(f"http://127.0.0.1:{early.getsockname()[1]}", trusts=trust(ca), revision=2))
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as caller:
            caller.sendall(b"POST /bank/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n")
            for _ in range(
                9000
            ):  # in steps, so that nothing is left unread whose loss would reset the connection
                if select.select([caller], [], [], 0.002)[0]:
                    break
                caller.sendall(b"x" * 1000)
            answer = caller.recv(65536)
        assert answer.startswith(b"HTTP/1.1 413")


# --- Time, and people who leave -------------------------------------------------------------------------------


def test_a_back_end_that_does_not_answer_in_time_is_a_504(ca: Authority, back_end: BackEnd) -> None:
    back_end.behave = lambda connection, seen: time.sleep(3)
    chosen = snapshot(back_end.url, trusts=trust(ca), backend=(ForwardRequest(1, HERE),))
    with running_engine(chosen) as gateway:
        began = time.monotonic()
        answer = gateway.call()
    assert (answer.status, answer.json["code"]) == (504, "back-end-timeout")
    assert time.monotonic() - began < 2


def test_without_forward_request_nothing_is_forwarded(ca: Authority, back_end: BackEnd) -> None:
    with running_engine(snapshot(back_end.url, trusts=trust(ca), backend=())) as gateway:
        answer = gateway.call()
    assert (answer.status, answer.body, back_end.connections) == (200, b"", 0)


def test_a_caller_that_leaves_closes_the_exchange(gateway: RunningEngine, back_end: BackEnd) -> None:
    ended = threading.Event()

    def behave(connection: Connection, seen: Seen) -> None:
        connection.socket.settimeout(5)
        try:
            ended.set() if connection.socket.recv(1) == b"" else None
        except OSError:
            ended.set()
        connection.close()

    back_end.behave = behave
    with socket.create_connection(("127.0.0.1", gateway.port)) as caller:
        caller.sendall(b"GET /bank/x HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: bool(back_end.seen))
    assert ended.wait(2)


def test_slow_readers_hold_no_thread(ca: Authority, back_end: BackEnd) -> None:
    big = b"x" * 20_000_000
    back_end.behave = lambda connection, seen: (
        connection.answer(big) if "big" in seen.target else show(connection, seen)
    )
    with running_engine(snapshot(back_end.url, trusts=trust(ca)), exchange_threads=2) as gateway:
        readers = []
        for _ in range(4):
            reader = socket.create_connection(("127.0.0.1", gateway.port))
            reader.sendall(b"GET /bank/big HTTP/1.1\r\nHost: x\r\n\r\n")
            readers.append(reader)  # and never reads
        time.sleep(0.5)
        began = time.monotonic()
        assert gateway.call().status == 200
        assert time.monotonic() - began < 1
        for reader in readers:
            reader.close()


def test_slow_senders_hold_no_thread(gateway: RunningEngine, ca: Authority, back_end: BackEnd) -> None:
    with running_engine(snapshot(back_end.url, trusts=trust(ca)), exchange_threads=2) as small:
        senders = []
        for _ in range(4):
            sender = socket.create_connection(("127.0.0.1", small.port))
            sender.sendall(b"POST /bank/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc")
            senders.append(sender)
        time.sleep(0.3)
        began = time.monotonic()
        assert small.call().status == 200
        assert time.monotonic() - began < 1
        for sender in senders:
            sender.close()


def test_an_idle_connection_that_the_back_end_closed_costs_no_call(
    gateway: RunningEngine, back_end: BackEnd
) -> None:
    def behave(connection: Connection, seen: Seen) -> None:
        show(connection, seen)
        if connection.number % 2:
            connection.read_until(b"\r\n\r\n")  # the next request is read, and nothing said
            connection.close()

    back_end.behave = behave
    for _ in range(6):
        assert gateway.call().status == 200


def test_a_request_with_a_body_is_never_sent_twice(gateway: RunningEngine, back_end: BackEnd) -> None:
    def behave(connection: Connection, seen: Seen) -> None:
        show(connection, seen)
        connection.read_until(b"\r\n\r\n")
        connection.close()

    back_end.behave = behave
    assert gateway.call("POST", body=b"pay").status == 200
    answer = gateway.call("POST", body=b"pay")
    assert (answer.status, answer.json["code"]) == (502, "back-end-closed")


# --- Heads, before routing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET /bank/x HTTP/1.1\r\n\r\n",
        b"GET /bank/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /bank/x HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n",
        b"POST /bank/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /bank/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /bank/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET /bank/x HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
        b"GET /bank/x HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
    ],
)
def test_a_malformed_head_is_refused_with_a_status_only(
    gateway: RunningEngine, back_end: BackEnd, request_head: bytes
) -> None:
    answer = gateway.raw(request_head)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in answer.lower()
    assert not back_end.connections


def test_a_head_without_end_is_refused(gateway: RunningEngine) -> None:
    assert gateway.raw(b"GET /bank/x HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200_000).startswith(
        b"HTTP/1.1 431 "
    )


def test_half_sent_heads_delay_nobody(gateway: RunningEngine) -> None:
    halves = []
    for _ in range(16):
        half = socket.create_connection(("127.0.0.1", gateway.port))
        half.sendall(b"GET /bank/x HTTP/1.1\r\nHo")
        halves.append(half)
    began = time.monotonic()
    assert gateway.call().status == 200
    assert time.monotonic() - began < 1
    for half in halves:
        half.close()


def test_an_https_only_api_refuses_plain_calls(ca: Authority, back_end: BackEnd) -> None:
    chosen = snapshot(back_end.url, trusts=trust(ca), schemes=frozenset(("https",)))
    with running_engine(chosen) as gateway:
        answer = gateway.call()
    assert (answer.status, answer.json["code"], back_end.connections) == (403, "https-required", 0)
    with running_engine(chosen, plain_scheme="https") as gateway:
        assert gateway.call().status == 200
    assert back_end.seen[0].values("x-forwarded-proto") == ["https"]


def test_an_engine_without_a_snapshot_says_so() -> None:
    with running_engine() as gateway:
        answer = gateway.call()
    assert (answer.status, answer.json["code"]) == (503, "not-ready")
