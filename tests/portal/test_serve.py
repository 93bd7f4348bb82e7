"""manage.py serve, as a process: both front doors open and close together."""

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pytest
from django.test import override_settings

from portal.serving.listeners import listen
from portal.serving.processes import Errand, Program, Supervisor
from portal.serving.run import FrontDoors, errands_of
from tests import databases, pki
from tests.databases import ROOT, sqlite_copy
from tests.mail_server import mail_server
from tests.running import Running, running, until

pytestmark = pytest.mark.wire

SECRETS = {
    "SECRET_KEY": "only-for-tests-" + "x" * 50,
    "CERTIFICATE_ENCRYPTION_KEYS": "Zm9yLXRlc3RzLW9ubHktZm9yLXRlc3RzLW9ubHktMTI=",
}

HTTPS_ONLY_API = """
from gateway.changes.apis import create_api
from gateway.changes.base import Actor
url = "https://nowhere.invalid"
create_api(Actor("command", "test"), display_name="Bank", web_service_url=url, suffix="bank", http=False,
           subscription_required=False, https=True, all_operations=True)
"""

TOKEN = """
from datetime import timedelta
from django.utils import timezone
from gateway.changes.principals import create_principal, regenerate_key, set_management_api
from portal.management_api.tokens import token
from tests.builders import ALICE
set_management_api(ALICE, enabled=True)
key = regenerate_key(ALICE, create_principal(ALICE, identifier="pipeline", role="reader").key, "primary")
print("token:", token("pipeline", timezone.now() + timedelta(hours=1), key))
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, sqlite_migrated: Path) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("serve")
    return {
        **SECRETS,
        "DATABASE_URL": sqlite_copy(sqlite_migrated, folder),
        "DATA_DIR": str(folder),
        "PORTAL_PORT": "0",
        "GATEWAY_PORT": "0",
        "GATEWAY_WORKERS": "1",
        "PORTAL_WORKERS": "1",
    }


def refusal(*arguments: str, **environment: str) -> str:
    """Start `serve`, which has to end at once; what it says."""
    with running("serve", *arguments, **environment) as serve:
        assert serve.wait(30) == 1
        assert serve.stdout == ""
        return serve.stderr


def addresses(serve: Running, count: int = 2) -> list[str]:
    return [line.split(": ", 1)[1] for line in serve.wait_for_output(count)]


EXPIRES_SOON = """
from datetime import timedelta
from django.utils import timezone
from gateway.changes.notifications import save_notification_settings
from tests.builders import ALICE, make_certificate
save_notification_settings(ALICE, recipients=["ops@bank.example"], thresholds=[7])
make_certificate("bank", not_after=timezone.now() + timedelta(days=5, hours=1))
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def status(url: str, path: str = "/nothing-here") -> int:
    host, port = url.split("://")[1].rsplit(":", 1)
    connection: http.client.HTTPConnection = http.client.HTTPConnection(host, int(port), timeout=10)
    if url.startswith("https"):
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, int(port), timeout=10, context=tls)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def refuse_connections(*urls: str) -> None:
    for url in urls:
        with pytest.raises(ConnectionRefusedError):
            status(url)


def test_portal_and_gateway_answer_at_the_printed_addresses_until_their_supervisor_is_killed(
    settings: dict[str, str],
) -> None:
    with running("serve", **settings) as serve:
        portal, gateway = addresses(serve)
        assert portal != gateway
        assert [status(portal), status(gateway)] == [404, 404]
        processes = serve.processes()
        assert len(processes) >= 5
        commands = " ".join(processes.values())
        assert "gunicorn" in commands
        assert not [name for name in SECRETS if SECRETS[name] in commands]
        assert serve.end(signal.SIGKILL) == -signal.SIGKILL
        until(lambda: not serve.processes())
        refuse_connections(portal, gateway)


