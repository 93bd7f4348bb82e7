"""Lists: search, order, filters and pages, all in the address."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.test import RequestFactory

from gateway.models import Api
from portal.views.lists import Choice, Column, Filter, Listing, ListPage
from tests.builders import choose, make_api, make_certificate, make_operation


class Apis(ListPage):
    columns = (
        Column("name", "Name", Lower("display_name")),
        Column("scheme", "HTTP", "http"),
        Column("created", "Created", "created_at"),
        Column("", ""),
    )
    search_fields = ("display_name", "operations__display_name")
    thumbprint_fields = ("policy_document__references__certificate__current__thumbprint",)
    filters = (
        Filter(
            "scheme", "Scheme", (Choice("plain", "HTTP", Q(http=True)), Choice("tls", "HTTPS", Q(http=False)))
        ),
    )
    page_size = 3

    def queryset(self) -> QuerySet[Any]:
        return Api.objects.all()


def listing(address: str = "") -> Listing:
    request = RequestFactory().get(f"/?{address}")
    request.user = User()
    page = Apis()
    page.setup(request)
    return page.listing()


def names(address: str = "") -> list[str]:
    return [api.display_name for api in listing(address).rows]


@pytest.fixture
def apis(db: None) -> list[Api]:
    return [
        make_api("beta", http=False),
        make_api("Alpha", http=True),
        make_api("gamma ray", http=False),
        make_api("delta", http=True),
    ]


def test_the_order_is_that_of_the_first_column_without_regard_to_case(apis: list[Api]) -> None:
    assert names() == ["Alpha", "beta", "delta"]


def test_a_minus_turns_the_order(apis: list[Api]) -> None:
    assert names("sort=-name") == ["gamma ray", "delta", "beta"]


def test_rows_are_sorted_by_several_columns(apis: list[Api]) -> None:
    assert names("sort=scheme,-name") == ["gamma ray", "beta", "delta"]


@pytest.mark.parametrize("sort", ["nonsense", "display_name", "-", "created_at", "operations__pk"])
def test_only_declared_columns_sort(apis: list[Api], sort: str) -> None:
    assert names(f"sort={sort}") == ["Alpha", "beta", "delta"]


def test_a_click_on_the_head_sorts_by_it_and_the_next_turns_it(apis: list[Api]) -> None:
    heads = listing("sort=name,-created").heads
    assert [(head.label, head.sort, head.direction) for head in heads] == [
        ("Name", "-name,-created", "ascending"),
        ("HTTP", "scheme,name,-created", ""),
        ("Created", "created,name", ""),
        ("", "", ""),
    ]


def test_every_word_must_be_found_somewhere(apis: list[Api]) -> None:
    make_operation(apis[0], display_name="List accounts")
    assert names("q=LIST+beta") == ["beta"]
    assert names("q=list+gamma") == []
    assert names('q="gamma+ray"') == ["gamma ray"]


def test_a_row_that_matches_twice_is_listed_once(apis: list[Api]) -> None:
    make_operation(apis[0], "/a", display_name="List accounts")
    make_operation(apis[0], "/b", display_name="List cards")
    assert names("q=list") == ["beta"]


@pytest.mark.parametrize("shape", ["{}", "spaced", "colons", "marked", "last four"])
def test_a_thumbprint_is_found_however_it_was_copied(apis: list[Api], shape: str) -> None:
    certificate = make_certificate()
    choose(apis[2], certificate)
    text = certificate.current.thumbprint
    pairs = [text[i : i + 2] for i in range(0, 40, 2)]
    shapes = {
        "{}": text,
        "spaced": " ".join(pairs).lower(),
        "colons": ":".join(pairs),
        "marked": f"\u200e{text}",
        "last four": text[-4:],
    }
    request = RequestFactory().get("/", {"q": shapes[shape]})
    page = Apis()
    page.setup(request)
    assert [api.display_name for api in page.listing().rows] == ["gamma ray"]


def test_a_filter_narrows_and_an_unknown_choice_does_not(apis: list[Api]) -> None:
    assert names("scheme=plain") == ["Alpha", "delta"]
    assert listing("scheme=plain").narrowed
    assert len(names("scheme=nonsense")) == 3
    assert not listing("scheme=nonsense").narrowed


@pytest.mark.parametrize(
    ("page", "expected"), [("2", ["gamma ray"]), ("99", ["gamma ray"]), ("x", ["Alpha", "beta", "delta"])]
)
def test_pages_that_are_not_there_lead_to_one_that_is(
    apis: list[Api], page: str, expected: list[str]
) -> None:
    assert names(f"page={page}") == expected


def test_nothing_at_all_is_told_from_nothing_that_matches(db: None) -> None:
    assert listing().empty
    assert not listing("q=x").empty


def test_a_search_may_hold_anything(apis: list[Api]) -> None:
    for text in ("%00", "%27", "'", '"', '"unfinished', "%25", "_", "\\", "x" * 5000):
        assert names(f"q={text}") in ([], ["Alpha", "beta", "delta"])


def test_a_choice_may_depend_on_the_time(apis: list[Api]) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert Choice("new", "New", lambda: Q(created_at__lt=tomorrow)).q() == Q(created_at__lt=tomorrow)
