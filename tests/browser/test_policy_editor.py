"""The policy editor as its users meet it: what it offers, where it puts things, and that nothing is lost."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.request import urlopen

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from tests.browser.conftest import NARROW, WIDE, Installation, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.wire]

API = "written"
ADDRESS = f"/policies/apis/{API}/"
DOCUMENT = """\
<policies>
    <inbound>
        <base />
    </inbound>
    <backend>
        <base />
    </backend>
    <outbound>
        <base />
    </outbound>
</policies>
"""
WITH_HEADER = DOCUMENT.replace(
    "<base />",
    '<base />\n        <set-header name="X-Mine" exists-action="skip">\n            <value>one</value>\n'
    "        </set-header>",
    1,
)
TWO_FAULTS = DOCUMENT.replace("<base />", '<base />\n        <rate-limit calls="1" />', 1).replace(
    "<outbound>\n        <base />", '<outbound>\n        <rewrite-uri template="/" />'
)
PASTE = """(content, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    content.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""


@dataclass
class Editor:
    """The editor's page of one API, in somebody's browser."""

    visitor: Visitor
    installation: Installation

    @property
    def page(self) -> Page:
        return self.visitor.page

    @property
    def content(self) -> Locator:
        return self.page.get_by_role("textbox", name="Policy definition")

    @property
    def offered(self) -> Locator:
        return self.page.locator(".cm-tooltip-autocomplete").get_by_role("option")

    def open(self, text: str = DOCUMENT) -> "Editor":
        """The document of the API, or a new one, with `text` in its place."""
        self.go(f"{ADDRESS}?add")
        self.write(text)
        return self

    def go(self, path: str) -> None:
        self.page.goto(f"{self.installation.portal_url}{path}")

    def write(self, text: str) -> None:
        """Put `text` in the place of all that there is, as pasting does; the cursor goes to the end."""
        self.content.focus()
        self.page.keyboard.press("Control+a")
        self.content.evaluate(PASTE, text)
        expect(self.page.locator(".cm-line").last).to_have_text(text.rpartition("\n")[2])

    def text(self) -> str:
        expect(self.page.locator(".cm-line").first).to_be_visible()
        return "\n".join(line.removesuffix("\n") for line in self.page.locator(".cm-line").all_inner_texts())

    def line(self, number: int) -> str:
        return self.page.locator(".cm-line").nth(number - 1).inner_text()

    def put_cursor(self, number: int) -> None:
        """At the end of a line."""
        self.page.locator(".cm-line").nth(number - 1).click()
        self.page.keyboard.press("End")

    def insert(self, title: str) -> None:
        self.page.get_by_role("button", name=title, exact=True).click()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def take(self, label: str) -> None:
        """Choose something that is offered. (It has to be there for a moment before Enter chooses it.)"""
        option = self.offered.filter(has_text=re.compile(rf"^{re.escape(label)}"))
        expect(option.first).to_be_visible()
        option.first.click()

    def announced(self) -> Locator:
        return self.page.locator("#announcer")

    def save(self) -> None:
        """Review and save."""
        self.press("Save")
        expect(self.page.get_by_role("heading", name=re.compile("^Review"))).to_be_visible()
        self.press("Save")
        expect(self.page.get_by_text("In effect on")).to_be_visible()


@pytest.fixture(scope="module")
def made() -> set[str]:
    """The APIs that there are already."""
    return set()


@pytest.fixture
def editor(visitor: Visitor, installation: Installation, made: set[str]) -> Iterator[Editor]:
    """An API without a policy, before and after."""
    visitor.sign_in(installation)
    if API not in made:
        _make_api(visitor, installation)
        made.add(API)
    yield Editor(visitor, installation)
    visitor.page.goto(f"{installation.portal_url}{ADDRESS}")
    visitor.page.get_by_text("Policy scope").wait_for()
    if visitor.page.get_by_role("link", name="Delete policy").count():
        visitor.page.goto(f"{installation.portal_url}{ADDRESS}delete/")
        visitor.page.get_by_role("button", name="Yes, delete it").click()


def _make_api(visitor: Visitor, installation: Installation) -> None:
    page = visitor.page
    page.goto(f"{installation.portal_url}/apis-add/")
    page.get_by_label("Web API name").fill(API)
    page.get_by_role("textbox", name="Web service URL").fill(installation.back_end_url)
    page.get_by_label("Web API URL suffix").fill(API)
    page.get_by_label("Subscription required").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("was successfully saved")).to_be_visible()