@pytest.mark.parametrize("word", ["gunicorn_portal", "gunicorn_gateway"])
def test_when_one_server_dies_the_other_is_stopped_and_the_exit_code_says_so(
    settings: dict[str, str], word: str
) -> None:
    with running("serve", **settings) as serve:
        addresses(serve)
        (master,) = serve.masters(word)
        os.kill(master, signal.SIGKILL)
        assert serve.wait() == 1
        name = "portal" if "portal" in word else "gateway"
        assert f"The {name} has stopped by itself (signal SIGKILL)." in serve.stderr
        until(lambda: not serve.processes())


def test_the_portal_runs_alone_with_static_files_of_hashed_names_that_may_be_kept_for_ever(
    settings: dict[str, str],
) -> None:
    with running("serve", "--portal-only", **settings) as serve:
        (line,) = serve.wait_for_output()
        assert line.startswith("Portal: http://127.0.0.1:")
        (portal,) = addresses(serve, 1)
        names = json.loads((Path(settings["DATA_DIR"]) / "static/staticfiles.json").read_text())["paths"]
        with urllib.request.urlopen(f"{portal}/static/{names['css/base.css']}") as answer:
            assert "immutable" in answer.headers["Cache-Control"]
        assert re.search(r"/static/css/base\.[0-9a-f]{12}\.css", page(f"{portal}/sign-in/"))
        assert serve.end(signal.SIGINT) == 0
        assert len(serve.stdout.splitlines()) == 1


def test_the_gateway_runs_alone_and_sigusr1_while_things_start_ends_nothing(settings: dict[str, str]) -> None:
    with running("serve", "--gateway-only", **settings) as serve:
        until(lambda: serve.masters("gunicorn_gateway"))
        serve.process.send_signal(signal.SIGUSR1)
        (line,) = serve.wait_for_output()
        assert line.startswith("Gateway: http://127.0.0.1:")
        (gateway,) = addresses(serve, 1)
        assert status(gateway) == 404
        assert serve.end(signal.SIGINT) == 0
        assert len(serve.stdout.splitlines()) == 1


class Bank(NamedTuple):
    """Settings of a gateway with an API that is served over https alone, and a token of its REST API."""

    settings: dict[str, str]
    token: str


