"""The versions of a certificate: added, used, rolled back, removed; and the policies that follow."""

import pytest

from gateway import keystore, publish
from gateway.changes.certificate_versions import (
    add_version,
    planned_rewrites,
    remove_version,
    use_version,
)
from gateway.changes.certificates import delete_certificate
from gateway.changes.named_values import delete_named_value, update_named_value
from gateway.changes.policies import document_of, save_policy
from gateway.changes.security import CertificateCredentials, read_security
from gateway.errors import AlreadyExists, EditConflict, Invalid, NotFound
from gateway.models import (
    AuditEntry,
    Certificate,
    CertificateVersion,
    Deletion,
    PolicyReference,
    PolicyVersion,
    Revision,
)
from gateway.policies.elements import MAX_BYTES
from tests import pki
from tests.arrange import put_in_use, update_directly
from tests.builders import (
    ALICE,
    PASSWORD,
    choose,
    make_api,
    make_certificate,
    make_named_value,
    make_operation,
    make_signing_request,
    make_version,
    renew,
)

pytestmark = pytest.mark.django_db

XML = (
    "<policies>\r\n\t<inbound><!-- {0} -->\n<base/>{1}</inbound>\n<outbound ><base /></outbound></policies>\n"
)


def document(*statements: str) -> str:
    return XML.format(statements[0].replace("--", ""), "\n ".join(statements))


def by(name: str, text: str) -> str:
    return f"<authentication-certificate\t{name} = '{text}'  />"


def pasted(thumbprint: str) -> str:
    """As the certificate dialog of Windows shows it."""
    digits = thumbprint.lower()
    return "\u200e" + " ".join(digits[n : n + 2] for n in range(0, 40, 2))


def current(certificate: Certificate) -> CertificateVersion:
    certificate.refresh_from_db()
    return certificate.current


def presented(api: object) -> str:
    """The thumbprint that a gateway presents which starts now; or the policy's problem."""
    snapshot = publish.load(using="default")
    policy = snapshot.policies[str(api.key)]
    return policy.problem or snapshot.certificates[policy.certificates[-1]].thumbprint


# --- adding -------------------------------------------------------------------------------------------------------
def test_a_successor_is_stored_sealed_and_changes_nothing_until_it_is_used() -> None:
    certificate, api = make_certificate(), make_api()
    choose(api, certificate)
    first, issued = current(certificate), pki.self_signed("partner-bank")
    data = pki.pfx(issued, password=b"secret")
    version = add_version(ALICE, certificate.key, data=data, password="secret", revision=certificate.revision)
    assert (version.number, version.thumbprint) == (2, issued.thumbprint)
    assert keystore.open_sealed(
        "gateway_certificateversion", "sealed_private_key", version.key, version.sealed_private_key
    )
    assert current(certificate) == first
    assert presented(api) == first.thumbprint
    entry = AuditEntry.objects.latest("revision")
    assert (entry.action, entry.object_key) == ("uploaded a version of", certificate.key)
    assert entry.changes["version"] == ["", "2"]
    assert entry.changes["thumbprint"] == ["", issued.thumbprint]
    assert certificate.revision == entry.revision


def test_a_version_that_is_here_already_is_refused_and_says_where() -> None:
    certificate, other = make_certificate("one"), make_certificate("two")
    issued = pki.self_signed("three")
    data = pki.pfx(issued, password=b"secret")
    add_version(ALICE, certificate.key, data=data, password="secret")
    with pytest.raises(AlreadyExists) as refused:
        add_version(ALICE, certificate.key, data=data, password="secret")
    assert "version 2 of “one” already, which can be used" in refused.value.errors["file"][0]
    with pytest.raises(AlreadyExists) as refused:
        add_version(ALICE, other.key, data=data, password="secret")
    assert "under the name “one”" in refused.value.errors["file"][0]
    use_version(ALICE, certificate.key, certificate.versions.get(number=2).key)
    with pytest.raises(AlreadyExists, match="which is in use"):
        add_version(ALICE, certificate.key, data=data, password="secret")


