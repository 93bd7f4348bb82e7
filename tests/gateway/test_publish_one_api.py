"""One API, from its own rows, is what a full reading makes of it, and costs no more among many than among few."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from gateway import publish
from gateway.changes.security import BasicCredentials, Trust
from gateway.models import Api, Operation
from gateway.models.base import with_id
from gateway.snapshot import Snapshot
from tests.arrange import fill_with_apis, update_directly
from tests.builders import choose, make_api, make_ca_certificate, make_certificate, make_operation

pytestmark = pytest.mark.django_db


def expected(whole: Snapshot, api: Api) -> Snapshot:
    """The parts of a full reading that concern one API."""
    key = str(api.key)
    operations = {name: part for name, part in whole.operations.items() if part.api == key}
    used = {publish.GLOBAL, key, *operations}
    policies = {name: part for name, part in whole.policies.items() if name in used}
    presented = {getattr(each, "certificate", None) for part in policies.values() for each in part.inbound}
    return replace(
        whole,
        apis={key: whole.apis[key]},
        trusts={key: whole.trusts[key]},
        operations=operations,
        policies=policies,
        certificates={name: part for name, part in whole.certificates.items() if name in presented},
        subscriptions={},
    )


def test_one_api_is_what_a_full_reading_makes_of_it() -> None:
    bank, basic, bare = make_api(), make_api("Basic"), make_api("Bare")
    one, two, ca = make_certificate("one"), make_certificate("two"), make_ca_certificate()
    choose(bank, one, Trust(ca_certificates=(ca.key,)))
    choose(basic, BasicCredentials("alice", "hunter2"))
    choose(make_api("Other"), two)
    for api in (bank, basic):
        make_operation(api, "/plain")
        make_operation(api, "/accounts/{id}", rewrite_template="/v2/{id}")
    whole = publish.load(using="default")
    for api in (bank, basic, bare):
        assert publish.around("default", str(api.key)) == expected(whole, api), api
    assert len(publish.around("default", str(bank.key)).certificates) == 1
    assert publish.around("default", str(basic.key)).policies[str(basic.key)].inbound


def test_an_api_that_is_not_there_has_no_parts() -> None:
    snapshot = publish.around("default", "00000000-0000-4000-8000-000000000000")
    assert snapshot == Snapshot(publish.current_revision("default"))


def queries(apis: int) -> int:
    with transaction.atomic():
        fill_with_apis(apis, [make_certificate("one"), make_certificate("two")], make_ca_certificate())
        api = with_id(Api.objects.all(), "api-5").get()
        with CaptureQueriesContext(connection) as captured:
            assert len(publish.around("default", str(api.key)).operations) == 10
        transaction.set_rollback(True)
    return len(captured)


def test_one_api_costs_as_many_queries_among_many_as_among_few() -> None:
    assert queries(10) == queries(100)


def test_what_a_change_came_into_is_read_again() -> None:
    api = make_api()
    operation = make_operation(api)
    changes: list[Callable[[], object]] = [
        lambda: update_directly(Operation, operation.key, display_name="Renamed"),
        lambda: update_directly(Api, api.key, display_name="Renamed, too"),
    ]

    def interrupted(run: Callable[..., object], sql: str, *arguments: object) -> object:
        found = run(sql, *arguments)
        if changes and "gateway_operation" in sql and sql.startswith("SELECT"):
            changes.pop()()
        return found

    with connection.execute_wrapper(interrupted):
        snapshot = publish.around("default", str(api.key))
    assert snapshot.revision == publish.current_revision("default")
    assert snapshot.operations[str(operation.key)].name == "Renamed"
    assert snapshot.apis[str(api.key)].name == "Renamed, too"
