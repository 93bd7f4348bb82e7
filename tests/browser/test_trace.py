"""The trace of a call as an engineer meets it: from the field of an answer to the reason, and on to the setting."""

import http.client
import json
import re
from collections.abc import Callable
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, Installation, Visitor
from tests.running import until

pytestmark = [pytest.mark.browser, pytest.mark.wire]

TARGET = "/accounts/1?note=" + "long" * 200


def trace_of_a_call(installation: Installation) -> str:
    """Where the trace of a call is that asks for one."""
    url = urlsplit(installation.gateway_url)
    with closing(http.client.HTTPConnection(str(url.hostname), url.port, timeout=20)) as connection:
        fields = {"Ocp-Apim-Subscription-Key": installation.subscription_key, "Ocp-Apim-Trace": "true"}
        connection.request("GET", installation.demo_api_path + TARGET, headers=fields)
        return connection.getresponse().headers["Ocp-Apim-Trace-Location"]


def open_trace(page: Page, address: str) -> None:
    """Once it is written."""
    until(lambda: (page.goto(address) or page).url and page.get_by_text("Every step").count() > 0, 10)


def test_a_trace_leads_from_the_answer_to_the_reason_and_to_the_setting(
    visitor: Visitor, installation: Installation
) -> None:
    page, address = visitor.page, trace_of_a_call(installation)
    visitor.sign_in(installation)
    open_trace(page, address)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Trace of GET /partner-bank/acc"))
    expect(page.get_by_role("img", name=re.compile("^Where the .* of the call went"))).to_be_visible()
    visitor.looks_right("trace")
    for summary in page.locator(".trace summary").all():
        summary.focus()
        page.keyboard.press("Enter")
    expect(page.get_by_text("ocp-apim-subscription-key: (secret)").first).to_be_visible()
    visitor.looks_right("trace, unfolded")
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    visitor.axe("trace, narrow")
    assert installation.subscription_key not in page.content()
    answer = page.request.get(address, headers={"Accept": "application/json"})
    assert answer.json()["api"]["id"] == "partner-bank"
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as JSON").click()
    assert download.value.suggested_filename == f"trace-{address.rpartition('/')[2]}.json"
    page.get_by_role("link", name=re.compile("line [0-9]+$")).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Policies")


def test_without_scripts_and_without_a_role(
    new_visitor: Callable[..., Visitor], installation: Installation
) -> None:
    address = trace_of_a_call(installation)
    stranger = new_visitor(scripted=False)
    stranger.page.goto(address)
    expect(stranger.page.get_by_label("Password")).to_be_visible()
    stranger.page.get_by_label("User name").fill(installation.admin_user)
    stranger.page.get_by_label("Password").fill(installation.admin_password)
    stranger.page.get_by_role("button", name="Sign in").click()
    expect(stranger.page.get_by_role("heading", name="Every step")).to_be_visible()
    stranger.page.get_by_role("link", name="The trace as JSON").click()
    shown = stranger.page.locator("pre").inner_text()
    assert json.loads(shown)["operation"]["name"] == "An account"
