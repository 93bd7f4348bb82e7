"""What a person expects on every page: the keyboard, other people, errors, and what Readers see."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, Installation, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.wire]

CERTIFICATES = "/security/client-certificates/"
READERS_PASSWORD = "a long word for reading"
EVERY_PAGE = {
    "dashboard": "/",
    "APIs": "/apis/",
    "summary": "/apis/partner-bank/",
    "settings": "/apis/partner-bank/settings/",
    "operations": "/apis/partner-bank/operations/",
    "operation": "/apis/partner-bank/operations/get-anything/",
    "security tab": "/apis/partner-bank/security/",
    "call of an API": "/apis/partner-bank/call/",
    "call of an operation": "/apis/partner-bank/operations/get-anything/call/",
    "call that is refused": "/apis/partner-bank/call/?target=/x&headers=nonsense",
    "subscriptions": "/subscriptions/",
    "subscriptions of an API": "/subscriptions/?api=partner-bank&state=active",
    "subscription": "/subscriptions/quickstart/",
    "edit subscription": "/subscriptions/quickstart/edit/",
    "policies": "/policies/",
    "policies, API": "/policies/apis/partner-bank/",
    "effective policy": "/policies/?effective",
    "policy history": "/policies/history/",
    "policy history, API": "/policies/apis/partner-bank/history/",
    "certificates": CERTIFICATES,
    "CA certificates": "/security/ca-certificates/",
    "management API": "/security/management-api/",
    "notifications": "/notifications/",
    "properties": "/properties/?q=bank",
    "property": "/properties/bank-key/",
    "help": "/help/",
    "change password": "/change-password/",
    "no such page": "/nowhere/",
    "no such API": "/apis/nowhere/",
}
FOR_ADMINISTRATORS = {
    "Add API": "/apis-add/",
    "Add operation": "/apis/partner-bank/operations-add/",
    "Upload certificate": f"{CERTIFICATES}upload/",
    "Upload CA certificate": "/security/ca-certificates/upload/",
    "Check the handshake": "/apis/partner-bank/security/handshake/",
    "Delete API": "/apis/partner-bank/delete/",
    "Delete policy": "/policies/apis/partner-bank/delete/",
    "Add subscription": "/subscriptions-add/",
    "Cancel subscription": "/subscriptions/quickstart/cancel/",
    "Add principal": "/security/management-api/principals-add/",
    "Add property": "/properties-add/",
    "Delete property": "/properties/bank-key/delete/",
    "Regenerate key": "/subscriptions/quickstart/regenerate-primary-key/",
}
ACTIONS = re.compile(
    r"^(Add|Upload|Delete|Save|Yes|Edit|Cancel \w+|Suspend|Regenerate|Revoke|Make|Generate"
    r"|Show (the )?(keys|value))\b"
)


def go(visitor: Visitor, installation: Installation, path: str) -> Page:
    visitor.page.goto(f"{installation.portal_url}{path}")
    return visitor.page


def upload(visitor: Visitor, installation: Installation, number: int = 0) -> str:
    """Upload one of the certificates; returns its subject."""
    certificate = installation.client_certificates[number]
    page = go(visitor, installation, f"{CERTIFICATES}upload/")
    page.get_by_label("File").set_input_files(certificate["path"])
    page.get_by_label("Password").fill(certificate["password"])
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("row", name=re.compile(re.escape(certificate["subject"])))).to_be_visible()
    return str(certificate["subject"])


def delete_all_certificates(visitor: Visitor, installation: Installation) -> None:
    page = go(visitor, installation, CERTIFICATES)
    links = page.get_by_role("link", name=re.compile("^Delete"))
    for left in reversed(range(links.count())):
        links.first.click()
        page.get_by_role("button", name="Yes, delete it").click()
        expect(links).to_have_count(left)


@pytest.fixture
def administrator(visitor: Visitor, installation: Installation) -> Iterator[Visitor]:
    visitor.sign_in(installation)
    yield visitor
    delete_all_certificates(visitor, installation)


@pytest.fixture(scope="module")
def made() -> set[str]:
    """What there is already of what the tests of this module share."""
    return set()


@pytest.fixture
def reader(new_visitor: Callable[..., Visitor], installation: Installation, made: set[str]) -> Visitor:
    """Bob, whom the administrator makes in the operators' room."""
    if "bob" not in made:
        _make_bob(new_visitor(scripted=False), installation)
        made.add("bob")
    bob = new_visitor()
    bob.sign_in(installation, "bob", READERS_PASSWORD)
    return bob


