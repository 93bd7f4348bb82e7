"""Side by side in one run: what lists of the management REST API cost, and how many PUTs a second it does.

    python -m tests.benchmarks.management [--certificates 10000] [--rounds 15] [--puts 80] [--put-rounds 3]

The portal runs under gunicorn as in production, one process on one core; callers and gateways share the other one.
It runs on SQLite, and where TEST_POSTGRES_URL is set on PostgreSQL, too. Lists are put beside a GET of one
certificate, PUTs beside the bare changes that they come to, made one after the other in a process of their own.
Some PUTs wait until all gateways run the change, others prefer not to (respond-async). Printed are medians.
"""

import argparse
import base64
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from tests import pki
from tests.benchmarks.processes import LOAD_CORE, SERVER_CORE, free_port, started
from tests.benchmarks.scale import child
from tests.databases import (
    environment,
    postgres_address,
    postgres_database,
    postgres_template,
    sqlite_copy,
    sqlite_template,
)

HERE = "tests.benchmarks.management"
BASE = "/management/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/portal"
VERSION = "api-version=2024-05-01"
KINDS = ("named values", "certificates", "APIs")
WRITERS = (1, 8)
_numbers = count(1)


# --- parts that run in processes of their own ---------------------------------------------------------------------
def fill(certificates: int) -> None:
    """Fill the database, and make a token. Prints JSON: {token, thumbprint}."""
    from datetime import timedelta

    from django.utils import timezone

    from gateway.changes.principals import regenerate_key, set_management_api
    from gateway.models import CertificateVersion, Principal
    from portal.management_api.tokens import token
    from tests.arrange import ARRANGER
    from tests.arrange_many import fill_with_certificates

    fill_with_certificates(certificates)
    principal = Principal.objects.get(resource_id="integration")
    set_management_api(ARRANGER, enabled=True)
    key = regenerate_key(ARRANGER, principal.key, "primary")
    found = CertificateVersion.objects.get(certificate__resource_id=f"certificate-{certificates // 2}")
    made = token("integration", timezone.now() + timedelta(days=1), key)
    print(json.dumps({"token": made, "thumbprint": found.thumbprint}))


def changes(kind: str, times: int) -> None:
    """Bare changes of one kind, one after the other. Prints JSON: how many a second."""
    from gateway.changes import apis, certificate_versions, named_values
    from tests.builders import ALICE, make_api, make_certificate, make_named_value

    name = f"bare-{os.getpid()}"

    def of_value() -> Callable[[int], object]:
        key = make_named_value(name).key
        return lambda n: named_values.update_named_value(ALICE, key, value=f"value {n}", secret=False)

    def of_certificate() -> Callable[[int], object]:
        key, files = make_certificate(name).key, [new_file() for _ in range(times)]

        def replace(n: int) -> object:
            version = certificate_versions.add_version(ALICE, key, data=files[n], password="secret")
            return certificate_versions.use_version(ALICE, key, version.key)

        return replace

    def of_api() -> Callable[[int], object]:
        api = make_api(name)
        values: dict[str, Any] = {"display_name": name, "suffix": name, "http": True, "https": True}
        values |= {"web_service_url": api.web_service_url}
        return lambda n: apis.update_api(ALICE, api.key, description=f"{n}", **values)

    make = dict(zip(KINDS, (of_value, of_certificate, of_api), strict=True))[kind]()
    began = time.perf_counter()
    for number in range(times):
        make(number)
    print(json.dumps(times / (time.perf_counter() - began)))


def new_file() -> bytes:
    """A PFX of a certificate that nobody has seen yet."""
    return pki.pfx(pki.self_signed(common_name=f"writer-{next(_numbers)}"), password=b"secret")


