"""Replace everywhere: every policy that names one certificate names another, in one confirmed change."""

import pytest

from gateway import publish
from gateway.changes.certificate_moves import move_everywhere, planned_moves
from gateway.changes.certificates import delete_certificate
from gateway.changes.policies import document_of, save_policy
from gateway.changes.policy_rewriting import unreadable_uses
from gateway.errors import EditConflict, InUse, Invalid, NotFound, Use
from gateway.models import (
    Api,
    AuditEntry,
    Certificate,
    CertificateVersion,
    PolicyDocument,
    PolicyVersion,
    Revision,
)
from tests.arrange import update_directly
from tests.builders import ALICE, choose, make_api, make_certificate, make_named_value, make_operation, renew

pytestmark = pytest.mark.django_db


def inbound(*statements: str) -> str:
    return f"<policies><inbound><base />{''.join(statements)}</inbound></policies>"


def by(name: str, text: str) -> str:
    return f'<authentication-certificate {name}="{text}" />'


@pytest.fixture
def certificates() -> tuple[Certificate, Certificate, Certificate]:
    return make_certificate("old"), make_certificate("new"), make_certificate("other")


def uses(certificate: Certificate, to: Certificate) -> tuple[Use, ...]:
    return tuple(each.use for each in planned_moves(certificate, to))


def test_everything_that_names_it_in_whatever_way_names_the_other_one(
    certificates: tuple[Certificate, Certificate, Certificate],
) -> None:
    old, new, other = certificates
    api, alone = make_api(), make_api("Alone")
    operation = make_operation(api)
    make_named_value("which", "OLD")
    make_named_value("print", old.current.thumbprint)
    others = by("certificate-id", "other"), by("thumbprint", other.current.thumbprint)
    save_policy(ALICE, None, inbound(by("thumbprint", "{{print}}"), *others))
    save_policy(
        ALICE, api, inbound(by("certificate-id", "{{which}}"), *others, by("certificate-id", " Old "))
    )
    save_policy(ALICE, operation, inbound(by("thumbprint", old.current.thumbprint.lower()), *others))
    choose(alone, other)
    planned = planned_moves(old, new)
    names = ["All APIs", "Partner Bank", "Partner Bank / GET /accounts/{id}"]
    assert [str(each.use) for each in planned] == names
    moved = move_everywhere(ALICE, old.key, new.key, uses=[each.use for each in reversed(planned)])
    assert [str(use) for use in moved.uses] == names
    to = by("certificate-id", "new")
    assert document_of(None).xml == inbound(to, *others)
    assert document_of(api).xml == inbound(to, *others, to)
    assert document_of(operation).xml == inbound(to, *others)
    old.refresh_from_db()
    assert old.uses == ()
    assert {str(use) for use in new.uses} == set(names)
    snapshot = publish.load(using="default")
    assert snapshot.policies[str(operation.key)].certificates[-1] == str(other.key)
    assert not any(policy.problem for policy in snapshot.policies.values())
    history = PolicyVersion.objects.filter(revision=moved.revision)
    assert set(history.values_list("action", flat=True)) == {"rewritten"}
    entry = AuditEntry.objects.get(revision=moved.revision, object_key=old.key)
    assert entry.action == "replaced everywhere"
    assert entry.changes == {"certificate": ["old", "new"], "policies rewritten": ["", ", ".join(names)]}
    delete_certificate(ALICE, old.key)


def test_a_use_that_came_or_went_since_it_was_confirmed_is_a_conflict(
    certificates: tuple[Certificate, Certificate, Certificate],
) -> None:
    old, new, _ = certificates
    one, two = make_api("One"), make_api("Two")
    choose(one, old)
    confirmed = uses(old, new)
    choose(two, old)
    before = Revision.objects.get().number
    for wrong in (confirmed, (), (*uses(old, new), Use("global"))):
        with pytest.raises(EditConflict):
            move_everywhere(ALICE, old.key, new.key, uses=wrong)
    assert Revision.objects.get().number == before
    move_everywhere(ALICE, old.key, new.key, uses=uses(old, new))
    with pytest.raises(EditConflict):
        move_everywhere(ALICE, old.key, new.key, uses=confirmed)


def test_what_it_cannot_be_moved_to_is_refused(
    certificates: tuple[Certificate, Certificate, Certificate],
) -> None:
    old, new, other = certificates
    choose(make_api(), old)
    confirmed = uses(old, new)
    delete_certificate(ALICE, other.key)
    version = new.current
    update_directly(CertificateVersion, version.key, sealed_private_key="damaged")
    for to, words in ((old, "to be replaced"), (other, "deleted meanwhile"), (new, "cannot be opened")):
        with pytest.raises(Invalid) as refused:
            move_everywhere(ALICE, old.key, to.key, uses=confirmed)
        assert words in refused.value.errors["to"][0]
    update_directly(CertificateVersion, version.key, sealed_private_key=version.sealed_private_key)
    with pytest.raises(NotFound):
        move_everywhere(ALICE, other.key, new.key, uses=confirmed)
    with pytest.raises(Invalid, match="No policy that can be read names “new”"):
        move_everywhere(ALICE, new.key, old.key, uses=())


def test_a_certificate_that_has_expired_may_be_moved_to(
    certificates: tuple[Certificate, Certificate, Certificate],
) -> None:
    old, new, _ = certificates
    choose(make_api(), old)
    update_directly(CertificateVersion, new.current.key, not_after=new.current.not_before)
    assert move_everywhere(ALICE, old.key, new.key, uses=uses(old, new)).uses


def test_an_api_that_calls_its_back_end_without_https_is_named(
    certificates: tuple[Certificate, Certificate, Certificate],
) -> None:
    old, new, _ = certificates
    api = make_api()
    choose(api, old)
    update_directly(Api, api.key, web_service_url="http://bank.example")
    with pytest.raises(Invalid) as refused:
        move_everywhere(ALICE, old.key, new.key, uses=uses(old, new))
    assert "“Partner Bank” calls its back end without https" in refused.value.errors["to"][0]
    elsewhere = '<set-backend-service base-url="https://other.example" />'
    save_policy(ALICE, api, inbound(by("certificate-id", "old"), elsewhere))
    assert move_everywhere(ALICE, old.key, new.key, uses=uses(old, new)).uses


def test_a_policy_that_cannot_be_read_is_named_and_goes_on_referring_to_it(
    certificates: tuple[Certificate, Certificate, Certificate],
) -> None:
    old, new, _ = certificates
    newer, well = make_api("Newer"), make_api("Well")
    for api in (newer, well):
        choose(api, old)
    xml = document_of(newer).xml.replace("<base />", "<of-a-newer-release />")
    update_directly(PolicyDocument, document_of(newer).pk, xml=xml)
    assert [str(use) for use in unreadable_uses(old)] == ["Newer"]
    assert [str(use) for use in move_everywhere(ALICE, old.key, new.key, uses=uses(old, new)).uses] == [
        "Well"
    ]
    assert document_of(newer).xml == xml
    with pytest.raises(InUse):
        delete_certificate(ALICE, old.key)


def test_a_certificate_that_was_renewed_is_moved_with_what_names_its_former_thumbprints(
    certificates: tuple[Certificate, Certificate, Certificate],
) -> None:
    old, new, _ = certificates
    api = make_api()
    save_policy(ALICE, api, inbound(by("thumbprint", old.current.thumbprint)))
    renew(old)
    move_everywhere(ALICE, old.key, new.key, uses=uses(old, new))
    assert document_of(api).xml == inbound(by("certificate-id", "new"))
