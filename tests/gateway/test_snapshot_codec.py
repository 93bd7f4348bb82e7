"""Snapshots as text: nothing is lost, and what is unknown is never ignored."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, get_args

import pytest
from hypothesis import strategies as st

from gateway.snapshot import (
    FORMAT,
    AuthenticationBasic,
    AuthenticationCertificate,
    BackEnd,
    CheckHeader,
    EffectivePolicy,
    ForwardRequest,
    IpFilter,
    Origin,
    ReturnResponse,
    RewriteUri,
    Secret,
    SetBackendService,
    SetHeader,
    SetQueryParameter,
    Snapshot,
    Statement,
)
from gateway.snapshot_codec import decode, encode
from tests.pki import issue
from tests.properties import examples, holds
from tests.snapshots import HERE, material, snapshot, subscription, trust

SET = SetHeader("X-A", "override", ("plain", Secret(b"secret")), HERE)
STATEMENTS: tuple[Statement, ...] = (
    AuthenticationCertificate("certificate", HERE),
    AuthenticationBasic("user", Secret("pässword".encode()), HERE),
    CheckHeader("X-Key", 403, "No.", True, ("a", Secret(b"b")), HERE),
    IpFilter("allow", ("10.0.0.0/8",), (("192.0.2.1", "192.0.2.9"),), HERE),
    RewriteUri("/x", False, HERE),
    SetBackendService("https://other.example/v2", HERE, "other"),
    SET,
    SetQueryParameter("code", "append", ("1", Secret(b"2")), HERE),
    ReturnResponse(503, "Not now", (SetHeader("Retry-After", "override", ("9",), HERE),), "body\n", HERE),
)
FORWARD = ForwardRequest(7, Origin("global", 3))


@pytest.fixture(scope="module")
def whole() -> Snapshot:
    """Something of everything."""
    return replace(
        without_back_ends(), back_ends={"b": BackEnd("b", 2, "b", "https://b.example", False, True)}
    )


def without_back_ends() -> Snapshot:
    return snapshot(
        "https://back-end.example",
        certificate=material(issue(common_name="one")),
        trusts=trust(refuse_expired=True),
        inbound=STATEMENTS,
        backend=(FORWARD,),
        outbound=(SET, STATEMENTS[-1]),
        subscriptions=(subscription("key"),),
    )


def test_every_kind_of_statement_survives(whole: Snapshot) -> None:
    assert {type(s) for s in (*STATEMENTS, FORWARD)} == set(get_args(Statement))
    assert decode(encode(whole)) == whole


def _types(value: Any) -> Iterator[tuple[str, type]]:
    for field in fields(value):
        inner = getattr(value, field.name)
        for item in inner if isinstance(inner, tuple) else (inner,):
            yield field.name, type(item)
            if hasattr(item, "__dataclass_fields__"):
                yield from _types(item)


def test_a_text_stays_a_text_and_a_secret_a_secret(whole: Snapshot) -> None:
    policy = whole.policies["bank"]
    assert list(_types(decode(encode(whole)).policies["bank"])) == list(_types(policy))


TEXTS = st.one_of(st.text(max_size=20), st.binary(max_size=20).map(Secret))


@examples(50, 5000)
def test_any_text_and_any_secret_survive(count: int) -> None:
    def survive(values: list[str | Secret]) -> None:
        statement = SetHeader("x", "append", tuple(values), HERE)
        before = Snapshot(1, policies={"p": EffectivePolicy("p", 1, inbound=(statement,))})
        assert decode(encode(before)) == before

    holds(count, survive, st.lists(TEXTS, max_size=3))


def test_a_secret_is_not_taken_from_a_text_that_looks_like_one(whole: Snapshot) -> None:
    disguised = SetHeader("x", "override", ('{"base64 of a secret":"YQ=="}',), HERE)
    before = replace(whole, policies={"p": EffectivePolicy("p", 1, inbound=(disguised,))})
    assert decode(encode(before)) == before


def test_a_newer_format_disables_every_api_with_a_message(whole: Snapshot) -> None:
    decoded = decode(encode(replace(whole, format=FORMAT + 1)))
    assert [str(FORMAT + 1) in api.problem for api in decoded.apis.values()] == [True]


def test_format_4_is_read_and_has_no_back_ends() -> None:
    before = replace(without_back_ends(), format=4)
    text = encode(before).replace(',"back_ends":[]', "").replace(',"back_end":"other"', "")
    assert "back_end" not in text
    assert [
        s.back_end for s in decode(text).policies["bank"].inbound if isinstance(s, SetBackendService)
    ] == [""]
    with pytest.raises(ValueError, match="back_ends"):  # a newer one has them
        decode(text.replace('"format":4', '"format":5'))


def test_format_3_is_read_and_presents_an_expired_certificate() -> None:
    whole = without_back_ends()
    text = encode(replace(whole, format=3)).replace(',"refuse_expired":true', "")
    assert "refuse_expired" not in text
    decoded = decode(text)
    assert [t.refuse_expired for t in decoded.trusts.values()] == [False]
    assert decoded == replace(whole, trusts=decoded.trusts)


def test_an_older_format_is_refused(whole: Snapshot) -> None:
    with pytest.raises(ValueError, match="format 2"):
        decode(encode(replace(whole, format=2)))


def test_an_unknown_statement_disables_its_policy_and_is_never_ignored(whole: Snapshot) -> None:
    decoded = decode(encode(whole).replace('"kind":"RewriteUri"', '"kind":"RateLimit"')).policies["bank"]
    assert "RateLimit" in decoded.problem
    assert (decoded.inbound, decoded.backend, decoded.outbound) == ((), (), ())


def test_an_unknown_statement_inside_another_disables_the_policy_too() -> None:
    before = Snapshot(1, policies={"p": EffectivePolicy("p", 1, outbound=(STATEMENTS[-1],))})
    text = encode(before).replace('"kind":"SetHeader"', '"kind":"SetCookie"')
    assert "SetCookie" in decode(text).policies["p"].problem


@pytest.mark.parametrize("text", ["", "{}", '{"format":3,"revision":1}', "[]"])
def test_a_text_that_is_no_snapshot_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)
