"""Whatever is written into the policy editor, a page answers."""

import re
from random import Random
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.builders import make_api, make_certificate, make_named_value, make_operation
from tests.gateway.policies.test_fuzz import Mutation
from tests.portal.policy_pages import of_operation, save, template_of

FORM = "application/x-www-form-urlencoded"


def post(client: Client, path: str, xml: str, **fields: object) -> str:
    """The template that answers; what the view raises comes through."""
    body = urlencode({"xml": xml.encode("utf-8", "surrogatepass"), **fields})
    answer = client.generic("POST", path, body, FORM)
    assert answer.status_code in {200, 409}
    return template_of(answer)


@pytest.mark.parametrize("count", [100, pytest.param(3_000, marks=pytest.mark.long)])
def test_a_mutated_document_is_answered_with_a_page(administrator_client: Client, count: int) -> None:
    make_named_value("plain", "b.c")
    make_named_value("lines", "one\ntwo")
    make_named_value("secret", "hunter2", secret=True)
    thumbprint = make_certificate().current.thumbprint
    operation = make_operation(make_api(), "/{id}")
    revision = save(operation, "<policies><inbound><base /></inbound></policies>")
    path, mutation, random = of_operation(operation), Mutation(count), Random(count)
    seen = set()
    for _ in range(count):
        xml = re.sub('(?<=thumbprint=")[0-9A-F]{40}', thumbprint, mutation.document())
        opened = random.choice((revision, revision, 0))
        for action in ("effective", "review"):
            seen.add(post(administrator_client, path, xml, action=action, revision=opened))
    assert seen == {"policies", "effective", "review", "conflict"}
