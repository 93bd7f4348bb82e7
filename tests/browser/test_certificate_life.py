"""A certificate's life in the browser: replaced, rolled back, requested, moved; the back end tells what it saw.

It is walked with scripts and without; pages are measured at 1280 and 390 pixels. Nothing is left behind.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from playwright.sync_api import expect

from tests import pki
from tests.browser.conftest import WIDE, Installation, Visitor
from tests.browser.test_guide import IN_EFFECT, Walk

pytestmark = [pytest.mark.browser, pytest.mark.wire]
CERTIFICATES = "/security/client-certificates/"


class Life(Walk):
    """The walk of an administrator whose certificates come to their end."""

    def go(self, path: str) -> None:
        self.page.goto(f"{self.installation.portal_url}{path}")

    def upload(self, certificate: dict[str, str], name: str) -> None:
        self.go(f"{CERTIFICATES}upload/")
        self.fill_in(certificate)
        self.page.get_by_label("Name").fill(name)
        self.press("Upload")
        expect(self.row(certificate)).to_be_visible()

    def fill_in(self, certificate: dict[str, str]) -> None:
        self.page.get_by_label("File").set_input_files(certificate["path"])
        self.page.get_by_label("Password").fill(certificate["password"])

    def open(self, name: str) -> None:
        """A certificate's page."""
        self.go(CERTIFICATES)
        self.link(name).click()
        self.visitor.arrived()

    def signed(self, csr: bytes) -> bytes:
        """What the demonstration's CA makes of a request."""
        folder = Path(self.one["path"]).parent
        key = load_pem_private_key((folder / "ca.key").read_bytes(), None)
        ca = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        asked, now = x509.load_pem_x509_csr(csr), datetime.now(UTC)
        builder = x509.CertificateBuilder(
            ca.subject, asked.subject, asked.public_key(), x509.random_serial_number(),
            now - timedelta(days=1), now + timedelta(days=90), list(asked.extensions),
        )  # fmt: skip
        return pki.pem(builder.sign(key, hashes.SHA256()), ca).encode()


def begin(walk: Life) -> None:
    """An API presents a certificate that was uploaded."""
    walk.visitor.sign_in(walk.installation)
    walk.upload(walk.one, "bank")
    walk.go("/apis/partner-bank/security/")
    walk.choose("Client certificates", walk.one)
    assert walk.presented() == walk.one["thumbprint"]


def replace(walk: Life) -> None:
    """The successor is uploaded, compared and confirmed; the very next call presents it."""
    walk.open("bank")
    walk.link("Replace...").click()
    walk.visitor.looks_right("replace")
    walk.fill_in(walk.two)
    walk.press("Upload and compare")
    expect(walk.page.get_by_role("heading", level=1)).to_have_text("bank - version 2")
    expect(walk.page.get_by_role("main")).to_contain_text(walk.two["thumbprint"])
    expect(walk.page.get_by_text("It has another subject.")).to_be_visible()
    walk.visitor.looks_right("compare")
    assert walk.presented() == walk.one["thumbprint"]
    walk.press("Use it from now on")
    expect(walk.page.get_by_text(IN_EFFECT)).to_be_visible()
    assert {walk.presented() for _ in range(4)} == {walk.two["thumbprint"]}


def roll_back(walk: Life) -> None:
    walk.page.get_by_role("link", name="Roll back version 1").click()
    walk.visitor.looks_right("compare with an older one")
    walk.press("Roll back to version 1")
    expect(walk.page.get_by_text("version 1 of bank is presented")).to_be_visible()
    assert {walk.presented() for _ in range(4)} == {walk.one["thumbprint"]}


def remove(walk: Life) -> None:
    """A version goes after a question, which says whether anybody still has it."""
    walk.page.get_by_role("link", name="Remove version 2").click()
    expect(walk.page.get_by_text("Are you sure you want to remove version 2?")).to_be_visible()
    walk.visitor.axe("remove")
    walk.press("Yes, remove it")
    expect(walk.page.get_by_text("Version 2 of bank was removed.")).to_be_visible()
    assert walk.presented() == walk.one["thumbprint"]


def request(walk: Life) -> None:
    """A key and a request are made here; what the CA makes of it becomes the next version."""
    walk.link("Prepare a signing request...").click()
    expect(walk.page.get_by_label("Common name (CN)")).to_have_value("partner-bank-1")
    walk.page.get_by_label(re.compile("^Alternative names")).fill("bank.example\n10.0.0.1")
    walk.visitor.looks_right("prepare a request")
    walk.press("Make key and request")
    expect(walk.page.get_by_role("heading", level=1)).to_have_text("Signing request - bank")
    walk.visitor.looks_right("signing request")
    here = walk.page.url
    walk.go(CERTIFICATES)
    walk.visitor.looks_right("certificates with a request")
    walk.link("bank, next version").click()
    assert walk.page.url == here
    with walk.page.expect_download() as download:
        walk.page.get_by_role("link", name="Download bank.csr").click()
    signed = walk.signed(download.value.path().read_bytes())
    file = {"name": "signed.pem", "mimeType": "application/x-pem-file", "buffer": signed}
    walk.page.get_by_label("Signed certificate").set_input_files(files=file)  # type: ignore[arg-type]
    walk.press("Upload the signed certificate")
    walk.press("Use it from now on")
    expect(walk.page.get_by_text(IN_EFFECT)).to_be_visible()
    assert walk.presented() == pki.thumbprint(x509.load_pem_x509_certificate(signed))


def replace_everywhere(walk: Life) -> None:
    """From the warning that it is in use to the question whether to delete it, which then goes through."""
    walk.upload(walk.two, "successor")
    walk.open("bank")
    walk.link("Delete").click()
    walk.press("Yes, delete it")
    walk.link("Replace everywhere with...").click()
    walk.visitor.looks_right("replace everywhere")
    select = walk.page.get_by_label("Replace it with")
    option = select.locator("option", has_text="(successor,")
    select.select_option(value=option.get_attribute("value"))
    walk.press("Show what changes")
    walk.visitor.looks_right("what moves")
    walk.press("Yes, replace it everywhere")
    expect(walk.page.get_by_text(IN_EFFECT)).to_be_visible()
    expect(walk.page.get_by_text("Nothing uses it any more")).to_be_visible()
    assert walk.presented() == walk.two["thumbprint"]
    walk.press("Yes, delete it")
    expect(walk.row(walk.one)).to_have_count(0)


def end(walk: Life) -> None:
    """Nothing is left behind."""
    walk.go("/apis/partner-bank/security/")
    walk.choose("None")
    walk.open("successor")
    walk.link("Delete").click()
    walk.press("Yes, delete it")
    expect(walk.page.get_by_text("There is no client certificate yet.")).to_be_visible()


@pytest.mark.parametrize("scripted", [True, False], ids=["with scripts", "without scripts"])
def test_the_life_of_a_certificate(
    scripted: bool, new_visitor: Callable[..., Visitor], installation: Installation
) -> None:
    walk = Life(new_visitor(WIDE, scripted=scripted), installation)
    for step in (begin, replace, roll_back, remove, request, replace_everywhere, end):
        step(walk)
    assert not walk.visitor.complaints
