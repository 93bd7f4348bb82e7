"""<ip-filter>: every form of it, and every way in which it can be wrong."""

import pytest

from gateway.snapshot import IpFilter
from tests.gateway.policies.texts import ORIGIN, compiled, refused, unresolved


def written(inside: str, action: str = "allow") -> str:
    return f'<ip-filter action="{action}">{inside}</ip-filter>'


def address(text: str) -> str:
    return f"<address>{text}</address>"


def span(first: str, last: str) -> str:
    return f'<address-range from="{first}" to="{last}" />'


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        (" 10.0.0.0/8\n", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8::0:1", "2001:db8::1/128"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::/0", "::/0"),
        # an IPv4-mapped address is that IPv4 address (RFC 4291, 2.5.5.2)
        ("::ffff:203.0.113.7", "203.0.113.7/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("{{network}}", "10.0.0.0/8"),
        ("{{address}}/32", "10.0.0.9/32"),
    ],
)
def test_an_address_is_one_or_a_network(text: str, network: str) -> None:
    assert compiled(written(address(text))) == (IpFilter("allow", (network,), (), ORIGIN),)


@pytest.mark.parametrize("scope", ["global", "api", "operation"])
def test_addresses_and_ranges_are_kept_in_order(scope: str) -> None:
    inside = (
        span("10.0.0.1", "{{address}}")
        + address("1.1.1.1")
        + span("::1", "2001:DB8::")
        + address("2.2.2.0/24")
    )
    expected = IpFilter(
        "forbid",
        ("1.1.1.1/32", "2.2.2.0/24"),
        (("10.0.0.1", "10.0.0.9"), ("::1", "2001:db8::")),
        ORIGIN,
    )
    assert compiled(written(inside, "forbid"), scope=scope) == (expected,)


def test_a_range_of_mapped_addresses_is_one_of_ipv4() -> None:
    found = compiled(written(span("::ffff:10.0.0.1", "10.0.0.1")))
    assert found == (IpFilter("allow", (), (("10.0.0.1", "10.0.0.1"),), ORIGIN),)


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (written(""), "At least one 'address' or 'address-range' element is needed."),
        (written(address("1.1.1.1"), "deny"), "The 'action' attribute must be 'allow' or 'forbid'."),
        (f"<ip-filter>{address('1.1.1.1')}</ip-filter>", "The required attribute 'action' is missing."),
        (written(address("10.0.0.1/8")), "has bits set behind its prefix: write 10.0.0.0/8."),
        (written(address("2001:db8::1/32")), "has bits set behind its prefix: write 2001:db8::/32."),
        (written(address("@(context.Ip)")), "The text is a policy expression."),
        (written("<address x='' >1.1.1.1</address>"), "The 'x' attribute is not declared."),
        (written(span("1.1.1.2", "1.1.1.1")), "must not be behind"),
        (written(span("1.1.1.1", "::1")), "must both be IPv4 addresses, or both IPv6"),
        (written(span("1.1.1.1", "1.1.1.0/24")), "must be IP addresses"),
        (written("<address-range from='1.1.1.1' />"), "The required attribute 'to' is missing."),
        (written(span("1.1.1.1", "1.1.1.1")[:-2] + ">x</address-range>"), "Text is not allowed inside"),
        (written(address("1.1.1.1") + "<value/>"), "only 'address', 'address-range'"),
    ],
)
def test_what_is_wrong_with_it_is_told(xml: str, words: str) -> None:
    found = refused(xml)
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "partner",
        "10.0.0",
        "10.0.0.256",
        "010.0.0.1",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/",
        "/8",
        "1.1.1.1/0x8",
        "fe80::1%eth0",
        "2001:db8::/129",
        "[::1]",
        "::ffff:10.0.0.0/88",
        "\u0661.1.1.1",
        "1.1.1.1,2.2.2.2",
        "1::2::3",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert refused(written(address(text)))
    assert refused(written(span(text, text)))


def test_an_address_must_not_be_empty() -> None:
    assert "must be an IP address or a network" in refused(written(address("")))[0]


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (written(address("{{plain}}")), "must be an IP address or a network"),
        (written(address("{{network}}6")), "must be an IP address or a network"),
        (written(address("{{secret}}")), "is secret and cannot be used"),
        (written(span("{{address}}", "10.0.0.1")), "must not be behind"),
        (written(span("{{network}}", "10.0.0.1")), "must be IP addresses"),
        (written(address("1.1.1.1"), "{{plain}}"), "must be 'allow' or 'forbid'"),
    ],
)
def test_what_a_named_value_makes_wrong_is_told_when_it_is_known(xml: str, words: str) -> None:
    assert words in unresolved(xml)[0]


@pytest.mark.parametrize("section", ["backend", "outbound"])
def test_it_filters_what_comes_in(section: str) -> None:
    assert "only in 'inbound'" in refused(written(address("1.1.1.1")), section)[0]
