from dataclasses import replace

import pytest

from gateway import publish, snapshot_codec
from gateway.changes.base import change
from gateway.changes.policies import delete_policy, save_document
from gateway.changes.security import BasicCredentials, NoCredentials, Trust
from gateway.models import Api, CaCertificate, CertificateVersion, NamedValue
from gateway.snapshot import (
    AuthenticationBasic,
    AuthenticationCertificate,
    ForwardRequest,
    RewriteUri,
    Secret,
    Snapshot,
)
from gateway.snapshot_difference import Difference
from tests.arrange import put_in_use, set_text, update_directly
from tests.builders import (
    ALICE,
    choose,
    make_api,
    make_ca_certificate,
    make_certificate,
    make_operation,
    make_subscription,
    make_version,
)

pytestmark = pytest.mark.django_db


def everything() -> Snapshot:
    api = make_api()
    choose(api, make_certificate())
    make_operation(api, rewrite_template="/v2/{id}")
    choose(make_api("Other"), BasicCredentials("alice", "hunter2"))
    return publish.load(using="default")


def test_an_empty_configuration_still_forwards() -> None:
    policy = publish.load(using="default").policies[publish.GLOBAL]
    assert [type(statement) for statement in policy.backend] == [ForwardRequest]


def test_the_certificate_that_was_chosen_is_in_the_policy_of_the_api_and_of_its_operations() -> None:
    api, certificate = make_api(), make_certificate()
    choose(api, certificate)
    plain, rewriting = make_operation(api, "/a"), make_operation(api, "/b/{id}", rewrite_template="/c/{id}")
    snapshot = publish.load(using="default")
    of_api = snapshot.policies[snapshot.operations[str(plain.key)].policy].inbound
    of_operation = snapshot.policies[snapshot.operations[str(rewriting.key)].policy].inbound
    assert [type(s) for s in of_api] == [AuthenticationCertificate]
    assert [type(s) for s in of_operation] == [AuthenticationCertificate, RewriteUri]
    assert [s.origin.scope for s in of_operation] == ["api", "operation"]
    assert of_api[0].certificate == str(certificate.key)
    material = snapshot.certificates[str(certificate.key)]
    assert material.thumbprint == certificate.current.thumbprint
    assert material.private_key is not None


def test_an_api_and_operation_without_documents_share_the_policy_of_all_apis() -> None:
    api = make_api()
    make_operation(api)
    snapshot = publish.load(using="default")
    assert {part.policy for part in (*snapshot.apis.values(), *snapshot.operations.values())} == {
        publish.GLOBAL
    }


def test_the_basic_password_is_substituted() -> None:
    choose(make_api(), BasicCredentials("alice", "hunter2"))
    snapshot = publish.load(using="default")
    (statement,) = snapshot.policies[next(iter(snapshot.apis.values())).policy].inbound
    assert isinstance(statement, AuthenticationBasic)
    assert (statement.username, statement.password) == ("alice", Secret(b"hunter2"))


def test_nothing_changed_is_the_same_snapshot_and_unchanged_parts_are_the_same_objects() -> None:
    before = everything()
    assert publish.load(before, using="default") is before
    make_api("Third")
    after = publish.load(before, using="default")
    assert after.revision > before.revision
    for mapping in ("certificates", "trusts", "apis", "operations", "policies"):
        for key, part in getattr(before, mapping).items():
            assert getattr(after, mapping)[key] is part


def test_a_new_password_gives_the_policy_a_new_revision_though_its_document_is_the_same() -> None:
    api = make_api()
    choose(api, BasicCredentials("alice", "hunter2"))
    before = publish.load(using="default")
    choose(api, BasicCredentials("alice", "hunter3"))
    after = publish.load(before, using="default")
    assert after.policies[str(api.key)].revision > before.policies[str(api.key)].revision


def test_a_key_that_cannot_be_opened_is_a_problem_of_its_certificate_only() -> None:
    broken, healthy = make_certificate("broken"), make_certificate("healthy")
    stolen = healthy.current.sealed_private_key
    tamper(CertificateVersion, broken.current.key, sealed_private_key=stolen)
    materials = publish.load(using="default").certificates
    assert materials[str(broken.key)].private_key is None
    assert str(broken.current.key) in materials[str(broken.key)].problem
    assert materials[str(healthy.key)].problem == ""


def test_a_password_that_cannot_be_opened_is_a_problem_of_its_policy_only() -> None:
    api, other = make_api(), make_api("Other")
    choose(api, BasicCredentials("alice", "hunter2"))
    choose(other, make_certificate())
    tamper(NamedValue, NamedValue.objects.get().key, sealed_value="damaged")
    policies = publish.load(using="default").policies
    assert policies[str(api.key)].problem
    assert policies[str(api.key)].inbound == ()
    assert not policies[str(other.key)].problem


