"""The curl line of the console, run by shells with curl against a back end that keeps what it got."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.url_templates import parse_template
from portal.console.curl import curl_line
from portal.console.exchange import ConsoleRequest
from portal.console.request import shown_request, target_of
from tests.back_end import BackEnd, Seen

HOSTILE = "it's \"quoted\" $HOME `id` $(id) !! \\n \\ %s %% ; & | > < * ? [a-z] {x,y} ~ # é 漢 🙂 '\\''"
SHELLS = [name for name in ("bash", "dash", "sh") if shutil.which(name)]


@pytest.fixture(scope="module")
def back_end() -> Iterator[BackEnd]:
    with BackEnd() as back_end:
        yield back_end


def run(back_end: BackEnd, line: str, shell: str = "bash", **environment: str) -> Seen:
    """Run a line; what the back end got."""
    back_end.seen.clear()
    done = subprocess.run(
        [shell], input=line.encode(), capture_output=True, timeout=20, check=False, env=environment
    )
    assert done.returncode == 0, (line, done.stderr)
    assert len(back_end.seen) == 1
    return back_end.seen[0]


def send(back_end: BackEnd, request: ConsoleRequest, shell: str = "bash") -> Seen:
    return run(back_end, curl_line(f"http://localhost:{back_end.port}", request), shell)


def utf8(text: str) -> str:
    """As `Seen` reads the bytes of fields."""
    return text.encode().decode("latin-1")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "body", [HOSTILE, f"@{HOSTILE}", f"a\n\n{HOSTILE}\n", "-n", "a\tb\x01\x1b[31m\r\n%d\\x"]
)
def test_everything_arrives_as_it_was_entered(back_end: BackEnd, shell: str, body: str) -> None:
    fields = (
        ("X-A", HOSTILE),
        ("X-Empty", ""),
        ("Accept", "a/b"),
        ("User-Agent", ""),
        ("X-A", "@/etc/passwd"),
    )
    seen = send(back_end, ConsoleRequest("POST", "/bank/a?b=c&d", fields, body.encode()), shell)
    assert (seen.method, seen.target, seen.body) == ("POST", "/bank/a?b=c&d", body.encode())
    assert seen.values("x-a") == [utf8(HOSTILE), "@/etc/passwd"]
    assert seen.values("x-empty") == [""]
    assert seen.values("accept") == ["a/b"]
    assert seen.values("content-type") == []


@pytest.mark.parametrize("body", ["漢" * 33_000, "'" * 19_000, "\t" * 24_000], ids=lambda body: repr(body[0]))
def test_a_body_that_just_fits_into_the_line_arrives(back_end: BackEnd, body: str) -> None:
    request = ConsoleRequest("PUT", "/", (), body.encode())
    shown = shown_request("https://h", request, keyed=False)
    assert not shown.file
    assert len(shown.curl_start) < 21_000
    assert send(back_end, request).body == body.encode()


def test_a_terminal_that_the_line_is_pasted_into_finds_nothing_to_act_on() -> None:
    body = "".join(map(chr, range(1, 128))).encode()
    line = curl_line("http://h", ConsoleRequest("POST", "/", (), body))
    assert [c for c in line if ord(c) < 32 or ord(c) == 127] == ["\n"]


@pytest.mark.parametrize(
    "body",
    [f"-{HOSTILE}\n" * 3000, "漢" * 40_000, "'" * 30_000, "\t" * 30_000],
    ids=lambda body: repr(body[0]),
)
def test_a_body_that_is_too_long_for_the_line_comes_from_a_file(
    back_end: BackEnd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    monkeypatch.chdir(tmp_path)
    fields = (("Content-Type", "text/plain; charset=utf-8"),)
    request = ConsoleRequest("PUT", "/", fields, body.encode())
    shown = shown_request("https://h", request, keyed=False)
    assert len(shown.curl) < 200
    (tmp_path / shown.file).write_text(body)
    seen = send(back_end, request)
    assert (seen.method, seen.body) == ("PUT", body.encode())
    assert seen.values("content-type") == ["text/plain; charset=utf-8"]
    assert seen.values("transfer-encoding") == []


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"])
def test_every_verb_is_called_without_a_body(back_end: BackEnd, method: str) -> None:
    seen = send(back_end, ConsoleRequest(method, "/x"))
    length = ["0"] if method in {"POST", "PUT", "PATCH"} else []
    assert (seen.method, seen.body, seen.values("content-length")) == (method, b"", length)
    assert seen.values("content-type") == []


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS"])
def test_verbs_that_seldom_have_a_body_may(back_end: BackEnd, method: str) -> None:
    seen = send(back_end, ConsoleRequest(method, "/x", (), b"{}"))
    assert (seen.method, seen.body) == (method, b"{}")


def test_a_verb_is_named_only_where_curl_would_choose_another() -> None:
    words = {
        ("GET", b""): [], ("POST", b"x"): [], ("POST", b""): [], ("HEAD", b""): ["-I"],
        ("GET", b"x"): ["-X", "GET"], ("PUT", b"x"): ["-X", "PUT"], ("DELETE", b""): ["-X", "DELETE"],
    }  # fmt: skip
    for (method, body), expected in words.items():
        line = curl_line("http://h", ConsoleRequest(method, "/", (), body)).split()
        assert line[:2] == ["curl", "--path-as-is"]
        assert [word for word in line if word in {"-X", "-I", method}] == expected


@pytest.mark.parametrize(
    "value", [HOSTILE, "a/b", "..a/", "100%", "a%2Fb", "a?b#c", "x y\u00a0", "\\", "a;b=c,d"]
)
def test_a_value_is_one_segment_of_the_path_and_one_value_of_the_query(back_end: BackEnd, value: str) -> None:
    template = parse_template("/a/{id}/b/*?q={q}&fixed=1")
    target = target_of(
        "bank", template, {"id": value, "q": value}, "x y/é?#", [("n&=", value), ("flag", None)]
    )
    seen = send(back_end, ConsoleRequest("GET", target))
    assert seen.target == target
    path, _, query = seen.target.partition("?")
    assert path.count("/") == 6
    assert path.endswith("/b/x%20y/%C3%A9%3F%23")
    match = template.match_query(query)
    assert match
    assert match.unmatched.split("&")[1:] == ["flag"]


def test_the_key_comes_from_a_variable_where_it_is_left_out(back_end: BackEnd) -> None:
    request = ConsoleRequest("GET", "/x", (("X-A", "$SUBSCRIPTION_KEY"),))
    shown = shown_request(f"http://localhost:{back_end.port}", request, keyed=True)
    assert "Ocp-Apim-Subscription-Key: ••••••" in shown.http
    seen = run(back_end, shown.curl, SUBSCRIPTION_KEY="0123 $x'\"")
    assert seen.values("ocp-apim-subscription-key") == ["0123 $x'\""]
    assert seen.values("x-a") == ["$SUBSCRIPTION_KEY"]


def test_the_text_is_what_goes_over_the_wire() -> None:
    request = ConsoleRequest("PUT", "/bank/1?a=b", (("Accept", "a/b"),), "é\n".encode())
    shown = shown_request("https://api.example:8443", request, keyed=False)
    assert shown.http.split("\n") == [
        "PUT /bank/1?a=b HTTP/1.1", "Host: api.example:8443", "Accept: a/b", "Content-Length: 3", "", "é", "",
    ]  # fmt: skip
    below = shown_request("https://api.example/gate", ConsoleRequest("GET", "/bank/1"), keyed=False)
    assert below.http == "GET /gate/bank/1 HTTP/1.1\nHost: api.example"
    assert below.curl == "curl --path-as-is https://api.example/gate/bank/1"
    long = shown_request("https://h", ConsoleRequest("POST", "/", (), b"x" * 20_007), keyed=False)
    assert long.http.endswith("x\n… and 7 more characters")
    assert "x" * 20_007 in long.curl