def test_statements_their_attributes_and_values_are_completed_where_they_are_allowed(editor: Editor) -> None:
    editor.open()
    editor.put_cursor(3)
    editor.page.keyboard.type("\n<set")
    expect(editor.offered).to_contain_text(["set-backend-service", "set-header", "set-query-parameter"])
    expect(editor.page.locator(".cm-completionInfo")).to_contain_text("Forwards the call to another base URL")
    editor.take("set-header")
    editor.page.keyboard.type(" ex")
    editor.take("exists-action")
    expect(editor.offered).to_have_text(["append", "delete", "override", "skip"])
    editor.take("skip")
    editor.page.keyboard.type(" nam")
    editor.take("name")
    editor.page.keyboard.type("X-Mine")
    editor.page.keyboard.press("ArrowRight")
    editor.page.keyboard.type("><")
    expect(editor.offered.filter(has_text="value")).to_be_visible()
    editor.take("value")
    editor.page.keyboard.type(">one")
    assert editor.line(4) == (
        '        <set-header exists-action="skip" name="X-Mine"><value>one</value></set-header>'
    )


def test_a_section_offers_nothing_that_is_of_no_use_in_it(editor: Editor) -> None:
    editor.open()
    editor.put_cursor(9)
    editor.page.keyboard.type("\n<re")
    expect(editor.offered).to_contain_text(["return-response"])
    expect(editor.offered.filter(has_text="rewrite-uri")).to_have_count(0)


@pytest.fixture
def thumbprint(editor: Editor) -> Iterator[str]:
    """That of a certificate which is there for one test."""
    certificate, page = editor.installation.client_certificates[0], editor.page
    address = f"{editor.installation.portal_url}/security/client-certificates/"
    page.goto(f"{address}upload/")
    page.get_by_label("File").set_input_files(certificate["path"])
    page.get_by_label("Password").fill(certificate["password"])
    page.get_by_role("button", name="Upload").click()
    row = page.get_by_role("row", name=re.compile(re.escape(certificate["subject"])))
    expect(row).to_be_visible()
    yield str(certificate["thumbprint"])
    page.goto(address)
    row.get_by_role("link", name=re.compile("^Delete")).click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(row).to_have_count(0)


def test_certificates_are_completed_by_id_and_by_thumbprint(editor: Editor, thumbprint: str) -> None:
    editor.open()
    editor.insert("Authenticate with client certificate")  # its first attribute is empty, and has values
    expect(editor.offered).to_have_count(1)
    name = editor.offered.locator(".cm-completionLabel").inner_text()
    editor.take(name)
    assert editor.line(4) == f'        <authentication-certificate certificate-id="{name}" />'
    editor.write(DOCUMENT.replace("<base />", "<base />\n        <authentication-certificate ", 1))
    editor.put_cursor(4)
    editor.page.keyboard.type("thu")
    editor.take("thumbprint")
    editor.take(thumbprint)
    assert editor.line(4) == f'        <authentication-certificate thumbprint="{thumbprint}"'


def test_named_values_are_completed_in_attributes_and_texts(editor: Editor) -> None:
    editor.open(DOCUMENT.replace("<base />", '<authentication-basic username="u" password="p" />', 1))
    editor.save()  # the password is in a named value from now on
    expect(editor.page.locator(".cm-line").nth(2)).to_contain_text("{{")
    name = re.findall(r"\{\{(.*)\}\}", editor.line(3))[0]
    editor.insert("Set HTTP header")
    editor.page.keyboard.type("X-{{")
    editor.take("{{" + name + "}}")
    editor.put_cursor(5)
    for _ in range(len("</value>")):
        editor.page.keyboard.press("ArrowLeft")
    editor.page.keyboard.press("Control+Space")
    expect(editor.offered).to_have_text([re.compile(re.escape(name))])
    editor.page.keyboard.press("Escape")
    editor.page.keyboard.type("Bearer {{" + name[:2])
    editor.take("{{" + name + "}}")
    assert [editor.line(n).strip() for n in (4, 5)] == [
        f'<set-header name="X-{{{{{name}}}}}" exists-action="override">',
        f"<value>Bearer {{{{{name}}}}}</value>",
    ]


