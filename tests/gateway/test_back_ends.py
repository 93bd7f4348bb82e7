"""Back ends in running gateways: what a change of one touches, and that it touches nothing else."""

import pytest

from gateway import publish
from gateway.changes.back_ends import delete_back_end, update_back_end
from gateway.changes.policies import save_policy
from gateway.changes.security import NoCredentials, Trust
from gateway.embedded.plans import Plan
from gateway.embedded.state import State, build
from gateway.models import Api, BackEnd, Operation
from tests.builders import ALICE, choose, make_api, make_back_end, make_operation
from tests.gateway.test_differences import look

pytestmark = pytest.mark.django_db


def running() -> State:
    return build(publish.load(using="default"))


def checks(state: State, operation: Operation) -> tuple[bool, bool]:
    """Whether the chain and the name are checked for the calls of an operation."""
    plan = plan_of(state, operation)
    assert plan.destination
    return plan.destination.trust.validate_chain, plan.destination.trust.validate_name


def plan_of(state: State, operation: Operation) -> Plan:
    entry = state.apis[str(operation.api_id)].entries[str(operation.pk)]
    assert entry
    return entry.plan


def switch(row: BackEnd, *, chain: bool, name: bool = True, url: str = "") -> None:
    update_back_end(
        ALICE,
        row.key,
        url=url or row.url,
        validate_certificate_chain=chain,
        validate_certificate_name=name,
        confirmed=True,
    )


def send(scope: Api | Operation | None, attribute: str) -> None:
    inbound = f"<inbound><base /><set-backend-service {attribute} /></inbound>"
    save_policy(ALICE, scope, f"<policies>{inbound}<backend><forward-request /></backend></policies>")


def test_a_switch_holds_for_calls_to_the_url_and_below_it_until_the_back_end_is_deleted() -> None:
    bank = make_operation(make_api(web_service_url="https://bank.example/v1/accounts"))
    other = make_operation(make_api("Other", web_service_url="https://bank.example/v2"))
    state = running()
    row = make_back_end(url="https://bank.example/v1", validate_certificate_chain=False)
    before, state = state, look(state)
    assert (checks(state, bank), checks(state, other)) == ((False, True), (True, True))
    assert (
        state.apis[str(bank.api_id)].destinations[0].key != before.apis[str(bank.api_id)].destinations[0].key
    )
    assert plan_of(state, other) is plan_of(before, other)
    assert state.affected == {str(bank.api_id)}
    switch(row, chain=True, name=False)
    state = look(state)
    assert (checks(state, bank), checks(state, other)) == ((True, False), (True, True))
    delete_back_end(ALICE, row.key)
    assert checks(look(state), bank) == (True, True)


def test_of_several_back_ends_the_longest_url_wins() -> None:
    operation = make_operation(make_api(web_service_url="https://bank.example/v1"))
    make_back_end("all", "https://bank.example", validate_certificate_chain=False)
    state = look(running())
    assert checks(state, operation) == (False, True)
    strict = make_back_end("strict", "https://bank.example/v1")
    state = look(state)
    assert checks(state, operation) == (True, True)
    switch(strict, chain=True, url="https://elsewhere.example")
    assert checks(look(state), operation) == (False, True)


def test_an_api_and_a_back_end_each_switch_a_check_off_at_the_web_service_url() -> None:
    api = make_api()
    operation = make_operation(api)
    make_back_end(validate_certificate_name=False)
    choose(api, NoCredentials(), Trust(validate_chain=False))
    assert checks(running(), operation) == (False, False)


def test_elsewhere_only_a_back_end_switches_checks_off() -> None:
    api = make_api()
    operation = make_operation(api)
    choose(api, NoCredentials(), Trust(validate_chain=False, validate_name=False))
    send(operation, 'base-url="https://orders.example/v1/x"')
    state = running()
    assert checks(state, operation) == (True, True)
    make_back_end("orders", "https://orders.example/v1", validate_certificate_chain=False)
    assert checks(look(state), operation) == (False, True)


@pytest.mark.parametrize("scope", ["global", "api", "operation"])
def test_calls_follow_the_url_of_the_back_end_that_a_policy_names(scope: str) -> None:
    row, api = make_back_end("orders", "https://orders.example/v1"), make_api()
    operation, other = make_operation(api), make_operation(make_api("Other"))
    send({"global": None, "api": api, "operation": operation}[scope], 'backend-id="ORDERS"')
    state = running()
    assert plan_of(state, operation).base == "/v1"
    switch(row, chain=False, url="https://moved.example/v2")
    before, state = state, look(state)
    plan = plan_of(state, operation)
    assert (plan.host, plan.base, plan.verification.back_end.id) == (b"moved.example", "/v2", "orders")
    assert checks(state, operation) == (False, True)
    row.refresh_from_db()
    assert state.snapshot.policies[plan.operation.policy].revision == row.revision
    assert (plan_of(state, other) is plan_of(before, other)) == (scope != "global")


def test_what_changes_of_a_back_end_that_nobody_calls_is_read_and_nothing_else() -> None:
    operation, row = make_operation(make_api()), make_back_end(url="https://elsewhere.example")
    state = running()
    switch(row, chain=False)
    after = look(state)
    assert after.affected == frozenset()
    assert after.apis is state.apis
    assert plan_of(after, operation) is plan_of(state, operation)
