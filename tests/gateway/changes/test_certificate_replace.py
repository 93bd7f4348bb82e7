"""A certificate that is replaced: a version is added and used in one change, and the same again changes nothing."""

import pytest
from cryptography import x509

from gateway import publish
from gateway.changes.certificate_versions import Used, replace_certificate, unreadable_key
from gateway.changes.policies import document_of, save_policy
from gateway.errors import AlreadyExists, EditConflict, Invalid
from gateway.models import Api, AuditEntry, Certificate, CertificateVersion, Revision
from gateway.policies.elements import MAX_BYTES
from tests import pki
from tests.arrange import update_directly
from tests.builders import ALICE, choose, make_api, make_certificate

pytestmark = pytest.mark.django_db


def document(thumbprint: str, before: str = "") -> str:
    statement = f'<authentication-certificate thumbprint="{thumbprint}" />'
    return f"<policies><inbound>{before}<base />{statement}</inbound></policies>"


def current(certificate: Certificate) -> CertificateVersion:
    certificate.refresh_from_db()
    assert certificate.current
    return certificate.current


def chain_presented(api: Api) -> str:
    """By a gateway that starts now."""
    snapshot = publish.load(using="default")
    return snapshot.certificates[snapshot.policies[str(api.key)].certificates[-1]].chain_pem


def replace(
    certificate: Certificate,
    issued: pki.Issued,
    *,
    chain: tuple[x509.Certificate, ...] | None = None,
    revision: int | None = None,
) -> Used:
    data = pki.pfx(issued, password=b"secret", chain=chain)
    return replace_certificate(ALICE, certificate.key, data=data, password="secret", revision=revision)


def test_a_replacement_is_added_and_used_in_one_change() -> None:
    certificate, api = make_certificate(), make_api()
    save_policy(ALICE, api, document(current(certificate).thumbprint))
    certificate.refresh_from_db()
    issued, before = pki.self_signed("next"), Revision.objects.get().number
    used = replace(certificate, issued, revision=certificate.revision)
    assert used.revision == before + 1 == Revision.objects.get().number
    assert [use.api_id for use in used.rewritten] == ["partner-bank"]
    assert 'certificate-id="partner-bank"' in document_of(api).xml
    second = current(certificate)
    assert (second.number, second.subject, certificate.revision) == (2, "CN=next", used.revision)
    assert chain_presented(api) == second.chain_pem
    entries = AuditEntry.objects.filter(object_key=certificate.key, revision=used.revision).order_by("at")
    assert [each.action for each in entries] == ["uploaded a version of", "renewed"]
    with pytest.raises(EditConflict):
        replace(certificate, pki.self_signed("late"), revision=before)
    assert certificate.versions.count() == 2


def test_the_same_again_writes_nothing_and_a_former_one_is_used_again() -> None:
    first, second = pki.self_signed("partner-bank"), pki.self_signed("partner-bank")
    certificate = make_certificate()
    replace(certificate, first)
    used = replace(certificate, second)
    before = AuditEntry.objects.count()
    assert replace(certificate, second) == Used(used.revision, ())
    assert (Revision.objects.get().number, AuditEntry.objects.count()) == (used.revision, before)
    with pytest.raises(EditConflict):
        replace(certificate, second, revision=used.revision - 1)
    assert replace(certificate, first).revision == used.revision + 1
    assert (current(certificate).number, certificate.versions.count()) == (2, 3)
    assert AuditEntry.objects.latest("revision").action == "rolled back"


def test_a_replacement_that_is_another_certificate_is_refused_and_leaves_nothing() -> None:
    certificate, other = make_certificate("one"), make_certificate("two")
    issued = pki.self_signed("three")
    replace(other, issued)
    with pytest.raises(AlreadyExists, match="under the name “two”"):
        replace(certificate, issued)
    assert certificate.versions.count() == 1
    with pytest.raises(Invalid) as refused:
        replace_certificate(ALICE, certificate.key, data=b"no file", password="")
    assert list(refused.value.errors) == ["file"]


def test_a_replacement_whose_policy_cannot_be_rewritten_leaves_no_version() -> None:
    certificate, api = make_certificate(name="x" * 80), make_api()
    thumbprint = current(certificate).thumbprint
    room = MAX_BYTES - len(document(thumbprint, "<!---->").encode())
    save_policy(ALICE, api, document(thumbprint, f"<!--{' ' * room}-->"))
    with pytest.raises(Invalid, match="would become invalid"):
        replace(certificate, pki.self_signed("next"))
    assert certificate.versions.count() == 1
    assert current(certificate).number == 1


def test_the_same_certificate_with_more_of_its_chain_is_presented_with_that() -> None:
    root = pki.make_ca("Root")
    issued = pki.issue(pki.make_ca("Intermediate", parent=root), "partner-bank")
    certificate, api = make_certificate(), make_api()
    choose(api, certificate)
    replace(certificate, issued, chain=())
    alone, version = chain_presented(api), current(certificate)
    used = replace(certificate, issued)
    assert (alone.count("BEGIN"), chain_presented(api).count("BEGIN")) == (1, 3)
    assert current(certificate) == version
    assert (certificate.revision, certificate.versions.count()) == (used.revision, 2)
    entry = AuditEntry.objects.latest("revision")
    assert (entry.action, entry.changes["certificates in the chain"]) == (
        "uploaded again a version of",
        ["1", "3"],
    )


def test_the_same_again_mends_a_key_that_cannot_be_opened() -> None:
    issued = pki.self_signed("partner-bank")
    certificate = make_certificate()
    replace(certificate, issued)
    version = current(certificate)
    update_directly(CertificateVersion, version.key, sealed_private_key="nonsense")
    assert unreadable_key(current(certificate))
    used = replace(certificate, issued)
    assert not unreadable_key(current(certificate))
    assert (certificate.revision, current(certificate).revision) == (used.revision, version.revision)
