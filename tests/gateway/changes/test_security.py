from uuid import uuid4

import pytest

from gateway import keystore
from gateway.changes.ca_certificates import delete_ca_certificate
from gateway.changes.certificates import delete_certificate
from gateway.changes.policies import save_policy
from gateway.changes.security import (
    BasicCredentials,
    CertificateCredentials,
    NoCredentials,
    OtherCredentials,
    Trust,
    read_security,
    save_security,
)
from gateway.errors import EditConflict, InUse, Invalid
from gateway.models import Api, AuditEntry, CaCertificate, NamedValue, PolicyDocument, PolicyReference
from tests.arrange import update_directly
from tests.builders import ALICE, choose, make_api, make_ca_certificate, make_certificate

pytestmark = pytest.mark.django_db


def document(api: Api) -> str:
    return PolicyDocument.objects.get(api=api).xml


def password_of(name: str) -> str:
    row = NamedValue.objects.get(resource_id=name)
    return keystore.open_sealed("gateway_namedvalue", "sealed_value", row.key, row.sealed_value).decode()


def test_the_chosen_certificate_is_a_statement_of_the_document_after_base() -> None:
    api, certificate = make_api(), make_certificate()
    choose(api, certificate)
    inbound = document(api).split("<inbound>")[1].split("</inbound>")[0]
    assert inbound.split() == [
        "<base",
        "/>",
        "<authentication-certificate",
        'certificate-id="partner-bank"',
        "/>",
    ]
    assert read_security(api).credentials == CertificateCredentials(certificate.key)
    assert PolicyReference.objects.get().certificate == certificate


def test_another_choice_replaces_the_statement_and_the_reference() -> None:
    api, one, two = make_api(), make_certificate("one"), make_certificate("two")
    choose(api, one)
    choose(api, two)
    assert document(api).count("authentication-certificate") == 1
    assert PolicyReference.objects.get().certificate == two
    delete_certificate(ALICE, one.key)


def test_none_takes_the_statement_away() -> None:
    api = make_api()
    choose(api, make_certificate())
    choose(api, NoCredentials())
    assert "authentication" not in document(api)
    assert not PolicyReference.objects.exists()


def test_the_basic_password_is_a_secret_named_value_and_not_in_the_document() -> None:
    api = make_api("Partner Bank")
    choose(api, BasicCredentials("alice", "hunter2"))
    assert 'password="{{partner-bank-basic-password}}"' in document(api)
    assert password_of("partner-bank-basic-password") == "hunter2"
    assert "hunter2" not in str(list(AuditEntry.objects.values()))
    assert read_security(api).credentials == BasicCredentials("alice", None)


def test_an_empty_basic_password_keeps_the_stored_one() -> None:
    api = make_api()
    choose(api, BasicCredentials("alice", "hunter2"))
    choose(api, BasicCredentials("bob", None))
    assert 'username="bob"' in document(api)
    assert password_of("partner-bank-basic-password") == "hunter2"


def test_a_new_basic_password_replaces_the_stored_one() -> None:
    api = make_api()
    choose(api, BasicCredentials("alice", "hunter2"))
    choose(api, BasicCredentials("alice", "hunter3"))
    assert password_of("partner-bank-basic-password") == "hunter3"


def test_the_password_goes_when_basic_is_no_longer_chosen() -> None:
    api = make_api()
    choose(api, BasicCredentials("alice", "hunter2"))
    choose(api, NoCredentials())
    assert not NamedValue.objects.exists()


@pytest.mark.parametrize(
    ("field", "credentials"),
    [
        ("username", BasicCredentials("", "x")),
        ("username", BasicCredentials("a:b", "x")),
        ("username", BasicCredentials("{{name}}", "x")),
        ("username", BasicCredentials("a\nb", "x")),
        ("password", BasicCredentials("alice", "a\nb")),
        ("password", BasicCredentials("alice", None)),
        ("certificate", CertificateCredentials(uuid4())),
    ],
)
def test_bad_credentials_are_refused_and_nothing_is_written(field: str, credentials: object) -> None:
    api = make_api()
    with pytest.raises(Invalid) as refused:
        choose(api, credentials)
    assert list(refused.value.errors) == [field]
    assert not PolicyDocument.objects.filter(api=api).exists()
    assert not NamedValue.objects.exists()


def test_a_user_name_that_needs_escaping_comes_back_as_it_was() -> None:
    api = make_api()
    choose(api, BasicCredentials("a\"<&>'b", "x"))
    assert read_security(api).credentials == BasicCredentials("a\"<&>'b", None)


