"""The guide, step by step, as a newcomer walks it: browser in front, curl beside, a back end behind.

It is walked three times: with scripts, without them, and at 390 pixels. Each walk leaves things as they were.
"""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NARROW, WIDE, Installation, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.wire]
IN_EFFECT = re.compile(r"In effect on (\d+) of \1 gateways?")


@dataclass
class Walk:
    """A newcomer who follows the guide."""

    visitor: Visitor
    installation: Installation

    @property
    def page(self) -> Page:
        return self.visitor.page

    @property
    def one(self) -> dict[str, str]:
        return self.installation.client_certificates[0]

    @property
    def two(self) -> dict[str, str]:
        return self.installation.client_certificates[1]

    def link(self, name: str) -> Locator:
        """A link of the page itself, not of its menu."""
        return self.page.get_by_role("main").get_by_role("link", name=name, exact=True)

    def tab(self, name: str) -> None:
        link = self.page.get_by_role("navigation", name="Tabs").get_by_role("link", name=name)
        link.click()
        expect(link).to_have_attribute("aria-current", "page")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def row(self, certificate: dict[str, str]) -> Locator:
        return self.page.get_by_role("row", name=re.compile(re.escape(certificate["subject"])))

    def call(
        self, path: str = "/accounts/1", suffix: str = "", *, key: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """A call through the gateway with curl, with quickstart's key unless told otherwise: status and answer."""
        url = f"{self.installation.gateway_url}{suffix or self.installation.demo_api_path}{path}"
        sent = self.installation.subscription_key if key is None else key
        field = ["-H", f"Ocp-Apim-Subscription-Key: {sent}"] if sent else []
        command = ["curl", "-s", "-w", "\n%{http_code}", *field, url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(body)

    def presented(self, path: str = "/accounts/1", suffix: str = "") -> str:
        """The thumbprint of the certificate that the back end saw."""
        status, answer = self.call(path, suffix)
        assert status == 200, answer
        return str(answer["certificate"]["thumbprint"])

    def choose(self, credentials: str, certificate: dict[str, str] | None = None) -> None:
        self.page.get_by_label("With credentials").select_option(label=credentials)
        if certificate:
            select = self.page.get_by_label("Client certificate", exact=True)
            option = select.locator("option", has_text=f"…{certificate['thumbprint'][-4:]}")
            select.select_option(value=option.get_attribute("value"))
        self.press("Save")
        expect(self.page.get_by_text(IN_EFFECT)).to_be_visible()


def sign_in(walk: Walk) -> None:
    """Step 1. Every page offers Help, Change password and Sign out."""
    page, visitor = walk.page, walk.visitor
    page.goto(walk.installation.portal_url)
    visitor.looks_right("sign-in")
    visitor.sign_in(walk.installation)
    for name in ("Help", "Change password"):
        expect(page.get_by_role("link", name=name)).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    entries = visitor.entries.get_by_role("link", include_hidden=True) if visitor.size is WIDE else None
    if entries:
        assert entries.all_text_contents() == [
            "Dashboard", "APIs", "Subscriptions", "Policies", "Notifications", "Security", "Properties",
        ]  # fmt: skip
    visitor.looks_right("dashboard")


def upload_the_certificates(walk: Walk) -> None:
    """Step 2. A wrong password is refused there and then, on its field; the chosen file stays where it can."""
    page = walk.page
    walk.visitor.menu("Security")
    walk.visitor.looks_right("certificates, empty")
    walk.link("Upload certificate").click()
    page.get_by_label("File").set_input_files(walk.one["path"])
    page.get_by_label("Password").fill("wrong")
    walk.press("Upload")
    expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    walk.visitor.axe("upload with an error")
    again = page.get_by_text("Choose the file again")
    if walk.visitor.scripted:
        expect(again).to_have_count(0)
    else:
        expect(again).to_be_visible()
        page.get_by_label("File").set_input_files(walk.one["path"])
    page.get_by_label("Password").fill(walk.one["password"])
    walk.press("Upload")
    expect(walk.row(walk.one)).to_be_visible()
    walk.link("Upload certificate").click()
    page.get_by_label("File").set_input_files(walk.two["path"])
    page.get_by_label("Password").fill(walk.two["password"])
    walk.press("Upload")
    expect(walk.row(walk.two)).to_be_visible()
    walk.visitor.looks_right("certificates")


def describe_an_api(walk: Walk) -> None:
    """Step 3. Add API: what its URL looks like, and that all operations make the first call work."""
    page = walk.page
    walk.visitor.menu("APIs")
    walk.visitor.looks_right("APIs")
    walk.link("Add API").click()
    page.get_by_label("Web API name").fill("Bank two")
    page.get_by_role("textbox", name="Web service URL").fill(walk.installation.back_end_url)
    page.get_by_label("Web API URL suffix").fill("partner-bank/two")
    for box in ("All operations", "Subscription required"):
        expect(page.get_by_label(box)).to_be_checked()
    url = f"{walk.installation.gateway_url}/partner-bank/two"
    if walk.visitor.scripted:
        expect(page.locator("[data-url-preview-box]")).to_contain_text(url)
    walk.visitor.axe("Add API")
    walk.press("Save")
    expect(page.get_by_text("New API “Bank two” was successfully saved.")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(f"curl -H 'Ocp-Apim-Subscription-Key: <your key>' {url}")
    walk.visitor.looks_right("summary")
    walk.tab("Settings")
    walk.visitor.looks_right("settings")


def give_it_operations(walk: Walk) -> None:
    """Step 3. Operations are added, edited and deleted; their URL can be rewritten."""
    page = walk.page
    walk.tab("Security")
    page.get_by_label(re.compile("Demonstration CA")).check()
    walk.choose("Client certificates", walk.two)
    walk.tab("Operations")
    walk.visitor.looks_right("operations")
    walk.link("Add operation").click()
    page.get_by_label(re.compile("^URL template")).fill("/konten/{id}")
    page.get_by_label("Rewrite URL template").fill("/accounts/{id}")
    page.get_by_label("Display name").fill("One account")
    walk.visitor.looks_right("new operation")
    walk.press("Save")
    expect(page.get_by_text(IN_EFFECT)).to_be_visible()
    assert walk.presented("/konten/7", "/partner-bank/two") == walk.two["thumbprint"]
    assert walk.call("/konten/7", "/partner-bank/two")[1]["path"] == "/accounts/7"
    walk.link("One account").click()
    page.get_by_label("Rewrite URL template").fill("/customers/{id}")
    walk.visitor.looks_right("an operation")
    walk.press("Save")
    expect(page.get_by_text(IN_EFFECT)).to_be_visible()
    assert walk.call("/konten/7", "/partner-bank/two")[1]["path"] == "/customers/7"
    walk.link("Delete One account").click()
    walk.press("Yes, delete it")
    expect(page.get_by_text("The operation “One account” was deleted.")).to_be_visible()
    assert walk.call("/konten/7", "/partner-bank/two")[1]["path"] == "/konten/7"


def open_it_to_anyone(walk: Walk) -> None:
    """Step 8. Without the tick a call needs no key, and the tab says so, with scripts at once."""
    page = walk.page
    path, suffix = "/konten/7", "/partner-bank/two"
    assert walk.call(path, suffix, key="")[0] == 401
    walk.tab("Settings")
    warning = page.get_by_text("Unticked, this API is open to anyone who reaches the gateway")
    expect(warning).to_be_hidden()
    page.get_by_label("Subscription required").uncheck()
    if walk.visitor.scripted:
        expect(warning).to_be_visible()
    walk.press("Save")
    expect(page.get_by_text(IN_EFFECT)).to_be_visible()
    expect(warning).to_be_visible()
    walk.visitor.looks_right("settings of an open API")
    assert walk.call(path, suffix, key="")[0] == 200
    walk.tab("Summary")
    walk.link("Change it in Settings").click()
    page.get_by_label("Subscription required").check()
    walk.press("Save")
    expect(page.get_by_text(IN_EFFECT)).to_be_visible()
    assert walk.call(path, suffix, key="")[0] == 401


def delete_the_api(walk: Walk) -> None:
    walk.visitor.menu("APIs")
    walk.link("Delete Bank two").click()
    walk.visitor.axe("Delete API")
    walk.press("Yes, delete it")
    expect(walk.page.get_by_text("The API “Bank two” was deleted.")).to_be_visible()
    if walk.visitor.scripted:
        expect(walk.page.get_by_role("row", name=re.compile("Partner Bank", re.IGNORECASE))).to_be_focused()


def choose_a_certificate(walk: Walk) -> None:
    """Steps 4 and 5. Choose, Save, in effect: the very next call presents exactly that certificate."""
    walk.link("Partner Bank").click()
    expect(walk.page.get_by_role("heading", level=1)).to_have_text("APIs - Partner Bank")
    walk.tab("Security")
    walk.visitor.looks_right("security tab")
    assert walk.call()[0] == 502  # the back end demands a certificate, and none is presented
    walk.choose("Client certificates", walk.one)
    walk.visitor.looks_right("security tab, saved")
    assert walk.presented() == walk.one["thumbprint"]
    walk.choose("Client certificates", walk.two)
    assert {walk.presented() for _ in range(8)} == {walk.two["thumbprint"]}


def let_somebody_call(walk: Walk) -> None:
    """Step 8. A subscription of one's own: its keys let calls in, until they are replaced or it is suspended."""
    page = walk.page
    walk.visitor.menu("Subscriptions")
    walk.visitor.looks_right("subscriptions")
    walk.link("Add subscription").click()
    page.get_by_label("Name", exact=True).fill("Guide")
    page.get_by_label("Owner's name").fill("A newcomer")
    page.get_by_label("API", exact=True).select_option(label="Partner Bank (/partner-bank)")
    walk.visitor.axe("Add subscription")
    walk.press("Save")
    expect(page.get_by_text("New subscription “Guide” was successfully saved.")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("XXXX...")
    walk.visitor.looks_right("a subscription")
    primary, secondary = shown_keys(walk)
    assert [walk.call(key=key)[0] for key in (primary, secondary, "0" * 32)] == [200, 200, 401]
    walk.link("Regenerate primary key").click()
    walk.visitor.axe("Regenerate")
    walk.press("Yes, regenerate it")
    expect(page.get_by_text(IN_EFFECT)).to_be_visible()
    assert [walk.call(key=key)[0] for key in (primary, secondary)] == [401, 200]
    walk.press("Suspend")
    expect(page.get_by_text(IN_EFFECT)).to_be_visible()
    assert walk.call(key=secondary)[0] == 401
    walk.press("Activate")
    expect(page.get_by_text(IN_EFFECT)).to_be_visible()
    assert walk.call(key=secondary)[0] == 200


def shown_keys(walk: Walk) -> tuple[str, str]:
    """Both keys, by Show. They are gone again from the page after Hide."""
    walk.press("Show keys")
    walk.visitor.looks_right("a subscription with its keys")
    primary, secondary = walk.page.locator("code.key").all_text_contents()
    walk.link("Hide keys").click()
    expect(walk.page.locator("code.key")).to_have_count(0)
    assert primary not in walk.page.content()
    return primary, secondary


def end_the_subscription(walk: Walk) -> None:
    """Step 8. Cancel is final; then it can be deleted."""
    page = walk.page
    walk.visitor.menu("Subscriptions")
    walk.link("Cancel Guide").click()
    walk.visitor.axe("Cancel subscription")
    walk.press("Yes, cancel it")
    expect(page.get_by_text("The subscription “Guide” was cancelled")).to_be_visible()
    if walk.visitor.scripted:
        expect(page.get_by_role("row", name=re.compile("Guide"))).to_be_focused()
    walk.link("Delete Guide").click()
    walk.press("Yes, delete it")
    expect(page.get_by_text("The subscription “Guide” was deleted.")).to_be_visible()


def look_at_the_policy(walk: Walk) -> None:
    """Step 6. The choice is part of the API's policy document."""
    page = walk.page
    walk.visitor.menu("Policies")
    walk.visitor.looks_right("policies, all APIs")
    page.get_by_label("API", exact=True).select_option(value="partner-bank")
    walk.press("Show")
    expect(page.get_by_role("textbox", name="Policy definition")).to_contain_text(
        "authentication-certificate"
    )
    expect(page.get_by_role("main")).to_contain_text(walk.two["subject"])
    walk.visitor.looks_right("policies, API")


def delete_the_certificates(walk: Walk) -> None:
    """Step 7. Refused while in use, with a warning that names the API; a Save leads back; then it works."""
    page = walk.page
    walk.visitor.menu("Security")
    walk.row(walk.two).get_by_role("link", name=re.compile("Delete")).click()
    expect(page.get_by_text("Are you sure you want to delete the certificate?")).to_be_visible()
    walk.visitor.axe("delete dialog")
    walk.press("Yes, delete it")
    expect(page.get_by_text("Certificate cannot be deleted since it is being used")).to_be_visible()
    walk.visitor.looks_right("in use")
    walk.link("Partner Bank").click()
    walk.choose("None")
    assert walk.call()[0] == 502  # with None, no certificate is presented
    walk.visitor.looks_right("in use no more")
    walk.press("Yes, delete it")
    expect(walk.row(walk.two)).to_have_count(0)
    expect(walk.row(walk.one)).to_be_visible()
    if walk.visitor.scripted:
        expect(walk.row(walk.one)).to_be_focused()
    walk.row(walk.one).get_by_role("link", name=re.compile("Delete")).click()
    walk.press("Yes, delete it")
    expect(page.get_by_text("There is no client certificate yet.")).to_be_visible()


def try_to_delete_the_ca(walk: Walk) -> None:
    """Step 9. CA certificates have the same rule."""
    walk.tab("CA certificates")
    walk.visitor.looks_right("CA certificates")
    walk.page.get_by_role("link", name=re.compile("^Delete")).click()
    walk.press("Yes, delete it")
    expect(walk.page.get_by_text("cannot be deleted since one or more APIs trust it")).to_be_visible()
    walk.visitor.looks_right("CA certificate in use")


STEPS = (
    sign_in,
    upload_the_certificates,
    describe_an_api,
    give_it_operations,
    open_it_to_anyone,
    delete_the_api,
    choose_a_certificate,
    let_somebody_call,
    end_the_subscription,
    look_at_the_policy,
    delete_the_certificates,
    try_to_delete_the_ca,
)


@pytest.mark.parametrize(
    ("size", "scripted"),
    [
        pytest.param(WIDE, True, id="with scripts"),
        pytest.param(WIDE, False, id="without scripts"),
        pytest.param(NARROW, True, id="390 pixels wide"),
    ],
)
def test_the_whole_guide(
    size: dict[str, int], scripted: bool, new_visitor: Callable[..., Visitor], installation: Installation
) -> None:
    walk = Walk(new_visitor(size, scripted=scripted), installation)
    for step in STEPS:
        step(walk)
    assert not walk.visitor.complaints