def test_a_file_that_cannot_be_read_a_conflict_and_what_is_gone_are_told() -> None:
    certificate = make_certificate()
    data = pki.pfx(pki.self_signed(), password=PASSWORD.encode())
    with pytest.raises(Invalid) as refused:
        add_version(ALICE, certificate.key, data=data, password="wrong")
    assert list(refused.value.errors) == ["password"]
    with pytest.raises(EditConflict):
        add_version(ALICE, certificate.key, data=data, password=PASSWORD, revision=certificate.revision - 1)
    delete_certificate(ALICE, certificate.key)
    with pytest.raises(NotFound):
        add_version(ALICE, certificate.key, data=data, password=PASSWORD)
    assert not CertificateVersion.objects.exists()


# --- using --------------------------------------------------------------------------------------------------------
def test_what_is_used_is_presented_and_the_former_one_can_be_used_again() -> None:
    certificate, api = make_certificate(), make_api()
    choose(api, certificate)
    first, second = current(certificate), make_version(certificate)
    certificate.refresh_from_db()
    used = use_version(ALICE, certificate.key, second.key, revision=certificate.revision)
    assert used.rewritten == ()
    assert used.revision == Revision.objects.get().number
    assert presented(api) == second.thumbprint
    entry = AuditEntry.objects.get(revision=used.revision)
    assert (entry.action, entry.object_name) == ("renewed", "partner-bank")
    assert entry.changes["version"] == ["1", "2"]
    assert entry.changes["thumbprint"] == [first.thumbprint, second.thumbprint]
    assert "subject" not in entry.changes  # it is the same
    use_version(ALICE, certificate.key, first.key)
    assert presented(api) == first.thumbprint
    assert AuditEntry.objects.latest("revision").action == "rolled back"
    assert document_of(api).revision < used.revision


def test_every_policy_that_names_a_thumbprint_names_the_id_and_keeps_every_other_character() -> None:
    certificate, other = make_certificate("bank & <co>", name="Bank & <co>"), make_certificate("other")
    api = make_api()
    operation = make_operation(api)
    scopes = {"global": None, "API": api, "operation": operation}
    texts = {
        "global": by("thumbprint", pasted(current(certificate).thumbprint)),
        "API": by("thumbprint", ":".join(current(certificate).thumbprint)),
        "operation": by("thumbprint", "{{ print }}"),
    }
    value = make_named_value("print", current(certificate).thumbprint)
    untouched = (by("certificate-id", "OTHER"), by("thumbprint", current(other).thumbprint))
    for name, scope in scopes.items():
        save_policy(ALICE, scope, document(untouched[0], texts[name], untouched[1]))
    renamed = by("certificate-id", "Bank &amp; &lt;co&gt;")
    expected = {name: document(untouched[0], renamed, untouched[1]) for name in scopes}

    planned = planned_rewrites(certificate)
    assert [str(each.use) for each in planned] == [
        "All APIs",
        "Partner Bank",
        "Partner Bank / GET /accounts/{id}",
    ]
    assert {each.after for each in planned} == set(expected.values())
    assert all(each.before == document_of(s).xml for each, s in zip(planned, scopes.values(), strict=True))

    version = make_version(certificate)
    used = use_version(ALICE, certificate.key, version.key)
    assert used.rewritten == tuple(each.use for each in planned)
    for name, scope in scopes.items():
        row = document_of(scope)
        assert (row.xml, row.revision) == (expected[name], used.revision)
        history = PolicyVersion.objects.get(revision=used.revision, api=row.api, operation=row.operation)
        assert (history.action, history.xml, history.actor_name) == ("rewritten", expected[name], "alice")
        entry = AuditEntry.objects.get(revision=used.revision, object_key=row.key)
        assert (entry.action, entry.changes["policy"][1]) == ("rewrote", expected[name])
        assert {each.certificate for each in row.references.filter(named_value=None)} == {certificate, other}
    assert not PolicyReference.objects.exclude(named_value=None).exists()
    delete_named_value(ALICE, value.key)
    entry = AuditEntry.objects.get(revision=used.revision, object_key=certificate.key)
    assert (
        entry.changes["policies rewritten"][1] == "All APIs, Partner Bank, Partner Bank / GET /accounts/{id}"
    )
    assert publish.load(using="default").policies[str(operation.key)].problem == ""
    assert planned_rewrites(certificate) == ()


