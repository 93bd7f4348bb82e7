"""What is secret in the configuration, as files that open with a passphrase.

A sealed file that opens and holds what it should stays as it is: sealed anew it would differ each time. What cannot
be opened in the database any more stays as a former export has it, which may be the last copy.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.changes.exports import SealedValue
from gateway.export.directory import Directory
from gateway.export.layout import SECRETS, NotAnExport
from gateway.export.names import file_name
from gateway.export.pkcs8 import Sealer
from gateway.export.recipient import Recipient, new_recipient, read_recipient
from gateway.export.texts import File, as_json
from gateway.models import CertificateVersion, NamedValue, Principal, Subscription
from gateway.models.base import Row
from gateway.snapshot import Secret

RECIPIENT, VALUES = f"{SECRETS}/recipient.pem", f"{SECRETS}/values.p7m"
_WOULD_BE_LOST = (
    "its sealed files do not open with this passphrase, and may hold secrets that cannot be opened in the database "
    "any more. Give the former passphrase, or export into another directory"
)
_KEYS = ("primary", "secondary")

# Where a secret goes: the certificate and the number of a version, or the names under which the envelope has it.
Place = tuple[str, ...]


def sealed_values(using: str = "snapshot") -> dict[SealedValue, Place]:
    """Everything that is secret, as the rows have it."""
    return dict(
        [*_private_keys(using), *_named_values(using), *_subscription_keys(using), *_principal_keys(using)]
    )


def _private_keys(using: str) -> Iterator[tuple[SealedValue, Place]]:
    rows = CertificateVersion.objects.using(using).select_related("certificate").defer("chain_pem")
    for row in rows.iterator():
        name = row.certificate.resource_id
        words = ("private key", f"certificate “{name}”, version {row.number}")
        yield _sealed(row, "sealed_private_key", *words), ("certificates", name, str(row.number))


def _named_values(using: str) -> Iterator[tuple[SealedValue, Place]]:
    for row in NamedValue.objects.using(using).filter(secret=True).iterator():
        value = _sealed(row, "sealed_value", "value", f"named value “{row.resource_id}”")
        yield value, ("namedValues", row.resource_id)


def _subscription_keys(using: str) -> Iterator[tuple[SealedValue, Place]]:
    for row in Subscription.objects.using(using).iterator():
        for which in _KEYS:
            words = (f"{which} key", f"subscription “{row.resource_id}”")
            place = ("subscriptions", row.resource_id, f"{which}Key")
            yield _sealed(row, f"sealed_{which}_key", *words), place


def _principal_keys(using: str) -> Iterator[tuple[SealedValue, Place]]:
    for row in Principal.objects.using(using).iterator():
        for which in _KEYS:
            if getattr(row, f"sealed_{which}_key"):
                words = (f"{which} key", f"principal “{row.resource_id}”")
                place = ("principals", row.resource_id, f"{which}Key")
                yield _sealed(row, f"sealed_{which}_key", *words), place


def _sealed(row: Row, column: str, kind: str, name: str) -> SealedValue:
    return SealedValue(row._meta.db_table, column, row.key, getattr(row, column), kind, name)


class SealedFiles:
    """The sealed files of an export: `files`, and `kept`, the paths of those that stay whatever they hold."""

    def __init__(
        self,
        directory: Directory,
        sealer: Sealer,
        places: Mapping[SealedValue, Place],
        opened: Mapping[SealedValue, Secret],
    ) -> None:
        self._directory, self._sealer = directory, sealer
        former = directory.read(RECIPIENT)
        recipient = read_recipient(former, sealer) if former else None
        self.other_passphrase = former is not None and recipient is None
        if self.other_passphrase and len(opened) < len(places):
            raise NotAnExport(_WOULD_BE_LOST)
        self.files: list[File] = []
        self.kept: set[str] = set()
        self._add_keys(places, opened)
        self._add_values(recipient or new_recipient(sealer), places, opened)

    def _add_keys(self, places: Mapping[SealedValue, Place], opened: Mapping[SealedValue, Secret]) -> None:
        for value, (kind, *names) in places.items():
            if kind != "certificates":
                continue
            path = f"{SECRETS}/certificates/{file_name(names[0])}/{names[1]}.key.pem"
            if value not in opened:
                self.kept.add(path)
                continue
            former, secret = self._directory.read(path), opened[value].reveal()
            same = former is not None and self._sealer.open(former) == secret
            self.files.append(File(path, former if former and same else self._sealer.seal(secret)))

    def _add_values(
        self, recipient: Recipient, places: Mapping[SealedValue, Place], opened: Mapping[SealedValue, Secret]
    ) -> None:
        former = self._directory.read(VALUES)
        before = recipient.open(former) if former else None
        known = _read(before)
        values: dict[str, dict[str, Any]] = defaultdict(dict)
        for value, (kind, name, *which) in places.items():
            if kind == "certificates":
                continue
            text = opened[value].reveal().decode() if value in opened else _at(known, kind, name, *which)
            if text is None:
                continue
            if which:
                values[kind].setdefault(name, {})[which[0]] = text
            else:
                values[kind][name] = text
        content = as_json(values)
        envelope = former if former and before == content else recipient.enclose(content)
        self.files += [File(RECIPIENT, recipient.pem), File(VALUES, envelope)]


def _read(content: bytes | None) -> Any:
    try:
        return json.loads(content or b"{}")
    except ValueError:
        return {}


def _at(known: Any, *names: str) -> str | None:
    """What a former export has at a place."""
    for name in names:
        known = known.get(name) if isinstance(known, dict) else None
    return known if isinstance(known, str) else None
