"""What a back end sends to whoever calls it from the console: nothing of it runs, leaves the page or stops it."""

import re
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Installation, Visitor
from tests.odd_back_ends import listening

pytestmark = [pytest.mark.browser, pytest.mark.wire]
SCRIPT = "window.ran=1;fetch('/stolen');new Image().src='http://127.0.0.1:9/stolen'"
MARKUP = f'</pre></textarea><script>{SCRIPT}</script><img src=/stolen onerror="{SCRIPT}"><iframe src=/stolen>'


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(text: bytes = b"") -> bytes:
    """A blue square of 64 pixels, which is a page for those who take it for one."""
    pixels = zlib.compress(b"".join(b"\0" + b"\x20\x60\xc0" * 64 for _ in range(64)))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"tEXt", text) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def answer(media_type: str, body: bytes, *lines: str) -> bytes:
    head = [f"HTTP/1.1 200 OK{MARKUP}", f"Content-Type: {media_type}", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


ANSWERS = {
    "html": answer("text/html", f"<!doctype html><title>x</title>{MARKUP}".encode()),
    "svg": answer(
        "image/svg+xml",
        f'<svg xmlns="http://www.w3.org/2000/svg" onload="{SCRIPT}"><script>{SCRIPT}</script></svg>'.encode(),
    ),
    "json": answer("application/json", f'{{"a": "{MARKUP.replace(chr(34), "")}", "b": [1.10]}}'.encode()),
    "polyglot": answer("text/html", png(MARKUP.encode())),
    "hidden": answer("text/plain", "pay \u202e1000\u202c to\u200bday\x1b[2J".encode(), "X-To: a\u202eb"),
    "fields": answer(
        "text/plain", b"none", f"X-Evil: {MARKUP}", f"Refresh: 0;url=/{SCRIPT}", "Link: </stolen>;rel=preload"
    ),
    "binary": answer("text/html", bytes(range(256)) * 9),
    "line": answer("text/plain", b"x" * 1_000_000),
}
HEADS = {"large": b"Content-Length: 200000000\r\n\r\n", "endless": b"\r\n"}


def behave(connection: socket.socket) -> None:
    data = connection.recv(65536)
    name = data.split(b" ", 2)[1].rpartition(b"/")[2].decode()
    if name in ANSWERS:
        connection.sendall(ANSWERS[name])
        return
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + HEADS[name])
    while True:
        connection.sendall(b"x" * 65536)


@dataclass
class Console:
    """The console of an API whose back end is hostile. `asked` is what the browser asked for since."""

    visitor: Visitor
    asked: list[str]

    @property
    def page(self) -> Page:
        return self.visitor.page

    @property
    def content(self) -> str:
        return self.page.locator(".answer-text").inner_text()

    def send(self, what: str, note: str) -> None:
        self.page.get_by_label("The rest of the path").fill(what)
        self.page.locator(".buttons").get_by_role("button", name="Send").click()
        expect(self.page.locator(".answer-notes")).to_contain_text(note)

    def check(self) -> None:
        """Nothing ran, and nothing was asked for but the page and what is ours."""
        self.page.wait_for_load_state("networkidle")
        assert self.page.evaluate("window.ran") is None
        ours = [url for url in self.asked if not re.search(r"/static/|/console|^data:image/", url)]
        assert ours == []
        assert self.page.locator("main iframe, main script").count() == 0


@pytest.fixture
def console(visitor: Visitor, installation: Installation) -> Iterator[Console]:
    page, api = visitor.page, f"{installation.portal_url}/apis/hostile"
    visitor.sign_in(installation)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    with listening(behave, "http") as back_end:
        page.goto(f"{installation.portal_url}/apis-add/")
        page.get_by_label("Web API name").fill("Hostile")
        page.get_by_role("textbox", name="Web service URL").fill(back_end)
        page.get_by_label("Web API URL suffix").fill("hostile")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("was successfully saved")).to_be_visible()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: visitor.complaints.append("dialog"))
        page.goto(f"{api}/operations/get-anything/console/")
        yield Console(visitor, asked)
    page.goto(f"{api}/delete/")
    page.get_by_role("button", name="Yes, delete it").click()
    visitor.arrived()


def test_nothing_that_a_back_end_sends_runs_or_hides_or_goes_on_for_ever(console: Console) -> None:
    for name, note in (("html", "Text"), ("svg", "Indented XML"), ("json", "JSON"), ("fields", "Text, 4")):
        console.send(name, note)
        assert "ran=1" in console.page.locator(".answer").inner_text()
    console.send("hidden", "Text, 27 bytes")
    assert console.content == "pay U+202E1000U+202C toU+200BdayU+001B[2J"
    assert console.page.locator("img").count() == 0

    console.send("polyglot", "PNG image")
    image = console.page.get_by_alt_text("The image that came: PNG, 64 by 64 pixels")
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    console.visitor.looks_right("an image that came")

    console.send("binary", "Binary (text/html), 2.3 kB")
    with console.page.expect_download() as download:
        console.page.get_by_role("link", name="Download the content").click()
    assert Path(download.value.path()).read_bytes() == bytes(range(256)) * 9
    assert download.value.suggested_filename == "get-anything.bin"

    start = time.monotonic()
    for name, note in (("large", "1 MiB of 200 MB"), ("endless", "it had not ended"), ("line", "1.0 MB")):
        console.send(name, note)
        assert len(console.content) == 200_000
    assert time.monotonic() - start < 20
    console.visitor.looks_right("a line of 200,000 characters")
    console.check()