def test_errors_stand_at_their_lines_and_their_links_lead_there(editor: Editor) -> None:
    editor.open(TWO_FAULTS)
    editor.press("Save")
    links = editor.page.locator("#policy-faults a")
    expect(links).to_have_count(2)
    expect(editor.page.locator(".cm-lint-marker-error")).to_have_count(2)
    expect(editor.page.locator(".cm-lintRange-error")).to_have_text(["rate-limit", "rewrite-uri"])
    links.last.click()
    expect(editor.content).to_be_focused()
    expect(editor.page.locator(".cm-activeLine")).to_have_text(re.compile("rewrite-uri"))
    here = editor.page.get_by_role("status").filter(has_text="Error in element")
    expect(here).to_contain_text("Error in element 'rewrite-uri' on line 10, column 10")
    editor.put_cursor(1)
    expect(here).to_have_count(0)
    editor.page.keyboard.press("F8")
    expect(here).to_contain_text("Error in element 'rate-limit' on line 4, column 10")
    editor.page.locator(".cm-lint-marker-error").last.hover()
    expect(editor.page.locator(".cm-tooltip-lint").last).to_contain_text("Error in element 'rewrite-uri'")
    editor.visitor.looks_right("errors in the margin")


def test_a_mark_moves_with_its_line_and_goes_away_when_that_is_changed(editor: Editor) -> None:
    page = editor.open(TWO_FAULTS).page
    editor.press("Save")
    marks, marked = page.locator(".cm-lint-marker-error"), page.locator(".cm-lintRange-error")
    expect(marks).to_have_count(2)
    editor.content.locator(".cm-line").nth(1).click()
    page.keyboard.press("End")
    page.keyboard.type("\n<!-- a line more -->")
    expect(marks).to_have_count(2)
    page.get_by_role("link", name="'rewrite-uri' on line 10").click()
    page.keyboard.type("_")
    expect(editor.content).to_contain_text("<_rewrite-uri")
    expect(marked).to_have_text(["rate-limit"])
    page.keyboard.press("F8")
    expect(page.locator(".fault-here")).to_contain_text("'rate-limit'")


def test_the_address_of_a_line_leads_to_it(editor: Editor) -> None:
    editor.open(WITH_HEADER)
    editor.save()
    editor.go("/policies/")
    editor.go(f"{ADDRESS}#line-5")
    expect(editor.content).to_be_focused()
    expect(editor.page.locator(".cm-activeLine")).to_have_text("            <value>one</value>")


def test_the_list_puts_a_statement_at_the_cursor_and_can_be_undone(editor: Editor) -> None:
    editor.open(WITH_HEADER)
    editor.put_cursor(5)  # inside another statement: behind it
    editor.insert("Rewrite URL")
    assert [editor.line(n) for n in (6, 7, 8)] == [
        "        </set-header>",
        '        <rewrite-uri template="" />',
        "    </inbound>",
    ]
    expect(editor.announced()).to_have_text("Rewrite URL was inserted on line 7.")
    editor.page.keyboard.type("/there")  # the cursor is in the first attribute that is empty
    assert editor.line(7) == '        <rewrite-uri template="/there" />'
    editor.page.keyboard.press("Control+z")
    editor.page.keyboard.press("Control+z")
    assert editor.text() == WITH_HEADER


def test_the_list_puts_a_statement_into_a_section_where_it_is_allowed(editor: Editor) -> None:
    editor.open(DOCUMENT.replace("<inbound>\n        <base />\n    </inbound>", "<inbound />"))
    editor.put_cursor(4)  # in backend
    editor.insert("Rewrite URL")
    expect(editor.announced()).to_have_text("Rewrite URL was inserted into <inbound> on line 3.")
    assert editor.text().startswith(
        '<policies>\n    <inbound>\n        <rewrite-uri template="" />\n    </inbound>\n    <backend>'
    )
    editor.write(
        "<policies>\n  <backend><base /></backend>\n</policies>"
    )  # a section that is not there inherits
    editor.insert("Rewrite URL")
    assert editor.text() == (
        '<policies>\n  <inbound>\n    <base />\n    <rewrite-uri template="" />\n  </inbound>\n'
        "  <backend><base /></backend>\n</policies>"
    )
    editor.write("<nothing />")
    editor.insert("Rewrite URL")
    expect(editor.announced()).to_contain_text("Rewrite URL was not inserted. There is no <policies>")
    assert editor.text() == "<nothing />"


