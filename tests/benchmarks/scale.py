"""Side by side in one run: what 10,000 APIs with 100,000 operations cost, and what 10 with 100 do.

    python -m tests.benchmarks.scale [--apis 10 10000] [--rounds 15]

Each configuration is a SQLite file of its own, filled past the changes. Measured are real changes (until they are
committed), then the gateway's part: reading the difference, applying it to the snapshot, working out the engine's
state. Printed are medians, and times of the processor but for routing, because machines are noisy.
"""

import argparse
import gc
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.databases import ROOT, environment, sqlite_copy, sqlite_template

CERTIFICATES = 0.01  # for each API


def fill(count: int) -> None:
    from tests.arrange import fill_with_apis
    from tests.builders import make_ca_certificate, make_certificate

    certificates = [make_certificate(f"c{n}") for n in range(max(2, int(count * CERTIFICATES)))]
    fill_with_apis(count, certificates, make_ca_certificate())
    print(json.dumps({}))


class Gateway:
    """The gateway's part, without calls: the snapshot and the engine that runs it."""

    def __init__(self) -> None:
        from gateway.embedded.asgi import Engine, EngineSettings
        from gateway.snapshot import Snapshot

        self.snapshot = Snapshot(revision=-1)
        self.engine = Engine(EngineSettings())

    def follow(self) -> dict[str, float]:
        """What a follower does when something changed; milliseconds of each part of it."""
        from gateway import publish, snapshot_difference
        from gateway.following import without_collecting

        whole = self.snapshot.revision < 0
        with without_collecting(whole=whole):
            times = [time.process_time()]
            difference = publish.read_difference(self.snapshot, whole=whole)
            times.append(time.process_time())
            self.snapshot = snapshot_difference.apply(self.snapshot, difference)
            times.append(time.process_time())
            self.engine.apply(self.snapshot, difference)
            times.append(time.process_time())
        parts = [(after - before) * 1000 for before, after in pairwise(times)]
        return dict(zip(("read", "apply", "engine"), parts, strict=True)) | {"gateway": sum(parts)}


def changes() -> dict[str, Callable[[int], object]]:
    """Real changes, each to something in the middle of the configuration."""
    from gateway.changes import apis, operations, subscriptions
    from gateway.changes.base import change
    from gateway.changes.policies import save_document
    from gateway.changes.security import BasicCredentials, CertificateCredentials
    from gateway.models import Api, Certificate, Operation, Subscription
    from gateway.models.base import with_id
    from tests.builders import ALICE, choose, make_api, make_operation

    middle = Api.objects.count() // 2
    keys = list(Api.objects.order_by("resource_id").values_list("pk", flat=True)[middle - 3 : middle + 2])
    first, second, third = (Api.objects.get(pk=key) for key in keys[:3])
    operation = Operation.objects.filter(api=first, resource_id="operation-0").get()
    subscription = Subscription.objects.get(api=second)
    certificates = list(Certificate.objects.all()[:2])
    settings = {"display_name": "Same", "description": "", "http": True, "https": True}

    def update_api(n: int) -> object:
        values = {"web_service_url": f"https://moved-{n}.example", "suffix": first.suffix}
        return apis.update_api(ALICE, first.key, confirmed=True, **settings, **values)

    def update_operation(n: int) -> object:
        values = {"method": "GET", "url_template": "/r/{id}", "display_name": "Same"}
        return operations.update_operation(ALICE, operation.key, rewrite_template=f"/v{n}/{{id}}", **values)

    def save_policy_of_all(n: int) -> None:
        backend = f'<forward-request timeout="{n + 1}" />'
        with change(ALICE) as this:
            save_document(this, None, f"<policies><inbound /><backend>{backend}</backend></policies>")

    return {
        "choose a certificate": lambda n: choose(second, CertificateCredentials(certificates[n % 2].key)),
        "set an HTTP basic password": lambda n: choose(third, BasicCredentials("user", f"password {n}")),
        "change an API's settings": update_api,
        "change an operation": update_operation,
        "add an operation": lambda n: make_operation(third, f"/new-{n}/{{id}}", method="PUT"),
        "add an API with all operations": lambda n: make_api(f"New {n}", all_operations=True),
        "delete that API": lambda n: apis.delete_api(ALICE, with_id(Api.objects.all(), f"new-{n}").get().key),
        "replace a subscription key": lambda n: subscriptions.regenerate_key(
            ALICE, subscription.key, "primary"
        ),
        "save the policy of All APIs": save_policy_of_all,
    }


