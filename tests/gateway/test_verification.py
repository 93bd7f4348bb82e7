"""Which back end a URL is of, and what is checked there."""

import pytest

from gateway.addresses import parse_web_service_url
from gateway.snapshot import BackEnd
from gateway.verification import BackEnds, Verification
from tests.snapshots import trust


def back_end(url: str, chain: bool = False, name: bool = True) -> BackEnd:
    return BackEnd(f"key of {url}", 1, url, url, chain, name)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://bank.example", "https://bank.example"),
        ("https://BANK.example:443/", "https://bank.example"),
        ("https://bank.example/v10", "https://bank.example"),
        ("https://bank.example/v", "https://bank.example"),
        ("https://bank.example/V1", "https://bank.example"),
        ("https://bank.example/v1", "https://bank.example/v1"),
        ("https://bank.example/v1/accounts", "https://bank.example/v1"),
        ("https://bank.example/v1/a~b", "https://bank.example/v1/a~b"),
        ("https://bank.example/v1/a%7eb/c", "https://bank.example/v1/a~b"),
        ("http://bank.example/v1", None),
        ("https://bank.example:8443/v1", "https://bank.example:8443"),
        ("https://www.bank.example", None),
        ("https://other.example/x/y", "https://other.example/x"),
        ("https://other.example/", None),
    ],
)
def test_a_back_end_holds_for_its_url_and_below_and_the_longest_one_wins(url: str, found: str | None) -> None:
    back_ends = BackEnds(
        map(
            back_end,
            (
                "https://bank.example",
                "https://bank.example/v1/a~b",
                "https://bank.example/v1",
                "https://bank.example:8443",
                "https://other.example/x",
                "not a url",
            ),
        )
    )
    one = back_ends.around(parse_web_service_url(url))
    assert (one and one.url) == found


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("api", [(True, True), (False, True), (True, False), (False, False)])
@pytest.mark.parametrize("entity", [None, (True, True), (False, True), (True, False), (False, False)])
def test_a_check_is_made_unless_the_back_end_or_for_its_own_url_the_api_switches_it_off(
    own: bool, api: tuple[bool, bool], entity: tuple[bool, bool] | None
) -> None:
    asked = trust(validate_chain=api[0], validate_name=api[1], refuse_expired=True)
    there = back_end("https://bank.example", *entity) if entity else None
    found = Verification(asked, own, there)
    by_api, by_entity = api if own else (True, True), entity or (True, True)
    assert (found.trust.validate_chain, found.trust.validate_name) == (
        by_api[0] and by_entity[0],
        by_api[1] and by_entity[1],
    )
    assert found.trust.refuse_expired
    assert (found.chain_off_by_api, found.name_off_by_api) == (not by_api[0], not by_api[1])
    assert (found.chain_off_by_back_end, found.name_off_by_back_end) == (not by_entity[0], not by_entity[1])
