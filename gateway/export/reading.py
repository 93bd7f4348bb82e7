"""Rows -> the files of an export: the whole configuration, without secrets and without what would make equal
configurations differ (keys and revisions of rows, times of changes).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from gateway.export import apis, certificates, others
from gateway.export.texts import File

# What is counted, and what reads it: the files of one row after the other.
_KINDS: Mapping[str, Callable[[str], Iterable[tuple[File, ...]]]] = {
    "APIs": apis.apis,
    "operations": apis.operations,
    "policies": apis.policies,
    "certificates": certificates.certificates,
    "CA certificates": certificates.ca_certificates,
    "signing requests": certificates.signing_requests,
    "named values": others.named_values,
    "subscriptions": others.subscriptions,
    "back ends": others.back_ends,
    "principals": others.principals,
    "settings": others.settings,
}


def read(using: str, counts: Counter[str]) -> Iterator[File]:
    """All files, read while they are taken; `counts` gets how many rows of each kind there are."""
    for kind, rows in _KINDS.items():
        for files in rows(using):
            counts[kind] += 1
            yield from files


def in_words(counts: Mapping[str, int]) -> str:
    """How many there are of each kind, but the settings, which are always the same ones."""
    found = [(counts[kind], kind) for kind in _KINDS if kind != "settings" and counts.get(kind)]
    words = [f"{number:,} {_one(kind) if number == 1 else kind}" for number, kind in found]
    return ", ".join(words)


def _one(kind: str) -> str:
    return "policy" if kind == "policies" else kind.removesuffix("s")
