"""schemathesis against the OpenAPI description, in this process: no 500, and answers as they are described.

It is imported where it is used: that takes its time, and tests are collected in several processes.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some

from gateway.changes.policies import save_policy
from gateway.records import register_gateway
from portal.management_api.door import Door
from tests.builders import (
    ALICE,
    make_api,
    make_back_end,
    make_ca_certificate,
    make_certificate,
    make_named_value,
    make_operation,
    make_subscription,
)

if TYPE_CHECKING:
    from schemathesis.specs.openapi.schemas import APIOperation

START = Callable[[str, list[tuple[str, str]]], Any]


def application(environ: dict[str, Any], start: START) -> Iterable[bytes]:
    """The Door alone, for WSGI: without the signals that would close the connection of this test."""
    response = Door(lambda request: HttpResponse(status=500))(WSGIRequest(environ))
    assert isinstance(response, HttpResponse)
    start(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return [response.content]


@pytest.fixture
def known(db: None) -> dict[str, str]:
    """One entity of each kind: the ids by the names of parameters."""
    api, certificate = make_api(), make_certificate()
    save_policy(ALICE, api, "<policies><inbound><base /></inbound></policies>")
    return {
        "subscriptionId": "sub",
        "resourceGroupName": "group",
        "serviceName": "portal",
        "apiId": api.resource_id,
        "operationId": make_operation(api).resource_id,
        "certificateId": certificate.resource_id,
        "number": "1",
        "caCertificateId": make_ca_certificate().resource_id,
        "namedValueId": make_named_value().resource_id,
        "sid": make_subscription().resource_id,
        "backendId": make_back_end().resource_id,
        "gatewayId": str(register_gateway("bank:1", revision=2**40)),
        "policyId": "policy",
    }


def operations() -> Iterator["APIOperation"]:
    import schemathesis

    for each in schemathesis.openapi.from_wsgi("/management/openapi.json", application).get_all_operations():
        yield each.ok()


def fuzz(known: dict[str, str], token: str, examples: int, *, random: bool) -> None:
    """Send what fits the description of an operation, and what does not, for entities that are there or not."""
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi import checks

    # What a schema cannot say is refused (a file that is none), what it does not say is ignored (more parameters)
    excluded = [checks.positive_data_acceptance, checks.negative_data_rejection]
    strategies = [each.as_strategy(generation_mode=mode) for each in operations() for mode in GenerationMode]

    @settings(
        max_examples=examples,
        derandomize=not random,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=some.data(), number=some.integers(0, len(strategies) - 1), there=some.booleans())
    def run(data: some.DataObject, number: int, there: bool) -> None:
        case = data.draw(strategies[number])
        for name in case.path_parameters:
            if there or name == "serviceName":
                case.path_parameters[name] = known.get(name, "x")
        case.call_and_validate(headers={"Authorization": token}, excluded_checks=excluded)

    run()


def test_answers_are_as_they_are_described(known: dict[str, str], token: str) -> None:
    fuzz(known, token, 60, random=False)


@pytest.mark.long
def test_many_answers_are_as_they_are_described(known: dict[str, str], token: str) -> None:
    fuzz(known, token, 5000, random=True)
