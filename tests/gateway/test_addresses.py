"""RFC 3986, and the ways in which people have got past lists of refused addresses."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.addresses import (
    AddressRules,
    WebServiceUrl,
    check_literal,
    parse_web_service_url,
    validate_suffix,
)

DEFAULT = AddressRules()
WITH_LOOPBACK = AddressRules.from_settings(["127.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "169.254.1.1",
        "100.100.100.200",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:0:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "64:ff9b:1:a9fe:a9:fe00::",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",  # Teredo of 127.0.0.1
        "2001:db8::5efe:127.0.0.1",
    ],
)
def test_an_address_that_leads_inside_is_refused(address: str) -> None:
    assert not DEFAULT.allows(address)


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "93.184.216.34",
        "100.64.0.1",
        "fd12:3456::1",
        "2606:2800:220:1::1",
        "::ffff:10.0.0.1",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
    ],
)
def test_a_public_or_private_address_is_allowed(address: str) -> None:
    assert DEFAULT.allows(address)


def test_a_listed_network_is_allowed_in_addition_and_nothing_else() -> None:
    assert WITH_LOOPBACK.allows("127.0.0.1")
    assert WITH_LOOPBACK.allows("::1")
    assert WITH_LOOPBACK.allows("::ffff:127.0.0.1")
    assert WITH_LOOPBACK.allows("10.0.0.1")
    assert not WITH_LOOPBACK.allows("169.254.169.254")


def test_a_network_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ValueError, match="'localnet' is not a network"):
        AddressRules.from_settings(["10.0.0.0/8", "localnet"])


@given(st.integers(0, 2**32 - 1))
def test_an_ipv6_address_that_stands_for_an_ipv4_address_is_judged_like_it(number: int) -> None:
    v4 = IPv4Address(number)
    for prefix, shift in ((0xFFFF << 32, 0), (0x64FF9B << 96, 0), (0x2002 << 112, 80)):
        assert DEFAULT.allows(IPv6Address(prefix | number << shift)) == DEFAULT.allows(v4)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0X7F.1",
        "017700000001",
        "0177.0.0.1",
        "0127.0.0.1",
        "127.0x0.00.1",
        "0",
        "[::1]",
        "::1",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:7f00:1]",
        "[fe80::1%25eth0]",
        "169.254.169.254",
        "0xa9fea9fe",
        "localhost",
        "LOCALHOST.",
        "a.b.localhost",
        "ip6-localhost",
        "\uff11\uff12\uff17\u30020.0.1",
    ],
)
def test_every_spelling_of_a_refused_address_is_refused_with_a_message(host: str) -> None:
    message = check_literal(host, DEFAULT)
    assert message is not None
    assert "GATEWAY_ALLOWED_BACK_END_NETWORKS" in message


@pytest.mark.parametrize(
    "host", ["example.com", "10.1.2.3", "[fd12::1]", "localhost.example.com", "1.2.3.4.5", "face"]
)
def test_other_hosts_are_not_refused_by_their_text(host: str) -> None:
    assert check_literal(host, DEFAULT) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "[::1]"])
def test_this_machine_may_be_called_where_loopback_is_allowed(host: str) -> None:
    assert check_literal(host, WITH_LOOPBACK) is None


def test_an_odd_spelling_is_explained() -> None:
    assert "2130706433 (127.0.0.1) is a loopback address" in str(check_literal("2130706433", DEFAULT))


@given(st.integers(0x7F000000, 0x7FFFFFFF))
def test_no_spelling_of_a_loopback_address_is_overlooked(number: int) -> None:
    a, b, c, d = IPv4Address(number).packed
    low = number & 0xFFFFFF
    for host in (
        str(number),
        hex(number),
        f"0{number:o}",
        f"{a}.{low}",
        f"{a:#x}.{b}.{c << 8 | d}",
        f"0{a:o}.{b}.{c}.{d}",
    ):
        assert check_literal(host, DEFAULT) is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://api.example.com", WebServiceUrl("https", "api.example.com", 443, "")),
        ("HTTP://API.Example.com:8080/", WebServiceUrl("http", "api.example.com", 8080, "")),
        ("https://h/a%2Fb/C//", WebServiceUrl("https", "h", 443, "/a%2Fb/C")),
        ("https://[2001:DB8::1]:8443/x", WebServiceUrl("https", "2001:db8::1", 8443, "/x")),
        ("https://b\u00fccher.example/", WebServiceUrl("https", "xn--bcher-kva.example", 443, "")),
        ("https://stra\u00dfe.de", WebServiceUrl("https", "xn--strae-oqa.de", 443, "")),
        ("https://my_service.internal./", WebServiceUrl("https", "my_service.internal", 443, "")),
        ("https://10.1.2.3:1", WebServiceUrl("https", "10.1.2.3", 1, "")),
        ("https://h/Customers('a')/@;v=1", WebServiceUrl("https", "h", 443, "/Customers('a')/@;v=1")),
    ],
)
def test_a_web_service_url_is_taken_apart(text: str, expected: WebServiceUrl) -> None:
    assert parse_web_service_url(text) == expected


def test_the_origin_names_the_port_and_the_authority_only_an_unusual_one() -> None:
    usual = parse_web_service_url("https://[::1]/a/")
    assert (usual.origin, usual.authority, str(usual)) == ("https://[::1]:443", "[::1]", "https://[::1]/a")
    assert parse_web_service_url("http://h:443").authority == "h:443"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Enter the web service URL"),
        ("api.example.com", "Begin the web service URL with https://"),
        ("//h/x", "Begin the web service URL"),
        ("ftp://h", "must begin with https:// or http://"),
        ("https://", "has no host"),
        ("https:///x", "has no host"),
        ("https://h?x=1", "query"),
        ("https://h/#x", "fragment"),
        ("https://h:0", "port"),
        ("https://h:65536", "port"),
        ("https://h:\u0661", "port"),
        ("https://h:8a", "port"),
        ("https://::1/", "[ ]"),
        ("https://[::1", "[ ]"),
        ("https://[::1]x", "[ ]"),
        ("https://[::zz]", "not a valid IPv6 address"),
        ("https://[fe80::1%25eth0]", "zone"),
        ("https://h h", "space"),
        ("https://h\n", "line break"),
        ("https://h\u00a0/", "space"),
        ("https://h\\@evil", "backslash"),
        ("https://127.1", "not a valid IPv4 address"),
        ("https://0x7f000001", "not a valid IPv4 address"),
        ("https://010.0.0.1", "not a valid IPv4 address"),
        ("https://1.2.3.999", "not a valid IPv4 address"),
        ("https://-a.example", "not a valid host name"),
        ("https://a..b", "not a valid host name"),
        ("https://%31.example", "not a valid host name"),
        ("https://" + "a" * 64, "not a valid host name"),
        ("https://\u2488.example", "not a valid host name"),
        ("https://h/a b", "space"),
        ("https://h/%zz", "percent-encoded"),
        ("https://h/\u00fc", "percent-encoded"),
        ("https://h/a/%2e./b", "segments"),
        ("https://h/" + "a" * 2000, "longer than 2000"),
    ],
)
def test_a_web_service_url_that_is_wrong_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (the words are looked at below)
        parse_web_service_url(text)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "https://bob:hunter2@h/",
        "https://hunter2@h",
        "https://bob:hunter2/@h",
        "https://bob:hunter2?@h",
        "https://bob:hunter2 @h",
    ],
)
def test_user_info_is_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        parse_web_service_url(text)
    assert "hunter2" not in str(refused.value)
    assert "bob" not in str(refused.value)


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser_and_what_it_accepts_is_stable(text: str) -> None:
    for candidate in (text, f"https://{text}"):
        try:
            url = parse_web_service_url(candidate)
        except ValueError:
            continue
        assert parse_web_service_url(str(url)) == url


@pytest.mark.parametrize("suffix", ["", "echo", "Bank/v1", "a%20b", "x/@:!$&'()*+,;=~", "a" * 400])
def test_a_suffix_comes_back_as_it_is(suffix: str) -> None:
    assert validate_suffix(suffix) == suffix


@pytest.mark.parametrize(
    ("suffix", "words"),
    [
        ("/a", "begin or end"),
        ("a/", "begin or end"),
        ("/", "begin or end"),
        ("a//b", "two slashes"),
        ("a/../b", "segments"),
        (".", "segments"),
        ("a/%2E%2e", "segments"),
        ("a?b", "'?'"),
        ("a#b", "'#'"),
        ("a b", "percent-encoded"),
        ("a%2", "percent-encoded"),
        ("\u00e4", "percent-encoded"),
        ("a\\b", "percent-encoded"),
        ("a\n", "percent-encoded"),
        ("{a}", "percent-encoded"),
        ("a" * 401, "longer than 400"),
    ],
)
def test_a_suffix_that_is_no_path_is_refused(suffix: str, words: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        validate_suffix(suffix)
    assert words in str(refused.value)