def test_several_statements_and_a_part_of_a_thumbprint_in_a_named_value_are_rewritten() -> None:
    certificate, api = make_certificate(), make_api()
    thumbprint = current(certificate).thumbprint
    make_named_value("part", thumbprint[8:])
    xml = document(by("thumbprint", thumbprint), by("thumbprint", thumbprint[:8] + "{{part}}"))
    save_policy(ALICE, api, xml)
    renew(certificate)
    assert document_of(api).xml.count("<authentication-certificate\tcertificate-id = 'partner-bank'  />") == 2
    assert presented(api) == current(certificate).thumbprint


def test_the_security_tab_goes_on_showing_the_certificate() -> None:
    certificate, api = make_certificate(), make_api()
    save_policy(ALICE, api, document(by("thumbprint", current(certificate).thumbprint)))
    renew(certificate)
    assert read_security(api).credentials == CertificateCredentials(certificate.key)


def test_a_policy_that_names_a_former_thumbprint_is_healed() -> None:
    certificate, api = make_certificate(), make_api()
    save_policy(ALICE, api, document(by("thumbprint", current(certificate).thumbprint)))
    put_in_use(make_version(certificate))
    assert "could not be resolved" in presented(api)
    third = renew(certificate)
    assert presented(api) == third.thumbprint


def test_a_policy_that_cannot_be_read_is_left_alone_and_holds_nobody_up() -> None:
    certificate, api, well = make_certificate(), make_api(), make_api("Well")
    for each in (api, well):
        save_policy(ALICE, each, document(by("thumbprint", current(certificate).thumbprint)))
    newer = document_of(api).xml.replace("<base/>", "<of-a-newer-release />")
    update_directly(type(document_of(api)), document_of(api).pk, xml=newer)
    broken = make_api("Broken")
    save_policy(ALICE, broken, document(by("thumbprint", current(certificate).thumbprint)))
    update_directly(type(document_of(api)), document_of(broken).pk, xml="<policies><thumbprint")
    version = make_version(certificate)
    used = use_version(ALICE, certificate.key, version.key)
    assert [str(use) for use in used.rewritten] == ["Well"]
    assert document_of(api).xml == newer
    assert set(certificate.policy_references.values_list("document__api", flat=True)) == {
        api.key,
        well.key,
        broken.key,
    }


def test_what_else_is_wrong_with_a_policy_holds_nobody_up(settings: object) -> None:
    certificate, api = make_certificate(), make_api()
    elsewhere = '<set-backend-service base-url="https://127.0.0.1/" />'
    settings.GATEWAY_ALLOWED_BACK_END_NETWORKS = ["127.0.0.0/8"]
    save_policy(ALICE, api, document(by("thumbprint", current(certificate).thumbprint), elsewhere))
    settings.GATEWAY_ALLOWED_BACK_END_NETWORKS = []
    renew(certificate)
    assert "certificate-id" in document_of(api).xml


def test_a_policy_that_would_become_too_large_is_told_and_nothing_is_written() -> None:
    certificate, api = make_certificate(name="n" * 80), make_api()
    xml = document(by("thumbprint", current(certificate).thumbprint))
    save_policy(ALICE, api, xml.replace("<base/>", f"<base/><!--{'x' * (MAX_BYTES - len(xml) - 10)}-->"))
    version, before = make_version(certificate), Revision.objects.get().number
    with pytest.raises(Invalid) as refused:
        use_version(ALICE, certificate.key, version.key)
    assert "The policy of Partner Bank would become invalid" in refused.value.errors["version"][0]
    assert Revision.objects.get().number == before
    assert current(certificate).number == 1


def test_using_the_version_in_use_an_older_page_and_what_is_gone_are_refused() -> None:
    certificate, other = make_certificate("one"), make_certificate("two")
    seen = certificate.revision
    version = make_version(certificate)
    with pytest.raises(EditConflict):
        use_version(ALICE, certificate.key, version.key, revision=seen)
    with pytest.raises(NotFound):
        use_version(ALICE, other.key, version.key)
    use_version(ALICE, certificate.key, version.key)
    with pytest.raises(Invalid) as refused:
        use_version(ALICE, certificate.key, version.key)
    assert refused.value.errors == {"version": ["Version 2 is in use already."]}


