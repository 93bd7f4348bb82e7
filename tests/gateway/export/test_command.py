"""manage.py export_configuration, as an operator runs it."""

import io
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from tests.builders import make_api, make_named_value
from tests.gateway.export.scene import PASSPHRASE, files_in
from tests.gateway.export.test_sealed import damage, opened_values

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """Nothing is committed in a test, so the gateways' connection has to be that which wrote."""
    connections["snapshot"], own = connections["default"], connections["snapshot"]
    yield
    connections["snapshot"] = own


def run(*arguments: object) -> tuple[str, str]:
    """Standard output and standard error. Raises CommandError."""
    out, err = io.StringIO(), io.StringIO()
    call_command("export_configuration", *map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def refused(*arguments: object) -> CommandError:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    return caught.value


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.write_bytes(PASSPHRASE + b"\n")
    return file


def test_it_says_what_there_is_and_what_was_written(tmp_path: Path) -> None:
    make_api()
    assert run(tmp_path / "out") == ("1 API, 1 policy, 1 principal; files: 6 new\n", "")
    assert run(tmp_path / "out") == ("1 API, 1 policy, 1 principal; no file changed\n", "")


def test_check_names_what_differs_and_writes_nothing(tmp_path: Path) -> None:
    run(tmp_path / "out")
    make_api()
    before = files_in(tmp_path)
    out = io.StringIO()
    with pytest.raises(CommandError, match=r"Files that differ from the configuration: 1\.") as caught:
        call_command("export_configuration", tmp_path / "out", "--check", stdout=out)
    assert caught.value.returncode == 1
    assert out.getvalue() == "apis/partner-bank/api.json: missing\n"
    assert files_in(tmp_path) == before
    run(tmp_path / "out")
    assert run(tmp_path / "out", "--check")[0] == "No file differs from the configuration.\n"


def test_check_of_what_is_no_export_is_trouble_and_no_difference(tmp_path: Path) -> None:
    assert refused(tmp_path, "--check").returncode == 2
    assert refused(tmp_path / "nowhere", "--check").returncode == 2
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"too short\n", "at least 12 characters"),
        (b"", "at least 12 characters"),
        (b"of windows, it is\r\n", "one line"),
        (b"two lines are\nnot one", "one line"),
        (b"\xff" * 20, "cannot be read"),
        (b"x" * 1001, "at most 1000 bytes"),
    ],
)
def test_a_passphrase_is_one_line_that_is_long_enough(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "passphrase").write_bytes(content)
    error = refused(tmp_path / "out", "--with-keys", "--passphrase-file", tmp_path / "passphrase")
    assert problem in str(error)
    assert not (tmp_path / "out").exists()


def test_keys_need_a_passphrase_and_a_passphrase_is_for_keys(tmp_path: Path, passphrase: Path) -> None:
    for arguments in (["--with-keys"], ["--passphrase-file", passphrase]):
        assert "go together" in str(refused(tmp_path / "out", *arguments))
    missing = refused(tmp_path / "out", "--with-keys", "--passphrase-file", tmp_path / "nowhere")
    assert "cannot be read" in str(missing)


def test_the_passphrase_may_come_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_named_value("password", "hunter2-hunter2", secret=True)
    stdin = SimpleNamespace(buffer=io.BytesIO(PASSPHRASE), isatty=lambda: False)
    monkeypatch.setattr("sys.stdin", stdin)
    run(tmp_path / "out", "--with-keys", "--passphrase-file", "-")
    assert opened_values(tmp_path / "out")["namedValues"] == {"password": "hunter2-hunter2"}


def test_a_secret_that_cannot_be_opened_fails_the_export_that_is_there_all_the_same(
    tmp_path: Path, passphrase: Path
) -> None:
    damage(make_named_value("password", "hunter2-hunter2", secret=True), "sealed_value")
    out, err = io.StringIO(), io.StringIO()
    arguments = [tmp_path / "out", "--with-keys", "--passphrase-file", passphrase]
    with pytest.raises(CommandError, match="cannot be opened: 1") as caught:
        call_command("export_configuration", *arguments, stdout=out, stderr=err)
    assert caught.value.returncode == 1
    assert "The value of named value “password” is left out." in err.getvalue()
    assert out.getvalue().startswith("1 policy, 1 named value, 1 principal; files: ")
    assert (tmp_path / "out/namedValues/password.json").exists()
    run(tmp_path / "plain")
