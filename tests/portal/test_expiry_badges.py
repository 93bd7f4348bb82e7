"""Badges: which APIs depend on a certificate that expires soon or has expired, on the list and on their pages."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gateway.changes.policies import save_policy
from gateway.changes.security import BasicCredentials, NoCredentials, Trust
from gateway.models import Api, CaCertificate, Certificate
from portal.expiries import badges_of
from tests.arrange import update_directly
from tests.builders import ALICE, choose, make_api, make_ca_certificate, make_certificate, make_operation

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def until(name: str, days: float) -> Certificate:
    now = timezone.now()
    expires = now + timedelta(days=days, minutes=5)
    return make_certificate(name, not_before=now - timedelta(days=500), not_after=expires)


def ca_until(name: str, days: float) -> CaCertificate:
    ca = make_ca_certificate(name)
    update_directly(CaCertificate, ca.key, not_after=timezone.now() + timedelta(days=days, minutes=5))
    return ca


def texts(*apis: Api) -> list[list[str]]:
    found = badges_of(apis, timezone.now())
    return [[badge.text for badge in found.get(api.key, ())] for api in apis]


def presenting(certificate: Certificate) -> str:
    statement = f'<authentication-certificate certificate-id="{certificate}" />'
    return f"<policies><inbound><base />{statement}</inbound></policies>"


def test_the_client_certificate_of_an_api_counts_when_it_expires_within_30_days() -> None:
    apis = [make_api(f"Bank {number}") for number in range(4)]
    for api, days in zip(apis, (-2.5, 12, 29.9, 31), strict=True):
        choose(api, until(f"of-{api.resource_id}", days))
    assert texts(*apis) == [
        ["Client certificate of-bank-0 expired 2 days ago"],
        ["Client certificate of-bank-1 expires in 12 days"],
        ["Client certificate of-bank-2 expires in 29 days"],
        [],
    ]
    assert [badge.expired for badge in badges_of(apis[:1], timezone.now())[apis[0].key]] == [True]


def test_so_does_that_of_an_operation() -> None:
    bank, other = make_api("Bank"), make_api("Other")
    save_policy(ALICE, make_operation(bank), presenting(until("of-operation", 3)))
    assert texts(bank, other) == [["Client certificate of-operation expires in 3 days"], []]


def test_that_of_all_apis_counts_where_the_api_names_none_of_its_own() -> None:
    own, none, basic = make_api("Own"), make_api("None"), make_api("Basic")
    save_policy(ALICE, None, presenting(until("of-all", 3)).replace("<base />", ""))
    choose(own, until("fine", 300))
    choose(basic, BasicCredentials("alice", "hunter2"))
    of_all = ["Client certificate of-all expires in 3 days"]
    assert texts(own, none, basic) == [[], of_all, of_all]


def test_a_trusted_ca_counts_unless_the_chain_is_not_validated() -> None:
    checked, unchecked = make_api("Checked"), make_api("Unchecked")
    trusted = (ca_until("Bank CA", 5).key,)
    choose(checked, NoCredentials(), Trust(ca_certificates=trusted))
    choose(unchecked, NoCredentials(), Trust(validate_chain=False, ca_certificates=trusted))
    assert texts(checked, unchecked) == [["CA certificate bank-ca expires in 5 days"], []]


def test_the_three_most_urgent_ones_are_shown_each_once() -> None:
    api = make_api("Bank")
    for number in (4, 1, 3, 2):
        certificate = until(f"c{number}", number)
        for path in ("/a", "/b"):
            save_policy(ALICE, make_operation(api, f"{path}{number}"), presenting(certificate))
    expected = ["expires in 1 day", "expires in 2 days", "expires in 3 days"]
    assert texts(api) == [
        [f"Client certificate c{number} {words}" for number, words in enumerate(expected, start=1)]
    ]


def test_the_list_and_the_tabs_where_one_can_act_show_them_with_a_link(administrator_client: Client) -> None:
    api, certificate = make_api("Bank"), until("bank", 3)
    choose(api, certificate)
    for path in ("/apis/", "/apis/bank/", "/apis/bank/security/"):
        shown = administrator_client.get(path).content.decode()
        assert shown.count('<ul class="expiry-badges">') == 1
        assert f">{'Client certificate bank expires in 3 days'}</a>" in shown
    assert "expiry-badges" not in administrator_client.get("/apis/bank/settings/").content.decode()


def test_an_api_without_such_a_certificate_has_no_badge(administrator_client: Client) -> None:
    choose(make_api("Bank"), until("bank", 300))
    for path in ("/apis/", "/apis/bank/", "/apis/bank/security/"):
        assert "expiry-badges" not in administrator_client.get(path).content.decode()


def test_the_list_asks_as_much_for_many_apis(administrator_client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as context:
            administrator_client.get("/apis/")
        return len(context)

    def add(numbers: range) -> None:
        for number in numbers:
            ca = ca_until(f"CA {number}", 5).key
            choose(make_api(f"Bank {number}"), until(f"c{number}", 3), Trust(ca_certificates=(ca,)))

    save_policy(ALICE, None, presenting(until("of-all", 3)).replace("<base />", ""))
    add(range(1))
    queries()
    few = queries()
    add(range(1, 6))
    assert queries() == few
