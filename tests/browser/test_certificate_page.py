"""The page of a client certificate as a person meets it, from the list to the file for the back end's owner."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from playwright.sync_api import expect

from tests import pki
from tests.browser.conftest import NARROW, Installation, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.wire]

LIST = "/security/client-certificates/"
NAME = "Zürich bank"


@pytest.fixture
def uploaded(visitor: Visitor, installation: Installation, tmp_path: Path) -> pki.Issued:
    """A certificate below an intermediate CA, with many names. Each test deletes it."""
    authority = pki.make_ca("Issuing CA", parent=pki.make_ca("Root CA"))
    issued = pki.issue(authority, "w" * 60, sans=[f"host-{number}.bank.example" for number in range(300)])
    file = tmp_path / "bank.pfx"
    file.write_bytes(pki.pfx(issued))
    visitor.sign_in(installation)
    visitor.page.goto(f"{installation.portal_url}{LIST}upload/")
    visitor.page.get_by_label("File").set_input_files(file)
    visitor.page.get_by_label("Password").fill("password")
    visitor.page.get_by_label("Name").fill(NAME)
    visitor.page.get_by_role("button", name="Upload").click()
    expect(visitor.page.get_by_role("link", name=NAME, exact=True)).to_be_visible()
    return issued


def test_from_the_list_to_the_page_the_files_and_away(
    visitor: Visitor, installation: Installation, uploaded: pki.Issued
) -> None:
    page = visitor.page
    page.get_by_role("link", name=NAME, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Client certificate - {NAME}")
    visitor.looks_right("certificate")
    expect(page.get_by_role("img", name=re.compile("^Valid from .* Today is "))).to_be_visible()

    expect(page.get_by_text("host-299.bank.example")).to_be_hidden()
    page.get_by_text("And 288 more").click()
    expect(page.get_by_text("host-299.bank.example")).to_be_visible()
    visitor.looks_right("certificate, unfolded")
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    visitor.axe("certificate, narrow")
    page.set_viewport_size(visitor.size)  # type: ignore[arg-type]

    page.get_by_role("button", name="Copy the SHA-1 thumbprint").click()
    expect(page.locator("#announcer")).to_have_text("Copy the SHA-1 thumbprint: copied")

    page.get_by_role("link", name="Download", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name=".pem with chain").click()
    assert download.value.suggested_filename == f"{NAME}-version-1-chain.pem"
    certs = x509.load_pem_x509_certificates(Path(download.value.path()).read_bytes())
    assert certs == [uploaded.cert, *uploaded.chain]

    page.get_by_role("link", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Are you sure you want to delete the certificate?")
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_be_hidden()
    gone = page.url.split("#")[0]
    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.get_by_text(f"The certificate {NAME} was deleted.")).to_be_visible()
    page.goto(gone)
    expect(
        page.get_by_text(f"The certificate {NAME} was deleted by {installation.admin_user} on")
    ).to_be_visible()
    visitor.looks_right("certificate that is gone")


def test_without_scripts_on_a_narrow_screen(
    new_visitor: Callable[..., Visitor], visitor: Visitor, installation: Installation, uploaded: pki.Issued
) -> None:
    plain = new_visitor(NARROW, scripted=False)
    plain.sign_in(installation)
    page = plain.page
    page.goto(f"{installation.portal_url}{LIST}")
    page.get_by_role("link", name=NAME, exact=True).click()
    expect(page.get_by_text("It is valid for another")).to_be_visible()
    page.get_by_text("And 288 more").click()
    expect(page.get_by_text("host-299.bank.example")).to_be_visible()
    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Client certificate - {NAME}")
    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.get_by_text(f"The certificate {NAME} was deleted.")).to_be_visible()
