"""The console in a browser: the text of the call as one types, Send, and what is where afterwards."""

import re
import subprocess
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import NARROW, Installation, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.wire]
TYPED = 'it\'s <b>"ü"</b> $HOME/1'


def open_console(visitor: Visitor, installation: Installation) -> None:
    """The console of the operation GET /*, from the list of operations."""
    visitor.sign_in(installation)
    visitor.page.goto(f"{installation.portal_url}/apis/partner-bank/operations/")
    visitor.page.get_by_role("link", name="Console of GET anything").click()
    expect(visitor.page.get_by_role("heading", name="Console", exact=True)).to_be_visible()


def press_send(visitor: Visitor) -> None:
    visitor.page.get_by_role("button", name="Send", exact=True).click()


def another_operation_is_said_to_be_not_chosen_yet(page: Page) -> None:
    page.get_by_label("Operation", exact=True).select_option("post-anything")
    expect(page.get_by_role("status").filter(has_text="Send calls GET /*. Press Choose")).to_be_in_viewport()
    page.get_by_label("Operation", exact=True).select_option("get-anything")
    expect(page.get_by_text("Send calls GET")).to_have_count(0)


def test_the_call_is_shown_as_one_types_and_sent_once(visitor: Visitor, installation: Installation) -> None:
    open_console(visitor, installation)
    page, said = visitor.page, []
    page.on("console", lambda message: said.append(message.text))
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_in_viewport(ratio=1)
    another_operation_is_said_to_be_not_chosen_yet(page)
    page.get_by_label("The rest of the path").fill("accounts/1")
    page.get_by_label("Further query parameters").fill(f"q={TYPED}")
    curl = page.get_by_role("button", name="Copy curl line")
    expect(curl).to_have_attribute("data-copy", re.compile("q=it%27s%20.*%C3%BC.*%24HOME%2F1"))
    visitor.fits("the console")

    page.route("**/preview/", lambda route: route.abort())
    page.get_by_label("Request headers").fill("X-B: 1")
    expect(page.get_by_text("Not up to date")).to_be_visible()
    expect(curl).to_be_hidden()
    page.unroute("**/preview/")
    page.get_by_label("Request headers").fill("")
    expect(curl).to_be_visible()

    page.get_by_role("button", name="Show key").click()
    expect(page.get_by_text("The key is shown above")).to_be_focused()
    line = curl.get_attribute("data-copy") or ""
    answer = subprocess.run(["bash"], input=line, capture_output=True, text=True, timeout=30, check=True)
    assert '"statusCode"' in answer.stdout  # of the gateway, which let the key in

    sent = []

    def slowly(route: Route) -> None:
        sent.append(route.request.method)
        time.sleep(0.3)
        route.continue_()

    page.route(page.url, slowly)
    press_send(visitor)
    expect(page.get_by_text("Sending…")).to_be_visible()
    press_send(visitor)
    page.get_by_label("Request headers").fill("X-A: typed meanwhile")
    expect(page.locator("#answer")).to_be_focused()
    assert sent == ["POST"]
    expect(page.get_by_label("Request headers")).to_have_value("X-A: typed meanwhile")
    expect(page.get_by_role("region", name="HTTP request").locator("pre")).to_contain_text("typed meanwhile")
    visitor.axe("the answer")

    page.unroute(page.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Send again")).to_be_focused()
    with page.expect_response(page.url):
        page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_be_focused()
    assert not [text for text in said if "Autofocus" in text]
    page.reload()
    expect(page.get_by_text("This is the request that you sent last.")).to_be_visible()
    expect(page.get_by_label("Further query parameters")).to_have_value(f"q={TYPED}")
    page.get_by_role("button", name="Start afresh").click()
    expect(page.get_by_label("Further query parameters")).to_have_value("")


def test_without_scripts_it_is_one_form_and_one_answer_page(
    new_visitor: Callable[..., Visitor], installation: Installation
) -> None:
    visitor = new_visitor(NARROW, scripted=False)
    open_console(visitor, installation)
    page = visitor.page
    page.get_by_label("The rest of the path").fill("..")
    press_send(visitor)
    expect(page.get_by_text("Nothing was sent yet")).to_be_visible()
    page.get_by_label("The rest of the path").fill("accounts/1")
    press_send(visitor)
    expect(page.locator("#answer")).to_be_focused()
    expect(page.get_by_role("heading", name="Response status")).to_be_visible()
    visitor.fits("the answer")
    page.goto(page.url)
    page.get_by_role("button", name="Start afresh").click()
    assert not visitor.complaints


def test_what_was_entered_stays_when_one_signed_in_anew_in_another_tab(
    visitor: Visitor, installation: Installation
) -> None:
    open_console(visitor, installation)
    page = visitor.page
    page.context.clear_cookies(name="csrftoken")
    page.get_by_label("Further query parameters").fill(f"q={TYPED}")
    expect(page.get_by_text("Not up to date")).to_be_visible()
    press_send(visitor)
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert).to_contain_text("This form has expired. Nothing was saved.")
    expect(page.get_by_label("Further query parameters")).to_have_value(f"q={TYPED}")