@pytest.mark.parametrize("kind", ["certificates", "policies", "subscriptions"])
def test_what_could_not_be_opened_is_tried_again_though_no_revision_says_so(kind: str) -> None:
    certificate, subscription, api = make_certificate(), make_subscription(), make_api()
    choose(api, BasicCredentials("alice", "hunter2"))
    row, column, key = {
        "certificates": (certificate.current, "sealed_private_key", certificate.key),
        "policies": (NamedValue.objects.get(), "sealed_value", api.key),
        "subscriptions": (subscription, "sealed_primary_key", subscription.key),
    }[kind]
    whole = getattr(row, column)
    update_directly(
        type(row), row.pk, **{column: "damaged"}, revision=publish.current_revision("default") + 1
    )
    before = publish.load(using="default")
    update_directly(type(row), row.pk, **{column: whole})
    after = publish.load(before, using="default")
    assert getattr(before, kind)[str(key)].problem
    assert not getattr(after, kind)[str(key)].problem


def inbound_of(api: Api, statement: str) -> None:
    with change(ALICE) as this:
        save_document(this, api, f"<policies><inbound><base />{statement}</inbound></policies>")


def test_a_document_that_was_not_rewritten_does_not_find_a_certificate_by_its_former_thumbprint() -> None:
    api, certificate = make_api(), make_certificate()
    inbound_of(api, f'<authentication-certificate thumbprint="{certificate.current.thumbprint}" />')
    before = publish.load(using="default")
    put_in_use(make_version(certificate))
    after = publish.load(before, using="default")
    assert not before.policies[str(api.key)].problem
    assert "could not be resolved" in after.policies[str(api.key)].problem


def test_a_named_value_that_names_a_certificate_names_another_one_at_once() -> None:
    api, one, two = make_api(), make_certificate("one"), make_certificate("two")
    set_text("which", "one")
    inbound_of(api, '<authentication-certificate certificate-id="{{which}}" />')
    before = publish.load(using="default")
    set_text("which", "TWO")
    after = publish.load(before, using="default")
    presented = [snapshot.policies[str(api.key)].inbound[0] for snapshot in (before, after)]
    assert [statement.certificate for statement in presented] == [str(one.key), str(two.key)]


def test_a_ca_certificate_that_is_written_anew_changes_every_trust_in_it() -> None:
    api, ca = make_api(), make_ca_certificate()
    choose(api, make_certificate(), Trust(ca_certificates=(ca.key,)))
    before = publish.load(using="default")
    update_directly(CaCertificate, ca.key, pem="other", revision=publish.current_revision("default") + 1)
    assert publish.load(before, using="default").trusts[str(api.key)].authorities_pem == ("other",)


def test_a_trust_says_whether_an_expired_certificate_is_presented() -> None:
    api = make_api()
    before = publish.load(using="default")
    choose(api, NoCredentials(), Trust(refuse_expired=True))
    after = publish.load(before, using="default")
    assert [s.trusts[str(api.key)].refuse_expired for s in (before, after)] == [False, True]


def test_a_whole_reading_of_what_is_known_differs_in_nothing() -> None:
    now = everything()
    difference = publish.read_difference(now, using="default", whole=True)
    assert difference == Difference(now.revision, now.revision)


def test_a_snapshot_that_is_newer_than_the_database_is_read_anew() -> None:
    now = everything()
    other = replace(now, revision=now.revision + 10, apis={}, certificates={})
    assert publish.load(other, using="default") == now


def test_a_document_that_goes_leaves_its_api_to_the_policy_of_all_apis() -> None:
    api = make_api()
    operation = make_operation(api)
    choose(api, make_certificate())
    before = publish.load(using="default")
    delete_policy(ALICE, api)
    after = publish.load(before, using="default")
    assert before.operations[str(operation.key)].policy == str(api.key)
    assert after.apis[str(api.key)].policy == after.operations[str(operation.key)].policy == publish.GLOBAL
    assert str(api.key) not in after.policies


def tamper(model: type, key: object, **columns: str) -> None:
    update_directly(model, key, **columns)


def test_no_repr_of_a_snapshot_shows_a_secret() -> None:
    snapshot = everything()
    assert "hunter2" not in repr(snapshot)
    keys = [m.private_key.reveal() for m in snapshot.certificates.values() if m.private_key]
    assert keys
    assert not [key for key in keys if repr(key)[2:40] in repr(snapshot)]


def test_a_snapshot_survives_the_codec() -> None:
    snapshot = everything()
    assert snapshot_codec.decode(snapshot_codec.encode(snapshot)) == snapshot


def test_a_document_that_names_what_is_not_there_is_refused() -> None:
    from gateway.errors import Invalid

    text = '<policies><inbound><base /><authentication-certificate certificate-id="nobody" /></inbound></policies>'
    with pytest.raises(Invalid) as refused, change(ALICE) as this:
        save_document(this, make_api(), text)
    assert "could not be resolved" in str(refused.value)
