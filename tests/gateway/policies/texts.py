"""Texts that tests of policies start from, and what comes of them."""

from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from gateway import snapshot
from gateway.policies.effective import resolve
from gateway.policies.faults import PolicyErrors, Unresolved
from gateway.policies.parser import Document, parse
from gateway.snapshot import Secret

GLOBAL_DOCUMENT: str = import_module("gateway.migrations.0002_first_rows").GLOBAL_DOCUMENT
NAMED: dict[str, str | Secret] = {
    "secret": Secret(b"hunter2"),
    "plain": "one",
    "padded": "  one\n",
    "empty": "",
    "lines": "a\nb",
    "append": "append",
    "delete": "delete",
    "true": "true",
    "503": "503",
    "host": "Host",
    "length": "Content-Length",
    "network": "10.0.0.0/8",
    "address": "10.0.0.9",
}

BACK_ENDS = {"orders": "https://orders.example.com/v1", "one": "https://one.example.com"}


def document(statements: str, section: str = "inbound") -> str:
    """A document with one section, whose statements begin on line 2."""
    return f"<policies><{section}>\n{statements}</{section}></policies>"


def faults(xml: str, scope: str = "api", url_template: str | None = None) -> list[str]:
    """Everything that is wrong with a document."""
    with pytest.raises(PolicyErrors) as refused:
        parse(xml, scope, url_template)
    assert refused.value.faults
    return [str(fault) for fault in refused.value.faults]


def refused(statements: str, section: str = "inbound", scope: str = "api") -> list[str]:
    """What is wrong with the statements of a section, without where."""
    return [text.partition(": ")[2] for text in faults(document(statements, section), scope)]


def resolved(xml: str, scope: str = "api") -> dict[str, tuple[snapshot.Statement, ...]]:
    """The sections of one document as engines execute them, with NAMED and BACK_ENDS for what it names."""
    parsed: dict[str, Document] = {scope: parse(xml, scope)}
    documents = (parsed.get("global"), parsed.get("api"), parsed.get("operation"))
    lookups = (lambda id_, thumbprint: f"{id_ or thumbprint}", NAMED.__getitem__)
    return resolve(*documents, *lookups, back_end=BACK_ENDS.__getitem__)._asdict()


def compiled(statements: str, section: str = "inbound", scope: str = "api") -> tuple[Any, ...]:
    """The statements of a section as engines execute them, all with the origin ORIGIN."""
    found = resolved(document(statements, section), scope)[section]
    return tuple(placeless(statement) for statement in found)


ORIGIN = snapshot.Origin("", 0)


def placeless(statement: Any) -> Any:
    """A statement with ORIGIN for where it stands."""
    if isinstance(statement, snapshot.ReturnResponse):
        statement = replace(statement, headers=tuple(map(placeless, statement.headers)))
    return replace(statement, origin=ORIGIN)


def unresolved(statements: str, section: str = "inbound", scope: str = "api") -> list[str]:
    """Why the statements of a section cannot be compiled, without where. None of it tells a secret."""
    with pytest.raises(Unresolved) as not_compiled:
        compiled(statements, section, scope)
    assert "hunter2" not in str(not_compiled.value)
    return [fault.message for fault in not_compiled.value.faults]