def test_a_statement_that_is_not_allowed_at_the_scope_is_dimmed_and_says_why(editor: Editor) -> None:
    editor.go("/policies/")
    dimmed = editor.page.locator(".statements .dimmed")
    expect(dimmed).to_have_count(1)
    expect(dimmed.get_by_role("button")).to_have_count(0)
    dimmed.get_by_text("Rewrite URL").click()
    expect(dimmed).to_contain_text("only in the policy of an API or an operation")


def test_a_document_is_reviewed_saved_and_in_effect(editor: Editor) -> None:
    editor.open()
    editor.put_cursor(3)
    editor.insert("Return response")
    editor.page.keyboard.type("Hello from the policy")
    editor.press("Save")
    expect(editor.page.locator(".difference")).to_contain_text("Hello from the policy")
    editor.press("Back to the editor")
    assert "<set-body>Hello from the policy</set-body>" in editor.text()
    editor.save()
    with urlopen(f"{editor.installation.gateway_url}/{API}/anything") as answer:
        assert answer.read() == b"Hello from the policy"
    assert "<set-body>Hello from the policy</set-body>" in editor.text()


def test_a_secret_that_was_left_in_sight_is_moved_although_nothing_else_changes(editor: Editor) -> None:
    editor.open(WITH_HEADER.replace("X-Mine", "X-Api-Key"))
    editor.press("Save")
    editor.page.get_by_role("checkbox", name="Move to secret named value").uncheck()
    editor.press("Save")
    expect(editor.page.get_by_role("link", name="Line 5", exact=True)).to_be_visible()
    expect(editor.page.get_by_role("button", name="Save", exact=True)).to_be_disabled()
    editor.visitor.looks_right("a secret in sight")
    editor.press("Move it to a named value")
    expect(editor.page.locator(".difference .added")).to_contain_text("{{written-x-api-key}}")


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(
    editor: Editor, new_visitor: Callable[..., Visitor]
) -> None:
    editor.open()
    other = Editor(new_visitor(), editor.installation)
    other.visitor.sign_in(editor.installation)
    other.open(WITH_HEADER)
    other.save()
    editor.write(DOCUMENT.replace("<base />", '<base />\n        <rewrite-uri template="/mine" />', 1))
    editor.press("Save")
    expect(editor.page.get_by_role("heading", level=1)).to_contain_text("Somebody else changed the policy")
    expect(editor.page.get_by_role("main")).to_contain_text("X-Mine")
    editor.visitor.looks_right("conflict")
    editor.press("Go on editing mine")
    expect(editor.page.get_by_role("heading", level=1)).not_to_contain_text("Somebody else changed")
    assert "/mine" in editor.text()
    editor.save()
    assert "/mine" in editor.text()
    assert not other.visitor.complaints


def test_without_scripts_the_textarea_does_it(editor: Editor, new_visitor: Callable[..., Visitor]) -> None:
    plain = new_visitor(scripted=False)
    plain.sign_in(editor.installation)
    page = plain.page
    page.goto(f"{editor.installation.portal_url}{ADDRESS}")
    page.get_by_role("link", name="Add policy").click()
    expect(page.get_by_role("button", name="Full screen")).to_be_hidden()
    page.locator("summary", has_text="Set HTTP header").click()
    expect(page.get_by_label("Set HTTP header: what to write")).to_contain_text("exists-action")
    field = page.get_by_role("textbox", name="Policy definition")
    field.fill(TWO_FAULTS)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name=re.compile("Error in element 'rate-limit' on line 4")).click()
    expect(page.locator("#line-4")).to_contain_text("rate-limit")
    field.fill(WITH_HEADER)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".difference")).to_contain_text("X-Mine")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("In effect on")).to_be_visible()
    expect(field).to_have_value(WITH_HEADER)


def test_the_keyboard_alone_writes_a_document_and_leaves_the_editor(editor: Editor) -> None:
    editor.go(f"{ADDRESS}?add")
    editor.page.get_by_role("button", name="Full screen").focus()
    keyboard = editor.page.keyboard
    for _ in range(8):
        keyboard.press("Tab")
        if editor.content.evaluate("element => element === document.activeElement"):
            break
    expect(editor.content).to_be_focused()
    expect(editor.content).to_have_accessible_description(re.compile("press Escape and then Tab"))
    keyboard.press("Control+a")
    keyboard.type("<policies><inb")
    expect(editor.offered).to_have_text(["inbound"])
    keyboard.press("Escape")
    keyboard.press("Control+a")
    keyboard.press("Delete")
    keyboard.type("x")
    keyboard.press("Home")
    keyboard.press("Tab")
    assert editor.text() == "    x"
    keyboard.press("Escape")
    keyboard.press("Tab")
    expect(editor.page.get_by_role("button", name="Save", exact=True)).to_be_focused()
    keyboard.press("Shift+Tab")
    expect(editor.content).to_be_focused()
    assert editor.text() == "    x"


