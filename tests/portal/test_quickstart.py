"""manage.py quickstart, as a newcomer runs it, in a data directory of the test's own."""

import contextlib
import http.client
import json
import os
import re
import shlex
import signal
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from gateway.subscription_keys import FIELD
from tests.databases import manage, sqlite_copy
from tests.running import Running, running, until

pytestmark = pytest.mark.wire

FREE_PORTS = ("--portal-port", "0", "--gateway-port", "0", "--back-end-port", "0")
FEW = {"PORTAL_WORKERS": "1", "GATEWAY_WORKERS": "2"}
FEWER = {"GATEWAY_WORKERS": "1"}  # where nothing is asked of a second worker
KEYS = {
    "portal_url",
    "gateway_url",
    "operator_url",
    "back_end_url",
    "admin_user",
    "admin_password",
    "subscription_key",
    "management_url",
    "management_token",
    "data_dir",
    "client_certificates",
    "ca_certificate",
    "demo_api_path",
}
# What a person does on Security > Client certificates and on the API's Security tab.
CHOOSE = """
import os
from pathlib import Path
from gateway.changes.base import Actor
from gateway.changes.certificates import upload_certificate
from gateway.changes.security import CertificateCredentials, read_security, save_security
from gateway.models import Api, CertificateVersion
from gateway.records import wait_in_effect
actor = Actor("user", "alice")
path, password, thumbprint = (os.environ[name] for name in ("PFX", "PFX_WORD", "PFX_THUMBPRINT"))
version = CertificateVersion.objects.filter(thumbprint=thumbprint).first()
certificate = version.certificate if version else upload_certificate(
    actor, data=Path(path).read_bytes(), password=password
)
api = Api.objects.get(suffix="partner-bank")
trust = read_security(api).trust
revision = save_security(actor, api.pk, credentials=CertificateCredentials(certificate.pk), trust=trust)
print(wait_in_effect(revision, seconds=10.0))
"""


@contextmanager
def quickstart(folder: Path, *options: str, **environment: str) -> Iterator[tuple[Running, dict[str, Any]]]:
    """A quickstart that answers, and its facts."""
    arguments = ("quickstart", "--json", "--data-dir", str(folder), *FREE_PORTS, *options)
    with running(*arguments, **{**FEW, **environment}) as run:
        (line,) = run.wait_for_output()
        yield run, json.loads(line)
        run.end()
        assert len(run.stdout.splitlines()) == 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quickstart") / "a folder, 100% #new+1"


@pytest.fixture(scope="module")
def started(folder: Path) -> Iterator[tuple[Running, dict[str, Any]]]:
    with quickstart(folder) as both:
        yield both


