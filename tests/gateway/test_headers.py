"""Fields on their way through, and the framing that they tell of."""

import pytest

from gateway.headers import (
    connection_options,
    content_length,
    is_chunked,
    parse_fields,
    request_fields,
    response_fields,
)


def test_fields_named_in_connection_are_dropped_from_requests_and_answers() -> None:
    fields = [(b"connection", b"close, X-Mine"), (b"x-mine", b"1"), (b"x-other", b"2")]
    assert response_fields(fields) == [(b"x-other", b"2")]
    sent = request_fields(fields, client="192.0.2.1", scheme="http")
    assert [name for name, _ in sent] == [b"x-other", b"x-forwarded-for", b"x-forwarded-proto"]


def test_a_caller_cannot_take_credentials_away_by_naming_them_in_connection() -> None:
    fields = [(b"connection", b"authorization, cookie"), (b"authorization", b"x"), (b"cookie", b"a=1")]
    sent = dict(request_fields(fields, client="192.0.2.1", scheme="http"))
    assert sent[b"authorization"] == b"x"
    assert sent[b"cookie"] == b"a=1"


def test_options_of_all_connection_fields_count() -> None:
    assert connection_options([(b"connection", b"A"), (b"connection", b"b , C")]) == {b"a", b"b", b"c"}


def test_basic_credentials_replace_every_authorization_field() -> None:
    fields = [(b"authorization", b"one"), (b"authorization", b"two")]
    sent = request_fields(fields, client="192.0.2.1", scheme="http", authorization=b"Basic x")
    assert [value for name, value in sent if name == b"authorization"] == [b"Basic x"]


def test_a_cookie_that_only_looks_like_a_private_one_is_kept() -> None:
    fields = [(b"cookie", b"my_portal_session=1; portal_session=2; x=portal_session")]
    sent = request_fields(
        fields, client="192.0.2.1", scheme="http", private_cookies=frozenset((b"portal_session",))
    )
    assert sent[0] == (b"cookie", b"my_portal_session=1; x=portal_session")


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        ([b"A: b\r\n", b"C:d\n", b"E:\r\n"], [(b"a", b"b"), (b"c", b"d"), (b"e", b"")]),
        ([b"A: b\r\n", b"  c\r\n"], [(b"a", b"b c")]),
        ([b"A: caf\xe9\r\n"], [(b"a", b"caf\xe9")]),
    ],
)
def test_field_lines_are_parsed(lines: list[bytes], fields: list[tuple[bytes, bytes]]) -> None:
    assert parse_fields(lines) == fields


@pytest.mark.parametrize(
    "line", [b"no colon\r\n", b"A : b\r\n", b": b\r\n", b"A: b\x00\r\n", b"A: b\rc\r\n", b" a\r\n"]
)
def test_bad_field_lines_are_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="field"):
        parse_fields([line])


@pytest.mark.parametrize(
    ("values", "length"), [([], None), ([b"0"], 0), ([b"12", b"12"], 12), ([b"5, 5"], 5)]
)
def test_a_content_length_may_be_repeated_but_not_differ(values: list[bytes], length: int | None) -> None:
    assert content_length([(b"content-length", value) for value in values]) == length


@pytest.mark.parametrize("values", [[b"1", b"2"], [b"-1"], [b"+1"], [b"1_0"], [b""], [b"0x1"], [b"\xb2"]])
def test_a_content_length_that_is_no_number_is_refused(values: list[bytes]) -> None:
    with pytest.raises(ValueError, match="Content-Length"):
        content_length([(b"content-length", value) for value in values])


def test_no_other_transfer_coding_than_chunked_is_known() -> None:
    assert is_chunked([(b"transfer-encoding", b"Chunked")])
    assert not is_chunked([])
    for value in (b"gzip, chunked", b"chunked, chunked", b"identity", b""):
        with pytest.raises(ValueError, match="transfer coding"):
            is_chunked([(b"transfer-encoding", value)])
