"""What somebody else does to a certificate between a request's look at what is there and its change."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from gateway.changes.certificates import delete_certificate
from gateway.errors import EditConflict
from gateway.models import Certificate
from gateway.models.management import CONTRIBUTOR
from portal.management_api.access import Caller
from portal.management_api.arm import answer_for_one
from portal.management_api.errors import ApiError
from portal.management_api.etags import etag_of
from portal.management_api.resource import Call
from portal.management_api.resources.certificates import Certificates
from tests import pki
from tests.builders import ALICE, make_certificate, renew

pytestmark = pytest.mark.django_db


class Raced(Certificates):
    """Has something happen right after the first look."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__()
        self.happens: Callable[[], object] | None = happens

    def find(self, parents: tuple[Any, ...], name: str) -> Certificate | None:
        row = super().find(parents, name)
        happens, self.happens = self.happens, None
        if happens:
            happens()
        return row


def send(method: str, happens: Callable[[], object], **headers: str) -> HttpResponse:
    data = base64.b64encode(pki.pfx(pki.self_signed("partner-bank"))).decode()
    body = json.dumps({"properties": {"data": data, "password": "password"}})
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    request = RequestFactory().generic(method, "/", body, content_type="application/json", headers=fields)
    return answer_for_one(Call(request, Caller("ci", CONTRIBUTOR), ""), Raced(happens), "partner-bank")


def delete() -> None:
    delete_certificate(ALICE, Certificate.objects.get().key)


def versions() -> list[int]:
    return list(Certificate.objects.get().versions.order_by("number").values_list("number", flat=True))


def test_one_that_is_created_meanwhile_is_updated() -> None:
    assert send("PUT", make_certificate).status_code == 200
    assert versions() == [1, 2]


def test_one_that_is_created_meanwhile_is_left_alone_where_only_a_new_one_was_wanted() -> None:
    with pytest.raises(ApiError) as refused:
        send("PUT", make_certificate, If_None_Match="*")
    assert refused.value.status == 412
    assert versions() == [1]


def test_one_that_is_deleted_meanwhile_is_created() -> None:
    make_certificate()
    assert send("PUT", delete).status_code == 201
    assert versions() == [1]


def test_one_that_is_deleted_meanwhile_is_gone_where_a_revision_was_expected() -> None:
    certificate = make_certificate()
    with pytest.raises(EditConflict):
        send("PUT", delete, If_Match=etag_of(certificate.revision))
    assert not Certificate.objects.exists()


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_one_that_is_changed_meanwhile_is_left_alone_where_a_revision_was_expected(method: str) -> None:
    certificate = make_certificate()
    with pytest.raises(EditConflict):
        send(method, lambda: renew(certificate), If_Match=etag_of(certificate.revision))
    assert versions() == [1, 2]


@pytest.mark.parametrize("if_match", ["*", ""])
def test_one_that_is_deleted_meanwhile_is_deleted(if_match: str) -> None:
    certificate = make_certificate()
    field = if_match or etag_of(certificate.revision)
    assert send("DELETE", delete, If_Match=field).status_code == 204