# --- callers ------------------------------------------------------------------------------------------------------
class Caller:
    """A client with one connection."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port)
        self._fields = {"Authorization": token, "Content-Type": "application/json"}

    def __call__(self, method: str, target: str, body: Any = None, **fields: str) -> tuple[int, Any, Any]:
        """Status, fields and content of an answer."""
        text = None if body is None else json.dumps(body)
        self._connection.request(method, target, text, self._fields | fields)
        response = self._connection.getresponse()
        content = response.read()
        return response.status, response.headers, json.loads(content) if content else None

    def get(self, target: str) -> Any:
        status, _, content = self("GET", target)
        if status != 200:
            raise SystemExit(f"GET {target}: {status} {content}")
        return content

    def follow(self, target: str) -> int:
        """Follow a list to its end; how many entities it has."""
        found = 0
        while target:
            content = self.get(target)
            found += len(content["value"])
            parts = urlsplit(content.get("nextLink", ""))
            target = f"{parts.path}?{parts.query}" if parts.path else ""
        return found


def lists(caller: Caller, certificates: int, thumbprint: str, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each way to read, in each round; all ways take turns."""
    whole = f"{BASE}/certificates?{VERSION}"
    by_thumbprint = quote(f"thumbprint eq '{thumbprint}'")
    todo: dict[str, Callable[[], Any]] = {
        "one certificate": lambda: caller.get(f"{BASE}/certificates/certificate-1?{VERSION}"),
        "the first page of 100": lambda: caller.get(whole),
        "the last page of 100": lambda: caller.get(f"{whole}&$skip={certificates - 100}"),
        "a page of 1,000": lambda: caller.get(f"{whole}&$top=1000"),
        "by thumbprint": lambda: caller.get(f"{whole}&$filter={by_thumbprint}"),
        "all pages of 100": lambda: caller.follow(whole),
        "all pages of 1,000": lambda: caller.follow(f"{whole}&$top=1000"),
    }
    assert len(todo["by thumbprint"]()["value"]) == 1
    assert todo["all pages of 100"]() == certificates + 1
    found: dict[str, list[float]] = {name: [] for name in todo}
    for _ in range(rounds):
        for name, read in todo.items():
            began = time.perf_counter()
            read()
            found[name].append((time.perf_counter() - began) * 1000)
    return found


class Written(NamedTuple):
    """How many PUTs were done a second, and how many were refused because the database was busy."""

    rate: float
    refused: int


def bodies(kind: str, writer: int, times: int) -> Iterator[dict[str, Any]]:
    """The properties of PUTs to one entity: each changes something."""
    for _ in range(times):
        number = next(_numbers)
        match kind:
            case "named values":
                yield {"displayName": f"writer-{writer}", "value": f"value {number}"}
            case "certificates":
                yield {"data": base64.b64encode(new_file()).decode(), "password": "secret"}
            case _:
                yield {
                    "displayName": f"Writer {writer}",
                    "path": f"writer-{writer}",
                    "serviceUrl": "https://bank.example",
                    "protocols": ["https"],
                    "description": f"{number}",
                }


SEGMENTS = dict(zip(KINDS, ("namedValues", "certificates", "apis"), strict=True))


def write(callers: Sequence[Caller], kind: str, puts: int, *, wait: bool) -> Written:
    """Let each caller put its own entity again and again."""
    fields = {} if wait else {"Prefer": "respond-async"}
    todo = [list(bodies(kind, number, puts // len(callers))) for number in range(len(callers))]

    def put(number: int) -> int:
        target = f"{BASE}/{SEGMENTS[kind]}/writer-{number}?{VERSION}"
        done = [callers[number]("PUT", target, {"properties": each}, **fields) for each in todo[number]]
        if wrong := [each for each in done if each[0] not in (200, 201, 503)]:
            raise SystemExit(f"PUT {target}: {wrong[0][0]} {wrong[0][2]}")
        return sum(status == 503 for status, _, _ in done)

    with ThreadPoolExecutor(len(callers)) as pool:
        began = time.perf_counter()
        refused = sum(pool.map(put, range(len(callers))))
        seconds = time.perf_counter() - began
    return Written((sum(map(len, todo)) - refused) / seconds, refused)


# --- servers ------------------------------------------------------------------------------------------------------
def gunicorn(configuration: str, application: str) -> list[str]:
    return [sys.executable, "-m", "gunicorn", "-c", f"python:{configuration}", application]


def start_portal(stack: ExitStack, url: str, folder: Path) -> int:
    """The portal's port."""
    port = free_port()
    own = environment(url, PORTAL_PORT=str(port), PORTAL_WORKERS="1", LOG_LEVEL="WARNING")
    command = gunicorn("portal.gunicorn_portal", "portal.wsgi:application")
    stack.enter_context(started(command, port, SERVER_CORE, folder / "portal.log", own))
    return port


def start_gateway(stack: ExitStack, url: str, folder: Path) -> None:
    port = free_port()
    own = environment(url, GATEWAY_PORT=str(port), GATEWAY_WORKERS="1", GATEWAY_OPERATOR_PORT="off")
    command = gunicorn("gateway.gunicorn_gateway", "gateway.node:application")
    stack.enter_context(started(command, port, LOAD_CORE, folder / f"gateway-{port}.log", own))


def wait_for_gateways(caller: Caller, number: int) -> None:
    """Until a change is in effect on all of them."""
    deadline = time.monotonic() + 60
    while True:
        body = {"properties": {"displayName": "ready", "value": str(time.monotonic())}}
        _, fields, _ = caller("PUT", f"{BASE}/namedValues/ready?{VERSION}", body)
        if fields["Gateways-In-Effect"] == f"{number} of {number}":
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"Not all gateways run: {fields['Gateways-In-Effect']}")
        time.sleep(0.2)


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, str]]:
    """An empty database of each sort."""
    with ExitStack() as stack:
        found = {"SQLite": sqlite_copy(sqlite_template(folder), folder)}
        if server := os.environ.get("TEST_POSTGRES_URL"):
            template = stack.enter_context(postgres_template(server))
            name = stack.enter_context(postgres_database(server, template))
            found["PostgreSQL"] = postgres_address(server, name)
        yield found


