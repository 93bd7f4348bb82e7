"""A change costs what it changed: neither its commit nor a gateway's part grows with the number of APIs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from django.db import connection, transaction

from gateway import publish
from gateway.changes import apis, operations, subscriptions
from gateway.changes.security import BasicCredentials, NoCredentials, Trust, save_security
from gateway.embedded.state import State, build
from gateway.models import Api, Certificate, Operation, Subscription
from gateway.models.base import with_id
from gateway.snapshot_difference import apply
from tests.arrange import fill_with_apis
from tests.builders import ALICE, choose, make_ca_certificate, make_certificate, make_operation, renew

pytestmark = pytest.mark.django_db


@dataclass
class Cost:
    """Statements, the steps of SQLite's machine (some for each row that it looks at), and plans that are new."""

    statements: list[str] = field(default_factory=list)
    steps: int = 0
    plans: int = 0


@contextmanager
def counted() -> Iterator[Cost]:
    """What the database is asked for, and does."""
    cost = Cost()

    def step() -> None:
        cost.steps += 1

    def execute(run: Callable[..., object], sql: str, *arguments: object) -> object:
        cost.statements.append(sql)
        return run(sql, *arguments)

    raw = connection.connection if connection.vendor == "sqlite" else None
    if raw:
        raw.set_progress_handler(step, 1)
    try:
        with connection.execute_wrapper(execute):
            yield cost
    finally:
        if raw:
            raw.set_progress_handler(None, 1)


def followed(before: State) -> tuple[State, Cost]:
    """What a gateway does after a change, and what that costs."""
    with counted() as cost:
        difference = publish.read_difference(before.snapshot, using="default")
    after = build(apply(before.snapshot, difference), before, difference)
    known = {id(entry) for api in before.apis.values() for entry in api.entries.values()}
    entries = (
        entry for key in after.affected if key in after.apis for entry in after.apis[key].entries.values()
    )
    cost.plans = sum(id(entry) not in known for entry in entries)
    return after, cost


def middle() -> Api:
    """An API among the others, which presents a certificate."""
    return with_id(Api.objects.all(), "api-5").get()


def rewriting() -> Operation:
    return Operation.objects.get(api=middle(), resource_id="operation-0")


def update_api() -> None:
    api = middle()
    values = {"description": "", "suffix": "elsewhere", "http": True, "https": True, "confirmed": True}
    apis.update_api(ALICE, api.key, display_name="Same", web_service_url="https://moved.example", **values)


def update_operation() -> None:
    values = {
        "method": "GET",
        "url_template": "/r/{id}",
        "display_name": "Same",
        "rewrite_template": "/x/{id}",
    }
    operations.update_operation(ALICE, rewriting().key, **values)


def trust_nobody() -> None:
    save_security(ALICE, middle().key, credentials=NoCredentials(), trust=Trust(public_cas=False))


CHANGES: dict[str, Callable[[], object]] = {
    "choose a certificate": lambda: choose(middle(), with_id(Certificate.objects.all(), "one").get()),
    "choose HTTP basic": lambda: choose(middle(), BasicCredentials("user", "password")),
    "trust nobody": trust_nobody,
    "update an API": update_api,
    "delete an API": lambda: apis.delete_api(ALICE, middle().key),
    "add an operation": lambda: make_operation(middle(), "/new"),
    "update an operation": update_operation,
    "delete an operation": lambda: operations.delete_operation(ALICE, rewriting().key),
    "replace a key": lambda: subscriptions.regenerate_key(
        ALICE, Subscription.objects.get(api=middle()).key, "primary"
    ),
    "suspend a subscription": lambda: subscriptions.suspend_subscription(
        ALICE, Subscription.objects.get(api=middle()).key
    ),
    "renew a certificate that one API presents": lambda: renew(
        with_id(Certificate.objects.all(), "alone").get()
    ),
}


def costs(apis: int) -> dict[str, tuple[Cost, Cost]]:
    """What each change costs where there are so many APIs: itself, and the gateway's part."""
    found = {}
    with transaction.atomic():
        certificates = [make_certificate("one"), make_certificate("two")]
        fill_with_apis(apis, certificates, make_ca_certificate(), operations=3)
        choose(Api.objects.get(resource_id="api-7"), make_certificate("alone"))
        running = build(publish.load(using="default"))
        for name, make in CHANGES.items():
            with transaction.atomic():
                with counted() as own:
                    make()
                found[name] = own, followed(running)[1]
                transaction.set_rollback(True)
        transaction.set_rollback(True)
    return found


def test_a_change_costs_as_much_among_many_apis_as_among_few() -> None:
    few, many = costs(10), costs(80)
    for name in CHANGES:
        for one, other in zip(few[name], many[name], strict=True):
            assert (len(other.statements), other.plans) == (len(one.statements), one.plans), name
            assert other.steps <= one.steps * 1.02, name
    assert max(gateway.plans for _, gateway in many.values()) == 3  # the operations of the API in question
    if connection.vendor == "sqlite":
        assert all(cost.steps for pair in many.values() for cost in pair)