def test_policies_that_are_rewritten_otherwise_than_was_confirmed_are_a_conflict() -> None:
    certificate, one, two = make_certificate(), make_api("One"), make_api("Two")
    version, thumbprint = make_version(certificate), current(certificate).thumbprint
    value = make_named_value("print", thumbprint)
    save_policy(ALICE, one, document(by("thumbprint", "{{print}}")))
    confirmed = planned_rewrites(certificate)

    def refused() -> None:
        with pytest.raises(EditConflict):
            use_version(ALICE, certificate.key, version.key, rewrites=confirmed)
        assert current(certificate).number == 1

    save_policy(ALICE, two, document(by("thumbprint", thumbprint)))  # another one
    refused()
    save_policy(ALICE, two, document(by("certificate-id", "partner-bank")))
    save_policy(ALICE, one, document(by("thumbprint", thumbprint)))  # the same one, which says it otherwise
    refused()
    save_policy(ALICE, one, document(by("thumbprint", "{{print}}")))
    other = make_certificate("other")
    update_named_value(ALICE, value.key, value=current(other).thumbprint, secret=False)  # none any more
    refused()
    update_named_value(ALICE, value.key, value=thumbprint, secret=False)
    used = use_version(ALICE, certificate.key, version.key, rewrites=confirmed)
    assert [str(use) for use in used.rewritten] == ["One"]


def test_a_version_whose_key_cannot_be_opened_is_refused() -> None:
    certificate = make_certificate()
    version = make_version(certificate)
    update_directly(CertificateVersion, version.key, sealed_private_key="damaged")
    with pytest.raises(Invalid) as refused:
        use_version(ALICE, certificate.key, version.key)
    assert refused.value.errors["version"][0].startswith(
        "The private key of partner-bank version 2 cannot be opened"
    )
    assert current(certificate).number == 1


def test_a_named_value_with_a_former_thumbprint_is_refused_where_it_would_be_used_again() -> None:
    certificate, api = make_certificate(), make_api()
    value = make_named_value("print", current(certificate).thumbprint)
    xml = document(by("thumbprint", "{{print}}"))
    save_policy(ALICE, api, xml)
    renew(certificate)
    with pytest.raises(Invalid, match='Write certificate-id="partner-bank" instead'):
        save_policy(ALICE, api, xml)
    update_named_value(ALICE, value.key, value=current(certificate).thumbprint, secret=False)
    save_policy(ALICE, api, xml)


# --- removing -----------------------------------------------------------------------------------------------------
def test_a_version_that_is_not_in_use_is_removed_and_the_one_in_use_is_not() -> None:
    certificate = make_certificate()
    first, second = current(certificate), renew(certificate)
    with pytest.raises(Invalid) as refused:
        remove_version(ALICE, certificate.key, second.key)
    assert list(refused.value.errors) == ["version"]
    with pytest.raises(EditConflict):
        remove_version(ALICE, certificate.key, first.key, revision=certificate.revision - 1)
    revision = remove_version(ALICE, certificate.key, first.key, revision=certificate.revision)
    assert list(certificate.versions.all()) == [second]
    assert current(certificate) == second
    assert certificate.revision == revision
    assert Deletion.objects.get(revision=revision).table == "gateway_certificateversion"
    entry = AuditEntry.objects.get(revision=revision)
    assert (entry.action, entry.changes["version"]) == ("removed a version of", ["1", ""])
    with pytest.raises(NotFound):
        remove_version(ALICE, certificate.key, first.key)


def test_the_number_of_a_version_that_was_removed_is_never_given_again() -> None:
    certificate = make_certificate()
    for number in (2, 3):
        version = make_version(certificate)
        assert version.number == number
        remove_version(ALICE, certificate.key, version.key)
    assert make_version(certificate).number == 4


def test_a_certificate_is_deleted_with_all_its_versions_and_signing_requests() -> None:
    certificate = make_certificate()
    renew(certificate)
    row = make_signing_request(certificate)
    keys = set(certificate.versions.values_list("pk", flat=True))
    revision = delete_certificate(ALICE, certificate.key)
    gone = Deletion.objects.filter(revision=revision)
    assert len(keys) == 2
    assert sorted(gone.values_list("table", "row")) == sorted(
        [
            ("gateway_certificate", certificate.key),
            *[("gateway_certificateversion", certificate.key)] * 2,
            ("gateway_signingrequest", row.key),
        ]
    )
    changes = AuditEntry.objects.get(revision=revision).changes
    assert changes["other versions"] == ["1", ""]
    assert changes["signing requests"] == ["CN=partner-bank", ""]
