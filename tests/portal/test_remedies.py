"""The table of what mends a failure: complete, and each link leads to a place that is there."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from gateway.embedded.explanation import Effect
from gateway.failures import ANSWERS
from gateway.models import Api
from gateway.probing.report import GOOD, VERDICTS
from gateway.snapshot import Origin
from portal import places, remedies
from portal.places import Link, Where
from portal.remedies import Remedy
from tests.builders import choose, make_api, make_ca_certificate, make_certificate

pytestmark = pytest.mark.django_db

ROWS = remedies.FAILURES | remedies.VERDICTS
PLACES = {place for remedy in ROWS.values() for place in remedy.places}


def step(element: str, scope: Any = "api", line: int = 3) -> Effect:
    return Effect("inbound", element, Origin(scope, line), "")


@pytest.fixture
def where() -> Where:
    api, certificate = make_api(), make_certificate()
    make_ca_certificate()
    choose(api, certificate)
    steps = (step("forward-request", "global", 2),)
    return Where(api.resource_id, certificate=str(certificate.key), steps=steps, own_answer_time=True)


def test_every_code_and_every_verdict_has_a_link_or_a_reason_why_not(where: Where) -> None:
    assert set(remedies.FAILURES) == set(ANSWERS)
    assert set(remedies.VERDICTS) == VERDICTS
    assert [name for name, remedy in ROWS.items() if not remedy.links(where) and not remedy.nowhere] == []
    assert [name for name, remedy in ROWS.items() if not remedy.title] == []
    assert [n for n, remedy in remedies.FAILURES.items() if not (remedy.text and remedy.todo)] == []
    assert {name for name in VERDICTS if "well" in remedies.VERDICTS[name].nowhere} <= GOOD


@pytest.mark.parametrize("place", sorted(PLACES, key=repr), ids=lambda place: place.__name__)
def test_each_link_leads_to_a_field_that_is_there(
    place: Callable[[Where], Link | None], where: Where, administrator_client: Client
) -> None:
    link = place(where)
    assert link is not None
    address, _, anchor = link.url.partition("#")
    page = administrator_client.get(address)
    assert page.status_code == 200
    if anchor.startswith("id_"):
        assert f'id="{anchor}"' in page.content.decode()


def test_the_certificate_is_chosen_where_the_statement_that_counts_stands() -> None:
    where = Where("bank", "read", steps=(step("authentication-certificate", "operation", 7),))
    assert places.credentials(where) == Link(
        "Choose the client certificate in the policy: Operation, line 7",
        "/policies/apis/bank/operations/read/#line-7",
    )
    assert places.credentials(Where("bank", steps=(step("authentication-certificate"),))) == Link(
        "Choose the client certificate on the Security tab", "/apis/bank/security/#id_credentials"
    )


def test_a_policy_without_the_certificate_is_led_to() -> None:
    where = Where("bank", "read", steps=(step("forward-request"),))
    found = remedies.links_for_code("client-certificate-required", where)
    assert [link.url for link in found] == [
        "/apis/bank/security/#id_credentials", "/policies/apis/bank/operations/read/?effective"
    ]  # fmt: skip


def test_the_address_is_changed_where_the_statement_that_counts_stands() -> None:
    where = Where("bank", steps=(step("set-backend-service", line=2), step("set-backend-service", line=5)))
    assert remedies.links_for_verdict("connection-refused", where) == (
        Link("Change the base URL", "/policies/apis/bank/#line-5"),
    )


def test_on_the_security_tab_a_link_loses_nothing_that_is_chosen() -> None:
    found = remedies.links_for_verdict("certificate-required", Where("bank", on_tab=True))
    assert [link.url for link in found] == ["#id_credentials"]


def test_what_a_newer_gateway_says_is_no_error() -> None:
    assert remedies.links_for_code("of-tomorrow", Where("bank")) == ()
    assert remedies.links_for_verdict("of-tomorrow", Where("bank")) == ()


def test_a_place_is_named_once() -> None:
    twice = Remedy("", places=(places.certificates, places.certificates))
    assert twice.links(Where()) == (Link("Client certificates", reverse("certificates")),)


def test_without_an_api_only_what_belongs_to_none_is_led_to() -> None:
    assert {link.url for remedy in ROWS.values() for link in remedy.links(Where())} == {
        reverse("certificates"), reverse("dashboard"), reverse("ca-certificate-upload")
    }  # fmt: skip
    assert not Api.objects.exists()
