"""A certificate is understood before it is uploaded: Check, what it finds, and what stays on the form."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import pki
from tests.browser.conftest import NARROW, Installation, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.wire]

LIST = "/security/client-certificates/"
CHOSEN = "document.querySelector('input[type=file]').files[0]?.name"
PASSWORD = "pass-wörd"


@pytest.fixture
def two_keys(tmp_path: Path) -> Path:
    """Two certificates with their keys, encrypted; the second is for servers."""
    ca = pki.make_ca("Walk CA")
    parts = []
    for name, client in (("walk-first", True), ("walk-second", False)):
        issued = pki.issue(ca, name, client=client)
        parts += [pki.key_pem(issued.key, PASSWORD.encode()), issued.pem]
    path = tmp_path / "two-keys.pem"
    path.write_text("".join([*parts, ca.pem]))
    return path


def delete(page: Page, name: str) -> None:
    page.get_by_role("row", name=name).get_by_role("link", name=re.compile("^Delete")).click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.get_by_role("row", name=name)).to_have_count(0)


def test_a_file_is_checked_and_understood_before_it_is_uploaded(
    visitor: Visitor, installation: Installation, two_keys: Path
) -> None:
    page = visitor.page
    visitor.sign_in(installation)
    page.goto(f"{installation.portal_url}{LIST}")
    page.get_by_role("link", name="Upload certificate").click()
    page.get_by_label("File").set_input_files(two_keys)

    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Password")).to_have_value("wrong")
    expect(page.get_by_text("Choose the file again")).to_have_count(0)
    assert page.evaluate(CHOSEN) == "two-keys.pem"

    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Check").click()
    second = page.get_by_role("radio", name="CN=walk-second")
    expect(second).to_be_visible()
    visitor.looks_right("choice of a key")
    second.check()
    page.get_by_role("button", name="Check").click()
    found = page.get_by_role("region", name="What Check found")
    expect(found).to_be_focused()
    expect(found).to_contain_text("Nothing is stored yet.")
    expect(found).to_contain_text("Have it issued with client authentication")
    visitor.looks_right("findings")

    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("row", name="CN=walk-second")).to_be_visible()
    expect(page.get_by_text("The certificate walk-second was uploaded.")).to_be_visible()
    delete(page, "walk-second")


def test_another_file_takes_away_what_was_said_about_the_first(
    visitor: Visitor, installation: Installation, two_keys: Path
) -> None:
    page = visitor.page
    visitor.sign_in(installation)
    page.goto(f"{installation.portal_url}{LIST}upload/")
    page.get_by_label("File").set_input_files(two_keys)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("radio")).to_have_count(2)

    certificate = installation.client_certificates[0]
    page.get_by_label("File").set_input_files(certificate["path"])
    expect(page.get_by_role("radio")).to_have_count(0)
    page.get_by_label("Password").fill(certificate["password"])
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("region", name="What Check found")).to_contain_text(certificate["subject"])


def test_without_scripts_the_page_says_to_choose_the_file_again(
    new_visitor: Callable[..., Visitor], installation: Installation, two_keys: Path
) -> None:
    visitor = new_visitor(NARROW, scripted=False)
    page = visitor.page
    visitor.sign_in(installation)
    page.goto(f"{installation.portal_url}{LIST}upload/")
    for choice in ("", "CN=walk-first"):
        page.get_by_label("File").set_input_files(two_keys)
        page.get_by_label("Password").fill(PASSWORD)
        if choice:
            page.get_by_role("radio", name=choice).check()
        page.get_by_role("button", name="Check").click()
        expect(page.get_by_text("Choose the file again")).to_be_visible()
    expect(page.get_by_role("region", name="What Check found")).to_contain_text("CN=walk-first")
