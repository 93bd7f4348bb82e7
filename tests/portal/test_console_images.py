"""Images of answers are data: URIs, which the console's page may show, and no other page."""

import re

import pytest
from django.test import Client

from tests.builders import make_api, make_operation

pytestmark = pytest.mark.django_db


def policy_of(client: Client, url: str) -> dict[str, str]:
    header = client.get(url)["Content-Security-Policy"]
    return dict(re.findall(r"([a-z-]+) ([^;]*)", header))


def test_only_a_page_with_a_console_may_show_data_images(reader_client: Client) -> None:
    make_operation(make_api(), "/accounts/{id}", "GET", resource_id="call")
    console = policy_of(reader_client, "/apis/partner-bank/operations/call/console/")
    other = policy_of(reader_client, "/apis/partner-bank/operations/call/call/")
    assert console.pop("img-src") == "'self' data:"
    assert other.pop("img-src") == "'self'"
    assert console == other
