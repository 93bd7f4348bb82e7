"""A configuration with a bit of everything, and the directory of an export as tests look at it."""

import json
import stat
from pathlib import Path
from typing import Any

from gateway.changes.base import Actor
from gateway.changes.notifications import save_notification_settings
from gateway.changes.policies import save_policy
from gateway.changes.security import Trust
from gateway.export.run import Exported, export
from gateway.models import Api, Certificate, Operation, Principal
from tests.arrange_management import add_back_end, give_keys
from tests.builders import (
    ALICE,
    choose,
    make_api,
    make_ca_certificate,
    make_certificate,
    make_named_value,
    make_operation,
    make_signing_request,
    make_subscription,
    make_version,
)

ME = Actor("command", "test")
PASSPHRASE = b"correct horse battery staple"
POLICY = "<policies>\r\n\t<inbound><base /><!-- grüße \u202e --></inbound>\n</policies>\n\n"


def run(path: Path, passphrase: bytes | None = None, *, check: bool = False) -> Exported:
    return export(path, ME, passphrase=passphrase, check=check, using="default")


def everything() -> tuple[Api, Operation, Certificate]:
    """An API with all that one can have, and each other kind of row once."""
    api, certificate = make_api(description="Pays.\nAnd is paid."), make_certificate(name="bank")
    make_version(certificate)
    ca = make_ca_certificate(name="root")
    choose(api, certificate, Trust(ca_certificates=(ca.key,), public_cas=False))
    operation = make_operation(api, resource_id="read:all")
    save_policy(ALICE, operation, POLICY)
    make_operation(api, "/plain", resource_id="plain")
    make_named_value("greeting", "hello", tags=["words"])
    make_named_value("password", "hunter2-hunter2", secret=True)
    make_subscription(api=api, primary_key="primary-key-of-mobile", secondary_key="secondary-key-of-mobile")
    make_signing_request(certificate)
    add_back_end()
    give_keys(Principal.objects.get(), "key-of-integration")
    save_notification_settings(ALICE, recipients=["ops@example.com"], thresholds=[30, 7])
    return api, operation, certificate


def files_in(path: Path) -> dict[str, bytes]:
    """What is in a directory, by path."""
    return {str(each.relative_to(path)): each.read_bytes() for each in path.rglob("*") if each.is_file()}


def times_in(path: Path) -> dict[str, int]:
    return {str(each): each.stat().st_mtime_ns for each in path.rglob("*") if each.is_file()}


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
