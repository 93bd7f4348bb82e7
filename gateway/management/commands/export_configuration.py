"""manage.py export_configuration"""

import getpass
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from gateway.changes.base import Actor
from gateway.export.layout import NotAnExport
from gateway.export.run import Exported, export

LEAST_CHARACTERS = 12
_MOST_BYTES = 1000  # openssl takes no more
_MOST_NOTES = 20
_DIFFERENT, _TROUBLE = 1, 2


class Command(BaseCommand):
    """Writes the whole configuration as a directory of readable files, to be kept in git and compared."""

    help = (
        "Write the whole configuration into a directory, as files that a person reads and git compares; without "
        "secrets unless asked. Files that are as they should be are not written. Exit code 0: all is well; 1: with "
        "--check something differs, with --with-keys a secret could not be opened; 2: nothing was done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, help="a folder of its own; made if it is not there")
        parser.add_argument(
            "--check", action="store_true", help="write nothing, name each file that differs, and exit 1 then"
        )
        parser.add_argument(
            "--with-keys",
            action="store_true",
            help="add private keys, secret named values and keys of subscriptions and principals, sealed with a "
            "passphrase (the audit log says so)",
        )
        parser.add_argument(
            "--passphrase-file",
            metavar="FILE",
            help=f"file with a passphrase of {LEAST_CHARACTERS} characters or more on a line; - is standard input",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        actor = Actor("command", "export_configuration")
        passphrase = _passphrase(options["passphrase_file"], wanted=options["with_keys"])
        try:
            done = export(options["directory"], actor, passphrase=passphrase, check=options["check"])
        except NotAnExport as error:
            text = f"{options['directory']} is no folder to export into: {error}."
            raise CommandError(text, returncode=_TROUBLE) from None
        except OSError as error:
            raise CommandError(f"The files cannot be read or written: {error}", returncode=_TROUBLE) from None
        except DatabaseError as error:
            raise CommandError(f"The configuration cannot be read: {error}", returncode=_TROUBLE) from None
        self._tell(done, check=options["check"])

    def _tell(self, done: Exported, *, check: bool) -> None:
        for text in (*_first(done.notes), *done.unreadable):
            self.stderr.write(text, self.style.NOTICE)
        if check:
            self._tell_differences(done.differences.names)
        else:
            self.stdout.write(f"{done.contents}; {done.differences}")
        if done.unreadable:
            number = len(done.unreadable)
            raise CommandError(f"Secrets that cannot be opened: {number}. All else was exported.")

    def _tell_differences(self, names: list[str]) -> None:
        for name in names:
            self.stdout.write(name)
        if names:
            text = f"Files that differ from the configuration: {len(names)}."
            raise CommandError(text, returncode=_DIFFERENT)
        self.stdout.write("No file differs from the configuration.")


def _first(notes: tuple[str, ...]) -> list[str]:
    """The first of many notes, and how many more there are."""
    more = len(notes) - _MOST_NOTES
    return [*notes[:_MOST_NOTES], *([f"{more:,} more are not shown."] if more > 0 else [])]


def _passphrase(file: str | None, *, wanted: bool) -> bytes | None:
    """The passphrase in a file. Raises CommandError."""
    if wanted != (file is not None):
        raise CommandError("--with-keys and --passphrase-file go together.", returncode=_TROUBLE)
    if file is None:
        return None
    try:
        text = _read(file).removesuffix(b"\n").decode()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The passphrase cannot be read: {error}", returncode=_TROUBLE) from None
    if problem := _problem(text):
        raise CommandError(problem, returncode=_TROUBLE)
    return text.encode()


def _read(file: str) -> bytes:
    if file != "-":
        return Path(file).read_bytes()
    if sys.stdin.isatty():
        return getpass.getpass("Passphrase: ").encode()
    return sys.stdin.buffer.read()


def _problem(text: str) -> str:
    if len(text) < LEAST_CHARACTERS:
        return f"Use a passphrase of at least {LEAST_CHARACTERS} characters."
    if len(text.encode()) > _MOST_BYTES:
        return f"Use a passphrase of at most {_MOST_BYTES} bytes."
    if any(character < " " or character == "\x7f" for character in text):
        return "The passphrase must be one line without control characters, ended by LF or by nothing."
    return ""
