"""The guide, step by step, as a newcomer walks it: browser in front, curl beside, a back end that demands a certificate."""

import json
import re
import subprocess
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Installation, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.wire]


def call(installation: Installation, path: str = "/accounts/1") -> tuple[int, dict[str, Any]]:
    """A call through the gateway with curl: status and JSON answer."""
    url = f"{installation.gateway_url}{installation.demo_api_path}{path}"
    done = subprocess.run(
        ["curl", "-s", "-w", "\n%{http_code}", url], capture_output=True, text=True, timeout=30
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def presented(installation: Installation) -> str:
    """The thumbprint of the certificate that the back end saw."""
    status, answer = call(installation)
    assert status == 200, answer
    return str(answer["certificate"]["thumbprint"])


def upload(page: Page, path: str, password: str) -> None:
    page.get_by_role("link", name="Upload certificate").click()
    page.get_by_label("File").set_input_files(path)
    page.get_by_label("Password", exact=False).fill(password)
    page.get_by_role("button", name="Upload").click()


def choose(page: Page, credentials: str, certificate: str = "") -> None:
    page.get_by_label("With credentials").select_option(label=credentials)
    if certificate:
        select = page.get_by_label("Client certificate", exact=True)
        select.select_option(value=select.locator("option", has_text=certificate).get_attribute("value"))
    page.get_by_role("button", name="Save").click()


def test_the_whole_guide(visitor: Visitor, installation: Installation) -> None:
    page, (one, two) = visitor.page, installation.client_certificates

    # 1. Sign in; every page offers Help, Change password and Sign out.
    page.goto(installation.portal_url)
    visitor.looks_right("sign-in")
    visitor.sign_in(installation)
    for name in ("Help", "Change password"):
        expect(page.get_by_role("link", name=name)).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    menu = visitor.entries.get_by_role("link").all_text_contents()
    assert menu == ["Dashboard", "APIs", "Policies", "Security"]
    visitor.looks_right("dashboard")

    # 2. Upload; a wrong password is refused there and then, on its field, and the file stays.
    visitor.menu("Security")
    visitor.looks_right("certificates, empty")
    upload(page, one["path"], "wrong")
    expect(page.get_by_label("Password", exact=False)).to_have_attribute("aria-invalid", "true")
    visitor.axe("upload with an error")
    page.get_by_label("Password", exact=False).fill(one["password"])
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("row", name=re.compile(re.escape(one["subject"])))).to_be_visible()
    upload(page, two["path"], two["password"])
    expect(page.get_by_role("row", name=re.compile(re.escape(two["subject"])))).to_be_visible()
    visitor.looks_right("certificates")

    # 3. and 4. The API's Security tab: choose, Save, in effect.
    visitor.menu("APIs")
    visitor.looks_right("APIs")
    page.get_by_role("link", name=re.compile("^partner bank$", re.IGNORECASE)).click()
    visitor.looks_right("summary")
    page.get_by_role("link", name="Settings").click()
    visitor.looks_right("settings")
    page.get_by_role("link", name="Operations").click()
    visitor.looks_right("operations")
    page.get_by_role("main").get_by_role("link", name="Security", exact=True).click()
    visitor.looks_right("security tab")
    security_tab = page.url
    assert call(installation)[0] == 502  # the back end demands a certificate, and none is presented
    choose(page, "Client certificates", one["thumbprint"][-4:])
    expect(page.get_by_text(re.compile(r"In effect on (\d+) of \1 gateways?"))).to_be_visible()
    visitor.looks_right("security tab, saved")

    # 6. The call presents exactly that certificate; after another choice the very next call presents the other.
    assert presented(installation) == one["thumbprint"]
    choose(page, "Client certificates", two["thumbprint"][-4:])
    expect(page.get_by_text(re.compile(r"In effect on (\d+) of \1 gateways?"))).to_be_visible()
    assert {presented(installation) for _ in range(8)} == {two["thumbprint"]}

    # 5. The choice is part of the API's policy document.
    visitor.menu("Policies")
    visitor.looks_right("policies, all APIs")
    page.get_by_label("API", exact=True).select_option(value="partner-bank")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("authentication-certificate").first).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(two["subject"])
    visitor.looks_right("policies, API")

    # 7. Delete: refused while in use, with a warning that names the API; afterwards it works.
    visitor.menu("Security")
    row = page.get_by_role("row", name=re.compile(re.escape(two["subject"])))
    row.get_by_role("link", name=re.compile("Delete")).click()
    expect(page.get_by_text("Are you sure you want to delete the certificate?")).to_be_visible()
    visitor.axe("delete dialog")
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.get_by_text("Certificate cannot be deleted since it is being used")).to_be_visible()
    visitor.looks_right("in use")
    page.get_by_role("main").get_by_role("link", name=re.compile("Partner Bank", re.IGNORECASE)).first.click()
    choose(page, "None")
    assert call(installation)[0] == 502  # with None, no certificate is presented
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.get_by_role("row", name=re.compile(re.escape(two["subject"])))).to_have_count(0)
    expect(page.get_by_role("row", name=re.compile(re.escape(one["subject"])))).to_be_visible()
    page.goto(security_tab)
    expect(page.get_by_label("With credentials")).to_have_value(re.compile("none", re.IGNORECASE))
