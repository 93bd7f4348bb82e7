"""Where a call came from: whose word for it is taken (X-Forwarded-For, -Proto and -Host; RFC 7239)."""

import pytest

from tests.back_end import BackEnd
from tests.conformance.configuration import TRUSTED_PROXY
from tests.conformance.marks import failure, shows
from tests.conformance.serving import Gateway

pytestmark = pytest.mark.wire

CLAIMS = (
    "X-Forwarded-For: 192.0.2.1, 192.0.2.2",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: claimed.example",
    "Forwarded: for=192.0.2.1;proto=https;host=claimed.example",
)
NAMES = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded")


def told(
    gateway: Gateway, back_end: BackEnd, *fields: str, source: str = "", target: str = "/open/x"
) -> list[str]:
    """What the back end was told of where a call came from, in the order of NAMES."""
    assert gateway.call("GET", target, *fields, source=source).status == 200
    return [", ".join(back_end.seen[-1].values(name)) for name in NAMES]


@shows("this product", "forwarded", "A back end is told the caller's address, the scheme and the host.")
def test_a_back_end_is_told_where_a_call_came_from(gateway: Gateway, back_end: BackEnd) -> None:
    assert told(gateway, back_end) == ["127.0.0.1", "http", "gateway.example", ""]
    assert told(gateway, back_end, source="127.0.0.3") == ["127.0.0.3", "http", "gateway.example", ""]
    for seen in back_end.seen:
        assert [len(seen.values(name)) for name in NAMES] == [1, 1, 1, 0]


@shows("this product", "forwarded", "What a caller claims of where it comes from is dropped.")
@pytest.mark.parametrize(
    "claim", [*CLAIMS, "x-forwarded-for: 127.0.0.9", "X-Forwarded-For:", "X-Forwarded-Proto: x"]
)
@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.8"])
def test_a_strangers_claims_are_dropped(gateway: Gateway, back_end: BackEnd, claim: str, source: str) -> None:
    assert told(gateway, back_end, claim, claim, source=source) == [source, "http", "gateway.example", ""]


@shows("this product", "forwarded", "A claim does not make a call one over https.")
def test_a_strangers_claim_opens_nothing(gateway: Gateway, back_end: BackEnd) -> None:
    assert failure(gateway.call("GET", "/https-only/x", *CLAIMS)) == (403, "https-required")
    assert not back_end.seen


@shows("this product", "forwarded", "A trusted proxy's word is taken, and it is added to whom it names.")
def test_a_trusted_proxys_word_is_taken(gateway: Gateway, back_end: BackEnd) -> None:
    assert told(gateway, back_end, *CLAIMS, source=TRUSTED_PROXY) == [
        f"192.0.2.1, 192.0.2.2, {TRUSTED_PROXY}",
        "https",
        "claimed.example",
        "for=192.0.2.1;proto=https;host=claimed.example",
    ]
    assert told(gateway, back_end, source=TRUSTED_PROXY) == [TRUSTED_PROXY, "http", "gateway.example", ""]


@shows(
    "this product",
    "forwarded",
    "A trusted proxy says by which scheme a call came; what is no scheme says nothing.",
)
@pytest.mark.parametrize(
    ("claims", "scheme"),
    [
        (("https",), "https"),
        (("HTTPS",), "https"),
        (("http",), "http"),
        (("http, https",), "https"),  # the last is the nearest proxy's
        (("https", "http"), "http"),
        (("wss",), "http"),
        (("",), "http"),
        (("javascript:x",), "http"),
    ],
)
def test_a_trusted_proxy_says_the_scheme(
    gateway: Gateway, back_end: BackEnd, claims: tuple[str, ...], scheme: str
) -> None:
    fields = [f"X-Forwarded-Proto: {claim}" for claim in claims]
    assert told(gateway, back_end, *fields, source=TRUSTED_PROXY)[1] == scheme
    other = {"http": "https", "https": "http"}[scheme]
    assert gateway.call("GET", f"/{scheme}-only/x", *fields, source=TRUSTED_PROXY).status == 200
    refused = gateway.call("GET", f"/{other}-only/x", *fields, source=TRUSTED_PROXY)
    assert failure(refused) == (403, f"{other}-required")


@shows("this product", "forwarded", "The host that is told is that of the target, or else of Host.")
def test_the_host_is_the_targets(gateway: Gateway, back_end: BackEnd) -> None:
    target = "http://target.example:81/open/x"
    assert told(gateway, back_end, target=target)[2] == "target.example:81"
    assert told(gateway, back_end, target=target, source=TRUSTED_PROXY)[2] == "target.example:81"
