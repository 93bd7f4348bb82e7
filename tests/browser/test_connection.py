"""Test connection, walked with scripts, without, and at 390 pixels: a refused one, a good one, after a Save."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Installation, Visitor
from tests.browser.test_pages import delete_all_certificates, go, upload

pytestmark = [pytest.mark.browser, pytest.mark.wire]

SECURITY = "/apis/partner-bank/security/"


@pytest.fixture(params=["scripts", "no scripts", "narrow"])
def visitor(
    request: pytest.FixtureRequest, new_visitor: Callable[..., Visitor], installation: Installation
) -> Iterator[Visitor]:
    visitor = new_visitor(
        NARROW if request.param == "narrow" else WIDE, scripted=request.param != "no scripts"
    )
    visitor.sign_in(installation)
    upload(visitor, installation)
    yield visitor
    page = go(visitor, installation, SECURITY)
    page.get_by_label("With credentials").select_option(label="None")
    save(page)
    delete_all_certificates(visitor, installation)
    assert not visitor.complaints


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The security of Partner Bank was saved.")).to_be_visible()


def press(page: Page) -> None:
    page.get_by_role("button", name="Test connection").click()


def test_a_walk(visitor: Visitor, installation: Installation) -> None:
    page = go(visitor, installation, SECURITY)
    a_refused_one_that_loses_nothing(visitor)
    a_good_one_that_is_not_saved(visitor, installation)
    the_check_after_a_save(visitor)
    a_certificate_with_any_back_end(visitor)
    page.goto("about:blank")  # nothing is under way when the next walk begins


def a_refused_one_that_loses_nothing(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_label("With credentials").select_option(label="HTTP basic")
    page.get_by_label("User name").fill("somebody")
    page.get_by_label("Password").fill("typed")
    press(page)
    expect(page.get_by_text("The connection does not work")).to_be_visible()
    expect(
        page.get_by_role("listitem").filter(has_text="The back end demands a client certificate")
    ).to_be_visible()
    expect(page.get_by_label("With credentials")).to_have_value("basic")
    expect(page.get_by_label("User name")).to_have_value("somebody")
    again = page.get_by_text("Enter the password again before you save")
    if visitor.scripted:
        expect(page.get_by_label("Password")).to_have_value("typed")
        expect(again).to_have_count(0)
        expect(page.get_by_role("heading", name="Connection test")).to_be_focused()
    else:
        expect(again).to_be_visible()
        assert page.url.endswith("#connection-report")
    expect(page.get_by_role("heading", name="Connection test")).to_be_in_viewport()
    visitor.looks_right("a refused test")


def a_good_one_that_is_not_saved(visitor: Visitor, installation: Installation) -> None:
    page = visitor.page
    page.get_by_label("With credentials").select_option(label="Client certificates")
    press(page)
    error = page.get_by_text("Choose the client certificate that the gateway presents.").last
    expect(error).to_be_visible()
    certificate = page.get_by_label("Client certificate", exact=True)
    expect(certificate).to_have_attribute("aria-invalid", "true")
    ending = f"…{installation.client_certificates[0]['thumbprint'][-4:]}"
    option = certificate.locator("option", has_text=ending).get_attribute("value")
    certificate.select_option(value=option)
    press(page)
    expect(page.get_by_text("The connection works")).to_be_visible()
    expect(page.get_by_text("They are not saved.")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^gateway \S+:\d+$"))).to_be_visible()
    expect(certificate).to_have_value(option or "")
    page.get_by_text("Technical details").last.click()
    visitor.looks_right("a good test")


def the_check_after_a_save(visitor: Visitor) -> None:
    page = visitor.page
    save(page)
    link = page.get_by_role("link", name="Check the handshake with the back end")
    if visitor.scripted:
        expect(page.get_by_text("Each step of the handshake")).to_be_visible()
        expect(link).to_have_count(0)
        page.get_by_text("Each step of the handshake").click()
    else:
        link.click()
    expect(page.get_by_text("TLS version and cipher")).to_be_visible()
    visitor.looks_right("the check after a save")


def a_certificate_with_any_back_end(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(re.sub(r"/apis/.*", "/security/client-certificates/", page.url))
    row = page.get_by_role("link", name=re.compile("^Delete")).first.get_attribute("href") or ""
    page.goto(re.sub(r"/apis/.*|/security/.*", "", page.url) + re.sub("/delete/.*", "/test/", row))
    url = page.get_by_label("Web service URL")
    expect(url).to_have_value(re.compile("^https://localhost:"))
    port = url.input_value().rpartition(":")[2]
    url.fill(f"https://127.0.0.1:{port}")
    press(page)
    expect(page.get_by_text(re.compile("The connection (works|does not work)"))).to_be_visible()
    expect(url).to_have_value(f"https://127.0.0.1:{port}")
    visitor.looks_right("a test of a certificate")
