import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from gateway import records_traces
from gateway.changes.apis import Limits
from gateway.changes.policies import save_policy
from gateway.changes.principals import WHICH, create_principal, get_principal, regenerate_key
from gateway.changes.security import BasicCredentials, NoCredentials, read_security
from gateway.models import (
    Api,
    AuditEntry,
    BackEnd,
    Certificate,
    CertificateVersion,
    NamedValue,
    Operation,
    PolicyReference,
    PolicyVersion,
    Principal,
    SigningRequest,
    Subscription,
    Trace,
)
from tests.builders import (
    ALICE,
    choose,
    make_api,
    make_back_end,
    make_ca_certificate,
    make_certificate,
    make_named_value,
    make_operation,
    make_signing_request,
    make_subscription,
    make_version,
    use_named_value,
)

CONFIGURATION = [model for model in admin.site._registry if model._meta.app_label == "gateway"]


def changelist(model: type, **query: str) -> str:
    return reverse(f"admin:gateway_{model._meta.model_name}_changelist", query=query or None)


def act(client: Client, action: str, *rows: object) -> str:
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return client.post(changelist(type(rows[0])), data, follow=True).content.decode()


@pytest.mark.parametrize("model", CONFIGURATION, ids=lambda model: model.__name__)
def test_every_table_can_be_seen_and_searched_but_not_edited(model: type, reader_client: Client) -> None:
    api = make_api()
    make_operation(api, rewrite_template="/v2/{id}")
    choose(api, BasicCredentials("alice", "hunter2"))
    make_signing_request(make_certificate())
    make_ca_certificate()
    make_subscription("Bank app", api, primary_key="hunter2-hunter2-hunter2")
    make_named_value("bank-key", "hunter2", secret=True)
    make_back_end()
    page = reader_client.get(changelist(model, q="bank"))
    assert page.status_code == 200
    assert reader_client.get(reverse(f"admin:gateway_{model._meta.model_name}_add")).status_code == 403
    row = model._default_manager.first()
    if row:
        one = reader_client.get(reverse(f"admin:gateway_{model._meta.model_name}_change", args=[row.pk]))
        assert one.status_code == 200
        assert b'name="_save"' not in one.content
        assert b"hunter2" not in one.content


def test_no_page_shows_a_sealed_key(administrator_client: Client) -> None:
    version = make_certificate().current
    page = administrator_client.get(reverse("admin:gateway_certificateversion_change", args=[version.pk]))
    assert version.thumbprint in page.content.decode()
    assert version.sealed_private_key not in page.content.decode()


def test_signing_requests_are_seen_without_their_keys_and_deleted(administrator_client: Client) -> None:
    row = make_signing_request()
    one = reverse("admin:gateway_signingrequest_change", args=[row.pk])
    for address in (changelist(SigningRequest, q="partner"), one):
        page = administrator_client.get(address).content.decode()
        assert row.subject in page
        assert "sealed" not in page
        assert row.sealed_private_key not in page
    assert "1 deleted." in act(administrator_client, "delete_requests", row)
    assert not SigningRequest.objects.exists()


def test_versions_are_used_and_removed_through_the_changes(administrator_client: Client) -> None:
    certificate = make_certificate()
    first, second = certificate.current, make_version(certificate)
    assert "1 in use." in act(administrator_client, "use", second)
    certificate.refresh_from_db()
    assert certificate.current == second
    page = act(administrator_client, "remove", first, second)
    assert "1 removed." in page
    assert "version 2: Version 2 is in use. Use another version first" in page
    assert list(certificate.versions.all()) == [second]


def test_no_page_shows_a_subscription_key_sealed_or_open(administrator_client: Client) -> None:
    row = make_subscription("Bank app", owner="Alice Ansley")
    one = reverse("admin:gateway_subscription_change", args=[row.pk])
    for address in (changelist(Subscription, q="ansley"), one):
        page = administrator_client.get(address).content.decode()
        assert "Alice Ansley" in page
        assert "All APIs" in page or address == one
        assert "sealed" not in page
        assert row.sealed_primary_key not in page
        assert row.sealed_secondary_key not in page


def test_no_page_shows_a_key_of_a_principal_sealed_or_open(administrator_client: Client) -> None:
    row = create_principal(ALICE, identifier="pipeline", role="reader")
    keys = [regenerate_key(ALICE, row.key, which) for which in WHICH]
    row = get_principal(row.key)
    one = reverse("admin:gateway_principal_change", args=[row.pk])
    for address in (changelist(Principal, q="pipe"), one):
        page = administrator_client.get(address).content.decode()
        assert "pipeline" in page
        assert "sealed" not in page
        assert not [key for key in (*keys, row.sealed_primary_key, row.sealed_secondary_key) if key in page]


def test_subscriptions_are_suspended_activated_and_cancelled_through_the_changes(
    administrator_client: Client,
) -> None:
    first, second = make_subscription("First"), make_subscription("Second")

    def states() -> list[str]:
        return list(Subscription.objects.order_by("display_name").values_list("state", flat=True))

    assert "2 suspended." in act(administrator_client, "suspend", first, second)
    assert states() == ["suspended", "suspended"]
    act(administrator_client, "cancel", first)
    page = act(administrator_client, "activate", first, second)
    assert states() == ["cancelled", "active"]
    assert "First: “First” is cancelled, which is final." in page
    assert "1 activated." in page
    entry = AuditEntry.objects.latest("revision")
    assert (entry.actor_name, entry.action, entry.object_name) == ("alice", "activated", "Second")