def _make_bob(operator: Visitor, installation: Installation) -> None:
    operator.sign_in(installation)
    page = go(operator, installation, "/admin/auth/user/add/")
    page.locator("[name=username]").fill("bob")
    for name in ("password1", "password2"):
        page.locator(f"[name={name}]").fill(READERS_PASSWORD)
    page.get_by_role("button", name="Save and continue editing").click()
    page.locator("select[name=groups]").select_option(label="Readers")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()


@pytest.fixture
def bank_key(new_visitor: Callable[..., Visitor], installation: Installation, made: set[str]) -> None:
    """A secret property of that name."""
    if "bank-key" not in made:
        operator = new_visitor(scripted=False)
        operator.sign_in(installation)
        page = go(operator, installation, "/properties-add/")
        page.get_by_label("Name").fill("bank-key")
        page.get_by_label("This is a secret").check()
        page.get_by_label("Secret value").fill("a secret that is long enough to be cut somewhere")
        page.get_by_label("Tags").fill("bank, production")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("New property “bank-key” was successfully saved.")).to_be_visible()
        made.add("bank-key")


@pytest.mark.usefixtures("bank_key")
def test_every_page_is_accessible_and_fits_for_administrators(
    administrator: Visitor, installation: Installation
) -> None:
    for where, path in (EVERY_PAGE | FOR_ADMINISTRATORS).items():
        go(administrator, installation, path)
        administrator.looks_right(where)


@pytest.mark.usefixtures("bank_key")
def test_readers_see_everything_and_why_every_action_is_missing(
    reader: Visitor, installation: Installation
) -> None:
    without_actions = {name for name in EVERY_PAGE if "polic" in name or name.startswith("no such")}
    without_actions |= {"help", "change password"} | {name for name in EVERY_PAGE if name.startswith("call")}
    for where, path in EVERY_PAGE.items():
        page = go(reader, installation, path)
        reader.looks_right(where)
        main = page.get_by_role("main")
        for role in ("link", "button"):
            expect(main.get_by_role(role, name=ACTIONS), where).to_have_count(0)  # type: ignore[arg-type]
        if where not in without_actions:
            expect(main.get_by_text("only members of the group Administrators").first, where).to_be_visible()


@pytest.mark.usefixtures("bank_key")
def test_readers_who_go_to_a_form_all_the_same_are_told_whom_to_ask(
    reader: Visitor, installation: Installation
) -> None:
    for where, path in FOR_ADMINISTRATORS.items():
        page = go(reader, installation, path)
        expect(page.get_by_role("heading", level=1)).to_have_text("You may not do this")
        expect(page.get_by_role("main")).to_contain_text("Ask one of them.")
        reader.looks_right(where)


CUT = """() => [...document.querySelectorAll(".search select")].filter((select) => {
    const given = select.offsetWidth;
    select.style.cssText = "width: auto; position: absolute";
    return given < select.offsetWidth;
}).map(({ id }) => id)"""


@pytest.mark.parametrize("path", ["/apis/", "/subscriptions/"])
def test_on_a_narrow_screen_no_choice_of_a_list_is_cut(
    administrator: Visitor, installation: Installation, path: str
) -> None:
    page = go(administrator, installation, path)
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    assert page.locator(".search select").count()
    assert not page.evaluate(CUT)


