"""Client certificates over the REST API."""

import base64

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.apimanagement import ApiManagementClient
from azure.mgmt.apimanagement.models import CertificateCreateOrUpdateParameters

from tests import pki
from tests.builders import make_certificate
from tests.portal.management.client import GROUP, SERVICE, Arm


def parameters(common_name: str = "contoso.com") -> CertificateCreateOrUpdateParameters:
    data = pki.pfx(pki.self_signed(common_name=common_name), password=b"secret word")
    return CertificateCreateOrUpdateParameters(data=base64.b64encode(data).decode(), password="secret word")


def test_the_life_of_a_certificate(azure: ApiManagementClient) -> None:
    made = azure.certificate.create_or_update(GROUP, SERVICE, "tempcert", parameters())
    assert made.name == "tempcert"
    assert made.type == "Microsoft.ApiManagement/service/certificates"
    assert made.subject == "CN=contoso.com"
    assert [each.name for each in azure.certificate.list_by_service(GROUP, SERVICE)] == ["tempcert"]
    assert azure.certificate.get_entity_tag(GROUP, SERVICE, "tempcert")
    azure.certificate.delete(GROUP, SERVICE, "tempcert", if_match="*")
    with pytest.raises(ResourceNotFoundError) as error:
        azure.certificate.get(GROUP, SERVICE, "tempcert")
    assert error.value.error.code == "ResourceNotFound"
    assert error.value.error.message == "Certificate not found."


def test_a_wrong_password_is_told_beside_its_member(azure: ApiManagementClient) -> None:
    wrong = parameters()
    wrong.password = "another"
    with pytest.raises(HttpResponseError) as error:
        azure.certificate.create_or_update(GROUP, SERVICE, "tempcert", wrong)
    assert error.value.status_code == 400
    assert [each.target for each in error.value.error.details] == ["password"]


def test_a_reader_reads(reader_arm: Arm) -> None:
    make_certificate()
    assert reader_arm.get("/certificates").json()["count"] == 1
    assert reader_arm.delete("/certificates/partner-bank").status_code == 403
