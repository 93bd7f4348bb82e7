"""Texts that tests of policies start from."""

from importlib import import_module

GLOBAL_DOCUMENT: str = import_module("gateway.migrations.0002_first_rows").GLOBAL_DOCUMENT
