"""Calls of the console that work and that fail, and what the page says of them: with scripts, without, narrow."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import pki
from tests.back_end import BackEnd, Connection, Seen
from tests.browser.conftest import NARROW, WIDE, Installation, Visitor
from tests.browser.test_connection import SECURITY, save
from tests.browser.test_pages import CERTIFICATES, delete_all_certificates, go, upload

pytestmark = [pytest.mark.browser, pytest.mark.wire]

ACCOUNT = "/apis/partner-bank/operations/an-account/console/"
SCRIPT = b"<script>document.title = 'owned'; fetch('/')</script>"
HTML = b"<!DOCTYPE html><html><body onload='document.title=1'>" + SCRIPT + b"</body></html>"


def hostile(connection: Connection, _: Seen) -> None:
    """Answer with what would be executed; test_console_hostile has more of that."""
    connection.answer(HTML, "Content-Type: text/html")


@pytest.fixture(scope="module")
def back_ends() -> Iterator[dict[str, str]]:
    """The addresses of a hostile back end, and of one where nobody listens."""
    with ExitStack() as stack:
        dead = stack.enter_context(socket.socket())
        dead.bind(("127.0.0.1", 0))
        bad = stack.enter_context(BackEnd(behave=hostile))
        yield {"Odd": bad.url, "Dead": f"https://localhost:{dead.getsockname()[1]}"}


@pytest.fixture(params=["scripts", "no scripts", "narrow"])
def visitor(
    request: pytest.FixtureRequest, new_visitor: Callable[..., Visitor], installation: Installation
) -> Iterator[Visitor]:
    visitor = new_visitor(
        NARROW if request.param == "narrow" else WIDE, scripted=request.param != "no scripts"
    )
    visitor.sign_in(installation)
    yield visitor
    choose(visitor, installation, "None")
    delete_all_certificates(visitor, installation)
    assert not visitor.complaints


def choose(visitor: Visitor, installation: Installation, subject: str) -> None:
    """Choose a client certificate on the Security tab."""
    page = go(visitor, installation, SECURITY)
    credentials = page.get_by_label("With credentials")
    credentials.select_option(label="None" if subject == "None" else "Client certificates")
    if subject != "None":
        certificate = page.get_by_label("Client certificate", exact=True)
        option = certificate.locator("option", has_text=subject).first.get_attribute("value")
        certificate.select_option(value=option)
    save(page)


def send(page: Page, **fields: str) -> None:
    """Fill in fields, by label, and press Send."""
    for label, value in fields.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("^(The|No) answer"))).to_be_visible()


def upload_a_stranger(visitor: Visitor, installation: Installation, folder: Path) -> None:
    """A client certificate of a CA that the back end does not know."""
    file = folder / "stranger.pfx"
    file.write_bytes(pki.pfx(pki.issue(pki.make_ca("Other CA"), "stranger"), password=b"word"))
    page = go(visitor, installation, f"{CERTIFICATES}upload/")
    page.get_by_label("File").set_input_files(file)
    page.get_by_label("Password").fill("word")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("row", name=re.compile("CN=stranger"))).to_be_visible()


def test_calls_that_work_and_calls_that_fail(
    visitor: Visitor, installation: Installation, tmp_path: Path, back_ends: dict[str, str]
) -> None:
    a_call_without_a_certificate(visitor, installation)
    a_call_that_works(visitor, installation)
    a_call_with_the_wrong_one(visitor, installation, tmp_path)
    for name, url in back_ends.items():
        add(visitor, installation, name, url)
    try:
        a_call_to_nobody(visitor, installation)
        what_would_be_executed_is_text(visitor, installation)
    finally:
        for name in back_ends:
            delete(visitor, installation, name)
    visitor.page.goto("about:blank")  # nothing is under way when the next walk begins


def a_call_without_a_certificate(visitor: Visitor, installation: Installation) -> None:
    page = go(visitor, installation, ACCOUNT)
    page.get_by_label("Trace this call").uncheck()
    send(page, id="17")
    expect(page.get_by_text("The back end demands a client certificate and got none")).to_be_visible()
    page.get_by_text("Each step of a test of the connection").click()
    expect(page.get_by_text("TLS version and cipher")).to_be_visible()
    expect(page.get_by_text("and none is chosen (alert certificate_required)").first).to_be_visible()
    visitor.looks_right("a call without a certificate")
    page.get_by_role("link", name="Choose the client certificate on the Security tab").first.click()
    expect(page.get_by_label("With credentials")).to_be_in_viewport()


def a_call_that_works(visitor: Visitor, installation: Installation) -> None:
    subject = upload(visitor, installation)
    choose(visitor, installation, subject)
    page = go(visitor, installation, ACCOUNT)
    page.get_by_label("Trace this call").check()
    send(page, id="17")
    expect(page.get_by_text("200 OK").first).to_be_visible()
    expect(page.get_by_text("/accounts/17").first).to_be_visible()
    expect(page.get_by_text("Client certificate: partner-bank-1")).to_be_visible()
    assert installation.subscription_key not in page.content()
    visitor.looks_right("a call that works")


def a_call_with_the_wrong_one(visitor: Visitor, installation: Installation, folder: Path) -> None:
    upload_a_stranger(visitor, installation, folder)
    choose(visitor, installation, "CN=stranger")
    page = go(visitor, installation, ACCOUNT)
    send(page, id="17")
    expect(page.get_by_text("The back end does not know the CA of the client certificate")).to_be_visible()
    expect(page.get_by_role("link", name="Show the client certificate").first).to_be_visible()
    visitor.looks_right("a call with the wrong certificate")


def add(visitor: Visitor, installation: Installation, name: str, url: str) -> None:
    page = go(visitor, installation, "/apis-add/")
    page.get_by_label("Web API name").fill(name)
    page.get_by_role("textbox", name="Web service URL").fill(url)
    page.get_by_label("Web API URL suffix").fill(name.lower())
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text(f"New API “{name}” was successfully saved.")).to_be_visible()


def delete(visitor: Visitor, installation: Installation, name: str) -> None:
    page = go(visitor, installation, f"/apis/{name.lower()}/delete/")
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.get_by_text(f"“{name}” was deleted")).to_be_visible()


def a_call_to_nobody(visitor: Visitor, installation: Installation) -> None:
    page = go(visitor, installation, "/apis/dead/operations/get-anything/console/")
    send(page)
    expect(page.get_by_text(re.compile("refuse[sd] (the )?connection")).first).to_be_visible()
    visitor.looks_right("a call to a dead back end")
    page.get_by_role("link", name="Change the web service URL in Settings").first.click()
    expect(page.get_by_role("textbox", name="Web service URL")).to_be_in_viewport()


def what_would_be_executed_is_text(visitor: Visitor, installation: Installation) -> None:
    page = go(visitor, installation, "/apis/odd/operations/get-anything/console/")
    send(page)
    expect(page.get_by_text("<script>document.title").first).to_be_visible()
    assert page.title().startswith("Console")
    visitor.looks_right("an answer that would be executed")
