from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from gateway import keystore, publish
from gateway.changes.encryption import reseal
from gateway.changes.security import BasicCredentials
from gateway.changes.signing_requests import complete_signing_request
from gateway.models import CertificateVersion
from tests.arrange import update_directly
from tests.builders import (
    ALICE,
    choose,
    issued_for,
    make_api,
    make_certificate,
    make_signing_request,
    make_subscription,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def rotated(settings) -> str:
    """A certificate, a password and the two keys of a subscription under the old key, and a new key put first."""
    make_certificate()
    make_subscription()
    choose(make_api(), BasicCredentials("alice", "hunter2"))
    old = settings.CERTIFICATE_ENCRYPTION_KEYS[0]
    settings.CERTIFICATE_ENCRYPTION_KEYS = [keystore.new_key(), old]
    return settings.CERTIFICATE_ENCRYPTION_KEYS[0]


def test_after_a_rotation_the_new_key_alone_opens_everything(rotated: str, settings) -> None:
    result = reseal(ALICE)
    assert (result.resealed, result.already, result.problems) == (4, 0, ())
    settings.CERTIFICATE_ENCRYPTION_KEYS = [rotated]
    snapshot = publish.load(using="default")
    assert not [
        part.problem
        for parts in (snapshot.certificates, snapshot.policies, snapshot.subscriptions)
        for part in parts.values()
        if part.problem
    ]


def test_the_key_of_a_signing_request_is_sealed_anew_and_still_serves_it(settings) -> None:
    row = make_signing_request()
    new = keystore.new_key()
    settings.CERTIFICATE_ENCRYPTION_KEYS = [new, *settings.CERTIFICATE_ENCRYPTION_KEYS]
    assert reseal(ALICE).resealed == 1
    settings.CERTIFICATE_ENCRYPTION_KEYS = [new]
    version = complete_signing_request(ALICE, row.key, data=issued_for(row).pem.encode())
    assert not publish.load(using="default").certificates[str(version.certificate_id)].problem


def test_a_second_run_finds_nothing_to_do(rotated: str) -> None:
    reseal(ALICE)
    assert reseal(ALICE).already == 4


def test_a_row_that_cannot_be_opened_is_named_and_the_rest_is_done(rotated: str) -> None:
    broken = make_certificate("broken").current
    sealed = CertificateVersion.objects.exclude(pk=broken.pk).get().sealed_private_key
    update_directly(CertificateVersion, broken.pk, sealed_private_key=sealed)
    result = reseal(ALICE)
    assert result.resealed == 4
    assert [str(broken.pk) in problem for problem in result.problems] == [True]


def test_the_command_shows_progress_and_fails_when_a_row_stays_behind(rotated: str) -> None:
    out, err = StringIO(), StringIO()
    call_command("rotate_encryption_keys", stdout=out, stderr=err)
    assert "4 sealed with the first key, 0 were already." in out.getvalue()
    assert "4 of 4" in err.getvalue()
    update_directly(CertificateVersion, CertificateVersion.objects.get().pk, sealed_private_key="damaged")
    with pytest.raises(CommandError, match="1 could not be opened"):
        call_command("rotate_encryption_keys", stdout=out, stderr=err)
