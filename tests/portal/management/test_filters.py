"""$filter: what it lets through, and what is said about one that is wrong."""

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.apimanagement import ApiManagementClient
from django.db.models import QuerySet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from gateway.models import Certificate, Subscription
from portal.management_api.errors import ApiError
from portal.management_api.filters import MOST_CHARACTERS, MOST_DEPTH, MOST_TERMS, Field, condition
from portal.management_api.resources.certificates import Certificates
from portal.management_api.table import RESOURCES
from tests.arrange import update_directly
from tests.builders import make_api, make_certificate, make_operation, make_subscription
from tests.portal.management.client import GROUP, SERVICE, Arm

FIELDS = {
    "name": Field("display_name"),
    "owner": Field("owner"),
    "api": Field("api__display_name"),  # null where there is none
    "made": Field("created_at", "time"),
    "tracing": Field("allow_tracing", "boolean"),
}
START = datetime(2036, 1, 1, 7, tzinfo=UTC)
NAMES = ("Mobile app", "mobile", "O'Brien", "100%", "a_b", "AXB")


@dataclass(frozen=True)
class Plain:
    """A row as the plain evaluator sees it."""

    name: str
    owner: str
    api: str | None
    made: datetime
    tracing: bool


@pytest.fixture
def rows(db: None) -> dict[str, Plain]:
    """Subscriptions that differ in everything, by their ids."""
    bank = make_api("Bank")
    for number, name in enumerate(NAMES):
        row = make_subscription(name, bank if number % 2 else None, owner="" if number < 3 else name.upper())
        made = START + timedelta(seconds=number // 2)
        update_directly(Subscription, row.key, created_at=made, allow_tracing=number in (0, 3))
    return {
        each.resource_id: Plain(
            each.display_name,
            each.owner,
            each.api.display_name if each.api else None,
            each.created_at,
            each.allow_tracing,
        )
        for each in Subscription.objects.select_related("api")
    }


def let_through(text: str) -> QuerySet[Subscription]:
    return Subscription.objects.filter(condition(text, FIELDS))


def names(text: str) -> set[str]:
    return {each.display_name for each in let_through(text)}


FOUND = [
    ("", set(NAMES)),
    ("  ", set(NAMES)),
    ("name eq 'MOBILE APP'", {"Mobile app"}),
    ("name ne 'mobile app'", set(NAMES) - {"Mobile app"}),
    ("name eq 'o''brien'", {"O'Brien"}),
    ("Name EQ 'mobile'", {"mobile"}),
    ("substringof('MOB', name)", {"Mobile app", "mobile"}),
    ("contains(name,'mob')", {"Mobile app", "mobile"}),
    ("contains('mob',name) eq true", {"Mobile app", "mobile"}),
    ("not contains(name,'b')", {"100%"}),
    ("contains(name,'b') eq false", {"100%"}),
    ("startswith(name,'MOBILE ')", {"Mobile app"}),
    ("endswith(name,'brien')", {"O'Brien"}),
    ("contains(name,'%')", {"100%"}),
    ("contains(name,'_')", {"a_b"}),
    ("contains(name,'A_B')", {"a_b"}),
    ("name eq 'a%'", set()),
    ("api eq null and name ne 'mobile app'", {"O'Brien", "a_b"}),
    ("api ne null", {"mobile", "100%", "AXB"}),
    ("api ne 'bank'", {"Mobile app", "O'Brien", "a_b"}),
    ("not (api eq 'bank')", {"Mobile app", "O'Brien", "a_b"}),
    ("not contains(api,'ban')", {"Mobile app", "O'Brien", "a_b"}),
    ("api eq 'bank' or name eq 'a_b'", {"mobile", "100%", "AXB", "a_b"}),
    ("owner eq null", {"Mobile app", "mobile", "O'Brien"}),
    ("tracing eq true", {"Mobile app", "100%"}),
    ("tracing ne true and name lt 'b'", {"a_b", "AXB"}),
    ("made lt 2036-01-01T07:00:01Z", {"Mobile app", "mobile"}),
    ("made eq datetime'2036-01-01T07:00:02'", {"a_b", "AXB"}),
    ("made ge '2036-01-01T07:00:02Z'", {"a_b", "AXB"}),
    ("made gt 2036-01-01T08:00:01+01:00", {"a_b", "AXB"}),
    ("made le 2036-01-01", set()),
    ("made eq null", set()),
    ("name eq 'mobile' or name eq 'a_b' and tracing eq true", {"mobile"}),
    ("(name eq 'mobile' or name eq 'a_b') and tracing eq true", set()),
    ("not name eq 'mobile' and not (not tracing eq true)", {"Mobile app", "100%"}),
]


def test_what_is_let_through(rows: dict[str, Plain]) -> None:
    assert {text: names(text) for text, _ in FOUND} == dict(FOUND)


def test_a_list_of_certificates_is_filtered(azure: ApiManagementClient) -> None:
    certificate, other = make_certificate("one"), make_certificate("other")
    pasted = f"thumbprint eq '{certificate.current.thumbprint.lower()}'"
    later = f"expirationDate ge 2000-01-01T00:00:00Z and name ne '{other.resource_id.upper()}'"
    for text in (pasted, later, "substringof('n=ONE', subject)"):
        found = azure.certificate.list_by_service(GROUP, SERVICE, filter=text)
        assert [each.name for each in found] == [certificate.resource_id]
    with pytest.raises(HttpResponseError) as error:
        azure.certificate.list_by_service(GROUP, SERVICE, filter="data eq 'x'").next()
    assert [each.target for each in error.value.error.details] == ["$filter"]


# --- whatever is combined, the database thinks as Python does -----------------------------------------------------
Judge = Callable[[Plain], bool]
TEXTS = some.sampled_from([*NAMES, "mob", "B", "", "%", "'", "bank", "zebra"])
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
}
FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda one, other: other in one,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def compare(field: str, operator: str, value: Any, text: str) -> tuple[str, Judge]:
    def judge(row: Plain) -> bool:
        own = getattr(row, field)
        if isinstance(own, str) and isinstance(value, str):
            return fulfils(own.lower(), value.lower())
        return fulfils(own, value)

    def fulfils(own: Any, wanted: Any) -> bool:
        if operator in ORDERS:
            return own is not None and ORDERS[operator](own, wanted)
        equal = own in (None, "") if wanted is None else own == wanted
        return equal == (operator == "eq")

    return f"{field} {operator} {text}", judge


