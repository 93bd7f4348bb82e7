"""No certificate expires unnoticed: the time line and the badges, and who is told by e-mail."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests import pki
from tests.browser.conftest import NARROW, WIDE, Installation, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.wire]

NAME, DAYS = "expires-soon", 12
PASSWORD = "correct horse"


def pfx() -> bytes:
    """A client certificate that expires soon."""
    until = datetime.now(UTC) + timedelta(days=DAYS, hours=1)
    issued = pki.self_signed(NAME, not_before=until - timedelta(days=400), not_after=until)
    return pki.pfx(issued, PASSWORD.encode())


def go(visitor: Visitor, installation: Installation, path: str) -> Page:
    visitor.page.goto(f"{installation.portal_url}{path}")
    return visitor.page


def credentials(page: Page, label: str) -> None:
    page.get_by_label("With credentials").select_option(label=label)
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("was saved")).to_be_visible()


@pytest.fixture
def in_use(visitor: Visitor, installation: Installation) -> Iterator[Visitor]:
    """An administrator, and a certificate that expires soon and that an API presents."""
    visitor.sign_in(installation)
    page = go(
        visitor, installation, "/security/client-certificates/upload/?next=/apis/partner-bank/security/"
    )
    file = {"name": "soon.pfx", "mimeType": "application/x-pkcs12", "buffer": pfx()}
    page.get_by_label("File").set_input_files(file)  # type: ignore[arg-type]
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_label("With credentials")).to_have_value("certificate")
    credentials(page, "Client certificates")
    yield visitor
    credentials(go(visitor, installation, "/apis/partner-bank/security/"), "None")
    page = go(visitor, installation, "/security/client-certificates/")
    page.get_by_role("row", name=NAME).get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.get_by_text("was deleted")).to_be_visible()


def test_a_certificate_that_expires_soon_is_seen_wherever_one_looks(
    in_use: Visitor, installation: Installation
) -> None:
    page = go(in_use, installation, "/")
    drawing = page.get_by_role("img", name=re.compile("Time line"))
    expect(drawing).to_be_visible()
    expect(drawing.get_by_text(NAME, exact=True)).to_be_visible()
    in_use.looks_right("dashboard")
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    expect(drawing).to_be_hidden()
    expect(page.get_by_role("link", name=NAME, exact=True)).to_be_visible()
    in_use.axe("dashboard, narrow")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    row = page.get_by_role("row", name=NAME)
    expect(row.get_by_text(f"expires in {DAYS} days")).to_be_visible()
    row.get_by_role("link", name="Partner Bank").click()
    badge = page.get_by_role("link", name=f"Client certificate {NAME} expires in {DAYS} days")
    expect(page.get_by_role("heading", name="Gateway authentication")).to_be_visible()
    for path in ("/apis/partner-bank/security/", "/apis/partner-bank/", "/apis/"):
        go(in_use, installation, path)
        expect(badge).to_be_visible()
        in_use.looks_right(path)
    badge.click()
    expect(page.get_by_text(NAME).first).to_be_visible()


@pytest.mark.parametrize("scripted", [True, False], ids=["scripts", "no scripts"])
def test_who_is_told_is_said_tried_and_saved(
    scripted: bool, new_visitor: Callable[..., Visitor], installation: Installation
) -> None:
    visitor = new_visitor(WIDE if scripted else NARROW, scripted=scripted)
    visitor.sign_in(installation)
    visitor.menu("Notifications")
    page = visitor.page
    expect(page.get_by_text("E-mail is not set up: EMAIL_URL is not set.")).to_be_visible()
    recipients, save = page.get_by_label("Recipients"), page.get_by_role("button", name="Save", exact=True)
    recipients.fill("ops@bank.example\nnobody")
    save.click()
    expect(page.locator(".field-error", has_text="“nobody” is not an e-mail address.")).to_be_visible()
    expect(recipients).to_have_value("ops@bank.example\nnobody")
    visitor.looks_right("notifications with an error")
    recipients.fill("ops@bank.example")
    page.get_by_role("button", name="Send a test e-mail").click()
    expect(page.get_by_text("Not sent to ops@bank.example: E-mail is not set up")).to_be_visible()
    visitor.looks_right("notifications after a test")
    page.get_by_label("Days before the expiry").fill("7 30")
    save.click()
    expect(page.get_by_text("Notifications were saved.")).to_be_visible()
    expect(page.get_by_label("Days before the expiry")).to_have_value("30, 7")
    expect(page.get_by_text("Nobody is told: there are no recipients.")).to_have_count(0)
    recipients.fill("")
    save.click()
    expect(page.get_by_text("Nobody is told: there are no recipients.")).to_be_visible()
    visitor.looks_right("notifications")
    assert not visitor.complaints