def test_a_dialog_is_used_with_the_keyboard_alone(administrator: Visitor, installation: Installation) -> None:
    page = go(administrator, installation, CERTIFICATES)
    opener = page.get_by_role("link", name="Upload certificate")
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Upload certificate")).to_be_visible()
    expect(page.get_by_label("File")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()


def test_a_subscription_is_added_with_the_keyboard_alone_and_its_key_is_copied(
    administrator: Visitor, installation: Installation
) -> None:
    page = go(administrator, installation, "/subscriptions/")
    page.get_by_role("link", name="Add subscription").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.press("Enter")  # nothing is entered yet
    expect(page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    administrator.axe("Add subscription with an error")
    page.keyboard.type("By hand")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Subscriptions - By hand")).to_be_visible()
    page.get_by_role("button", name="Show keys").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Both keys are shown.")).to_be_focused()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy secondary key").click()
    expect(page.locator("#announcer")).to_have_text("Copy secondary key: copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("code.key").last.text_content()
    go(administrator, installation, "/subscriptions/by-hand/cancel/")
    page.get_by_role("button", name="Yes, cancel it").click()
    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.get_by_text("The subscription “By hand” was deleted.")).to_be_visible()


def test_a_secret_property_is_added_with_the_keyboard_shown_copied_and_deleted(
    administrator: Visitor, installation: Installation
) -> None:
    page = go(administrator, installation, "/properties/")
    page.get_by_role("link", name="Add property").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    expect(page.get_by_label("Secret value")).to_be_hidden()
    page.keyboard.type("by hand")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_label("Value", exact=True)).to_be_hidden()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Secret value")).to_be_focused()
    administrator.axe("Add property, a secret")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Secret value")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Secret value")).to_be_focused()
    administrator.axe("Add property with an error")
    page.keyboard.type("open sesame")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Properties - by hand")).to_be_visible()
    page.get_by_role("button", name="Show the value").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The value is shown.")).to_be_focused()
    administrator.looks_right("property whose value is shown")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the value").click()
    expect(page.locator("#announcer")).to_have_text("Copy the value: copied")
    assert page.evaluate("navigator.clipboard.readText()") == "open sesame"
    page.get_by_role("link", name="Hide the value").click()
    expect(page.get_by_text("open sesame")).to_have_count(0)
    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.get_by_text("The property “by hand” was deleted.")).to_be_visible()


def test_limits_open_when_one_is_wrong_and_stay_open_while_one_is_set(
    administrator: Visitor, installation: Installation
) -> None:
    page = go(administrator, installation, EVERY_PAGE["settings"])
    field = page.get_by_label("Calls in flight per gateway process")
    expect(field).to_be_hidden()
    page.get_by_text("Limits", exact=True).click()
    field.fill("0")
    administrator.looks_right("settings with limits")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(field).to_have_attribute("aria-invalid", "true")
    administrator.looks_right("settings with a wrong limit")
    for value in ("7", ""):
        field.fill(value)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("In effect on")).to_be_visible()
        expect(field).to_be_visible() if value else expect(field).to_be_hidden()


def test_the_chosen_file_stays_after_a_wrong_password(
    administrator: Visitor, installation: Installation
) -> None:
    page, certificate = go(administrator, installation, CERTIFICATES), installation.client_certificates[0]
    page.get_by_role("link", name="Upload certificate").click()
    page.get_by_label("File").set_input_files(certificate["path"])
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The password is wrong or the file is damaged.").last).to_be_visible()
    expect(page.get_by_label("Password")).to_be_focused()
    assert page.get_by_label("File").input_value().endswith(Path(certificate["path"]).name)
    page.get_by_label("Password").fill(certificate["password"])
    page.keyboard.press("Enter")
    row = page.get_by_role("row", name=re.compile(re.escape(certificate["subject"])))
    expect(row).to_be_focused()
    expect(row).to_contain_text("new")


def test_a_file_that_is_far_too_large_is_refused_and_the_dialog_stays(
    administrator: Visitor, installation: Installation, tmp_path: Path
) -> None:
    large = tmp_path / "large.pfx"
    with large.open("wb") as file:
        file.truncate(60_000_000)
    page = go(administrator, installation, CERTIFICATES)
    page.get_by_role("link", name="Upload certificate").click()
    page.get_by_label("File").set_input_files(large)
    page.get_by_role("button", name="Upload").click()
    said = page.get_by_role("dialog").get_by_role("alert")
    expect(said).to_contain_text("That is too large. What you sent is larger than 50 MB")
    expect(page.get_by_label("File")).to_be_visible()
    administrator.axe("too large")


