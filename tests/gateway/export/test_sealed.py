"""Secrets in an export open with the passphrase, by openssl alone, and with nothing else."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from gateway import keystore
from gateway.changes.certificates import delete_certificate
from gateway.export import pkcs8
from gateway.export.layout import NotAnExport
from gateway.export.pkcs8 import Sealer
from gateway.models import AuditEntry, Certificate, CertificateVersion, NamedValue, Subscription
from tests import pki
from tests.arrange import update_directly
from tests.builders import ALICE, make_certificate, make_named_value, make_signing_request, renew
from tests.gateway.export.conftest import COST
from tests.gateway.export.scene import PASSPHRASE, everything, files_in, mode_of, run, times_in
from tests.gateway.export.test_export import secrets_of_rows

pytestmark = pytest.mark.django_db
OTHER = b"another passphrase"
KEY = "secrets/certificates/bank/1.key.pem"


def openssl(*arguments: str | Path, passphrase: bytes = PASSPHRASE) -> bytes:
    """Run openssl with the passphrase at its standard input. Raises CalledProcessError."""
    command = ["openssl", *map(str, arguments), "-passin", "stdin"]
    return subprocess.run(command, input=passphrase + b"\n", capture_output=True, check=True).stdout


def opened_values(path: Path, passphrase: bytes = PASSPHRASE) -> Any:
    sealed, recipient = path / "secrets/values.p7m", path / "secrets/recipient.pem"
    found = openssl(
        "cms", "-decrypt", "-inform", "PEM", "-in", sealed, "-inkey", recipient, passphrase=passphrase
    )
    return json.loads(found)


def private_key_of(version: CertificateVersion) -> bytes:
    return keystore.open_sealed(
        version._meta.db_table, "sealed_private_key", version.key, version.sealed_private_key
    )


def test_openssl_alone_opens_every_private_key(tmp_path: Path) -> None:
    everything()
    renew(make_certificate("rsa", key_type="rsa"))
    make_certificate("ed", key_type="ed25519")
    run(tmp_path, PASSPHRASE)
    versions = list(CertificateVersion.objects.select_related("certificate"))
    assert len(versions) == 5
    for version in versions:
        path = tmp_path / f"secrets/certificates/{version.certificate}/{version.number}.key.pem"
        pem = load_der_private_key(private_key_of(version), None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        assert openssl("pkey", "-in", path) == pem
    with pytest.raises(subprocess.CalledProcessError):
        openssl("pkey", "-in", path, passphrase=OTHER)


def test_openssl_alone_opens_what_else_is_secret(tmp_path: Path) -> None:
    everything()
    run(tmp_path, PASSPHRASE)
    assert opened_values(tmp_path) == {
        "namedValues": {"password": "hunter2-hunter2"},
        "principals": {"integration": {"primaryKey": "key-of-integration"}},
        "subscriptions": {
            "mobile-app": {"primaryKey": "primary-key-of-mobile", "secondaryKey": "secondary-key-of-mobile"}
        },
    }


def test_sealed_files_show_no_secret_and_are_for_nobody_else(tmp_path: Path) -> None:
    everything()
    run(tmp_path, PASSPHRASE)
    written = b"".join(files_in(tmp_path).values())
    assert not [secret for secret in secrets_of_rows() if secret in written]
    assert b"BEGIN PRIVATE KEY" not in written
    sealed = [*(tmp_path / "secrets").rglob("*")]
    assert {mode_of(path) for path in sealed if path.is_file()} == {0o600}
    assert {mode_of(path) for path in [tmp_path / "secrets", *sealed] if path.is_dir()} == {0o700}


def test_what_opens_and_holds_the_same_stays_as_it_is(tmp_path: Path) -> None:
    everything()
    run(tmp_path, PASSPHRASE)
    before, times = files_in(tmp_path), times_in(tmp_path)
    (tmp_path / KEY).chmod(0o644)  # as git checks it out
    assert str(run(tmp_path, PASSPHRASE).differences) == "no file changed"
    assert (files_in(tmp_path), times_in(tmp_path)) == (before, times)
    assert mode_of(tmp_path / KEY) == 0o600
    make_named_value("more", "another-secret", secret=True)
    assert run(tmp_path, PASSPHRASE).differences.names == [
        "namedValues/more.json: missing",
        "secrets/values.p7m: changed",
    ]
    assert opened_values(tmp_path)["namedValues"]["more"] == "another-secret"


def test_another_passphrase_seals_all_anew_and_says_so(tmp_path: Path) -> None:
    everything()
    run(tmp_path, PASSPHRASE)
    done = run(tmp_path, OTHER)
    assert done.notes == ("The sealed files that were there do not open with this passphrase.",)
    assert str(done.differences) == "files: 4 changed"
    assert openssl("pkey", "-in", tmp_path / KEY, passphrase=OTHER)
    assert opened_values(tmp_path, OTHER)["namedValues"]


def test_each_such_export_is_in_the_audit_log_and_no_other(tmp_path: Path) -> None:
    everything()
    run(tmp_path / "plain")
    assert not AuditEntry.objects.filter(actor_name="test")
    run(tmp_path / "sealed", PASSPHRASE)
    run(tmp_path / "sealed", PASSPHRASE, check=True)
    entries = list(AuditEntry.objects.filter(actor_name="test"))
    assert [(each.action, each.object_kind) for each in entries] == [
        ("exported the secrets of", "revision")
    ] * 2
    assert entries[0].changes == {
        "primary key": ["", "2"],
        "private key": ["", "2"],
        "secondary key": ["", "1"],
        "value": ["", "1"],
    }


def test_what_cannot_be_opened_is_named_and_all_else_is_there(tmp_path: Path) -> None:
    everything()
    damage(CertificateVersion.objects.get(number=1), "sealed_private_key")
    damage(Subscription.objects.get(), "sealed_primary_key")
    done = run(tmp_path, PASSPHRASE)
    assert [text.partition(" is left out.")[0] for text in done.unreadable] == [
        "The private key of certificate “bank”, version 1",
        "The primary key of subscription “mobile-app”",
    ]
    assert not (tmp_path / KEY).exists()
    assert (tmp_path / KEY.replace("1.key", "2.key")).exists()
    assert opened_values(tmp_path)["subscriptions"]["mobile-app"] == {
        "secondaryKey": "secondary-key-of-mobile"
    }


def test_the_last_copy_of_a_secret_is_not_thrown_away(tmp_path: Path) -> None:
    everything()
    run(tmp_path, PASSPHRASE)
    before = files_in(tmp_path)
    damage(CertificateVersion.objects.get(number=1), "sealed_private_key")
    damage(NamedValue.objects.get(secret=True), "sealed_value")
    assert len(run(tmp_path, PASSPHRASE).unreadable) == 2
    assert files_in(tmp_path) == before
    with pytest.raises(NotAnExport, match="do not open with this passphrase"):
        run(tmp_path, OTHER)
    assert files_in(tmp_path) == before


def damage(row: CertificateVersion | NamedValue | Subscription, column: str) -> None:
    update_directly(type(row), row.pk, **{column: "1.000000000000.AAAA"})


def test_an_export_without_secrets_does_not_remove_those_that_are_there(tmp_path: Path) -> None:
    everything()
    run(tmp_path, PASSPHRASE)
    before = files_in(tmp_path)
    with pytest.raises(NotAnExport, match="holds sealed secrets"):
        run(tmp_path)
    assert run(tmp_path, check=True).differences.names == []
    assert files_in(tmp_path) == before


def test_the_key_of_a_certificate_that_went_goes_too(tmp_path: Path) -> None:
    make_certificate("gone")
    make_signing_request()
    run(tmp_path, PASSPHRASE)
    assert (tmp_path / "secrets/certificates/gone/1.key.pem").exists()
    delete_certificate(ALICE, Certificate.objects.get().key)
    run(tmp_path, PASSPHRASE)
    assert not (tmp_path / "secrets/certificates").exists()


def test_a_damaged_or_foreign_sealed_file_is_written_anew(tmp_path: Path) -> None:
    everything()
    run(tmp_path, PASSPHRASE)
    foreign = subprocess.run(
        [
            "openssl",
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-aes256",
            "-pass",
            "stdin",
        ],
        input=PASSPHRASE,
        capture_output=True,
        check=True,
    ).stdout
    (tmp_path / KEY).write_bytes(foreign)
    (tmp_path / "secrets/values.p7m").write_bytes(b"-----BEGIN CMS-----\nAAAA\n-----END CMS-----\n")
    assert run(tmp_path, PASSPHRASE).differences.names == [f"{KEY}: changed", "secrets/values.p7m: changed"]
    assert opened_values(tmp_path)["namedValues"]


def test_openssl_does_the_whole_work_of_a_sealed_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pkcs8, "_COST", COST)
    issued = pki.self_signed()
    der = issued.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(Sealer(PASSPHRASE).seal(der))
    assert openssl("pkey", "-in", tmp_path / "key.pem").decode() == issued.key_pem


@pytest.mark.parametrize("part", [slice(0, 0), slice(0, 100), slice(0, -60)])
def test_a_cut_off_key_file_does_not_open(part: slice) -> None:
    sealer = Sealer(PASSPHRASE)
    sealed = sealer.seal(b"private key")
    assert sealer.open(sealed) == b"private key"
    assert sealer.open(sealed[part]) is None
    assert "private" not in repr(sealer)
    assert sealer.seal(b"private key") != sealed


def test_a_key_file_that_asks_for_other_work_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = Sealer(PASSPHRASE).seal(b"private key")
    monkeypatch.setattr(pkcs8, "_COST", 2**11)
    sealer = Sealer(PASSPHRASE)
    assert sealer.open(sealed) is None
    assert not sealer._derived
