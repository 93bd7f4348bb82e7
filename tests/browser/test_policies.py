"""The pages of policies without scripts, from the first draft to its end, and how each looks at both widths."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NARROW, WIDE, Installation, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.wire]

PATH = "/policies/apis/partner-bank/"
DRAFT = """\
<policies>
    <inbound>
        <base />
        <authentication-basic username="alice" password="hunter2hunter2" />
        <set-header name="X-Api-Key" exists-action="override">
            <value>0123456789abcdef-{}</value>
        </set-header>
    </inbound>
    <backend>
        <base />
    </backend>
    <outbound>
        <base />
    </outbound>
</policies>
"""
LONG = "a-name-that-is-much-longer-than-a-narrow-page-is-wide-" * 3


def editor_of(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Policy definition")


class Walk:
    """Somebody without scripts, and somebody with scripts for whom each page is looked over."""

    def __init__(self, plain: Visitor, scripted: Visitor, installation: Installation) -> None:
        self.page, self._plain, self._scripted = plain.page, plain, scripted
        self._url = installation.portal_url

    def go(self, path: str) -> None:
        self.page.goto(f"{self._url}{path}")

    def press(self, name: str) -> None:
        self.page.get_by_role("main").get_by_role("button", name=name, exact=True).click()

    @property
    def editor(self) -> Locator:
        return editor_of(self.page)

    def looks_right(self, where: str) -> None:
        """It fits; and axe, which needs scripts, sees the very page that is the answer to a form."""
        self._plain.fits(where)
        body, other = self.page.content(), self._scripted.page
        address = f"{self._url}/looked-over/"
        other.route(address, lambda route: route.fulfill(body=body, content_type="text/html; charset=utf-8"))
        other.goto(address)
        other.unroute(address)
        self._scripted.axe(where)


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def walk(
    request: pytest.FixtureRequest, new_visitor: Callable[..., Visitor], installation: Installation
) -> Walk:
    plain, scripted = (new_visitor(request.param, scripted=scripted) for scripted in (False, True))
    plain.sign_in(installation)
    return Walk(plain, scripted, installation)


def test_a_policy_from_its_first_draft_to_its_end_without_scripts(
    walk: Walk, new_visitor: Callable[..., Visitor], installation: Installation
) -> None:
    page = walk.page
    begin_without_a_policy(walk)
    page.get_by_role("link", name="Add policy").click()
    expect(walk.editor).to_have_value(re.compile("^<!--"))
    page.locator("summary", has_text="Set HTTP header").click()
    expect(page.get_by_label("Set HTTP header: what to write")).to_be_visible()
    walk.looks_right("new policy")
    see_the_faults(walk)
    see_what_it_comes_to(walk)
    save_it(walk)
    meet_somebody(walk, new_visitor(scripted=False), installation)
    look_back(walk)
    delete_it(walk)


def begin_without_a_policy(walk: Walk) -> None:
    """Whatever tests before this one left there, as the guide's do."""
    walk.go(PATH)
    if walk.page.get_by_role("link", name="Delete policy").count():
        walk.page.get_by_role("link", name="Delete policy").click()
        walk.press("Yes, delete it")


def see_the_faults(walk: Walk) -> None:
    page = walk.page
    walk.editor.fill(f"<policies>\n<inbound>\n<no-such />\n<{LONG} />\n</inbound>\n</policies>")
    walk.press("Save")
    fault = page.get_by_role("link", name=re.compile("The 'no-such' element is not known"))
    fault.click()
    expect(page).to_have_url(re.compile("#line-3$"))
    expect(page.locator("#line-3")).to_be_in_viewport()
    walk.looks_right("faults")


def see_what_it_comes_to(walk: Walk) -> None:
    page = walk.page
    walk.editor.fill(DRAFT.format(LONG))
    walk.press("Recalculate effective policy for selected scope")
    expect(page.get_by_role("heading", level=1)).to_have_text("Effective policy of Partner Bank")
    origins = page.locator(".effective .origin").locator("a, strong")
    origins = page.locator(".effective .origin").locator("a, strong")
    expect(origins.first).to_have_text(re.compile("API.* 4"))
    expect(origins.last).to_have_text(re.compile("All APIs"))
    expect(page.get_by_text("hunter2")).to_have_count(0)
    walk.looks_right("effective policy of a draft")
    walk.press("Back to the editor")
    expect(walk.editor).to_have_value(DRAFT.format(LONG))


def save_it(walk: Walk) -> None:
    page = walk.page
    walk.press("Save")
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    expect(page.get_by_label(re.compile("Move to secret named value partner-bank-x-api-key"))).to_be_checked()
    expect(
        page.get_by_text("User name “alice” and its password will be sent to the back end.")
    ).to_be_visible()
    walk.looks_right("review")
    walk.press("Save")
    said = page.get_by_text("The policy of Partner Bank was saved.")
    expect(said).to_contain_text(
        re.compile(r"partner-bank-x-api-key(-\d)?\. In effect on (\d) of \2 gateways")
    )
    expect(walk.editor).to_have_value(re.compile("{{partner-bank-basic-password"))
    walk.looks_right("saved")


def meet_somebody(walk: Walk, other: Visitor, installation: Installation) -> None:
    page = walk.page
    other.sign_in(installation)
    other.page.goto(f"{installation.portal_url}{PATH}")
    change(other.page, "</inbound>", f"    <!-- theirs {LONG} -->\n    </inbound>")
    for _ in "Save", "and once more after the review":
        other.page.get_by_role("main").get_by_role("button", name="Save", exact=True).click()
    expect(other.page.get_by_text("In effect on")).to_be_visible()
    change(page, "</inbound>", "    <!-- mine -->\n    </inbound>")
    walk.press("Save")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Somebody else changed the policy of Partner Bank"
    )
    walk.looks_right("conflict")
    walk.press("Go on editing mine")
    walk.press("Save")
    expect(page.locator(".difference .removed")).to_contain_text("theirs")
    expect(page.locator(".difference .added")).to_contain_text("mine")
    walk.press("Save")
    expect(page.get_by_text("In effect on")).to_be_visible()


def change(page: Page, old: str, new: str) -> None:
    editor = editor_of(page)
    editor.fill(editor.input_value().replace(old, new))


def look_back(walk: Walk) -> None:
    page = walk.page
    walk.go(f"{PATH}?effective")
    walk.looks_right("effective policy")
    walk.go(f"{PATH}history/")
    walk.looks_right("history")
    page.get_by_role("row").nth(2).get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/history/[0-9a-f-]{36}/$"))
    walk.looks_right("version")
    page.get_by_role("link", name="Restore this version").click()
    expect(page.get_by_role("main").get_by_role("button", name="Restore", exact=True)).to_be_visible()
    walk.looks_right("restore")
    walk.press("Restore")
    expect(page.get_by_text("The policy of Partner Bank was restored. In effect on")).to_be_visible()
    expect(walk.editor).to_have_value(re.compile("theirs"))


def delete_it(walk: Walk) -> None:
    page = walk.page
    page.get_by_role("link", name="Delete policy").click()
    expect(page.get_by_text("Are you sure you want to delete the policy?")).to_be_visible()
    walk.looks_right("delete")
    walk.press("Yes, delete it")
    expect(page.get_by_text("There is no policy for this scope yet")).to_be_visible()
