"""The one nonce of the portal: for the style element that the policy editor's script adds."""

import re

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

POLICIES = "/policies/"


def directives(client: Client, path: str) -> dict[str, str]:
    policy = client.get(path).headers["Content-Security-Policy"]
    return {name: rest for name, _, rest in (directive.partition(" ") for directive in policy.split("; "))}


def test_the_policy_editors_page_has_a_nonce_for_styles_and_for_nothing_else(
    administrator_client: Client,
) -> None:
    found = directives(administrator_client, POLICIES)
    assert re.fullmatch(r"'self' 'nonce-[A-Za-z0-9+/]{22}=='", found["style-src"])
    assert found["script-src"] == "'self'"
    assert [name for name, rest in found.items() if "nonce" in rest] == ["style-src"]


def test_the_page_tells_its_script_the_nonce_that_the_header_names(administrator_client: Client) -> None:
    response = administrator_client.get(POLICIES)
    told = re.findall(r'nonce="([^"]*)"', response.content.decode())
    assert len(told) == 1
    assert f"'nonce-{told[0]}'" in response.headers["Content-Security-Policy"]


def test_no_nonce_is_used_twice(administrator_client: Client) -> None:
    first, second = (directives(administrator_client, POLICIES)["style-src"] for _ in range(2))
    assert first != second


def test_readers_who_see_no_editor_and_other_pages_have_no_nonce(
    administrator_client: Client, reader_client: Client
) -> None:
    assert directives(reader_client, POLICIES)["style-src"] == "'self'"
    for path in ("/", "/apis/", "/help/"):
        assert directives(administrator_client, path)["style-src"] == "'self'"