def test_the_list_of_apis_shows_who_is_let_in_and_the_limits(reader_client: Client) -> None:
    make_api("Open", subscription_required=False, limits=Limits(read_timeout=30, max_calls=7))
    make_api("Closed")
    page = reader_client.get(changelist(Api)).content.decode()
    assert "read_timeout 30, max_calls 7" in page
    open_ones = reader_client.get(changelist(Api, subscription_required__exact="0")).content.decode()
    assert "Open" in open_ones
    assert "Closed" not in open_ones


def test_a_pasted_thumbprint_is_found_whatever_separates_its_digits(administrator_client: Client) -> None:
    wanted, other = make_certificate("wanted").current, make_certificate("other").current
    digits = wanted.thumbprint.lower()
    pasted = "\u200e" + " ".join(digits[n : n + 2] for n in range(0, 40, 2))
    page = administrator_client.get(changelist(CertificateVersion, q=pasted)).content.decode()
    assert wanted.thumbprint in page
    assert other.thumbprint not in page


def test_an_action_goes_through_the_changes_and_tells_what_was_refused(administrator_client: Client) -> None:
    used, unused, api = make_certificate("used"), make_certificate("unused"), make_api()
    choose(api, used)
    page = act(administrator_client, "delete_unused", used, unused)
    assert list(Certificate.objects.all()) == [used]
    assert "Used by: Partner Bank." in page
    entry = AuditEntry.objects.order_by("-revision")[0]
    assert (entry.actor_name, entry.action, entry.object_name) == ("alice", "deleted", "unused")


def test_credentials_operations_and_apis_can_be_taken_away(administrator_client: Client) -> None:
    api = make_api()
    operation = make_operation(api)
    choose(api, make_certificate())
    act(administrator_client, "present_nothing", api)
    assert read_security(api).credentials == NoCredentials()
    act(administrator_client, "delete_operations", operation)
    assert not Operation.objects.exists()
    act(administrator_client, "delete_apis", api)
    assert not Api.objects.exists()


def test_named_values_are_listed_without_secrets_and_only_unused_ones_are_deleted(
    administrator_client: Client,
) -> None:
    used, unused = make_named_value("used", "hunter2", secret=True), make_named_value("unused", tags=["bank"])
    use_named_value("used", make_api())
    page = administrator_client.get(changelist(NamedValue)).content.decode()
    assert "a value" in page
    assert "bank" in page
    for one in (page, administrator_client.get(changelist(NamedValue, q="hunter2")).content.decode()):
        assert "sealed" not in one
        assert used.sealed_value not in one
    page = act(administrator_client, "delete_unused", used, unused)
    assert list(NamedValue.objects.all()) == [used]
    assert "Used by: Partner Bank." in page
    assert "1 deleted." in page


def test_back_ends_are_listed_and_only_unused_ones_are_deleted(administrator_client: Client) -> None:
    used, unused = make_back_end("used"), make_back_end("unused", "https://other.example")
    statement = '<set-backend-service backend-id="used" />'
    save_policy(ALICE, make_api(), f"<policies><inbound>{statement}</inbound></policies>")
    assert "https://other.example" in administrator_client.get(changelist(BackEnd)).content.decode()
    assert "used" in administrator_client.get(changelist(PolicyReference, q="used")).content.decode()
    page = act(administrator_client, "delete_unused", used, unused)
    assert list(BackEnd.objects.all()) == [used]
    assert "Used by: Partner Bank." in page


def test_the_versions_of_documents_tell_who_saved_what_where(reader_client: Client) -> None:
    api = make_api()
    use_named_value(
        make_named_value("partner-key").resource_id, None, make_operation(api, display_name="Get account")
    )
    page = reader_client.get(changelist(PolicyVersion)).content.decode()
    for words in ("All APIs", "Partner Bank / Get account", "saved", "alice"):
        assert words in page
    found = reader_client.get(changelist(PolicyVersion, q="partner-key")).content.decode()
    assert "2 results" in found


def test_traces_are_listed_without_their_addresses_and_shown_without_what_they_say(
    reader_client: Client,
) -> None:
    row = Trace(at=timezone.now(), api="partner-bank", content={"said": "hunter2"})
    records_traces.write([row])
    listed = reader_client.get(changelist(Trace)).content.decode()
    assert "partner-bank" in listed
    assert str(row.key) not in listed
    one = reader_client.get(reverse("admin:gateway_trace_change", args=[row.key])).content.decode()
    assert "partner-bank" in one
    assert "hunter2" not in one


def test_a_reader_is_offered_no_action(reader_client: Client) -> None:
    certificate = make_certificate()
    assert b"delete_unused" not in reader_client.get(changelist(Certificate)).content
    act(reader_client, "delete_unused", certificate)
    assert Certificate.objects.exists()


def test_a_reader_cannot_end_a_subscription(reader_client: Client) -> None:
    row = make_subscription()
    assert b'value="cancel"' not in reader_client.get(changelist(Subscription)).content
    act(reader_client, "cancel", row)
    row.refresh_from_db()
    assert row.state == "active"


def test_accounts_are_for_administrators(administrator_client: Client, reader_client: Client) -> None:
    assert administrator_client.get(reverse("admin:auth_user_changelist")).status_code == 200
    assert reader_client.get(reverse("admin:auth_user_changelist")).status_code == 403


def test_a_stranger_is_not_let_in(stranger_client: Client) -> None:
    assert stranger_client.get(reverse("admin:index")).status_code == 302


def test_somebody_with_a_role_needs_no_second_sign_in(reader_client: Client) -> None:
    answer = reader_client.get("/admin/login/", {"next": "/admin/gateway/api/"})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/gateway/api/")
