"""What differs between a directory and the files that it should hold, and the writing of that."""

from collections.abc import Iterable

from gateway.export.directory import Directory
from gateway.export.layout import MARKER, Marker, is_sealed
from gateway.export.texts import File


class Differences:
    """What a directory lacks, what it has otherwise, and what is in it that should not be.

    Only what is to be written is held: nothing of 20,000 files that are as they should be.
    """

    def __init__(self, directory: Directory, marker: Marker) -> None:
        self._directory, self._marker = directory, marker
        self._contents: dict[str, bytes] = {}
        self._seen: set[str] = set()
        self.add([File(MARKER, marker.as_file())])

    def add(self, files: Iterable[File]) -> None:
        """Compare some of the files that the directory should hold."""
        for path, content in files:
            if path in self._seen:
                raise AssertionError(f"{path} stands for two things")
            self._seen.add(path)
            if self._directory.read(path, len(content)) != content:
                self._contents[path] = content

    def keep(self, paths: Iterable[str]) -> None:
        """Files that stay if they are there, whatever they hold."""
        self._seen.update(paths)

    @property
    def removed(self) -> list[str]:
        """The paths that are not to be there any more."""
        return sorted(self._directory.paths - self._seen)

    @property
    def names(self) -> list[str]:
        """Each path that differs, in order, with what is the matter."""
        words = {path: "changed" if path in self._directory.paths else "missing" for path in self._contents}
        words |= dict.fromkeys(self.removed, "not in the configuration")
        return [f"{path}: {word}" for path, word in sorted(words.items())]

    def __str__(self) -> str:
        changed = len(self._contents.keys() & self._directory.paths)
        counts = {"new": len(self._contents) - changed, "changed": changed, "removed": len(self.removed)}
        found = [f"{number:,} {word}" for word, number in counts.items() if number]
        return f"files: {', '.join(found)}" if found else "no file changed"

    def write(self) -> None:
        """Write what differs. The marker comes last: until then it says that the export is not complete."""
        self._directory.remove_unfinished()
        if self._contents or self.removed:
            self._write()
        for path in filter(is_sealed, sorted(self._seen & (self._directory.paths | self._contents.keys()))):
            self._directory.restrict(path)

    def _write(self) -> None:
        self._directory.write(MARKER, Marker(False, self._marker.secrets).as_file())
        for path in self.removed:
            self._directory.remove(path)
        for path, content in sorted(self._contents.items()):
            if path != MARKER:
                self._directory.write(path, content)
        self._directory.write(MARKER, self._marker.as_file())
