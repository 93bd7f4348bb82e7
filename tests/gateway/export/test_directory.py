"""What a directory may be, and what is never written to or followed."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.changes.base import Actor
from gateway.export.directory import Directory, opened
from gateway.export.layout import NotAnExport
from gateway.export.run import export
from tests.builders import make_api, make_operation

pytestmark = pytest.mark.django_db
ME = Actor("command", "test")


def run(path: Path, *, check: bool = False) -> str:
    return str(export(path, ME, passphrase=None, check=check, using="default").differences)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """An export of an API with an operation."""
    make_operation(make_api(), "/accounts", resource_id="list")
    run(tmp_path / "out")
    return tmp_path / "out"


def test_a_directory_that_holds_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(NotAnExport, match=r"something else than an export, such as 'notes\.txt'"):
        run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("path", ["README.md", "apis/partner-bank/notes.txt", "apis/deep/er/than/any/x.json"])
def test_a_stranger_among_an_export_is_named_and_nothing_removed(written: Path, path: str) -> None:
    (written / path).parent.mkdir(parents=True, exist_ok=True)
    (written / path).write_text("mine")
    make_api("Other")
    with pytest.raises(NotAnExport):
        run(written)
    assert (written / path).read_text() == "mine"
    assert not (written / "apis/other").exists()


def test_what_begins_with_a_dot_is_somebody_elses(written: Path) -> None:
    subprocess.run(["git", "init", "--quiet", written], check=True)
    (written / "apis/partner-bank/.note").write_text("mine")
    assert run(written) == "no file changed"
    assert (written / "apis/partner-bank/.note").exists()


@pytest.mark.parametrize("marker", ["", "[]", "{}", '{"kind": "other", "format": 1}', "[" * 100_000])
def test_another_ones_marker_makes_no_export(tmp_path: Path, marker: str) -> None:
    (tmp_path / "export.json").write_text(marker)
    with pytest.raises(NotAnExport, match="not that of an export"):
        run(tmp_path)


def test_an_export_of_a_newer_format_is_not_written_over(written: Path) -> None:
    marker = written / "export.json"
    marker.write_text(marker.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(NotAnExport, match="format 2"):
        run(written)


@pytest.mark.parametrize("path", ["policy.xml", "apis/partner-bank/api.json", "apis/partner-bank", "apis"])
def test_no_symbolic_link_is_followed(written: Path, tmp_path: Path, path: str) -> None:
    aside = tmp_path / "aside"
    (written / path).rename(aside)
    (written / path).symlink_to(aside)
    before = _contents(aside)
    make_api("Other")
    with pytest.raises(NotAnExport, match="symbolic link"):
        run(written)
    assert _contents(aside) == before


def test_a_link_that_appears_while_it_is_written_is_not_followed(written: Path, tmp_path: Path) -> None:
    aside = tmp_path / "aside"
    with opened(written, make=False) as directory:
        (written / "apis/partner-bank").rename(aside)
        (written / "apis/partner-bank").symlink_to(aside)
        for attempt in (_write, Directory.read, Directory.remove):
            with pytest.raises(OSError, match="partner-bank"):
                attempt(directory, "apis/partner-bank/api.json")
    assert (aside / "api.json").read_bytes().startswith(b"{")


def _write(directory: Directory, path: str) -> None:
    directory.write(path, b"new")


def test_a_pipe_in_it_does_not_hold_the_export_up(written: Path) -> None:
    (written / "policy.xml").unlink()
    os.mkfifo(written / "policy.xml")
    with pytest.raises(NotAnExport, match="no plain file"):
        run(written)


def test_two_exports_at_once_do_not_mix(written: Path) -> None:
    with opened(written, make=False), pytest.raises(NotAnExport, match="another process"):
        run(written)


def test_one_that_was_interrupted_does_not_look_whole_and_is_finished_by_the_next(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_operation(make_api("Other"), "/x")
    whole, done = Directory.write, []

    def interrupted(self: Directory, path: str, content: bytes) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(path)
        whole(self, path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Directory, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(written)
    assert '"complete": false' in (written / "export.json").read_text()
    (written / "apis/.exporting-0011").write_text("half")
    assert run(written, check=True) != "no file changed"
    run(written)
    assert '"complete": true' in (written / "export.json").read_text()
    assert run(written, check=True) == "no file changed"
    assert not list(written.rglob(".exporting-*"))


def test_the_directory_is_made_but_not_the_way_to_it(tmp_path: Path) -> None:
    run(tmp_path / "new")
    assert (tmp_path / "new/export.json").exists()
    with pytest.raises(FileNotFoundError):
        run(tmp_path / "mistyped/new")


def _contents(path: Path) -> dict[str, bytes]:
    return {str(each): each.read_bytes() for each in _files(path)}


def _files(path: Path) -> Iterator[Path]:
    return (each for each in (path, *path.rglob("*")) if each.is_file())
