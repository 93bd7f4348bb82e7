"""An export, from the first row to the marker."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from gateway.changes.base import Actor
from gateway.changes.exports import SealedValue, open_all
from gateway.export.differences import Differences
from gateway.export.directory import Directory, opened
from gateway.export.layout import Marker, NotAnExport, is_sealed
from gateway.export.literals import looking_like_secrets
from gateway.export.pkcs8 import Sealer
from gateway.export.reading import in_words, read
from gateway.export.secrets import Place, SealedFiles, sealed_values
from gateway.export.texts import File
from gateway.publish import current_revision

_OTHER_PASSPHRASE = "The sealed files that were there do not open with this passphrase."  # noqa: S105
_HAS_SECRETS = "it holds sealed secrets: add --with-keys and --passphrase-file, or export into another folder"


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export came to, or would come to.

    `unreadable` has a message for each secret that was left out, `notes` what else a person should know.
    """

    contents: str
    differences: Differences
    unreadable: tuple[str, ...]
    notes: tuple[str, ...]


def export(
    path: Path, actor: Actor, *, passphrase: bytes | None, check: bool = False, using: str = "snapshot"
) -> Exported:
    """Make a directory hold the configuration, with its secrets if there is a passphrase to seal them with.

    With `check` nothing is written, and what is sealed there is left out of the comparison without a passphrase.
    Raises NotAnExport, or OSError.
    """
    with opened(path, make=not check) as directory:
        marker = directory.marker or Marker()
        if check and directory.marker is None:
            raise NotAnExport("it is empty")
        if marker.secrets and passphrase is None and not check:
            raise NotAnExport(_HAS_SECRETS)
        run = _Run(directory, Marker(True, passphrase is not None or marker.secrets))
        run.compare(using, actor, passphrase)
        if not check:
            run.differences.write()
        return run.result()


class _Run:
    def __init__(self, directory: Directory, marker: Marker) -> None:
        self._directory = directory
        self._counts: Counter[str] = Counter()
        self._notes: list[str] = []
        self._unreadable: list[str] = []
        self.differences = Differences(directory, marker)

    def compare(self, using: str, actor: Actor, passphrase: bytes | None) -> None:
        places: Mapping[SealedValue, Place] = {}
        with transaction.atomic(using=using):  # one state of everything
            revision = current_revision(using)
            self.differences.add(self._noted(read(using, self._counts)))
            if passphrase is not None:
                places = sealed_values(using)
        if passphrase is None:
            self.differences.keep(filter(is_sealed, self._directory.paths))
        else:
            self._compare_sealed(actor, revision, places, Sealer(passphrase))

    def _noted(self, files: Iterable[File]) -> Iterator[File]:
        for file in files:
            self._notes += looking_like_secrets(file)
            yield file

    def _compare_sealed(
        self, actor: Actor, revision: int, places: Mapping[SealedValue, Place], sealer: Sealer
    ) -> None:
        found, self._unreadable = open_all(actor, revision, places)
        sealed = SealedFiles(self._directory, sealer, places, found)
        if sealed.other_passphrase:
            self._notes.append(_OTHER_PASSPHRASE)
        self.differences.add(sealed.files)
        self.differences.keep(sealed.kept)

    def result(self) -> Exported:
        contents = in_words(self._counts)
        return Exported(contents, self.differences, tuple(self._unreadable), tuple(self._notes))
