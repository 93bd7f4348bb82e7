import pytest

from gateway import keystore
from gateway.changes.certificates import delete_certificate, upload_certificate
from gateway.changes.operations import delete_operation
from gateway.changes.security import NoCredentials
from gateway.errors import AlreadyExists, EditConflict, InUse, Invalid, NotFound
from gateway.models import AuditEntry, Certificate, CertificateVersion, Deletion, Revision
from tests import pki
from tests.builders import ALICE, PASSWORD, choose, make_api, make_certificate

pytestmark = pytest.mark.django_db


def test_an_upload_stores_what_the_certificate_says() -> None:
    issued = pki.self_signed(common_name="partner-bank")
    certificate = upload_certificate(ALICE, data=pki.pfx(issued, password=b"secret"), password="secret")
    version = certificate.current
    assert certificate.resource_id == "partner-bank"
    assert version.subject == "CN=partner-bank"
    assert version.thumbprint == pki.thumbprint(issued.cert)
    assert version.not_after == issued.cert.not_valid_after_utc


def test_the_private_key_is_sealed_and_opens_for_its_own_row_only() -> None:
    version = make_certificate().current
    sealed = version.sealed_private_key
    assert keystore.open_sealed("gateway_certificateversion", "sealed_private_key", version.key, sealed)
    assert "PRIVATE" not in sealed


def test_an_upload_raises_the_revision_and_writes_an_audit_entry_without_secrets() -> None:
    before = Revision.objects.get().number
    certificate = make_certificate()
    entry = AuditEntry.objects.get()
    assert certificate.revision == entry.revision == before + 1
    assert (entry.actor_kind, entry.actor_name, entry.action) == ("user", "alice", "uploaded")
    assert entry.object_name == "partner-bank"
    assert PASSWORD not in str(entry.changes)


def test_a_second_certificate_of_the_same_subject_gets_a_name_of_its_own() -> None:
    assert make_certificate("Partner Bank").resource_id == "partner-bank"
    assert make_certificate("Partner Bank").resource_id == "partner-bank-2"


def test_a_certificate_of_a_host_is_called_by_all_parts_of_its_name() -> None:
    assert make_certificate("api.bank.example").resource_id == "api-bank-example"


def test_a_taken_name_is_refused_without_regard_to_case_and_nothing_is_written() -> None:
    make_certificate(name="Bank")
    before = Revision.objects.get().number
    with pytest.raises(AlreadyExists) as refused:
        make_certificate(name="bank")
    assert list(refused.value.errors) == ["name"]
    assert Revision.objects.get().number == before


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Ärger", "äRGER"),
        ("bank-Ä", "BANK-ä"),
        ("\u212aelvin-bank", "kelvin-bank"),  # the Kelvin sign
        ("bank", "ban\u212a"),
        ("\u0130stanbul", "i\u0307stanbul"),  # the dotted I
    ],
)
def test_names_are_unique_without_regard_to_case_in_every_alphabet(name: str, other: str) -> None:
    make_certificate("one", name=name)
    with pytest.raises(AlreadyExists) as refused:
        make_certificate("two", name=other)
    assert list(refused.value.errors) == ["name"]


def test_a_proposed_name_is_unique_without_regard_to_case_in_every_alphabet() -> None:
    make_certificate("one", name="\u212aelvin")
    make_certificate("two", name="KELVIN-2")
    assert make_certificate("kelvin").resource_id == "kelvin-3"


@pytest.mark.parametrize("name", ["a/b", "a\\b", "100%", "it's", 'a"b', "a\nb", "x" * 81])
def test_a_name_that_cannot_be_an_id_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        make_certificate(name=name)
    assert list(refused.value.errors) == ["name"]


def test_the_same_certificate_again_is_refused_and_says_under_which_name_it_is_there() -> None:
    data = pki.pfx(pki.self_signed(common_name="bank"), password=b"secret")
    upload_certificate(ALICE, data=data, password="secret", name="first")
    with pytest.raises(AlreadyExists) as refused:
        upload_certificate(ALICE, data=data, password="secret", name="second")
    assert "“first”" in refused.value.errors["file"][0]


def test_a_wrong_password_is_an_error_of_the_password() -> None:
    data = pki.pfx(pki.self_signed(common_name="bank"), password=b"secret")
    with pytest.raises(Invalid) as refused:
        upload_certificate(ALICE, data=data, password="wrong")
    assert list(refused.value.errors) == ["password"]
    assert not Certificate.objects.exists()


def test_a_certificate_that_nothing_uses_is_deleted_with_its_versions() -> None:
    certificate = make_certificate()
    revision = delete_certificate(ALICE, certificate.key, revision=certificate.revision)
    assert not Certificate.objects.exists()
    assert not CertificateVersion.objects.exists()
    recorded = Deletion.objects.filter(row=certificate.key, revision=revision)
    assert {each.table for each in recorded} == {"gateway_certificate", "gateway_certificateversion"}
    assert AuditEntry.objects.get(revision=revision).action == "deleted"


def test_a_certificate_in_use_is_not_deleted_and_every_use_is_named() -> None:
    certificate = make_certificate()
    for name in ("Partner Bank", "Clearing"):
        choose(make_api(name), certificate)
    with pytest.raises(InUse) as refused:
        delete_certificate(ALICE, certificate.key)
    assert [str(use) for use in refused.value.uses] == ["Clearing", "Partner Bank"]
    assert Certificate.objects.exists()


def test_a_certificate_can_be_deleted_once_no_api_uses_it_any_more() -> None:
    certificate, api = make_certificate(), make_api()
    choose(api, certificate)
    choose(api, NoCredentials())
    assert certificate.uses == ()
    delete_certificate(ALICE, certificate.key)
    assert not Certificate.objects.exists()


def test_deleting_what_is_gone_says_so() -> None:
    certificate = make_certificate()
    delete_certificate(ALICE, certificate.key)
    with pytest.raises(NotFound):
        delete_certificate(ALICE, certificate.key)
    with pytest.raises(NotFound):
        delete_operation(ALICE, certificate.key)


def test_deleting_what_changed_meanwhile_is_a_conflict() -> None:
    certificate = make_certificate()
    with pytest.raises(EditConflict):
        delete_certificate(ALICE, certificate.key, revision=certificate.revision - 1)
