"""Security > Client certificates > Replace: upload, compare, confirm, roll back, remove; and two people at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from gateway.changes.certificate_versions import add_version, remove_version, use_version
from gateway.changes.certificates import delete_certificate
from gateway.changes.policies import save_policy
from gateway.changes.signing_requests import complete_signing_request
from gateway.models import AuditEntry, Certificate, CertificateVersion, PolicyDocument, PolicyVersion
from tests import pki
from tests.arrange_certificates import hold, present
from tests.builders import (
    ALICE,
    PASSWORD,
    choose,
    issued_for,
    make_api,
    make_certificate,
    make_operation,
    make_signing_request,
    make_version,
)
from tests.portal.reading import banners, errors_beside, heading, link, text_of

USE = "Use it from now on"


def path_of(version: CertificateVersion, route: str = "certificate-version") -> str:
    return reverse(route, args=[version.certificate_id, version.number])


def confirm(client: Client, version: CertificateVersion, seen: Any = None, **extra: Any) -> Any:
    """Open the page, unless it was `seen` before, and confirm."""
    path = path_of(version)
    form = (seen or client.get(path)).context["form"]
    sent = {name: form[name].value() for name in ("revision", "seal")}
    return client.post(path, sent, **extra)


def current(certificate: Certificate) -> int:
    version = Certificate.objects.get(pk=certificate.pk).current
    assert version
    return version.number


def name_by_thumbprint(scope: Any, certificate: Certificate) -> str:
    """A policy with a comment and odd spaces, of which nothing else may change."""
    assert certificate.current
    statement = f'<authentication-certificate  thumbprint = "{certificate.current.thumbprint}"/><!-- bank -->'
    xml = f"<policies>\n  <inbound><base/>\n    {statement}\n  </inbound>\n</policies>\n"
    save_policy(ALICE, scope, xml)
    return xml


def changed_rows(response: Any) -> set[str]:
    return {row.label for row in response.context["rows"] if row.changed}


# --- upload -------------------------------------------------------------------------------------------------------
def upload(
    client: Client, certificate: Certificate, data: bytes, password: str = PASSWORD, **more: str
) -> Any:
    path = reverse("certificate-replace", args=[certificate.pk])
    sent = {"file": SimpleUploadedFile("new.pfx", data), "password": password, **more}
    return client.post(path, sent, follow=True)


def test_the_successor_is_uploaded_into_the_same_name_and_compared(administrator_client: Client) -> None:
    certificate = make_certificate("partner-bank")
    assert "version 1, CN=partner-bank" in text_of(
        administrator_client.get(reverse("certificate-replace", args=[certificate.pk]))
    )
    issued = pki.self_signed("partner-bank")
    response = upload(administrator_client, certificate, pki.pfx(issued, PASSWORD.encode()))
    assert response.redirect_chain == [(path_of(CertificateVersion.objects.get(number=2)), 302)]
    assert heading(response) == "partner-bank - version 2"
    assert banners(response) == [("success", "Version 2 was uploaded. Nothing presents it yet.")]
    assert issued.thumbprint in text_of(response)
    assert (Certificate.objects.count(), current(certificate)) == (1, 1)


def test_a_successor_that_is_under_way_is_told_of(administrator_client: Client) -> None:
    certificate = make_certificate()
    path = reverse("certificate-replace", args=[certificate.pk])
    assert "under way" not in text_of(administrator_client.get(path))
    request = make_signing_request(certificate)
    page = administrator_client.get(path)
    assert link(page, "Open the signing request") == reverse("signing-request", args=[request.pk])
    assert "No file yet?" not in text_of(page)
    version = make_version(certificate)
    assert link(administrator_client.get(path), "Compare and use version 2") == path_of(version)


def test_a_wrong_password_is_said_beside_its_field(administrator_client: Client) -> None:
    certificate = make_certificate()
    data = pki.pfx(pki.self_signed("partner-bank"), PASSWORD.encode())
    response = upload(administrator_client, certificate, data, "wrong")
    assert errors_beside(response, "password") == ["The password is wrong or the file is damaged."]
    assert CertificateVersion.objects.count() == 1


def test_what_is_here_already_is_not_uploaded_again(administrator_client: Client) -> None:
    issued = pki.self_signed("partner-bank")
    certificate = make_certificate()
    upload(administrator_client, certificate, pki.pfx(issued, PASSWORD.encode()))
    response = upload(administrator_client, certificate, pki.pfx(issued, PASSWORD.encode()))
    assert "version 2 of “partner-bank” already" in errors_beside(response, "file")[0]


def test_a_renewal_for_the_same_key_is_not_told_to_go_where_it_goes(administrator_client: Client) -> None:
    key = pki.make_key()
    first, renewed = (pki.pfx(pki.self_signed("bank", key=key), PASSWORD.encode()) for _ in range(2))
    certificate, other = (make_certificate(name) for name in ("bank", "other"))
    upload(administrator_client, certificate, first)
    response = upload(administrator_client, certificate, first, check="1")
    assert "Problem: This is version 2 of “bank” already." in text_of(response)
    assert "same key" not in text_of(upload(administrator_client, certificate, renewed, check="1"))
    assert "same key as “bank”" in text_of(upload(administrator_client, other, renewed, check="1"))


def test_what_was_odd_about_the_file_is_said_once(administrator_client: Client) -> None:
    now = datetime.now(UTC)
    times = {"not_before": now - timedelta(days=90), "not_after": now + timedelta(days=9)}
    issued = pki.self_signed("partner-bank", **times)
    response = upload(administrator_client, make_certificate(), pki.openssl_pfx(issued, PASSWORD, "-legacy"))
    said = [text for _, text in banners(response)[1:]]
    assert len(said) == 1  # what there is to know about the certificate stands further below
    assert said[0].startswith("Version 2: ")
    assert "encrypt" in said[0]
    assert "expires-soon" in {finding.code for finding in response.context["findings"]}


def test_check_stores_nothing(administrator_client: Client) -> None:
    certificate = make_certificate()
    data = pki.pfx(pki.self_signed("partner-bank"), PASSWORD.encode())
    path = reverse("certificate-replace", args=[certificate.pk])
    sent = {"file": SimpleUploadedFile("new.pfx", data), "password": PASSWORD, "check": "1"}
    assert administrator_client.post(path, sent).context["checked"]
    assert certificate.versions.count() == 1


# --- compare ------------------------------------------------------------------------------------------------------
def test_both_are_side_by_side_and_what_changed_is_marked(administrator_client: Client) -> None:
    certificate = make_certificate(sans=["a.example", "b.example"])
    version = make_version(certificate, sans=["b.example", "c.example"], key_type="ec384")
    response = administrator_client.get(path_of(version))
    assert certificate.current
    text, page = text_of(response), response.content.decode()
    for side in (certificate.current, version):
        for shown in (side.thumbprint, side.sha256, side.serial_number, side.key_type):
            assert shown in text
    assert changed_rows(response) == {
        "Alternative names", "Key type", "Serial number", "Public key (SHA-256)",
        "Thumbprint (SHA-1)", "Thumbprint (SHA-256)",
    } | (changed_rows(response) & {"Valid from", "Valid until"})  # fmt: skip
    assert page.count("≠") == len(changed_rows(response))
    assert "It no longer has these alternative names: a.example." in text
    test = reverse("certificate-test", args=[certificate.pk], query={"version": version.number})
    assert link(response, "Test connection") == test
    assert "another subject" not in text


def test_the_same_key_and_names_in_another_order_are_no_change(administrator_client: Client) -> None:
    key = pki.make_key()
    certificate = make_certificate(sans=["a.example", "b.example"], key=key)
    response = administrator_client.get(
        path_of(make_version(certificate, sans=["b.example", "a.example"], key=key))
    )
    assert not changed_rows(response) & {"Public key (SHA-256)", "Alternative names", "Subject", "Issuer"}


def test_one_that_back_ends_may_refuse_is_warned_of(administrator_client: Client) -> None:
    now, ca = datetime.now(UTC), pki.make_ca("Other CA")
    certificate = make_certificate(not_after=now + timedelta(days=100))
    other = pki.issue(ca, "partner-insurance", not_after=now + timedelta(days=50))
    data = pki.pfx(other, PASSWORD.encode())
    version = add_version(ALICE, certificate.pk, data=data, password=PASSWORD)
    text = text_of(administrator_client.get(path_of(version)))
    for warning in ("It has another subject.", "It has another issuer.", "before the one that is in use now"):
        assert warning in text
    assert "Other CA" in text


@pytest.mark.parametrize(
    ("issued", "words"),
    [
        ({"not_after": datetime.now(UTC) - timedelta(days=1)}, "It expired on"),
        ({"not_before": datetime.now(UTC) + timedelta(days=1)}, "It is not valid before"),
    ],
    ids=["expired", "early"],
)
def test_one_that_is_not_valid_now_is_warned_of(
    administrator_client: Client, issued: dict[str, datetime], words: str
) -> None:
    version = make_version(make_certificate(), **issued)
    response = administrator_client.get(path_of(version))
    assert words in response.context["cautions"][0]
    assert USE in text_of(response)  # a warning, no ban


def test_everything_that_follows_is_listed_and_linked(administrator_client: Client) -> None:
    certificate = make_certificate("bank", name="bank")
    api = make_api("Partner Bank")
    choose(api, certificate)
    operation = make_operation(make_api("Insurance"), display_name="List claims")
    name_by_thumbprint(operation, certificate)
    response = administrator_client.get(path_of(make_version(certificate, "bank")))
    assert link(response, "Partner Bank") == reverse("api-security", args=["partner-bank"])
    policy = reverse("policy-operation", args=["insurance", operation.resource_id])
    assert policy in response.content.decode()
    assert [rewrite.text for rewrite in response.context["rewrites"]] == ["Insurance / List claims"]
    assert 'certificate-id="bank"' in text_of(response).replace(" = ", "=")


# --- confirm ------------------------------------------------------------------------------------------------------
def test_one_confirmation_puts_it_into_use_for_every_api(administrator_client: Client) -> None:
    certificate = make_certificate()
    for name in ("Partner Bank", "Insurance"):
        choose(make_api(name), certificate)
    response = confirm(administrator_client, make_version(certificate), follow=True)
    (kind, said), (_, back) = banners(response)[:2]
    assert current(certificate) == 2
    assert kind == "success"
    assert said.startswith("From now on, version 2 of partner-bank is presented. 2 APIs follow. ")
    assert "takes effect" in said
    assert "Version 1 stays below, under Versions" in back


def test_policies_that_name_it_by_thumbprint_are_rewritten_and_nothing_else_in_them(
    administrator_client: Client,
) -> None:
    certificate, api = make_certificate("bank", name="bank"), make_api("Partner Bank")
    xml = name_by_thumbprint(api, certificate)
    assert certificate.current
    response = confirm(administrator_client, make_version(certificate, "bank"), follow=True)
    thumbprint = f'thumbprint = "{certificate.current.thumbprint}"'
    text = PolicyDocument.objects.get(api=api).xml
    before, after = xml.split(thumbprint)
    assert (text.startswith(before), text.endswith(after)) == (True, True)
    assert text[len(before) : -len(after)].replace(" ", "") == 'certificate-id="bank"'
    assert PolicyVersion.objects.filter(api=api).latest("revision").action == "rewritten"
    said = "Partner Bank follows. The policy of Partner Bank was rewritten to name it by its id."
    assert said in text_of(response)


def test_rolling_back_is_the_same_page_of_an_older_version(administrator_client: Client) -> None:
    certificate = make_certificate()
    first = certificate.current
    assert first
    version = make_version(certificate)
    use_version(ALICE, certificate.pk, version.pk)
    page = administrator_client.get(path_of(first))
    assert "Roll back to version 1" in text_of(page)
    assert USE not in text_of(page)
    response = confirm(administrator_client, first, page, follow=True)
    assert current(certificate) == 1
    assert "version 1 of partner-bank is presented" in banners(response)[0][1]


def test_an_older_version_that_never_was_in_use_is_no_step_back(administrator_client: Client) -> None:
    certificate = make_certificate()
    skipped, version = make_version(certificate), make_version(certificate)
    use_version(ALICE, certificate.pk, version.pk)
    text = text_of(administrator_client.get(path_of(skipped)))
    assert "Nothing presents version 2 yet." in text
    assert (USE in text, "Roll back" in text) == (True, False)


def test_one_that_was_presented_before_it_was_uploaded_again_is_no_step_back(
    administrator_client: Client,
) -> None:
    version = make_version(make_certificate())
    present(version.thumbprint, at=version.created_at - timedelta(days=1))
    assert USE in text_of(administrator_client.get(path_of(version)))
    present(version.thumbprint, "insurance", at=version.created_at + timedelta(seconds=1))
    assert USE not in text_of(administrator_client.get(path_of(version)))


def test_one_that_was_in_use_before_it_was_uploaded_again_waits_to_be_used(
    administrator_client: Client,
) -> None:
    certificate, data = make_certificate(), pki.pfx(pki.self_signed("successor"), password=b"")
    first, second = certificate.current, add_version(ALICE, certificate.pk, data=data, password="")
    assert first
    use_version(ALICE, certificate.pk, second.pk)
    use_version(ALICE, certificate.pk, first.pk)
    remove_version(ALICE, certificate.pk, second.pk)
    again = add_version(ALICE, certificate.pk, data=data, password="")
    assert USE in text_of(administrator_client.get(path_of(again)))


def test_going_forward_again_is_not_called_a_step_back(administrator_client: Client) -> None:
    certificate = make_certificate()
    first, second = certificate.current, make_version(certificate)
    assert first
    use_version(ALICE, certificate.pk, second.pk)
    use_version(ALICE, certificate.pk, first.pk)
    assert "Use version 2 again" in text_of(administrator_client.get(path_of(second)))
    page = text_of(administrator_client.get(f"/security/client-certificates/{certificate.pk}/"))
    assert ("Use again version 2" in page, "Roll back" in page) == (True, False)


def test_the_version_in_use_has_nothing_to_confirm(administrator_client: Client) -> None:
    version = make_certificate().current
    assert version
    response = administrator_client.get(path_of(version))
    assert "This version is in use" in text_of(response)
    assert USE not in text_of(response)
    response = confirm(administrator_client, version)
    assert "Version 1 is in use already" in text_of(response)


# --- somebody else, meanwhile -------------------------------------------------------------------------------------
def test_somebody_else_replaced_it_meanwhile(administrator_client: Client) -> None:
    certificate = make_certificate()
    mine, theirs = make_version(certificate), make_version(certificate)
    seen = administrator_client.get(path_of(mine))
    use_version(ALICE, certificate.pk, theirs.pk)
    response = confirm(administrator_client, mine, seen)
    assert response.status_code == 409
    assert "Your change was not made: version 3 is in use now." in text_of(response)
    assert current(certificate) == 3
    assert confirm(administrator_client, mine, response).status_code == 302
    assert current(certificate) == 2


def test_somebody_else_confirmed_the_same_version_which_rewrote_the_policies(
    administrator_client: Client,
) -> None:
    certificate, api = make_certificate("bank", name="bank"), make_api("Partner Bank")
    name_by_thumbprint(api, certificate)
    version = make_version(certificate, "bank")
    seen = administrator_client.get(path_of(version))
    use_version(ALICE, certificate.pk, version.pk)
    response = confirm(administrator_client, version, seen)
    assert response.status_code == 409
    assert "changed this certificate. Your change was not made: version 2 is in use now." in text_of(response)
    assert "Policies that are rewritten" not in text_of(response)


def test_whoever_had_been_signed_out_confirms_what_is_shown_then(
    administrator_client: Client, administrator: User
) -> None:
    certificate = make_certificate("bank", name="bank")
    mine, theirs = make_version(certificate), make_version(certificate)
    seen = administrator_client.get(path_of(mine))
    session = administrator_client.session
    session["session_seen_at"] = 0
    session.save()
    assert "/sign-in/" in confirm(administrator_client, mine, seen).url
    use_version(ALICE, certificate.pk, theirs.pk)
    administrator_client.force_login(administrator)
    again = administrator_client.get(path_of(mine))
    assert [text for _, text in banners(again)] == ["You were signed out after 30 minutes without activity."]
    assert "In use now: version 3" in text_of(again)
    assert confirm(administrator_client, mine, again).status_code == 302
    assert current(certificate) == 2


def test_a_policy_that_names_it_meanwhile_is_shown_before_it_is_rewritten(
    administrator_client: Client,
) -> None:
    certificate, api = make_certificate("bank", name="bank"), make_api("Partner Bank")
    version = make_version(certificate, "bank")
    seen = administrator_client.get(path_of(version))
    xml = name_by_thumbprint(api, certificate)
    response = confirm(administrator_client, version, seen)
    assert response.status_code == 409
    assert "Somebody else has just changed policies" in text_of(response)
    assert (PolicyDocument.objects.get(api=api).xml, current(certificate)) == (xml, 1)
    assert confirm(administrator_client, version, response).status_code == 302


def test_versions_and_certificates_that_are_gone(administrator_client: Client) -> None:
    certificate = make_certificate("bank", name="bank")
    version = make_version(certificate)
    seen = administrator_client.get(path_of(version))
    remove_version(ALICE, certificate.pk, version.pk)
    for response in (
        administrator_client.get(path_of(version)),
        confirm(administrator_client, version, seen),
    ):
        assert response.status_code == 404
        assert "bank has no version 2 (any more)" in text_of(response)
    huge = reverse("certificate-version", args=[certificate.pk, 10**30])
    assert administrator_client.get(huge).status_code == 404
    delete_certificate(ALICE, certificate.pk)
    for path in (path_of(version), reverse("certificate-replace", args=[certificate.pk])):
        response = administrator_client.get(path)
        assert response.status_code == 404
        assert "The certificate bank was deleted by alice" in text_of(response)


def test_readers_compare_and_change_nothing(reader_client: Client) -> None:
    certificate = make_certificate()
    version = make_version(certificate)
    response = reader_client.get(path_of(version))
    assert version.thumbprint in text_of(response)
    assert USE not in text_of(response)
    assert "Remove version" not in text_of(response)
    assert reader_client.post(path_of(version)).status_code == 403
    for route in ("certificate-version-remove",):
        assert reader_client.get(path_of(version, route)).status_code == 403
    assert reader_client.get(reverse("certificate-replace", args=[certificate.pk])).status_code == 403
    assert current(certificate) == 1


# --- remove -------------------------------------------------------------------------------------------------------
def test_a_version_is_removed_after_a_question(administrator_client: Client) -> None:
    certificate = make_certificate()
    version = make_version(certificate)
    path = path_of(version, "certificate-version-remove")
    page = administrator_client.get(path)
    assert heading(page) == "Are you sure you want to remove version 2?"
    assert f"ends in {version.thumbprint[-4:]}" in text_of(page)
    response = administrator_client.post(path, follow=True)
    assert banners(response)[0][1].startswith("Version 2 of partner-bank was removed.")
    assert not CertificateVersion.objects.filter(pk=version.pk).exists()
    assert AuditEntry.objects.filter(action="removed a version of").exists()


def test_the_question_says_that_a_key_which_was_made_here_is_lost(administrator_client: Client) -> None:
    certificate = make_certificate()
    request = make_signing_request(certificate)
    made = complete_signing_request(ALICE, request.pk, data=issued_for(request, pki.make_ca()).pem.encode())
    uploaded = make_version(certificate)
    lost = "Its private key was made here and goes with it."
    for version, is_lost in ((made, True), (uploaded, False)):
        text = text_of(administrator_client.get(path_of(version, "certificate-version-remove")))
        assert (lost in text, "without its file and password" in text) == (is_lost, not is_lost)


def test_the_question_says_who_may_still_have_it(administrator_client: Client) -> None:
    version = make_version(make_certificate())
    path = path_of(version, "certificate-version-remove")
    nobody = text_of(administrator_client.get(path))
    assert "Never, as far as is known" in nobody
    assert "No connection made with it" in nobody
    seen = present(version.thumbprint, back_end="bank.example:8443")
    hold(version.thumbprint, 3)
    text = text_of(administrator_client.get(path))
    assert f"{seen.last_at:%Y-%m-%d %H:%M UTC} to bank.example:8443 (API partner-bank)" in text
    assert "3 connections made with it." in text


def test_the_version_in_use_is_not_removed(administrator_client: Client) -> None:
    version = make_certificate().current
    assert version
    path = path_of(version, "certificate-version-remove")
    assert "Yes, remove it" not in text_of(administrator_client.get(path))
    response = administrator_client.post(path)
    assert "Version 1 is in use." in text_of(response)
    assert CertificateVersion.objects.filter(pk=version.pk).exists()
