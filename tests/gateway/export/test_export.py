"""What is in an export, what is not, and that it is the same whenever the configuration is."""

import base64
import json
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from gateway import keystore
from gateway.changes.apis import delete_api
from gateway.changes.ca_certificates import upload_ca_certificates
from gateway.changes.certificate_versions import use_version
from gateway.changes.certificates import upload_certificate
from gateway.changes.policies import save_policy
from gateway.changes.security import Trust
from gateway.models import CertificateVersion, NamedValue, Principal, SigningRequest, Subscription
from tests import pki
from tests.arrange_management import add_back_end
from tests.builders import (
    ALICE,
    PASSWORD,
    choose,
    make_api,
    make_ca_certificate,
    make_certificate,
    make_named_value,
    make_operation,
    make_subscription,
    renew,
)
from tests.databases import manage
from tests.gateway.export.scene import POLICY, everything, files_in, read_json, run, times_in

pytestmark = pytest.mark.django_db


def test_everything_has_its_file(tmp_path: Path) -> None:
    everything()
    done = run(tmp_path)
    request = SigningRequest.objects.get().public_key_sha256
    assert sorted(files_in(tmp_path)) == sorted(
        [
            "apis/partner-bank/api.json",
            "apis/partner-bank/operations/plain.json",
            "apis/partner-bank/operations/read%3Aall.json",
            "apis/partner-bank/operations/read%3Aall.xml",
            "apis/partner-bank/policy.xml",
            "backEnds/ledger.json",
            "caCertificates/root.json",
            "caCertificates/root.pem",
            "certificates/bank/1.pem",
            "certificates/bank/2.pem",
            "certificates/bank/certificate.json",
            "export.json",
            "managementApi.json",
            "namedValues/greeting.json",
            "namedValues/password.json",
            "notifications.json",
            "policy.xml",
            "principals/integration.json",
            f"signingRequests/bank/{request}.json",
            f"signingRequests/bank/{request}.pem",
            "subscriptions/mobile-app.json",
        ]
    )
    assert done.contents == (
        "1 API, 2 operations, 3 policies, 1 certificate, 1 CA certificate, 1 signing request, 2 named values, "
        "1 subscription, 1 back end, 1 principal"
    )
    assert str(done.differences) == "files: 21 new"


def test_files_say_what_the_rows_do(tmp_path: Path) -> None:
    _, _, certificate = everything()
    run(tmp_path)
    api = read_json(tmp_path / "apis/partner-bank/api.json")
    assert (api["id"], api["serviceUrl"], api["trust"]["caCertificates"]) == (
        "partner-bank",
        "https://bank.example",
        ["root"],
    )
    assert api["trust"]["publicCas"] is False
    facts = read_json(tmp_path / "certificates/bank/certificate.json")
    assert [facts["current"], *(version["number"] for version in facts["versions"])] == [1, 1, 2]
    assert facts["versions"][0]["thumbprint"] == certificate.current.thumbprint
    assert facts["versions"][0]["notAfter"].endswith("Z")
    pem = (tmp_path / "certificates/bank/2.pem").read_bytes()
    assert pki.thumbprint(x509.load_pem_x509_certificate(pem)) == facts["versions"][1]["thumbprint"]
    assert read_json(tmp_path / "namedValues/password.json") == {
        "name": "password",
        "secret": True,
        "tags": [],
    }
    assert read_json(tmp_path / "namedValues/greeting.json")["value"] == "hello"
    assert read_json(tmp_path / "subscriptions/mobile-app.json")["api"] == "partner-bank"
    assert read_json(tmp_path / "principals/integration.json") == {
        "id": "integration",
        "role": "contributor",
        "primaryKey": {"present": True, "expires": None},
        "secondaryKey": {"present": False, "expires": None},
    }


def test_a_policy_is_byte_for_byte_what_its_author_wrote(tmp_path: Path) -> None:
    everything()
    run(tmp_path)
    assert (tmp_path / "apis/partner-bank/operations/read%3Aall.xml").read_bytes() == POLICY.encode()