# --- what is printed ----------------------------------------------------------------------------------------------
def show_lists(found: dict[str, list[float]]) -> None:
    one = found["one certificate"]
    print(f"  {'milliseconds':<28}{'median':>10}{'ratio to one':>14}")
    for name, times in found.items():
        ratio = statistics.median(own / least for own, least in zip(times, one, strict=True))
        print(f"  {name:<28}{statistics.median(times):>10.1f}{ratio:>14.1f}")


def measure_writes(url: str, port: int, token: str, options: argparse.Namespace, gateways: int) -> None:
    """Print a line for each kind of PUT, with and without waiting."""
    for kind in KINDS:
        for wait in (True, False):
            rounds: list[tuple[float, list[Written]]] = []
            for _ in range(options.put_rounds):
                bare: float = child(url, "changes", kind, options.puts, module=HERE)
                callers = [[Caller(port, token) for _ in range(number)] for number in WRITERS]
                rounds.append((bare, [write(each, kind, options.puts, wait=wait) for each in callers]))
            how = "wait" if wait else "respond-async"
            bare = statistics.median(bare for bare, _ in rounds)
            cells = "".join(_cell(rounds, place) for place in range(len(WRITERS)))
            print(f"  {kind:<14}{gateways:>9}  {how:<14}{bare:>8.0f}{cells}", flush=True)


def _cell(rounds: list[tuple[float, list[Written]]], place: int) -> str:
    done = [each[place] for _, each in rounds]
    ratio = statistics.median(each[place].rate / bare for bare, each in rounds)
    refused = sum(each.refused for each in done)
    busy = f" {refused} refused" if refused else ""
    return f"{statistics.median(each.rate for each in done):>10.0f} ({ratio:.2f}){busy}"


def measure(url: str, folder: Path, options: argparse.Namespace) -> None:
    """One database: lists, then PUTs without and with gateways."""
    filled = child(url, "fill", options.certificates, module=HERE)
    with ExitStack() as stack:
        port = start_portal(stack, url, folder)
        caller = Caller(port, filled["token"])
        show_lists(lists(caller, options.certificates, filled["thumbprint"], options.rounds))
        heads = "".join(f"{f'{number} at a time':>17}" for number in WRITERS)
        print(f"\n  {'PUTs a second':<14}{'gateways':>9}  {'':<14}{'changes':>8}{heads}  (ratio to changes)")
        for gateways in (0, 2):
            for _ in range(gateways):
                start_gateway(stack, url, folder)
            wait_for_gateways(Caller(port, filled["token"]), gateways)
            measure_writes(url, port, filled["token"], options, gateways)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--certificates", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=15, help="of the lists")
    parser.add_argument("--puts", type=int, default=80, help="of each measurement")
    parser.add_argument("--put-rounds", type=int, default=3)
    options = parser.parse_args()
    with TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        for name, url in urls.items():
            print(f"{name}, {options.certificates:,} certificates\n")
            measure(url, Path(folder), options)
            print()


PARTS: dict[str, Callable[..., None]] = {
    "fill": lambda number: fill(int(number)),
    "changes": lambda kind, times: changes(kind, int(times)),
}

if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in PARTS:
        import django

        django.setup()
        PARTS[sys.argv[1]](*sys.argv[2:])
    else:
        main()
