"""Snapshot <-> JSON text: how a snapshot reaches an engine on another machine. Pure.

The text holds private keys and secrets: it goes over a protected channel or into a sealed file, never a log.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any

from gateway import snapshot as parts
from gateway.snapshot import FORMAT, Api, EffectivePolicy, Snapshot, Statement

_STATEMENTS = {kind.__name__: kind for kind in Statement.__args__}
_KINDS: dict[str, type] = {
    "certificates": parts.CertificateMaterial,
    "trusts": parts.Trust,
    "apis": parts.Api,
    "operations": parts.Operation,
    "policies": EffectivePolicy,
    "subscriptions": parts.Subscription,
    "back_ends": parts.BackEnd,
}
_SECTIONS = ("inbound", "backend", "outbound")
# Before it a secret could not be told from a text. What later ones added has a default that is what 3 meant.
_OLDEST = 3
_SINCE = {"back_ends": 5}  # the format that came with a kind, of which there were none before
# The one member of what stands for a Secret, so that a text can never be taken for one.
_MARK = "base64 of a secret"


def encode(snapshot: Snapshot) -> str:
    """The snapshot as JSON text, in a stable order."""
    body: dict[str, Any] = {"format": snapshot.format, "revision": snapshot.revision}
    for name in _KINDS:
        mapping: Mapping[str, Any] = getattr(snapshot, name)
        body[name] = [_plain(mapping[key]) for key in sorted(mapping)]
    return json.dumps(body, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        plain = {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
        return {"kind": type(value).__name__, **plain} if type(value).__name__ in _STATEMENTS else plain
    if isinstance(value, parts.Secret):
        return {_MARK: base64.b64encode(value.reveal()).decode("ascii")}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def decode(text: str) -> Snapshot:
    """The snapshot of a JSON text. What this release does not know disables what it belongs to, with a message.

    A newer format disables every API; a statement of an unknown kind disables the policy that it stands in.
    Raises ValueError for a text that is no snapshot.
    """
    body = json.loads(text)
    try:
        there = {name: kind for name, kind in _KINDS.items() if body["format"] >= _SINCE.get(name, 0)}
        decoded = {name: {p["key"]: _part(kind, p) for p in body[name]} for name, kind in there.items()}
        snapshot = Snapshot(revision=body["revision"], format=body["format"], **decoded)
    except (KeyError, TypeError) as error:
        raise ValueError(f"This is no snapshot: {error!r}.") from None
    if snapshot.format < _OLDEST:
        raise ValueError(f"This is a snapshot of format {snapshot.format}, which is not read any more.")
    return replace(snapshot, format=FORMAT) if snapshot.format <= FORMAT else _disabled(snapshot)


def _disabled(snapshot: Snapshot) -> Snapshot:
    problem = f"The configuration has format {snapshot.format}; this gateway knows formats up to {FORMAT}."
    apis: dict[str, Api] = {key: replace(api, problem=problem) for key, api in snapshot.apis.items()}
    return replace(snapshot, apis=apis)


def _part(kind: type, plain: dict[str, Any]) -> Any:
    """One part. Members that a newer format added are left out here; its format disables the APIs."""
    if kind is EffectivePolicy and (unknown := sorted(_unknown_statements(plain))):
        problem = f"The policy holds statements that this gateway does not know: {', '.join(unknown)}."
        plain = {**plain, **dict.fromkeys(_SECTIONS, ()), "problem": problem}
    return kind(**{f.name: _value(f.name, plain[f.name]) for f in fields(kind) if f.name in plain})


def _unknown_statements(plain: Any) -> set[str]:
    """The unknown kinds of statements that a policy holds, in other statements, too."""
    if isinstance(plain, list):
        return {kind for item in plain for kind in _unknown_statements(item)}
    if not isinstance(plain, dict):
        return set()
    own = {plain["kind"]} - _STATEMENTS.keys() if "kind" in plain else set()
    return own.union(*map(_unknown_statements, plain.values()))


def _value(name: str, plain: Any) -> Any:
    if name in ("not_before", "not_after"):
        return datetime.fromisoformat(plain)
    if name == "schemes":
        return frozenset(plain)
    if isinstance(plain, list):
        return tuple(_value("", item) for item in plain)
    return _object(plain) if isinstance(plain, dict) else plain


def _object(plain: dict[str, Any]) -> Any:
    if "kind" in plain:
        return _part(_STATEMENTS[plain["kind"]], plain)
    if _MARK in plain:
        return parts.Secret(base64.b64decode(plain[_MARK]))
    return parts.Origin(**plain)
