"""Fails a test when configuration or records are written from anywhere but the modules that may."""

import re
import sys
from collections.abc import Callable
from typing import Any

_WRITE = re.compile(r"^\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+\"?gateway_(\w+)", re.IGNORECASE)
_RECORDS = {
    "connectiontest",
    "expirynotice",
    "gatewaylease",
    "heldconnections",
    "notificationrun",
    "presentation",
    "trace",
}


def guard(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """An execute_wrapper of django.db: see the third rule of the house."""
    found = _WRITE.match(sql)
    if found:
        owner = "gateway.records" if found[1] in _RECORDS else "gateway.changes"
        if not _called_from(owner):
            raise AssertionError(f"gateway_{found[1]} is written by {owner} only, not from here")
    return execute(sql, params, many, context)


def _called_from(package: str) -> bool:
    frame = sys._getframe()
    while frame := frame.f_back:
        name = frame.f_globals.get("__name__", "")
        if name == package or name.startswith(
            (f"{package}.", f"{package}_", "gateway.migrations", "tests.arrange")
        ):
            return True
        if name.startswith("django.test.testcases") and frame.f_code.co_name in {"_fixture_teardown"}:
            return True
    return False