def get(url: str, key: str = "") -> tuple[int, str]:
    request = urllib.request.Request(url, headers={FIELD: key} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def call(facts: dict[str, Any], path: str) -> tuple[int, str]:
    """A call of the demonstration API, with the key."""
    return get(f"{facts['gateway_url']}{facts['demo_api_path']}{path}", facts["subscription_key"])


def choose(facts: dict[str, Any], which: int) -> None:
    client = facts["client_certificates"][which]
    settings = Path(facts["data_dir"]) / "settings.env"
    own = dict(
        line.split("=", 1) for line in settings.read_text().splitlines() if "=" in line and line[0] != "#"
    )
    more = {"PFX": client["path"], "PFX_WORD": client["password"], "PFX_THUMBPRINT": client["thumbprint"]}
    own |= {"ENV_FILE": os.devnull, **more}
    url = f"sqlite:///{quote(facts['data_dir'])}/portal.sqlite3"
    assert "lagging=()" in manage(url, "shell", "--verbosity=0", "--command", CHOOSE, **own)


def test_the_facts_are_one_line_of_json_once_all_three_listeners_answer(
    started: tuple[Running, dict[str, Any]], folder: Path
) -> None:
    _, facts = started
    assert set(facts) == KEYS
    assert facts["data_dir"] == str(folder)
    assert facts["management_url"] == facts["portal_url"] + "/management"
    assert facts["management_token"].startswith("SharedAccessSignature uid=quickstart&ex=")
    assert get(facts["portal_url"] + "/sign-in")[0] < 500
    assert get(facts["gateway_url"] + "/nothing-here")[0] == 404
    assert get(facts["operator_url"] + "/health/ready")[0] == 200
    with pytest.raises(urllib.error.URLError) as refused:
        get(facts["back_end_url"])
    assert isinstance(refused.value.reason, ssl.SSLError)
    assert all(Path(client["path"]).is_file() for client in facts["client_certificates"])
    assert Path(facts["ca_certificate"]).is_file()


def test_the_official_client_of_the_rest_api_works_with_what_is_printed(
    started: tuple[Running, dict[str, Any]],
) -> None:
    from azure.mgmt.apimanagement import ApiManagementClient
    from azure.mgmt.apimanagement.models import NamedValueCreateContract

    from tests.portal.management.client import Authorization

    _, facts = started
    policy = Authorization(facts["management_token"])
    told: list[str] = []
    name = ("group", "portal", "wire")
    with ApiManagementClient(
        object(), "sub", base_url=facts["management_url"], authentication_policy=policy, retry_total=0
    ) as client:
        assert client.api_management_service.get(*name[:2]).gateway_url == facts["gateway_url"]
        client.named_value.begin_create_or_update(
            *name,
            NamedValueCreateContract(display_name="wire", value="x"),
            polling=False,
            raw_response_hook=lambda response: told.append(
                response.http_response.headers["Gateways-In-Effect"]
            ),
        ).result()
        assert client.named_value.get_entity_tag(*name)
        assert [each.name for each in client.named_value.list_by_service(*name[:2])] == ["wire"]
        assert list(client.gateway.list_by_service(*name[:2]))
        client.named_value.delete(*name, "*")
    assert told == ["2 of 2"]


def test_the_rest_api_answers_json_whatever_comes_over_the_wire(
    started: tuple[Running, dict[str, Any]],
) -> None:
    _, facts = started
    where, token = (
        urllib.parse.urlsplit(facts["management_url"]),
        {"Authorization": facts["management_token"]},
    )
    path = "/management/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/portal"
    version = "?api-version=2024-05-01"

    def ask(method: str, path: str, **options: Any) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(where.netloc, timeout=20)
        connection.request(method, path, **options)
        with contextlib.closing(connection), connection.getresponse() as answer:
            assert answer.getheader("Set-Cookie") is None
            assert answer.getheader("Content-Type", "application/json").startswith("application/json")
            return answer.status, answer.read()

    assert ask("GET", "/management")[0] == ask("GET", "/management/openapi")[0] == 401
    assert ask("TRACE", f"{path}{version}", headers=token)[0] == 405
    assert ask("HEAD", f"{path}{version}", headers=token) == (200, b"")
    assert ask("GET", f"{path}{version}", headers={**token, "Host": "evil.example"})[0] == 400
    longest = urllib.parse.quote("displayName eq '" + "''" * 1000 + "'")
    assert ask("GET", f"{path}/namedValues{version}&$filter={longest}", headers=token)[0] == 200
    put = f"{path}/namedValues/x{version}"
    assert ask("PUT", put, headers=token, body=iter([b"{}"]), encode_chunked=True)[0] == 411
    assert ask("PUT", put, headers=token, body=b"x" * 3_000_000)[0] == 413


def test_without_a_certificate_the_demonstration_api_fails_and_says_who_refused(
    started: tuple[Running, dict[str, Any]],
) -> None:
    _, facts = started
    status, body = call(facts, "/accounts/1")
    assert status == 502
    assert "certificate" in body


def test_without_a_key_the_demonstration_api_lets_nobody_in(started: tuple[Running, dict[str, Any]]) -> None:
    _, facts = started
    assert get(f"{facts['gateway_url']}{facts['demo_api_path']}/accounts/1")[0] == 401


def test_the_back_end_sees_the_certificate_that_was_chosen_and_at_once_the_next_one(
    started: tuple[Running, dict[str, Any]],
) -> None:
    _, facts = started
    for which in (0, 1, 0):
        choose(facts, which)
        status, body = call(facts, "/accounts/1?x=%2F")
        assert status == 200, body
        seen = json.loads(body)
        expected = facts["client_certificates"][which]
        assert seen["certificate"] == {key: expected[key] for key in ("subject", "thumbprint")}
        assert (seen["method"], seen["path"]) == ("GET", "/accounts/1?x=%2F")


def test_the_administrator_can_sign_in(started: tuple[Running, dict[str, Any]]) -> None:
    _, facts = started
    cookies = urllib.request.HTTPCookieProcessor()
    browser = urllib.request.build_opener(cookies)
    sign_in = facts["portal_url"] + "/sign-in/"
    with browser.open(sign_in) as page:
        token = page.read().decode().split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    form = {
        "username": facts["admin_user"],
        "password": facts["admin_password"],
        "csrfmiddlewaretoken": token,
        "next": "/admin/",
    }
    request = urllib.request.Request(sign_in, urlencode(form).encode(), {"Referer": sign_in})
    with browser.open(request) as answer:
        assert answer.url == facts["portal_url"] + "/admin/"


def test_the_folder_is_its_owners_alone(started: tuple[Running, dict[str, Any]], folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("settings.env", "admin-password", "portal.sqlite3", "demonstration/ca.key"):
        assert (folder / name).stat().st_mode & 0o077 == 0, name


def test_no_secret_is_on_a_command_line_or_in_the_log(
    started: tuple[Running, dict[str, Any]], folder: Path
) -> None:
    run, facts = started
    secrets = [line.split("=", 1)[1] for line in (folder / "settings.env").read_text().splitlines()[2:4]]
    secrets += [
        facts["admin_password"],
        facts["client_certificates"][0]["password"],
        facts["subscription_key"],
        facts["management_token"],
    ]
    shown = " ".join(run.processes().values()) + run.stderr
    assert not [secret for secret in secrets if secret in shown]


def test_a_second_quickstart_in_the_same_folder_is_refused(
    started: tuple[Running, dict[str, Any]], folder: Path
) -> None:
    with running("quickstart", "--data-dir", str(folder), *FREE_PORTS) as second:
        assert second.wait() == 1
        assert "A quickstart is running with " in second.stderr
        assert "--data-dir" in second.stderr


# --- The end, and more than one run ----------------------------------------------------------------------


def test_ctrl_c_lets_a_call_in_flight_finish_and_a_second_run_keeps_everything(
    started: tuple[Running, dict[str, Any]], folder: Path
) -> None:
    run, first = started  # this test ends it: the last one that uses it
    assert len(run.processes()) >= 7  # itself, the back end, two masters, three workers
    choose(first, 0)
    stop_during_a_call(run, first)
    kept = (folder / "settings.env").read_text()
    with quickstart(folder, **FEWER) as (again, second):
        assert (folder / "settings.env").read_text() == kept
        moved = {"portal_url", "gateway_url", "operator_url", "back_end_url", "management_url"}
        moved.add("management_token")  # a fresh one
        assert {key: second[key] for key in KEYS - moved} == {key: first[key] for key in KEYS - moved}
        assert second["back_end_url"] != first["back_end_url"]
        _, body = call(second, "/again")
        assert json.loads(body)["certificate"]["thumbprint"] == first["client_certificates"][0]["thumbprint"]
        when_the_back_end_dies_everything_else_is_stopped(again)


def stop_during_a_call(run: Running, facts: dict[str, Any]) -> None:
    host, port = facts["gateway_url"].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as caller:
        head = (
            f"POST {facts['demo_api_path']}/slow HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10\r\n"
            f"{FIELD}: {facts['subscription_key']}\r\n\r\n"
        )
        caller.sendall(head.encode() + b"first")
        time.sleep(0.5)  # the gateway has it
        run.process.send_signal(signal.SIGINT)
        until(lambda: "Stopping" in run.stderr)
        time.sleep(0.5)
        caller.sendall(b"later")
        with caller.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 200 ")
            assert b'"body": "firstlater"' in answer.read()
    assert run.wait() == 0
    until(lambda: not run.processes(), 3)


def when_the_back_end_dies_everything_else_is_stopped(run: Running) -> None:
    os.kill(run.masters("demonstration.back_end")[0], signal.SIGKILL)
    assert run.wait() == 1
    assert "The demonstration back end has stopped by itself" in run.stderr
    until(lambda: not run.processes(), 3)


def test_no_demo_makes_neither_back_end_nor_api_and_touches_no_database_or_key_of_the_shell(
    tmp_path: Path,
) -> None:
    other, folder = tmp_path / "production.sqlite3", tmp_path / "first-try"
    dot_env = tmp_path / "production.env"
    (tmp_path / "secret").write_text("production")
    dot_env.write_text(f"DATABASE_URL=sqlite:///{other}\nSECRET_KEY_FILE={tmp_path}/secret\n")
    shell = {"DATABASE_URL": f"sqlite:///{other}", "ENV_FILE": str(dot_env), "SECRET_KEY": "production"}
    with quickstart(folder, "--no-demo", **FEWER, **shell) as (run, facts):
        absent = ("back_end_url", "ca_certificate", "demo_api_path")
        assert [facts[key] for key in absent] == [None, None, None]
        assert facts["client_certificates"] == []
        assert not run.masters("back_end")
        assert not (folder / "demonstration").exists()
        assert re.fullmatch("[0-9a-f]{32}", facts["subscription_key"])  # of use to an API of one's own, too
        assert facts["data_dir"] == str(folder)
        assert "SECRET_KEY=production" not in (folder / "settings.env").read_text()
    assert not other.exists()


def test_a_password_that_was_changed_is_not_shown_and_a_kill_takes_everything_along(
    tmp_path: Path, sqlite_migrated: Path
) -> None:
    (tmp_path / "admin-password").write_text("generated\n")  # as an earlier run has left it
    change = (
        "from django.contrib.auth.models import User; User.objects.create_superuser('admin', password='mine')"
    )
    manage(sqlite_copy(sqlite_migrated, tmp_path), "shell", "--verbosity=0", "--command", change)
    with quickstart(tmp_path, **FEWER) as (run, facts):
        assert facts["admin_password"] is None
        assert run.masters("back_end")
        assert run.end(signal.SIGKILL) == -signal.SIGKILL
        until(lambda: not run.processes())


def test_a_signal_while_things_start_stops_them_as_well(tmp_path: Path, sqlite_migrated: Path) -> None:
    sqlite_copy(sqlite_migrated, tmp_path)
    with running("quickstart", "--data-dir", str(tmp_path), *FREE_PORTS, **FEW) as run:
        until(lambda: run.masters("demonstration.back_end"))
        assert run.end(signal.SIGINT) == 0
        assert run.stdout == ""
        until(lambda: not run.processes(), 3)


@pytest.mark.parametrize("option", ["--portal-port", "--gateway-port", "--back-end-port"])
def test_a_taken_port_is_named_with_its_option(tmp_path: Path, sqlite_migrated: Path, option: str) -> None:
    sqlite_copy(sqlite_migrated, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with running("quickstart", "--data-dir", str(tmp_path), *FREE_PORTS, option, port) as run:
            assert run.wait() == 1
            assert f"Port {port} is taken by another program." in run.stderr
            assert option in run.stderr
            assert "Traceback" not in run.stderr


# --- Made for reading -----------------------------------------------------------------------------------


def test_a_person_reads_addresses_sign_in_files_and_a_ready_curl_line(
    tmp_path: Path, sqlite_migrated: Path
) -> None:
    sqlite_copy(sqlite_migrated, tmp_path)
    with running("quickstart", "--data-dir", str(tmp_path), *FREE_PORTS, **{**FEW, **FEWER}) as run:
        until(lambda: "Ctrl-C" in run.stdout or run.process.poll() is not None, 60)
        text = run.stdout
        assert re.search(r"^  Metrics    http://127\.0\.0\.1:\d+/metrics$", text, re.MULTILINE)
        assert (tmp_path / "admin-password").read_text().strip() in text
        assert (tmp_path / "demonstration/pfx-password").read_text().strip() in text
        assert str(tmp_path / "demonstration/partner-bank-1.pfx") in text
        curl, option, field, url = shlex.split(next(line for line in text.splitlines() if "curl" in line))[1:]
        assert (curl, option) == ("curl", "-H")
        name, key = field.split(": ")
        assert name == FIELD
        assert f"Key        {key}" in text
        assert re.search(
            r"curl -H 'Authorization: SharedAccessSignature uid=quickstart&ex=\S+&sn=\S+==' ", text
        )
        assert get(url, key)[0] == 502  # no certificate is chosen yet
        others = [line for line in text.splitlines() if "&sn=" not in line]  # a token cannot be broken
        assert max(map(len, others)) <= 125 + len(str(tmp_path))
        run.end()
        assert '"path"' not in run.stderr  # the access log would bury all this