def test_a_thumbprint_is_copied_and_that_is_announced(
    administrator: Visitor, installation: Installation
) -> None:
    upload(administrator, installation)
    page = go(administrator, installation, CERTIFICATES)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name=re.compile("Copy the thumbprint of")).click()
    expect(page.locator("#announcer")).to_have_text(re.compile("^Copy the thumbprint of .*: copied$"))
    thumbprint = installation.client_certificates[0]["thumbprint"]
    assert page.evaluate("navigator.clipboard.readText()") == thumbprint
    page.get_by_label("Search names, subjects, thumbprints").fill(
        f"\u200e{':'.join(thumbprint[i : i + 2] for i in range(0, 40, 2))}"
    )
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("of 1 that matches")).to_be_visible()
    expect(page.locator("tbody time").first).to_have_attribute("title", re.compile(r"\(your time\)$"))


def test_managing_certificates_does_not_lose_what_was_chosen(
    administrator: Visitor, installation: Installation
) -> None:
    page, certificate = (
        go(administrator, installation, EVERY_PAGE["security tab"]),
        installation.client_certificates[1],
    )
    page.get_by_label("With credentials").select_option(label="Client certificates")
    page.get_by_label("Validate certificate name").uncheck()
    page.get_by_role("button", name="Manage certificates...").click()
    expect(page.get_by_text("What you had chosen is kept.")).to_be_visible()
    page.get_by_role("link", name="Upload certificate").click()
    page.get_by_label("File").set_input_files(certificate["path"])
    page.get_by_label("Password").fill(certificate["password"])
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("What is chosen below is not saved yet")).to_be_visible()
    chosen = page.get_by_label("Client certificate", exact=True).locator("option:checked")
    expect(chosen).to_contain_text(f"…{certificate['thumbprint'][-4:]}")
    expect(page.get_by_label("Validate certificate name")).not_to_be_checked()
    expect(page.get_by_text("The name in the certificate of the back end is not validated.")).to_be_visible()
    administrator.looks_right("security tab, not saved yet")
    page.get_by_role("button", name="Discard it and show what is saved").click()
    expect(page.get_by_label("Validate certificate name")).to_be_checked()


def test_saving_over_somebody_elses_change_shows_both_and_asks(
    administrator: Visitor, new_visitor: Callable[..., Visitor], installation: Installation
) -> None:
    other = new_visitor()
    other.sign_in(installation)
    pages = [go(who, installation, EVERY_PAGE["settings"]) for who in (administrator, other)]
    before = pages[0].get_by_label("Description").input_value()
    for page, text in zip(pages, ("Written first", "Written second"), strict=True):
        page.get_by_label("Description").fill(text)
        page.get_by_role("button", name="Save", exact=True).click()
    page = pages[1]
    row = page.get_by_role("row", name=re.compile("^Description"))
    expect(row).to_contain_text("Written first")
    expect(row).to_contain_text("Written second")
    other.looks_right("conflict")
    page.get_by_role("button", name="Save mine over theirs").click()
    expect(page.get_by_label("Description")).to_have_value("Written second")
    page.get_by_label("Description").fill(before)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("In effect on")).to_be_visible()


def test_a_form_without_its_token_says_what_to_do(administrator: Visitor, installation: Installation) -> None:
    page = go(administrator, installation, EVERY_PAGE["settings"])
    page.evaluate("document.querySelectorAll('[name=csrfmiddlewaretoken]').forEach((e) => e.remove())")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This form has expired")
    administrator.looks_right("expired form")


def test_an_api_without_operations_gets_them_all_at_once(
    administrator: Visitor, installation: Installation
) -> None:
    page = go(administrator, installation, "/apis-add/")
    page.get_by_label("Web API name").fill("Quiet")
    page.get_by_label("Web service URL").fill("https://quiet.example")
    page.get_by_label("Web API URL suffix").fill("quiet")
    page.get_by_label("All operations").uncheck()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("navigation", name="Tabs").get_by_role("link", name="Operations").click()
    administrator.looks_right("no operations")
    page.get_by_role("button", name="Add all operations").click()
    expect(page.get_by_text("of 8")).to_be_visible()
    go(administrator, installation, "/apis/quiet/delete/")
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.get_by_text("The API “Quiet” was deleted.")).to_be_visible()
