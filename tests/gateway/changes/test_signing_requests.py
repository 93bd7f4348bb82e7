"""A key that is made here, the request for it, and what is made of the certificate that comes back."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key, pkcs7

from gateway import keystore
from gateway.changes.certificates import delete_certificate, upload_certificate
from gateway.changes.signing_requests import (
    complete_signing_request,
    create_signing_request,
    delete_signing_request,
)
from gateway.errors import AlreadyExists, Invalid, NotFound
from gateway.models import (
    AuditEntry,
    Certificate,
    CertificateVersion,
    Deletion,
    Revision,
    SigningRequest,
)
from gateway.x509 import public_key_sha256
from tests import pki
from tests.arrange import update_directly
from tests.builders import (
    ALICE,
    choose,
    issued_for,
    make_api,
    make_certificate,
    make_signing_request,
)

pytestmark = pytest.mark.django_db


def complete(row: SigningRequest, issued: pki.Issued | None = None) -> CertificateVersion:
    return complete_signing_request(ALICE, row.key, data=(issued or issued_for(row)).pem.encode())


def refused(row: SigningRequest, data: bytes) -> str:
    before = Revision.objects.get().number
    with pytest.raises(Invalid) as error:
        complete_signing_request(ALICE, row.key, data=data)
    assert list(error.value.errors) == ["file"]
    assert Revision.objects.get().number == before
    assert SigningRequest.objects.filter(pk=row.pk).exists()
    return error.value.errors["file"][0]


# --- making one ---------------------------------------------------------------------------------------------------
def test_a_request_keeps_its_key_sealed_for_its_own_row() -> None:
    subject = [("CN", "partner-bank"), ("O", "Bank"), ("C", "DE")]
    row = create_signing_request(ALICE, subject=subject, names=["bank.example"], key_type="EC P-384")
    assert (row.name, row.subject, row.names) == (
        "partner-bank",
        "CN=partner-bank, O=Bank, C=DE",
        "bank.example",
    )
    assert (row.key_type, row.created_by, row.certificate) == ("EC P-384", "alice", None)
    key = keystore.open_sealed(
        "gateway_signingrequest", "sealed_private_key", row.key, row.sealed_private_key
    )
    assert public_key_sha256(load_der_private_key(key, None).public_key()) == row.public_key_sha256
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_key, entry.revision) == ("created", row.key, row.revision)
    assert entry.changes["signing request"] == ["", row.subject]


def test_a_request_for_a_certificate_is_a_part_of_its_history() -> None:
    certificate = make_certificate()
    row = make_signing_request(certificate)
    assert (row.certificate, row.name) == (certificate, "partner-bank")
    entry = AuditEntry.objects.latest("revision")
    assert (entry.action, entry.object_key) == ("created a signing request for", certificate.key)


def test_the_name_of_a_new_certificate_is_neither_a_certificates_nor_another_requests() -> None:
    make_certificate("one", name="Bank")
    make_signing_request(name="Planned")
    assert make_signing_request(common_name="bank").name == "bank-2"
    assert make_signing_request(common_name="bank").name == "bank-3"
    for taken in ("bank", "PLANNED"):
        with pytest.raises(AlreadyExists) as error:
            make_signing_request(name=taken)
        assert list(error.value.errors) == ["name"]
    with pytest.raises(Invalid) as invalid:
        make_signing_request(name="a/b")
    assert list(invalid.value.errors) == ["name"]


def test_what_is_wrong_with_a_request_is_told_by_field_and_nothing_is_written() -> None:
    certificate = make_certificate()
    delete_certificate(ALICE, certificate.key)
    before = Revision.objects.get().number
    for field, values in {
        "subject": {"common_name": ""},
        "names": {"names": ["no name"]},
        "key_type": {"key_type": "RSA 512"},
    }.items():
        with pytest.raises(Invalid) as error:
            make_signing_request(**values)
        assert list(error.value.errors) == [field]
    with pytest.raises(NotFound):
        make_signing_request(certificate)
    assert Revision.objects.get().number == before


# --- completing one -----------------------------------------------------------------------------------------------
def test_a_request_for_a_new_certificate_becomes_that_certificate_ready_to_use() -> None:
    row = make_signing_request(name="Our bank")
    issued = issued_for(row, pki.make_ca("Intermediate", parent=pki.make_ca("Root")))
    data = pkcs7.serialize_certificates([*issued.chain, issued.cert], Encoding.DER)
    version = complete_signing_request(ALICE, row.key, data=data)
    certificate = Certificate.objects.get()
    assert (certificate.resource_id, certificate.current, version.number) == ("Our bank", version, 1)
    assert version.thumbprint == issued.thumbprint
    assert version.chain_pem == pki.pem(issued.cert, *issued.chain)
    key = keystore.open_sealed(
        "gateway_certificateversion", "sealed_private_key", version.key, version.sealed_private_key
    )
    assert public_key_sha256(load_der_private_key(key, None).public_key()) == row.public_key_sha256
    assert not SigningRequest.objects.exists()
    revision = Revision.objects.get().number
    assert Deletion.objects.get(revision=revision).row == row.key
    assert AuditEntry.objects.get(revision=revision).action == "completed a signing request for"
    choose(make_api(), certificate)


def test_a_request_for_a_certificate_becomes_a_version_that_is_not_in_use_yet() -> None:
    certificate = make_certificate()
    version = complete(make_signing_request(certificate))
    certificate.refresh_from_db()
    assert (version.certificate, version.number, certificate.current.number) == (certificate, 2, 1)
    assert certificate.revision == Revision.objects.get().number
    assert AuditEntry.objects.latest("revision").changes["version"] == ["", "2"]


def test_a_name_that_was_taken_meanwhile_becomes_one_like_it() -> None:
    row = make_signing_request(name="Bank")
    make_certificate("other", name="bank")
    assert complete(row).certificate.resource_id == "bank-2"


def test_a_certificate_for_another_key_is_refused_and_says_whose_it_is() -> None:
    row, other = make_signing_request(), make_signing_request(common_name="other")
    uploaded = pki.issue(common_name="uploaded")
    data = pki.pfx(uploaded, password=b"correct horse", chain=())
    upload_certificate(ALICE, data=data, password="correct horse")
    again = pki.issue(common_name="renewed", key=uploaded.key)
    stranger = pki.issue(common_name="stranger")
    assert "CN=other is for the key of another one, the signing request of other" in refused(
        row, issued_for(other).pem.encode()
    )
    assert "the key of uploaded version 1, which is here already" in refused(row, again.pem.encode())
    found = refused(row, pki.pem(stranger.cert, *stranger.chain).encode())
    assert "another key than that of this signing request" in found
    assert "CN=stranger; CN=Test CA" in found


def test_what_is_no_certificate_and_a_key_that_cannot_be_opened_are_refused() -> None:
    row = make_signing_request()
    assert "signing request itself" in refused(row, row.csr_pem.encode())
    update_directly(SigningRequest, row.key, sealed_private_key="damaged")
    assert "private key of this signing request cannot be opened" in refused(
        row, issued_for(row).pem.encode()
    )


def test_what_is_completed_or_deleted_is_gone() -> None:
    row, other = make_signing_request(), make_signing_request(make_certificate("one"))
    issued = issued_for(row)
    complete(row, issued)
    with pytest.raises(NotFound):
        complete(row, issued)
    revision = delete_signing_request(ALICE, other.key)
    entry = AuditEntry.objects.get(revision=revision)
    assert (entry.action, entry.object_name) == ("deleted a signing request for", "one")
    with pytest.raises(NotFound):
        delete_signing_request(ALICE, other.key)


def test_a_request_for_a_new_certificate_is_deleted() -> None:
    row = make_signing_request()
    revision = delete_signing_request(ALICE, row.key)
    entry = AuditEntry.objects.get(revision=revision)
    assert (entry.action, entry.object_key, entry.changes) == (
        "deleted",
        row.key,
        {"signing request": ["CN=partner-bank", ""]},
    )
    assert Deletion.objects.get(revision=revision).row == row.key
