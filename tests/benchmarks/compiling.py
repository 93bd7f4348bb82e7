"""What 10,000 policy documents cost: all at once, and when one of them or one named value in them changes.

    python -m tests.benchmarks.compiling [--apis 500] [--operations 20] [--rounds 5]

Every operation has a document of its own, each with another text; the documents refer to named values, of which one
stands in a single document, one in every tenth and one in all. Measured is what a gateway does, in a process of its
own with a SQLite file of its own: reading (rows, parsing, resolving), applying the difference to the snapshot, and
working out the engine's state; and of a change the change itself, until it is committed. Printed are medians of
processor time in milliseconds, and how many times longer the first reading takes.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.scale import Gateway, child
from tests.databases import sqlite_copy, sqlite_template

HERE = "tests.benchmarks.compiling"
SOME = 10  # every tenth document

DOCUMENT = """\
<policies>
    <inbound>
        <base />
        <!-- Partner {number} wants its own names. -->
        <rewrite-uri template="/v{number}/parts/{{id}}" />
        {statements}
    </inbound>
    <backend>
        <base />
    </backend>
    <outbound>
        <base />
    </outbound>
    <on-error>
        <base />
    </on-error>
</policies>
"""


def document(number: int) -> tuple[str, list[str]]:
    """The text of an operation's document, and the named values that it refers to."""
    names = ["of-all", *(["of-some"] if number % SOME == 0 else []), *(["of-one"] if number == 0 else [])]
    values = "".join(f"<value>{{{{{name}}}}}</value>" for name in names)
    statements = (
        f'<set-header name="X-Partner" exists-action="override"><value>partner-{number}</value></set-header>'
        f'\n        <set-header name="X-Values" exists-action="append">{values}</set-header>'
        '\n        <set-query-parameter name="v" exists-action="skip"><value>1</value></set-query-parameter>'
        '\n        <set-header name="X-Internal" exists-action="delete" />'
    )
    return DOCUMENT.format(number=number, statements=statements), names


def fill(apis: int, operations: int) -> None:
    """APIs as in the benchmark of scale, and a document for each operation."""
    from gateway.changes.base import change
    from gateway.models import NamedValue, Operation, PolicyDocument, PolicyReference
    from tests.arrange import ARRANGER, fill_with_apis
    from tests.builders import make_ca_certificate, make_certificate

    certificates = [make_certificate(f"c{n}") for n in range(5)]
    fill_with_apis(apis, certificates, make_ca_certificate(), operations=operations)
    with change(ARRANGER) as this:
        revision = this.revision
        names = {name: NamedValue(resource_id=name, value=name, revision=revision) for name in NAMES}
        NamedValue.objects.bulk_create(names.values())
        PolicyDocument.objects.exclude(operation=None).delete()
        documents, references = [], []
        for number, key in enumerate(Operation.objects.values_list("pk", flat=True)):
            xml, used = document(number)
            documents.append(PolicyDocument(operation_id=key, xml=xml, revision=revision))
            references += [PolicyReference(document=documents[-1], named_value=names[name]) for name in used]
        PolicyDocument.objects.bulk_create(documents, batch_size=1000)
        PolicyReference.objects.bulk_create(references, batch_size=1000)
    print(json.dumps({"documents": len(documents)}))


NAMES = ("of-one", "of-some", "of-all")


def changes() -> dict[str, Callable[[int], object]]:
    """Real changes."""
    from gateway.changes.named_values import update_named_value
    from gateway.changes.policies import save_policy
    from gateway.models import NamedValue, Operation, PolicyDocument
    from tests.builders import ALICE

    operation = Operation.objects.all()[1]
    xml = PolicyDocument.objects.get(operation=operation).xml

    def save(number: int) -> object:
        return save_policy(ALICE, operation, xml.replace("partner-", f"partner-{number}-"))

    def value(name: str) -> Callable[[int], object]:
        key = NamedValue.objects.get(resource_id=name).key
        values = {"secret": False, "tags": ()}
        return lambda number: update_named_value(ALICE, key, value=f"{name}-{number}", **values)

    return {
        "one document": save,
        "a named value in one document": value("of-one"),
        f"a named value in every {SOME}th": value("of-some"),
    }


def measure(rounds: int) -> None:
    """The first reading, then changes. Prints JSON: {what: {part: milliseconds}}."""
    gateway = Gateway()
    found = {"all documents, first": gateway.follow()}
    for what, make in changes().items():
        times: dict[str, list[float]] = {}
        for number in range(rounds):
            began = time.process_time()
            make(number)
            times.setdefault("commit", []).append((time.process_time() - began) * 1000)
            for part, milliseconds in gateway.follow().items():
                times.setdefault(part, []).append(milliseconds)
        found[what] = {part: statistics.median(values) for part, values in times.items()}
    assert not gateway.snapshot.troubled.get("policies")
    print(json.dumps(found))


PARTS = ("commit", "read", "apply", "engine", "gateway")


def table(measured: dict[str, dict[str, float]], documents: int) -> Iterator[str]:
    """The lines of what is printed."""
    whole = next(iter(measured.values()))["gateway"]
    yield f"{documents:,} documents: milliseconds, and how many times the first reading takes longer\n"
    yield f"{'':<34}" + "".join(f"{part:>10}" for part in PARTS) + f"{'ratio':>10}"
    for what, times in measured.items():
        numbers = "".join(f"{times[part]:>10,.1f}" if part in times else f"{'':>10}" for part in PARTS)
        yield f"{what:<34}{numbers}{whole / times['gateway']:>10,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apis", type=int, default=500)
    parser.add_argument("--operations", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        url = sqlite_copy(sqlite_template(Path(folder)), Path(folder))
        filled = child(url, "fill", options.apis, options.operations, module=HERE)
        print(*table(child(url, "measure", options.rounds, module=HERE), filled["documents"]), sep="\n")


if __name__ == "__main__":
    if sys.argv[1:2] in (["fill"], ["measure"]):
        import django

        django.setup()
        part = {"fill": fill, "measure": measure}[sys.argv[1]]
        part(*map(int, sys.argv[2:]))
    else:
        main()