def resident() -> float:
    """Memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def measure(rounds: int) -> None:
    """One configuration: the first reading, its memory, then changes. Prints JSON: {row: value}."""
    todo = changes()
    gc.collect()
    before, gateway = resident(), Gateway()
    found = {f"first: {name}": value for name, value in gateway.follow().items()}
    found["memory, MB"] = resident() - before
    began = time.process_time()
    gc.collect()
    found["a full search for garbage"] = (time.process_time() - began) * 1000
    times: dict[str, list[float]] = {}
    for number in range(rounds):
        for name, make in todo.items():
            began = time.process_time()
            make(number)
            times.setdefault(f"{name}: commit", []).append((time.process_time() - began) * 1000)
            for part, milliseconds in gateway.follow().items():
                times.setdefault(f"{name}: {part}", []).append(milliseconds)
    print(json.dumps(found | {name: statistics.median(values) for name, values in times.items()}))


Target = tuple[str, str]


def routers(urls: Sequence[str]) -> Iterator[tuple[Any, list[Target]]]:
    """The router of each database, and the calls of which each reaches another operation, in a random order."""
    from django.db import connections
    from environ import Env

    from gateway import publish
    from gateway.embedded.state import build

    for number, url in enumerate(urls):
        alias = f"size-{number}"
        connections.databases[alias] = connections.databases["snapshot"] | Env.db_url_config(url)
        snapshot = publish.load(using=alias)
        targets = [
            (each.method, f"/{snapshot.apis[each.api].suffix}{each.url_template.replace('{id}', '17')}")
            for each in snapshot.operations.values()
        ]
        random.Random(1).shuffle(targets)
        yield build(snapshot).router, targets


def route(rounds: int, *urls: str) -> None:
    """Router.find of each configuration in turn, in one process. Prints JSON: microseconds of each.

    "few": calls to 100 operations again and again; "all": to operations all over the configuration, whose memory
    the processor has not at hand.
    """
    made = list(routers(urls))
    gc.collect()
    gc.freeze()
    times: dict[str, list[list[float]]] = {"few": [[] for _ in urls], "all": [[] for _ in urls]}
    for number in range(rounds * 100):
        for place, (router, targets) in enumerate(made):
            start = number * 100 % len(targets)
            times["all"][place].append(find(router, targets[start : start + 100]))
            times["few"][place].append(min(find(router, targets[:100]) for _ in range(5)))
    print(json.dumps({name: list(map(statistics.median, by_size)) for name, by_size in times.items()}))


def find(router: Any, targets: Sequence[Target]) -> float:
    """Microseconds for each of some calls, whose paths have just been read."""
    fresh = [(method, "".join((path[:1], path[1:]))) for method, path in targets]
    began = time.perf_counter()
    for method, path in fresh:
        router.find(method, path, "")
    return (time.perf_counter() - began) * 1e6 / len(fresh)


def child(url: str, *arguments: object, module: str = "tests.benchmarks.scale") -> Any:
    """Run a part of this (or of another benchmark) in a process of its own, and return what it printed."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    run = subprocess.run(
        command, cwd=ROOT, env=environment(url), stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(run.stdout.splitlines()[-1])


def show(sizes: list[int], rows: Iterator[tuple[str, list[float]]]) -> None:
    print(f"{'':<46}" + "".join(f"{f'{size:,} APIs':>16}" for size in sizes) + f"{'ratio':>10}")
    for name, values in rows:
        ratio = f"{values[-1] / values[0]:>10.2f}" if values[0] else ""
        print(f"{name:<46}" + "".join(f"{value:>16,.2f}" for value in values) + ratio)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apis", type=int, nargs="+", default=[10, 10_000])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        template = sqlite_template(Path(folder))
        urls = []
        for size in options.apis:
            (Path(folder) / str(size)).mkdir()
            urls.append(sqlite_copy(template, Path(folder) / str(size)))
            child(urls[-1], "fill", size)
        routed = child(urls[0], "route", options.rounds, *urls)
        print("milliseconds, if nothing else is said\n")
        names = {"few": "Router.find, a few operations, µs", "all": "Router.find, all operations, µs"}
        show(options.apis, ((names[which], values) for which, values in routed.items()))
        print()
        measured = [child(url, "measure", options.rounds) for url in urls]
        show(options.apis, ((name, [each[name] for each in measured]) for name in measured[0]))


PARTS: dict[str, Callable[..., None]] = {
    "fill": lambda count: fill(int(count)),
    "measure": lambda rounds: measure(int(rounds)),
    "route": lambda rounds, *urls: route(int(rounds), *urls),
}

if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in PARTS:
        import django

        django.setup()
        PARTS[sys.argv[1]](*sys.argv[2:])
    else:
        main()