def call(function: str, field: str, value: str) -> tuple[str, Judge]:
    test = FUNCTIONS[function]
    return (
        f"{function}({field}, {quoted(value)})",
        lambda row: (own := getattr(row, field)) is not None and test(own.lower(), value.lower()),
    )


text_fields = some.sampled_from(["name", "owner", "api"])
equals, operators = some.sampled_from(["eq", "ne"]), some.sampled_from(["eq", "ne", *ORDERS])
moments = some.integers(-1, 3).map(lambda seconds: START + timedelta(seconds=seconds))
terms = some.one_of(
    some.builds(lambda f, o, v: compare(f, o, v, quoted(v)), text_fields, operators, TEXTS),
    some.builds(lambda f, o: compare(f, o, None, "null"), text_fields, equals),
    some.builds(lambda o, v: compare("made", o, v, v.isoformat().replace("+00:00", "Z")), operators, moments),
    some.builds(lambda o, v: compare("tracing", o, v, str(v).lower()), equals, some.booleans()),
    some.builds(call, some.sampled_from(list(FUNCTIONS)), text_fields, TEXTS),
)


def combined(inner: some.SearchStrategy[tuple[str, Judge]]) -> some.SearchStrategy[tuple[str, Judge]]:
    return some.one_of(
        inner.map(lambda one: (f"not ({one[0]})", lambda row: not one[1](row))),
        some.tuples(inner, inner).map(
            lambda two: (f"({two[0][0]} and {two[1][0]})", lambda row: two[0][1](row) and two[1][1](row))
        ),
        some.tuples(inner, inner).map(
            lambda two: (f"({two[0][0]} or {two[1][0]})", lambda row: two[0][1](row) or two[1][1](row))
        ),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filtered=some.recursive(terms, combined, max_leaves=6))
def test_the_database_thinks_as_python_does(rows: dict[str, Plain], filtered: tuple[str, Judge]) -> None:
    text, judge = filtered
    found = {each.resource_id for each in let_through(text)}
    assert found == {name for name, row in rows.items() if judge(row)}, text