def test_json_has_one_form_and_nothing_that_cannot_be_seen(tmp_path: Path) -> None:
    make_api("Grüße \u202e \x7f", suffix="x", description="one\ntwo\u2028three")
    run(tmp_path)
    (text,) = (path.read_bytes() for path in tmp_path.glob("apis/*/api.json"))
    assert "Grüße \\u202e \\u007f".encode() in text
    assert b"one\\ntwo\\u2028three" in text
    assert json.loads(text)["displayName"] == "Grüße \u202e \x7f"
    assert text.endswith(b"}\n")
    assert b"\r" not in text
    assert [*json.loads(text)] == sorted(json.loads(text))


def test_no_secret_is_in_any_file(tmp_path: Path) -> None:
    everything()
    run(tmp_path)
    written = b"".join(files_in(tmp_path).values())
    secrets = list(secrets_of_rows())
    assert len(secrets) == 7
    for secret in secrets:
        for form in (
            secret,
            base64.b64encode(secret)[:40],
            secret.hex().encode(),
            secret.hex().upper().encode(),
        ):
            assert form not in written
    assert b"PRIVATE KEY" not in written


def secrets_of_rows() -> list[bytes]:
    columns = {
        CertificateVersion: ["sealed_private_key"],
        SigningRequest: ["sealed_private_key"],
        NamedValue: ["sealed_value"],
        Subscription: ["sealed_primary_key", "sealed_secondary_key"],
        Principal: ["sealed_primary_key", "sealed_secondary_key"],
    }
    return [
        keystore.open_sealed(model._meta.db_table, column, row.pk, getattr(row, column))
        for model, names in columns.items()
        for row in model.objects.all()
        for column in names
        if getattr(row, column)
    ]


def test_a_second_export_writes_nothing(tmp_path: Path) -> None:
    everything()
    run(tmp_path)
    before, times = files_in(tmp_path), times_in(tmp_path)
    assert str(run(tmp_path).differences) == "no file changed"
    assert (files_in(tmp_path), times_in(tmp_path)) == (before, times)


def test_a_change_writes_what_it_is_about_and_removes_what_went(tmp_path: Path) -> None:
    _, _, certificate = everything()
    gone = make_api("Gone")
    make_operation(gone)
    run(tmp_path)
    times = times_in(tmp_path)
    use_version(ALICE, certificate.key, certificate.versions.get(number=2).key)
    delete_api(ALICE, gone.key)
    done = run(tmp_path)
    assert done.differences.names == [
        "apis/gone/api.json: not in the configuration",
        "apis/gone/operations/get-accountsid.json: not in the configuration",
        "certificates/bank/certificate.json: changed",
    ]
    assert not (tmp_path / "apis/gone").exists()
    touched = {path for path, at in times_in(tmp_path).items() if times[path] != at}
    assert touched == {str(tmp_path / "certificates/bank/certificate.json"), str(tmp_path / "export.json")}
    assert str(done.differences) == "files: 1 changed, 2 removed"


def test_revisions_times_and_keys_of_rows_do_not_count(tmp_path: Path) -> None:
    api, operation, _ = everything()
    run(tmp_path)
    before = files_in(tmp_path)
    save_policy(ALICE, api, "<policies><inbound><base /></inbound></policies>")
    save_policy(ALICE, operation, "<policies />")
    save_policy(ALICE, operation, POLICY)
    save_policy(ALICE, api, before["apis/partner-bank/policy.xml"].decode())
    assert str(run(tmp_path).differences) == "no file changed"


def test_two_installations_that_came_about_otherwise_give_the_same_files(tmp_path: Path) -> None:
    pfx = {name: pki.pfx(pki.self_signed(name), password=PASSWORD.encode()) for name in ("one", "two")}
    cas = {name: pki.make_ca(name).pem.encode() for name in ("ca-1", "ca-2")}
    contents = []
    for order in (1, -1):
        with transaction.atomic():
            _install(pfx, cas, order)
            run(tmp_path / str(order))
            transaction.set_rollback(True)
        contents.append(files_in(tmp_path / str(order)))
    assert contents[0] == contents[1]
    assert len(contents[0]) == 27


