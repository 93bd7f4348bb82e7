"""Everything that a newcomer starts, in a data directory of its own, and a browser in front of it."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.databases import ROOT

WIDE = {"width": 1280, "height": 900}
START_SECONDS = 120
expect.set_options(timeout=20_000)  # a busy machine needs it; what is there at once waits for nothing
NARROW = {"width": 390, "height": 844}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass(frozen=True)
class Installation:
    """A running quickstart: what it said with --json."""

    facts: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.facts[name]


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("quickstart")
    ports = [f"--{name}-port=0" for name in ("portal", "gateway", "back-end")]
    environment = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "SECRET_KEY"}}
    environment |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "ENV_FILE": os.devnull}
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "quickstart", f"--data-dir={folder}", *ports, "--json"],
        cwd=ROOT,
        env={name: value for name, value in environment.items() if name != "CERTIFICATE_ENCRYPTION_KEYS"},
        stdout=subprocess.PIPE,
        stderr=log,
    )
    try:
        ready = process.stdout and select.select([process.stdout], [], [], START_SECONDS)[0]
        line = process.stdout.readline() if process.stdout and ready else b""
        assert line, (folder / "log").read_text()
        yield Installation(json.loads(line))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        log.close()
        if process.stdout:
            process.stdout.close()


@pytest.fixture(
    scope="module"
)  # while it is there its event loop runs, and Django refuses a database beside one
def browser() -> Iterator[Browser]:
    path = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    if not path.exists():
        message = "Chromium is not installed; set CHROMIUM to its path"
        pytest.fail(message) if os.environ.get("REQUIRE_BROWSER") else pytest.skip(message)
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-sync",
    ]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(path), args=arguments)
        yield chromium
        chromium.close()


@dataclass
class Visitor:
    """A person at the browser. Everything that the page's script or policy complains about fails the test."""

    page: Page
    complaints: list[str]
    size: dict[str, int]
    scripted: bool

    def arrived(self) -> None:
        """The page that the last click leads to is there whole: a click ends when its first byte comes."""
        expect(self.page.get_by_role("heading", level=1).first).to_be_visible()
        self.page.wait_for_load_state()

    def axe(self, where: str) -> None:
        """No accessibility violation on the page as it is now. (axe itself needs scripts.)"""
        if not self.scripted:
            return
        self.arrived()
        results = Axe().run(self.page, options={"runOnly": {"type": "tag", "values": TAGS}})
        found = [
            f"{v['id']}: {n['target']} {n['html'][:160]}"
            for v in results.response["violations"]
            for n in v["nodes"]
        ]
        assert not found, f"{where}: " + "\n".join(found)

    def fits(self, where: str) -> None:
        """Nothing scrolls sideways, wide or narrow."""
        self.arrived()
        for size in (NARROW, WIDE):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            width = self.page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
            assert width <= 0, f"{where} is {width} pixels too wide at {size['width']}"
        self.page.set_viewport_size(self.size)  # type: ignore[arg-type]

    def looks_right(self, where: str) -> None:
        self.fits(where)
        self.axe(where)

    def sign_in(self, installation: Installation, user: str = "", password: str = "") -> None:
        """As the administrator, unless somebody else is named."""
        self.page.goto(installation.portal_url)
        self.page.get_by_label("User name").fill(user or installation.admin_user)
        self.page.get_by_label("Password").fill(password or installation.admin_password)
        self.page.get_by_role("button", name="Sign in").click()

    @property
    def entries(self) -> Locator:
        """The left menu."""
        return self.page.get_by_role("navigation", name="API Management")

    def menu(self, entry: str) -> None:
        """Choose an entry, which at narrow widths is behind "Menu"."""
        if self.size["width"] < 800:
            self.page.get_by_text("Menu", exact=True).click()
        self.entries.get_by_role("link", name=entry, exact=True).click()
        expect(self.page.locator(".side [aria-current]")).to_have_text(entry)


@pytest.fixture
def new_visitor(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    contexts = []

    def make(size: dict[str, int] = WIDE, *, scripted: bool = True) -> Visitor:
        context = browser.new_context(viewport=size, java_script_enabled=scripted)
        contexts.append(context)
        page, complaints = context.new_page(), []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None
        )
        page.set_default_timeout(30_000)
        return Visitor(page, complaints, size, scripted)

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def visitor(new_visitor: Callable[..., Visitor]) -> Iterator[Visitor]:
    visitor = new_visitor()
    yield visitor
    assert not visitor.complaints
