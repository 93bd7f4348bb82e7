"""RFC 9112, 2 to 5: versions, lines and fields of requests."""

import pytest

from tests.back_end import BackEnd
from tests.conformance.back_ends import BackEnds
from tests.conformance.caller import request
from tests.conformance.configuration import HEAD_BYTES
from tests.conformance.marks import refusal, shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire


def first_line(listeners: BackEnds) -> bytes:
    """The request line that arrived."""
    return b"".join(listeners.wire).partition(b"\r\n")[0]


@shows("RFC 9112", "2.2", "Empty lines before a request are ignored.")
def test_empty_lines_before_a_request_are_ignored(gateway: Gateway, back_end: BackEnd) -> None:
    with gateway.caller() as caller:
        for _ in range(2):
            caller.send(b"\r\n\r\n" + request())
            assert caller.final().status == 200


@shows("RFC 9112", "2.2", "A head may come in pieces of any size.")
@pytest.mark.parametrize("size", [1, 2, 7])
def test_a_head_may_come_in_pieces(gateway: Gateway, back_end: BackEnd, size: int) -> None:
    data = request("POST", "/open/p?q", "X-One: 1", "X-Two: 2", body=b"abc")
    with gateway.caller() as caller:
        for place in range(0, len(data), size):
            caller.send(data[place : place + size])
        assert caller.final("POST").status == 200
    (seen,) = back_end.seen
    assert (seen.method, seen.target, seen.body) == ("POST", "/base/p?q", b"abc")
    assert (seen.values("x-one"), seen.values("x-two")) == (["1"], ["2"])


@shows("RFC 9112", "2.3", "What is sent to a back end is HTTP/1.1, whatever the caller speaks.")
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_version_is_our_own(gateway: Gateway, listeners: BackEnds, version: str) -> None:
    with gateway.caller() as caller:
        caller.send(request("GET", "/open/x?y", version=version))
        assert caller.final().status == 200
    assert first_line(listeners) == b"GET /base/x?y HTTP/1.1"


@shows("RFC 9112", "2.3", "A request of another major version is refused.")
@pytest.mark.parametrize(
    "version", ["0.9", "2.0", "3.0", "9.9", "1.11", "11.1", "1", "1.", ".1", "1.x", "01.1"]
)
def test_another_version_is_refused(gateway: Gateway, back_end: BackEnd, version: str) -> None:
    assert refusal(gateway.says(request(version=version))) == 400
    assert not back_end.seen


@shows("RFC 9112", "5", "White space around a value is not part of it; in it, it stays.")
def test_white_space_around_a_value_goes(gateway: Gateway, listeners: BackEnds) -> None:
    gateway.call("GET", "/open/x", "X-A:  \t a \t b\t ", "X-B:c", "X-C:", "X-D: \t ")
    head = b"".join(listeners.wire).lower()
    assert b"\r\nx-a: a \t b\r\n" in head
    assert b"\r\nx-b: c\r\n" in head
    assert b"\r\nx-c: \r\n" in head
    assert b"\r\nx-d: \r\n" in head


@shows("RFC 9110", "5.5", "Values pass byte for byte, also those that are not ASCII.")
def test_values_pass_byte_for_byte(gateway: Gateway, back_end: BackEnd) -> None:
    value = "".join(map(chr, [*range(0x21, 0x7F), *range(0x80, 0x100)]))
    back_end.behave = lambda connection, seen: connection.answer(b"", f"X-Back: {value}")
    answer = gateway.call("GET", "/open/x", f"X-Value: {value}")
    assert back_end.seen[0].values("x-value") == [value]
    assert answer.values("x-back") == [value]


@shows("RFC 9110", "5.6.2", "Every character that a field's name may have passes.")
def test_names_of_fields_are_tokens(gateway: Gateway, back_end: BackEnd) -> None:
    name = "X-!#$%&'*+-.^`|~0aZ"  # all but the underscore, which has a rule of its own
    assert gateway.call("GET", "/open/x", f"{name}: here").status == 200
    assert back_end.seen[0].values(name) == ["here"]


@shows("RFC 9110", "5.4", "A head as large as is allowed arrives whole.")
def test_a_large_head_arrives_whole(gateway: Gateway, back_end: BackEnd) -> None:
    fields = [f"X-{number}: {'v' * 200}" for number in range((HEAD_BYTES - 2000) // 212)]
    answer = gateway.call("GET", "/open/x", *fields)
    assert answer.status == 200
    assert len([name for name, _ in back_end.seen[0].fields if name.lower().startswith("x-")]) >= len(fields)


@shows("RFC 6585", "5", "A head that is larger than is allowed is refused with 431, wherever it is large.")
@pytest.mark.parametrize(
    "data",
    [
        request("GET", "/open/" + "x" * HEAD_BYTES),
        request("GET", "/open/x", "X: " + "x" * HEAD_BYTES),
        request("GET", "/open/x", "x" * HEAD_BYTES + ": x"),
        request("GET", "/open/x", *["X: y"] * (HEAD_BYTES // 6 + 1)),
        b"GET /open/x HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (HEAD_BYTES * 3),
    ],
    ids=["target", "value", "name", "fields", "without end"],
)
def test_a_head_that_is_too_large_is_refused(gateway: Gateway, back_end: BackEnd, data: bytes) -> None:
    assert refusal(gateway.says(data)) == 431
    assert not back_end.seen


@shows("RFC 6585", "5", "The head of a later request of a connection is measured, too.")
def test_a_later_head_is_measured_too(gateway: Gateway, back_end: BackEnd) -> None:
    back_end.behave = lambda connection, seen: connection.answer(b"ok")
    with gateway.caller() as caller:
        for _ in range(3):
            assert caller.ask("GET", "/open/x", "X: " + "x" * (HEAD_BYTES // 2)).status == 200
        caller.send(request("GET", "/open/x", "X: " + "x" * HEAD_BYTES))
        assert refusal(caller.rest()) == 431


@shows("RFC 6585", "5", "Empty lines do not go on for ever.")
def test_endless_empty_lines_are_refused(gateway: Gateway, back_end: BackEnd) -> None:
    assert refusal(gateway.says(b"\r\n" * HEAD_BYTES)) in (400, 431)


@shows("this product", "heads", "Half-sent heads delay nobody.")
def test_half_sent_heads_delay_nobody(gateway: Gateway, back_end: BackEnd) -> None:
    halves = [gateway.caller() for _ in range(32)]
    for half in halves:
        half.send(b"GET /open/x HTTP/1.1\r\nHo")
    with gateway.caller(seconds=2) as caller:
        assert caller.ask().status == 200
    for half in halves:  # and each is served when its head is whole
        half.send(b"st: a\r\n\r\n")
        assert half.final().status == 200
        half.socket.close()