# --- what is wrong ------------------------------------------------------------------------------------------------
def refusal(text: str, fields: dict[str, Field] = FIELDS) -> str:
    with pytest.raises(ApiError) as error:
        condition(text, fields)
    assert error.value.status == 400
    (detail,) = error.value.details
    assert detail.target == "$filter"
    return detail.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "title eq 'x'",
            "'title' at position 1 is no field to filter by. Use one of: name, owner, api, made",
        ),
        ("name is 'x'", "Expected one of eq, ne, lt, le, gt, ge, not 'is' at position 6."),
        ("name eq", "Expected a text such as 'x', not the end."),
        ("name eq 5", "What begins at position 9 cannot be read."),
        ("name eq 'x", "What begins at position 9 cannot be read."),
        ("name eq x", "Expected a text such as 'x', not 'x' at position 9."),
        ("(name eq 'x'", "Expected ')', not the end."),
        ("name eq 'x')", "Expected 'and' or 'or', not ')' at position 12."),
        ("name eq 'x' name", "Expected 'and' or 'or', not 'name' at position 13."),
        ("name gt null", "'gt' at position 6 is not for null. Use eq or ne."),
        ("tracing gt true", "'gt' at position 9 is not for 'tracing', which is true or false. Use eq or ne."),
        ("tracing eq 'yes'", "Expected true or false, not ''yes'' at position 12."),
        ("made eq true", "Expected a time such as 2036-01-01T07:00:00Z, not 'true' at position 9."),
        ("made eq 2036-13-01", "'2036-13-01' at position 9 is no time."),
        ("made eq 0001-01-01T00:00:00+02:00", "is no time."),
        ("made eq datetime''", "is no time."),
        ("contains(made,'x')", "'contains' at position 1 is not for 'made', which is a time."),
        ("matches(name,'x')", "'matches' at position 1 is no function here. Use one of: substringof"),
        ("contains(name 'x')", "Expected ',', not ''x'' at position 15."),
        ("contains('x','x')", "''x'' at position 14 is no field"),
        ("not", "the end is no field"),
        ("name eq 'x\0'", "NUL"),
        (" or ".join(["tracing eq true"] * (MOST_TERMS + 1)), f"at most {MOST_TERMS} comparisons"),
        ("not " * 30 + "tracing eq true", f"at most {MOST_DEPTH} levels"),
        ("name eq '" + "x" * MOST_CHARACTERS + "'", f"at most {MOST_CHARACTERS} characters"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, said: str) -> None:
    assert said in refusal(text)


def test_a_list_without_fields_says_so() -> None:
    assert "This list cannot be filtered." in refusal("name eq 'x'", {})


def test_the_largest_filter_is_no_burden_for_the_database(rows: dict[str, Plain]) -> None:
    deep = "(" * MOST_DEPTH + "name ne 'x'" + ")" * MOST_DEPTH
    assert let_through(" and ".join([deep, *["name ne 'x'"] * (MOST_TERMS - 1)])).count() == len(NAMES)
    longest = f"not contains(name,'{'%' * (MOST_CHARACTERS - 22)}')"
    assert let_through(longest).count() == len(NAMES)


@given(some.text(alphabet="nameowr mdt'(),.:-Z019eq", max_size=40))
def test_any_text_is_a_filter_or_a_mistake_that_is_told(text: str) -> None:
    with contextlib.suppress(ApiError):
        condition(text, FIELDS)


def test_a_thumbprint_is_found_in_any_case_by_the_index_of_its_column(azure: ApiManagementClient) -> None:
    current = make_certificate().current
    assert current
    for text in (current.thumbprint, current.thumbprint.lower()):
        found = azure.certificate.list_by_service(GROUP, SERVICE, filter=f"thumbprint eq '{text}'")
        assert [each.name for each in found] == ["partner-bank"]
    fields = Certificates.filters
    assert "LOWER" not in str(Certificate.objects.filter(condition("thumbprint eq 'ab'", fields)).query)


def test_every_field_of_every_list_can_be_compared(arm: Arm) -> None:
    make_operation(make_api("x"), resource_id="x")
    make_certificate("x", name="x")
    for resource in RESOURCES:
        if not resource.singleton:
            path = re.sub(r"\{\w+\}", "x", resource.template.rpartition("/")[0])
            for name, field in resource.filters.items():
                text = "2036-01-01" if field.kind == "time" else "true" if field.kind == "boolean" else "'x'"
                terms = [f"{name} ne null", f"not ({name} eq {text})"]
                if field.kind not in ("boolean", "words"):
                    terms += [f"{name} ge {text}", f"{name} lt {text}"]
                if field.is_text:
                    terms += [f"contains({name},'x')", f"not endswith({name},'x')"]
                response = arm.get(f"{path}?$filter={' or '.join(terms)}")
                assert response.status_code == 200, (path, name, response.content)