def test_trust_is_saved_and_keeps_its_ca_certificates_from_deletion() -> None:
    api, ca = make_api(), make_ca_certificate()
    trust = Trust(validate_chain=True, validate_name=False, public_cas=False, ca_certificates=(ca.key,))
    choose(api, NoCredentials(), trust)
    assert read_security(Api.objects.get()).trust == trust
    with pytest.raises(InUse) as refused:
        delete_ca_certificate(ALICE, ca.key)
    assert [str(use) for use in refused.value.uses] == ["Partner Bank"]
    choose(api, NoCredentials(), Trust())
    delete_ca_certificate(ALICE, ca.key)
    assert not CaCertificate.objects.exists()


def test_saving_over_somebody_elses_change_is_a_conflict_but_over_the_settings_is_not() -> None:
    api = make_api()
    seen = read_security(api).revision
    choose(api, make_certificate())
    with pytest.raises(EditConflict):
        save_security(ALICE, api.key, credentials=NoCredentials(), trust=Trust(), revision=seen)


def test_what_the_author_wrote_survives_a_save_of_the_tab() -> None:
    from gateway.changes.base import change
    from gateway.changes.policies import save_document

    api = make_api()
    before = "<policies>\r\n\t<inbound>\r\n\t\t<!-- mine -->\r\n\t\t<base/>\r\n\t</inbound>\r\n</policies>"
    with change(ALICE) as this:
        save_document(this, api, before)
    choose(api, make_certificate())
    choose(api, NoCredentials())
    assert document(api) == before


def test_two_who_replace_only_the_password_notice_each_other() -> None:
    api = make_api()
    choose(api, BasicCredentials("alice", "hunter2"))
    seen = read_security(api).revision
    choose(api, BasicCredentials("alice", "hunter3"))
    with pytest.raises(EditConflict):
        save_security(
            ALICE, api.key, credentials=BasicCredentials("alice", "hunter4"), trust=Trust(), revision=seen
        )


def test_a_document_that_cannot_be_read_is_told_and_left_alone() -> None:
    api = make_api()
    choose(api, NoCredentials(), Trust(validate_name=False))
    choose(api, make_certificate())
    row = PolicyDocument.objects.get(api=api)
    update_directly(PolicyDocument, row.key, xml="<policies><inbound><newer /></inbound></policies>")
    assert read_security(api).credentials == OtherCredentials("The policy of this API cannot be read.")
    with pytest.raises(Invalid) as refused:
        choose(api, NoCredentials())
    assert list(refused.value.errors) == ["credentials"]


def test_the_audit_log_says_in_words_what_was_chosen_before_and_after() -> None:
    api, ca, certificate = make_api(), make_ca_certificate(name="our-ca"), make_certificate()
    choose(api, BasicCredentials("alice", "hunter2"))
    choose(api, certificate, Trust(validate_name=False, ca_certificates=(ca.key,)))
    entry = AuditEntry.objects.filter(action="updated security of").order_by("-revision")[0]
    thumbprint = certificate.current.thumbprint
    assert entry.changes == {
        "with credentials": ["HTTP basic as alice", f"client certificate partner-bank ({thumbprint})"],
        "validate certificate name": ["yes", "no"],
        "trusted CA certificates": ["public CAs", "public CAs, our-ca"],
    }


def test_credentials_that_are_there_already_leave_the_document_to_the_letter() -> None:
    api, certificate = make_api(), make_certificate()
    statement = f'<authentication-certificate thumbprint="{certificate.current.thumbprint.lower()}" />'
    save_policy(ALICE, api, f"<policies><inbound>{statement}</inbound></policies>")
    row = PolicyDocument.objects.get(api=api)
    choose(api, certificate, Trust(validate_name=False))
    assert document(api) == row.xml
    assert read_security(Api.objects.get()).trust == Trust(validate_name=False)


def test_a_document_that_cannot_be_saved_as_it_is_says_why_when_credentials_are_chosen() -> None:
    api, certificate = make_api(), make_certificate()
    save_policy(ALICE, api, "<policies><inbound><base /></inbound></policies>")
    row = PolicyDocument.objects.get(api=api)
    stale = '<set-header name="X"><value>{{gone}}</value></set-header>'
    update_directly(PolicyDocument, row.key, xml=row.xml.replace("<base />", f"<base />{stale}"))
    with pytest.raises(Invalid) as refused:
        choose(api, certificate)
    assert "Named value 'gone' could not be resolved." in refused.value.errors["xml"][0]


@pytest.mark.parametrize("leaving", [None, OtherCredentials("whatever")])
def test_trust_can_be_saved_on_its_own(leaving: OtherCredentials | None) -> None:
    api = make_api()
    choose(api, make_certificate())
    before = document(api)
    save_security(ALICE, api.key, credentials=leaving, trust=Trust(public_cas=False))
    assert document(api) == before
    assert read_security(Api.objects.get()).trust == Trust(public_cas=False)