@pytest.fixture(scope="module")
def bank_and_token(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Bank:
    migrated = Path(settings["DATABASE_URL"].removeprefix("sqlite:///"))
    url = sqlite_copy(migrated, tmp_path_factory.mktemp("bank"))
    environment = {**settings, "DATABASE_URL": url, "GATEWAY_PUBLIC_URL": "https://api.example"}
    with running("shell", "-c", HTTPS_ONLY_API + TOKEN, **environment) as shell:
        assert shell.wait(30) == 0, shell.stderr
        return Bank(environment, shell.stdout.partition("token: ")[2].strip())


@pytest.fixture(scope="module")
def bank(bank_and_token: Bank) -> dict[str, str]:
    return bank_and_token.settings


def official_client_finds_the_service(url: str, ca_file: str, token: str) -> None:
    """The official client of the REST API, which sends tokens over https only: as a bearer token."""
    from azure.core.credentials import AccessToken
    from azure.mgmt.apimanagement import ApiManagementClient

    class Credential:
        def get_token(self, *scopes: str, **options: object) -> AccessToken:
            return AccessToken(token, int(time.time()) + 3600)

    base = f"{url.replace('127.0.0.1', 'localhost')}/management"
    with ApiManagementClient(
        Credential(), "sub", base_url=base, connection_verify=ca_file, retry_total=0
    ) as client:
        service = client.api_management_service.get("group", "portal")
        assert service.management_api_url == base
        assert [each.name for each in client.api.list_by_service("group", "portal")] == ["bank"]


def test_both_serve_tls_and_the_gateway_also_without_until_sigterm(
    bank_and_token: Bank, tmp_path: Path
) -> None:
    bank, token = bank_and_token
    certificate, key = map(str, pki.self_signed("localhost").write(tmp_path))
    plain = str(free_port())
    tls = {
        "PORTAL_TLS_CERTIFICATE": certificate,
        "PORTAL_TLS_KEY": key,
        "GATEWAY_TLS_CERTIFICATE": certificate,
        "GATEWAY_TLS_KEY": key,
        "GATEWAY_PLAIN_PORT": plain,
        "GATEWAY_OPERATOR_PORT": "0",
    }
    with running("serve", **bank, **tls) as serve:
        *urls, operators = addresses(serve, 4)
        assert [url.split(":")[0] for url in urls] == ["https", "https", "http"]
        assert urls[2] == f"http://127.0.0.1:{plain}"
        assert [status(url) for url in urls] == [404, 404, 404]
        until(lambda: 'status="404"} 2.0' in page(f"{operators}/metrics"))  # one with TLS, one without
        assert [status(url, "/bank") for url in urls[1:]] == [502, 403]  # an API for https only
        official_client_finds_the_service(urls[0], certificate, token)
        assert serve.end(signal.SIGTERM) == 0
        assert serve.stderr.count('"path":"/nothing-here"') == 2
        until(lambda: not serve.processes())
        refuse_connections(*urls, operators)


def test_an_https_only_api_refuses_calls_over_the_plain_listener_with_settings_from_files(
    bank: dict[str, str], tmp_path: Path
) -> None:
    certificate, key = map(str, pki.self_signed("localhost").write(tmp_path))
    environment = {**bank, "GATEWAY_PLAIN_PORT": str(free_port())}
    for name, path in {"GATEWAY_TLS_CERTIFICATE": certificate, "GATEWAY_TLS_KEY": key}.items():
        (tmp_path / name).write_text(path)
        environment[f"{name}_FILE"] = str(tmp_path / name)
    with running("serve", "--gateway-only", **environment) as serve:
        secure, plain = addresses(serve)
        assert (status(secure, "/bank"), status(plain, "/bank")) == (502, 403)


def test_the_gateway_under_gunicorn_alone_serves_operators_beside_callers(settings: dict[str, str]) -> None:
    callers, operators = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    ports = {
        "GATEWAY_PORT": callers.rsplit(":", 1)[1],
        "GATEWAY_OPERATOR_PORT": operators.rsplit(":", 1)[1],
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "python:gateway.gunicorn_gateway"]
    environment = databases.environment(settings["DATABASE_URL"], **ports)
    with subprocess.Popen(
        [*command, "gateway.node:application"], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    ) as gunicorn:
        try:
            until(lambda: ready(operators))
            for number in range(100):  # more than a pipe holds that nobody reads
                assert status(callers, f"/health/ready/{number}/{'x' * 1500}") == 404
            until(lambda: 'status="404"} 100.0' in page(f"{operators}/metrics"))
        finally:
            gunicorn.terminate()
            _, said = gunicorn.communicate(timeout=30)
    assert gunicorn.returncode == 0
    assert said.count('"path":"/health/ready/') == 100


def ready(operators: str) -> bool:
    try:
        return status(operators, "/health/ready") == 200
    except OSError:
        return False


def page(url: str) -> str:
    with urllib.request.urlopen(url) as answer:
        return str(answer.read().decode())


# --- What is done once a day -----------------------------------------------------------------------------


def test_people_are_told_of_certificates_that_expire_with_links_to_where_the_portal_is(
    settings: dict[str, str], tmp_path: Path
) -> None:
    migrated = Path(settings["DATABASE_URL"].removeprefix("sqlite:///"))
    environment = {**settings, "DATABASE_URL": sqlite_copy(migrated, tmp_path)}
    with running("shell", "-c", EXPIRES_SOON, PYTHONPATH=str(ROOT), **environment) as shell:
        assert shell.wait(30) == 0, shell.stderr
    with (
        mail_server() as server,
        running("serve", "--portal-only", EMAIL_URL=server.url, **environment) as serve,
    ):
        (portal,) = addresses(serve, 1)
        until(lambda: "Sent to ops@bank.example." in serve.stderr, 60)
        assert serve.end(signal.SIGTERM) == 0
        until(lambda: not serve.processes())
    ((recipients, message),) = server.taken
    assert recipients == ["ops@bank.example"]
    assert "bank expires in 5 days" in message["Subject"]
    assert f"{portal}/notifications/" in str(message.get_body(("plain",)))


@pytest.mark.parametrize(("wanted", "portal"), [(False, True), (True, False)])
def test_it_can_be_switched_off_and_a_gateway_alone_does_not_do_it(wanted: bool, portal: bool) -> None:
    door = listen("127.0.0.1", 0, setting="")
    try:
        with override_settings(SEND_EXPIRY_NOTIFICATIONS=wanted):
            assert errands_of(FrontDoors(door if portal else None, None)) == []
        assert len(errands_of(FrontDoors(door, None))) == 1
    finally:
        door.socket.close()


@pytest.mark.parametrize("ending", ["sys.exit(3)", "time.sleep(60)"])
def test_an_errand_that_fails_or_hangs_neither_ends_the_programs_nor_holds_up_their_end(
    ending: str, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    code = f"import os, sys, time; open({str(runs)!r}, 'a').write(f'{{os.getpid()}} '); {ending}"
    errand = Errand(Program("errand", [sys.executable, "-c", code], []), 0, 0.1)
    reports: list[str] = []
    supervisor = Supervisor(20, reports.append, [errand])

    def done() -> bool:
        return runs.exists() and len(runs.read_text().split()) >= (3 if "exit" in ending else 1)

    def end() -> None:
        until(done)
        os.kill(os.getpid(), signal.SIGTERM)

    with supervisor.signals():
        supervisor.start(Program("program", ["sleep", "60"], []))
        threading.Thread(target=end).start()
        supervisor.wait()
        began = time.monotonic()
        supervisor.stop()
    assert time.monotonic() - began < 10
    assert reports == []
    for number in runs.read_text().split():
        assert not Path(f"/proc/{number}").exists()


# --- Refused before anything is started -----------------------------------------------------------------


def test_pending_migrations_are_named_with_the_command_that_applies_them(
    settings: dict[str, str], tmp_path: Path
) -> None:
    said = refusal(**{**settings, "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3"})
    assert "The database lacks " in said
    assert "Run: manage.py migrate" in said


@pytest.mark.parametrize("name", SECRETS)
def test_a_missing_secret_is_named(settings: dict[str, str], name: str) -> None:
    said = refusal(**{**settings, name: ""})
    assert name in said
    assert "Traceback" not in said


def test_a_database_that_does_not_answer_is_named_by_its_setting(settings: dict[str, str]) -> None:
    assert "DATABASE_URL" in refusal(**{**settings, "DATABASE_URL": "sqlite:////nowhere/portal.sqlite3"})


def test_a_taken_port_is_named_with_its_setting(settings: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        said = refusal(**{**settings, "GATEWAY_PORT": port})
    assert f"Port {port} is taken by another program. Choose another one with GATEWAY_PORT" in said


@pytest.mark.parametrize("other", ["GATEWAY_PORT", "GATEWAY_OPERATOR_PORT"])
def test_portal_and_gateway_never_share_an_origin(settings: dict[str, str], other: str) -> None:
    assert "must differ" in refusal(**{**settings, "PORTAL_PORT": "18123", other: "18123"})


def test_a_plain_port_needs_a_gateway_with_tls(settings: dict[str, str]) -> None:
    assert "GATEWAY_PLAIN_PORT" in refusal(**settings, GATEWAY_PLAIN_PORT="18124")


def test_tls_needs_both_files_and_they_must_be_there(settings: dict[str, str]) -> None:
    assert "PORTAL_TLS_KEY" in refusal(**settings, PORTAL_TLS_CERTIFICATE="/nowhere.pem")
    said = refusal(**settings, GATEWAY_TLS_CERTIFICATE="/nowhere.pem", GATEWAY_TLS_KEY="/nowhere.key")
    assert "GATEWAY_TLS_CERTIFICATE: /nowhere.pem cannot be read" in said


def test_a_place_for_static_files_that_cannot_be_written_is_named(
    settings: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    said = refusal("--portal-only", **settings, STATIC_ROOT=str(tmp_path / "file" / "static"))
    assert "static files could not be put into" in said
    assert "Traceback" not in said
