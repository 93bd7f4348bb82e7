"""Fields on their way through, and the framing that they tell of."""

import pytest
from hypothesis import strategies as st

from gateway.headers import (
    HOP_BY_HOP,
    TRACE,
    TRACE_LOCATION,
    UNSEEN,
    Field,
    Hop,
    connection_options,
    content_length,
    is_chunked,
    is_settable,
    own_entries_of_via,
    parse_fields,
    request_fields,
    response_fields,
)
from tests.properties import examples, holds

HOP = Hop("192.0.2.1", "http", b"gateway.example")

NAMES = st.sampled_from(
    [
        *HOP_BY_HOP,
        b"x-a",
        b"x-b",
        b"cookie",
        b"set-cookie",
        b"via",
        b"host",
        b"content-type",
        b"x-forwarded-for",
    ]
)
VALUES = st.sampled_from([b"", b"1", b"close", b"x-a, close", b"X-B", b"set-cookie", b"a=1; b=2"])
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=12)


def test_fields_named_in_connection_are_dropped_from_requests_and_answers() -> None:
    fields = [(b"connection", b"close, X-Mine"), (b"x-mine", b"1"), (b"x-other", b"2")]
    assert [name for name, _ in response_fields(fields)] == [b"x-other", b"via", b"date"]
    sent = request_fields(fields, HOP)
    assert [name for name, _ in sent] == [
        b"x-other",
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
    ]


def test_a_caller_cannot_take_credentials_away_by_naming_them_in_connection() -> None:
    fields = [(b"connection", b"authorization, cookie"), (b"authorization", b"x"), (b"cookie", b"a=1")]
    sent = dict(request_fields(fields, HOP))
    assert sent[b"authorization"] == b"x"
    assert sent[b"cookie"] == b"a=1"


def test_options_of_all_connection_fields_count() -> None:
    assert connection_options([(b"connection", b"A"), (b"connection", b"b , C")]) == {b"a", b"b", b"c"}


def test_a_cookie_that_only_looks_like_a_private_one_is_kept() -> None:
    fields = [(b"cookie", b"my_portal_session=1; portal_session=2; x=portal_session")]
    sent = request_fields(fields, HOP, private_cookies=frozenset((b"portal_session",)))
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


def test_a_trusted_proxy_is_believed_and_appended_to() -> None:
    fields = [
        (b"x-forwarded-for", b"203.0.113.7"),
        (b"x-forwarded-for", b"10.0.0.9"),
        (b"x-forwarded-host", b"api.example"),
        (b"forwarded", b"for=203.0.113.7"),
    ]
    sent = request_fields(fields, Hop("10.0.0.1", "https", b"inside", trusted=True))
    assert (b"x-forwarded-for", b"203.0.113.7, 10.0.0.9, 10.0.0.1") in sent
    assert (b"x-forwarded-host", b"api.example") in sent
    assert (b"x-forwarded-proto", b"https") in sent
    assert (b"forwarded", b"for=203.0.113.7") in sent


def test_nobody_else_is_believed() -> None:
    names = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded")
    sent = request_fields([(name, b"made up") for name in names], HOP)
    assert b"made up" not in [value for _, value in sent]


def test_the_subscription_key_never_reaches_a_back_end() -> None:
    assert b"secret" not in dict(request_fields([(b"ocp-apim-subscription-key", b"secret")], HOP)).values()


def test_via_names_the_version_that_was_spoken_behind_what_was_there() -> None:
    sent = request_fields([(b"via", b"1.1 other")], Hop("192.0.2.1", "http", b"x", version="1.0"))
    assert [value for name, value in sent if name == b"via"] == [b"1.1 other", b"1.0 publisher-portal"]
    answered = response_fields([(b"via", b"1.1 other"), (b"date", b"then")], b"1.0")
    assert answered == [(b"via", b"1.1 other"), (b"date", b"then"), (b"via", b"1.0 publisher-portal")]


def test_a_back_end_cannot_say_that_the_gateway_failed() -> None:
    assert b"gateway-error" not in dict(response_fields([(b"gateway-error", b"forged")]))


def test_that_a_trace_is_wanted_and_where_it_is_is_between_the_caller_and_the_gateway() -> None:
    assert TRACE not in dict(request_fields([(TRACE, b"true")], HOP))
    assert TRACE in UNSEEN
    assert TRACE_LOCATION not in dict(response_fields([(TRACE_LOCATION, b"https://evil.example/")]))
    assert not is_settable(TRACE_LOCATION)


@pytest.mark.parametrize(
    ("values", "count"),
    [([b"1.1 other"], 0), ([b"1.1 publisher-portal, 1.1 other"], 1), ([b"1.1 publisher-portal (x)"] * 3, 3)],
)
def test_own_entries_of_via_are_counted(values: list[bytes], count: int) -> None:
    assert own_entries_of_via([(b"via", value) for value in values]) == count


@examples(300, 5000)
def test_no_field_for_one_hop_is_ever_passed_on(count: int) -> None:
    def dropped(fields: list[Field]) -> None:
        named = connection_options(fields) & {b"x-a", b"x-b"}
        for passed in (request_fields(fields, HOP), response_fields(fields)):
            assert not {name for name, _ in passed} & (HOP_BY_HOP | named)

    holds(count, dropped, FIELDS)


@examples(300, 5000)
def test_repeated_fields_are_passed_on_apart_and_in_their_order(count: int) -> None:
    def in_order(fields: list[Field]) -> None:
        named = connection_options(fields) - {b"set-cookie", b"cookie", b"content-type"}
        for passed in (request_fields(fields, HOP), response_fields(fields)):
            for wanted in {b"x-a", b"x-b", b"cookie", b"set-cookie", b"content-type"} - named:
                sent = [value for name, value in fields if name == wanted]
                if not (wanted == b"set-cookie" and wanted in connection_options(fields)):
                    assert [value for name, value in passed if name == wanted] == sent

    holds(count, in_order, FIELDS)


@examples(300, 5000)
def test_any_bytes_are_a_field_line_or_refused(count: int) -> None:
    def parsed_or_refused(line: bytes) -> None:
        try:
            parsed = parse_fields([line])
        except ValueError:
            return
        for name, value in parsed:
            assert name == name.lower() == name.strip()
            assert not {*b"\r\n\x00:"} & {*name}
            assert not {*b"\r\n\x00"} & {*value}

    pieces = st.sampled_from([b"X-A", b":", b" ", b"\t", b"\r", b"\n", b"\r\n", b"\x00", b"\xff", b"value"])
    holds(count, parsed_or_refused, st.lists(pieces, max_size=8).map(b"".join) | st.binary(max_size=30))


@examples(300, 5000)
def test_any_bytes_frame_a_message_in_one_way_or_are_refused(count: int) -> None:
    def framed_or_refused(values: list[bytes]) -> None:
        try:
            length = content_length([(b"content-length", value) for value in values])
        except ValueError:
            return
        items = [item.strip() for value in values for item in value.split(b",")]
        assert all(item.isdigit() and int(item) == length for item in items)

    pieces = st.sampled_from([b"0", b"1", b"12", b",", b" ", b"+", b"-", b"_", b"x", b"\xb2", b"\t"])
    holds(count, framed_or_refused, st.lists(st.lists(pieces, max_size=4).map(b"".join), max_size=3))