def test_full_screen_covers_the_page_and_escape_leaves_it(editor: Editor) -> None:
    editor.open()
    button = editor.page.get_by_role("button", name="Full screen")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    for size in (NARROW, WIDE):
        editor.page.set_viewport_size(size)  # type: ignore[arg-type]
        box = editor.page.locator(".full-screen").bounding_box()
        assert box == {"x": 0, "y": 0, **size}
        editor.visitor.axe("full screen")
    for hidden in (
        editor.page.get_by_role("link", name="Dashboard"),
        editor.page.get_by_role("button", name="Show"),
    ):
        assert hidden.evaluate("element => element.closest('[inert]') !== null")
    editor.put_cursor(3)
    editor.page.keyboard.type("\n<ba")
    expect(editor.offered.first).to_be_visible()
    editor.page.keyboard.press("Escape")  # closes what is offered, and no more
    expect(editor.offered).to_have_count(0)
    expect(button).to_have_attribute("aria-pressed", "true")
    editor.page.keyboard.press("Escape")
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(editor.page.locator("[inert]")).to_have_count(0)
    assert "<ba" in editor.text()


def test_save_waits_for_a_change_and_leaving_with_one_is_asked_about(editor: Editor) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    editor.page.on("dialog", stay)
    save = editor.page.get_by_role("button", name="Save", exact=True)
    history = editor.page.get_by_role("link", name="History")
    editor.go(f"{ADDRESS}?add")
    expect(save).to_be_disabled()
    editor.content.click()
    editor.page.keyboard.type("x")
    expect(save).to_be_enabled()
    history.click()
    expect(editor.content).to_be_visible()
    assert asked == ["beforeunload"]
    editor.content.focus()
    editor.page.keyboard.press("Control+z")
    expect(save).to_be_disabled()
    editor.write("<nothing />")
    save.click()  # sending it is not leaving
    expect(editor.page.locator("#policy-faults")).to_be_visible()
    expect(save).to_be_enabled()  # what is there is not what is saved
    assert asked == ["beforeunload"]
    editor.page.remove_listener("dialog", stay)
    editor.page.on("dialog", lambda dialog: dialog.accept())


def test_going_back_from_the_review_does_not_lose_the_draft(editor: Editor) -> None:
    page = editor.open(WITH_HEADER).page
    editor.press("Save")
    expect(page.get_by_role("heading", name=re.compile("^Review"))).to_be_visible()
    page.go_back()
    offer = page.get_by_role("alert").filter(has_text="You have a draft of this policy")
    expect(offer).to_be_in_viewport()
    editor.visitor.looks_right("an unsaved draft")
    page.get_by_role("link", name="Go on with the draft").click()
    expect(editor.content).to_contain_text("X-Mine")
    expect(page.get_by_role("button", name="Save")).to_be_enabled()
    editor.save()
    expect(offer).to_have_count(0)


def test_the_editor_is_accessible_at_both_widths_with_all_that_it_opens(editor: Editor) -> None:
    for size in (WIDE, NARROW):
        editor.page.set_viewport_size(size)  # type: ignore[arg-type]
        editor.open(WITH_HEADER + "\n" * 60)  # so long that it scrolls
        editor.page.keyboard.press("Control+Home")
        editor.visitor.looks_right("editor")
        editor.put_cursor(3)
        editor.page.keyboard.type("\n<")
        expect(editor.offered.first).to_be_visible()
        editor.visitor.axe("offered statements")
        editor.page.keyboard.press("Escape")
        editor.page.keyboard.press("Control+f")
        expect(editor.page.get_by_role("textbox", name="Find")).to_be_focused()
        editor.visitor.looks_right("search")
        editor.page.keyboard.press("Escape")
        editor.page.get_by_label("About Set HTTP header").click()
        editor.visitor.looks_right("what a statement is for")
