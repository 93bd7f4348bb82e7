"""What README.md says is so."""

import re
import subprocess
from pathlib import Path

import pytest

from gateway.failures import ANSWERS
from gateway.policies.registry import NOT_SUPPORTED, STATEMENTS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETTINGS = set(
    re.findall(r'\benv\.\w+\(\s*"(\w+)"', (ROOT / "portal/settings.py").read_text(encoding="utf-8"))
)


def settings_table() -> set[str]:
    rows = re.findall(r"^\| (`[A-Z].*?) \|", README, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}


def test_every_setting_has_its_row_and_every_row_its_setting() -> None:
    assert len(SETTINGS) > 20
    assert settings_table() == SETTINGS


def test_the_example_file_names_settings_only() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)) <= SETTINGS


@pytest.mark.parametrize(("name", "part"), [("start", "manage.py quickstart"), ("test", ".venv/bin/pytest")])
def test_the_marked_commands_are_what_continuous_integration_takes(name: str, part: str) -> None:
    run = subprocess.run([ROOT / ".ci/readme-command", name], capture_output=True, text=True, check=True)
    assert part in run.stdout
    assert "```" not in run.stdout


def test_every_path_of_the_layout_is_there() -> None:
    layout = README.split("## Layout")[1].split("## Glossary")[0]
    paths = [
        path
        for row in re.findall(r"^\| (`.*?) \|", layout, re.MULTILINE)
        for path in re.findall(r"`(.*?)`", row)
    ]
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_answer_of_the_gateway_has_its_row_with_its_status() -> None:
    answers = README.split("### Answers of the gateway")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([0-9, ]+) \| (.*?) \|", answers, re.MULTILINE)
    told = [(code, statuses) for statuses, codes in rows for code in re.findall(r"`([a-z-]+)`", codes)]
    assert sorted(code for code, _ in told) == sorted(ANSWERS)
    assert [code for code, statuses in told if str(ANSWERS[code].status) not in statuses] == []


def policies() -> str:
    return README.split("## Policies")[1].split("\n## ")[0]


def test_every_statement_has_its_row_with_its_sections_and_every_row_its_statement() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| ([a-z, ]+) \|", policies(), re.MULTILINE)
    expected = {name: ", ".join(kind.sections) for name, kind in STATEMENTS.items() if name != "base"}
    assert dict(rows) == expected


def test_what_is_said_to_be_refused_by_name_is_refused_by_name() -> None:
    text = policies().split("Not supported")[1].split("###")[0]
    named = re.findall(r"`([a-z]+(?:-[a-z]+)+|choose|retry|wait|cors|jsonp|quota|proxy|trace)`", text)
    assert len(named) > 20
    assert set(named) - {"set-body", "set-status", "return-response"} <= NOT_SUPPORTED
