"""pytest plugin of the conformance suite: its options, and the matrix of requirements.

Each test is marked with the requirement that it shows. The outcomes travel with the reports, so that the matrix is
whole with several processes, too.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conformance.unsupported import UNSUPPORTED

FOLDER = Path(__file__).parent
_PROPERTY = "conformance"
Requirement = tuple[str, str, str]


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options."""
    group = parser.getgroup("conformance", "conformance of a gateway")
    group.addoption(
        "--gateway-address", default="", help="http://host:port of the gateway to judge; ours without it"
    )
    group.addoption(
        "--gateway-back-end-port",
        type=int,
        default=0,
        help="the port that the gateway's configuration was made for (python -m tests.conformance.configuration)",
    )
    group.addoption("--gateway-keys", default="", help="the folder of keys that it was made with")
    group.addoption("--conformance-matrix", action="store_true", help="print which requirements are met")


def pytest_configure(config: pytest.Config) -> None:
    """Collect in the one process that sees all reports."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Matrix(config), "conformance-matrix")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One process for one gateway, whose back end has one port."""
    return 0 if config.getoption("--gateway-address") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each test's requirements travel with its report."""
    for item in items:
        for requirement in _requirements(item):
            item.user_properties.append((_PROPERTY, requirement))


def _requirements(item: pytest.Item) -> Iterator[Requirement]:
    if FOLDER not in item.path.parents:
        return
    markers = list(item.iter_markers("conformance"))
    if not markers:
        raise pytest.UsageError(f"{item.nodeid} is not marked with what it shows: pytest.mark.conformance")
    for marker in markers:
        yield marker.kwargs["source"], marker.kwargs["section"], marker.kwargs["requirement"]


@dataclass(eq=False)
class Matrix:
    """The requirements that were tested, and how the tests of each came out."""

    config: pytest.Config
    outcomes: dict[Requirement, Counter[str]] = field(default_factory=dict)
    tests: set[str] = field(default_factory=set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test: its call, or whatever kept it from being called."""
        if report.when != "call" and report.passed:
            return
        for name, value in report.user_properties:
            if name == _PROPERTY:
                source, section, requirement = value  # type: ignore[misc]
                counter = self.outcomes.setdefault((source, section, requirement), Counter())
                counter[report.outcome] += 1
                self.tests.add(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the matrix if it was asked for, or if nothing else was run."""
        alone = [Path(argument).resolve() for argument in self.config.args] == [FOLDER]
        if not self.outcomes or not (alone or self.config.getoption("--conformance-matrix")):
            return
        terminalreporter.section("conformance")
        for line in self.lines():
            terminalreporter.write_line(line)

    def lines(self) -> Iterator[str]:
        """The matrix as text: source, section, status, number of tests, requirement."""
        for requirement in sorted(self.outcomes, key=_order):
            source, section, text = requirement
            counter = self.outcomes[requirement]
            yield f"{source:<14} {section:<12} {status(counter):<8} {counter.total():>4}  {text}"
        met = sum(status(counter) == "met" for counter in self.outcomes.values())
        yield f"{met} of {len(self.outcomes)} requirements are met, in {len(self.tests)} tests."
        yield ""
        yield "Not supported, on purpose:"
        for each in UNSUPPORTED:
            yield f"{each.source:<14} {each.section:<12} {each.what} {each.reason}"


def status(counter: Counter[str]) -> str:
    """What the outcomes of a requirement's tests amount to."""
    if counter["failed"]:
        return "NOT MET"
    return "met" if counter["passed"] else "skipped"


def _order(requirement: Requirement) -> tuple[str, list[int | str], str]:
    """By source, then by section as numbers."""
    source, section, text = requirement
    return source, [f"{int(p):04}" if p.isdigit() else p for p in section.split(".")], text
