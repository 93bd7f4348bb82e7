"""The conformance suite itself: its matrix, and the configuration that it hands to other engines."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway.snapshot_codec import decode
from gateway.snapshot_difference import KINDS
from tests.conformance.apis import APIS, LISTENERS
from tests.conformance.configuration import configuration
from tests.conformance.credentials import credentials
from tests.conformance.plugin import Matrix
from tests.running import ROOT


def reported(pytestconfig: pytest.Config, *outcomes: tuple[str, str, str, str]) -> list[str]:
    """The matrix of some outcomes: source, section, requirement and how a test came out."""
    matrix = Matrix(pytestconfig)
    for number, (*requirement, outcome) in enumerate(outcomes):
        for when in ("setup", "call"):
            passed = when == "setup" or outcome == "passed"
            report = SimpleNamespace(
                when=when,
                passed=passed,
                outcome="passed" if passed else outcome,
                nodeid=str(number),
                user_properties=[("conformance", requirement), ("other", 1)],
            )
            matrix.pytest_runtest_logreport(report)  # type: ignore[arg-type]
    return list(matrix.lines())


def test_a_requirement_is_met_if_all_of_its_tests_passed(pytestconfig: pytest.Config) -> None:
    lines = reported(
        pytestconfig,
        ("RFC 9112", "10", "Ten.", "passed"),
        ("RFC 9112", "9.3.1", "Nine.", "passed"),
        ("RFC 9112", "9.3.1", "Nine.", "failed"),
        ("RFC 9110", "15", "Fifteen.", "skipped"),
    )
    assert [line.split() for line in lines[:3]] == [
        ["RFC", "9110", "15", "skipped", "1", "Fifteen."],
        ["RFC", "9112", "9.3.1", "NOT", "MET", "2", "Nine."],
        ["RFC", "9112", "10", "met", "1", "Ten."],
    ]
    assert lines[3] == "1 of 3 requirements are met, in 4 tests."


def test_what_is_not_supported_is_listed_behind_the_matrix(pytestconfig: pytest.Config) -> None:
    text = "\n".join(reported(pytestconfig, ("RFC 9112", "1", "One.", "passed")))
    for words in (
        "Not supported",
        "Trailers are dropped",
        "WebSocket",
        "HTTP/2",
        "CONNECT",
        "Interim answers",
    ):
        assert words in text


def test_the_printed_configuration_is_the_one_that_the_suite_judges_by(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.conformance.configuration"]
    options = ["--back-end-port", "21000", "--keys", str(tmp_path / "keys")]
    text = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    printed, by_hand = decode(text), configuration(21000, credentials(tmp_path / "keys"))
    for kind in KINDS:
        assert getattr(by_hand, kind).items() <= getattr(printed, kind).items(), kind
    assert {api.suffix for api in printed.apis.values()} == {*APIS, "policies", "rerouted"}
    assert f":{21000 + LISTENERS.index('plain')}" in printed.apis["plain"].web_service_url
