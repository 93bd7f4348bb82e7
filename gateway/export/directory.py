"""The directory of an export: read, written file by file, and never left by a symbolic link.

All is done relative to descriptors of folders that were opened without following links. What begins with a dot is
somebody else's (.git, .gitattributes, what an editor leaves) and is neither looked at nor touched.
"""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.export.layout import MARKER, MOST_FOLDERS, Marker, NotAnExport, is_own, is_sealed, read_marker

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_UNFINISHED = ".exporting-"  # what a run that was killed left of a file is taken away by the next one


class Directory:
    """An open directory, this process's alone, and what is in it: `paths` and, if it is an export, its `marker`."""

    def __init__(self, top: int) -> None:
        self._top = top
        self._open: tuple[str, int] = ("", top)
        self._unfinished: list[str] = []
        self.paths: frozenset[str] = frozenset()
        self.marker = self._marker()
        if self.marker:
            self.paths = frozenset(self._scan(top, "", 0))
        if strange := sorted(path for path in self.paths if not is_own(path)):
            raise NotAnExport(f"it holds {strange[0]!r}, which is no part of an export")

    def _marker(self) -> Marker | None:
        """None for a directory that holds nothing. One that is no export may be large: it is not looked through."""
        names = [name for name in os.listdir(self._top) if not name.startswith(".")]  # noqa: PTH208 (a descriptor)
        if MARKER in names:
            self.paths = frozenset([MARKER])
            return read_marker(self.read(MARKER) or b"")
        if names:
            raise NotAnExport(f"it holds something else than an export, such as {min(names)!r}")
        return None

    def _scan(self, folder: int, prefix: str, depth: int) -> Iterator[str]:
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            path = prefix + entry.name
            if entry.name.startswith("."):
                if entry.name.startswith(_UNFINISHED):
                    self._unfinished.append(path)
            elif entry.is_dir(follow_symlinks=False) and depth < MOST_FOLDERS:
                below = os.open(entry.name, _FOLDER, dir_fd=folder)
                try:
                    yield from self._scan(below, f"{path}/", depth + 1)
                finally:
                    os.close(below)
            elif entry.is_file(follow_symlinks=False):
                yield path
            else:
                what = "a symbolic link" if entry.is_symlink() else "no plain file"
                raise NotAnExport(f"{path!r} in it is {what}")

    def read(self, path: str, size: int | None = None) -> bytes | None:
        """What a file holds, None if there is none, or if it has another size than is asked for."""
        if path not in self.paths:
            return None
        name = self._enter(path)
        descriptor = os.open(name, _FILE, dir_fd=self._open[1])
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise NotAnExport(f"{path!r} in it is no plain file")
            return file.read() if size in (None, facts.st_size) else None

    def write(self, path: str, content: bytes) -> None:
        """Write a file beside its place and put it there at once. A sealed one is for nobody else."""
        name = self._enter(path, make=True)
        folder, unfinished = self._open[1], _UNFINISHED + secrets.token_hex(8)
        mode = 0o600 if is_sealed(path) else 0o666
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(unfinished, flags, mode, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.replace(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(unfinished, dir_fd=folder)
            raise

    def restrict(self, path: str) -> None:
        """Take a sealed file away from everybody else: git keeps no modes."""
        name = self._enter(path)
        descriptor = os.open(name, _FILE, dir_fd=self._open[1])
        try:
            os.fchmod(descriptor, 0o600)
            os.fchmod(self._open[1], 0o700)
        finally:
            os.close(descriptor)

    def remove(self, path: str) -> None:
        """Remove a file, and the folders that are empty then."""
        os.unlink(self._enter(path), dir_fd=self._open[1])
        while "/" in path:
            path = path.rpartition("/")[0]
            name = self._enter(path)
            try:
                os.rmdir(name, dir_fd=self._open[1])
            except OSError:
                return

    def remove_unfinished(self) -> None:
        """Remove what a run left that was killed."""
        for path in self._unfinished:
            with suppress(FileNotFoundError):
                os.unlink(self._enter(path), dir_fd=self._open[1])

    def _enter(self, path: str, *, make: bool = False) -> str:
        """Open the folder of a path, unless it is open, and return the name within it."""
        folder, _, name = path.rpartition("/")
        if folder != self._open[0]:
            opened = self._opened(folder, make)
            self.close()
            self._open = (folder, opened)
        return name

    def _opened(self, folder: str, make: bool) -> int:
        current, mode = os.dup(self._top), 0o700 if is_sealed(f"{folder}/") else 0o777
        for part in folder.split("/") if folder else ():
            try:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, mode, dir_fd=current)
                below = os.open(part, _FOLDER, dir_fd=current)
            finally:
                os.close(current)
            current = below
        return current

    def close(self) -> None:
        """Close what was opened last."""
        if self._open[1] != self._top:
            os.close(self._open[1])
        self._open = ("", self._top)


@contextmanager
def opened(path: Path, *, make: bool) -> Iterator[Directory]:
    """A directory that holds an export or nothing, which is made if asked; one process at a time has it.

    Raises NotAnExport, or OSError.
    """
    if make:
        with suppress(FileExistsError):
            path.mkdir()
    top = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(top, fcntl.LOCK_EX | fcntl.LOCK_NB)
        directory = Directory(top)
        try:
            yield directory
        finally:
            directory.close()
    except BlockingIOError:
        raise NotAnExport("another process writes an export there now") from None
    finally:
        os.close(top)