def _install(pfx: dict[str, bytes], cas: dict[str, bytes], order: int) -> None:
    """An installation whose rows were made in one order or the other."""
    certificates = [
        upload_certificate(ALICE, data=data, password=PASSWORD, name=name)
        for name, data in [*pfx.items()][::order]
    ]
    trusted = [
        upload_ca_certificates(ALICE, data=pem, name=name)[0].key for name, pem in [*cas.items()][::order]
    ]
    for name in ("alpha", "beta")[::order]:
        api = make_api(name)
        choose(api, certificates[::order][0], Trust(ca_certificates=tuple(trusted)))
        for path in ("/b", "/a")[::order]:
            make_operation(api, path)
    for name in ("v1", "v2")[::order]:
        make_named_value(name, secret=True)
        make_subscription(name)
        add_back_end(name, f"https://{name}.example")


def test_hostile_ids_stay_in_the_directory_and_apart(tmp_path: Path) -> None:
    ids = [
        "..",
        ".",
        ".git",
        "CON",
        "a:b",
        "a.",
        "a",
        "𐌰" * 80,
        "\u202e",
        "-rf",
        "*",
        "{x}",
        "é",
        "e\u0301",
    ]
    for number, resource_id in enumerate(ids):
        api = make_api(f"API {number}", resource_id=resource_id)
        make_operation(api, "/x", resource_id=resource_id)
        make_subscription(f"S {number}", resource_id=resource_id)
        make_named_value(resource_id.replace("{x}", "braces"))
    run(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    found = {read_json(path)["id"] for path in tmp_path.glob("out/apis/*/operations/*.json")}
    assert found == set(ids)
    subprocess.run(["git", "init", "--quiet", tmp_path / "out"], check=True)
    subprocess.run(["git", "-C", tmp_path / "out", "add", "--all"], check=True)
    listed = subprocess.run(
        ["git", "-C", tmp_path / "out", "ls-files", "-z"], check=True, capture_output=True
    )
    assert {*listed.stdout.decode().split("\0")} - {""} == {
        path for path in files_in(tmp_path / "out") if not path.startswith(".git/")
    }
    assert str(run(tmp_path / "out").differences) == "no file changed"


def test_what_looks_like_a_secret_in_a_policy_is_told_of_and_not_repeated(tmp_path: Path) -> None:
    api = make_api()
    header = '<set-header name="X-Api-Key">\n<value>hunter2</value></set-header>'
    save_policy(ALICE, api, f"<policies><inbound>\n<base />{header}</inbound></policies>")
    (note,) = run(tmp_path).notes
    assert note.startswith("apis/partner-bank/policy.xml, line ")
    assert "X-Api-Key" in note
    assert "hunter2" not in note


def test_the_number_of_queries_does_not_grow_with_the_configuration(tmp_path: Path) -> None:
    everything()
    with CaptureQueriesContext(connection) as few:
        run(tmp_path / "few")
    for name in ("b", "c", "d"):
        make_operation(make_api(name))
        renew(make_certificate(name))
        make_ca_certificate(name)
        make_subscription(name)
    with CaptureQueriesContext(connection) as many:
        run(tmp_path / "many")
    assert len(many) == len(few)


def test_all_is_read_in_one_transaction(tmp_path: Path) -> None:
    everything()
    with CaptureQueriesContext(connection) as captured:
        run(tmp_path)
    first, *rest, last = [query["sql"].split()[0] for query in captured.captured_queries]
    assert (first, last) == ("SAVEPOINT", "RELEASE")
    assert {*rest} <= {"SELECT", "DECLARE"}  # PostgreSQL has cursors


def test_an_export_of_a_database_of_its_own(database_url: str, tmp_path: Path) -> None:
    """Through the connection that only reads."""
    assert manage(database_url, "export_configuration", str(tmp_path / "out")).startswith(
        "1 policy, 1 principal; "
    )
    assert read_json(tmp_path / "out/export.json")["complete"] is True
