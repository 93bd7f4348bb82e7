"""The service itself, and the gateways that run."""

import uuid

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.mgmt.apimanagement import ApiManagementClient
from pytest_django import Settings

from gateway.records import end_gateway, register_gateway
from tests.builders import make_certificate
from tests.portal.management.client import GROUP, HOST, SERVICE, SERVICE_PATH, VERSION, Arm


def test_the_official_client_finds_the_service(azure: ApiManagementClient, settings: Settings) -> None:
    settings.GATEWAY_PUBLIC_URL = "https://api.bank.example"
    service = azure.api_management_service.get(GROUP, SERVICE)
    assert (service.name, service.id) == (SERVICE, SERVICE_PATH)
    assert service.type == "Microsoft.ApiManagement/service"
    assert (service.provisioning_state, service.gateway_url) == ("Succeeded", "https://api.bank.example")
    assert (service.management_api_url, service.portal_url) == (f"{HOST}/management", HOST)
    assert service.sku.name
    assert service.location
    assert service.publisher_name
    assert service.publisher_email


def test_the_official_client_lists_it(azure: ApiManagementClient) -> None:
    (listed,) = azure.api_management_service.list_by_resource_group(GROUP)
    assert listed.id == SERVICE_PATH
    (listed,) = azure.api_management_service.list()
    assert azure.api_management_service.get(listed.id.split("/")[4], listed.name).id == listed.id


def test_another_name_is_a_setting(azure: ApiManagementClient, settings: Settings) -> None:
    settings.MANAGEMENT_SERVICE_NAME = "Bank"
    assert azure.api_management_service.get(GROUP, "bank").name == "Bank"
    with pytest.raises(ResourceNotFoundError):
        azure.api_management_service.get(GROUP, SERVICE)


def test_its_etag_is_that_of_the_last_change(arm: Arm) -> None:
    before = arm.get("")
    assert before.headers["ETag"] == f'"{before.json()["etag"]}"'
    assert arm.get("", If_None_Match=before.headers["ETag"]).status_code == 304
    make_certificate()
    assert arm("HEAD", "").headers["ETag"] != before.headers["ETag"]


def test_a_service_is_in_a_group(arm: Arm) -> None:
    path = f"/management/subscriptions/sub/providers/Microsoft.ApiManagement/service/portal?api-version={VERSION}"
    assert arm.client.get(path, headers=arm.headers).status_code == 404


def test_running_gateways_are_found(azure: ApiManagementClient, arm: Arm) -> None:
    one, other = register_gateway("bank:7", revision=3), register_gateway("bank:7", revision=4)
    listed = list(azure.gateway.list_by_service(GROUP, SERVICE))
    assert {each.name for each in listed} == {str(one), str(other)}
    assert {each.description for each in listed} == {"bank:7"}
    assert azure.gateway.get(GROUP, SERVICE, str(one)).location_data.name == "bank"
    assert arm.get(f"/gateways/{other}").json()["properties"]["revision"] == 4
    assert azure.gateway.get_entity_tag(GROUP, SERVICE, str(one))
    end_gateway(one)
    assert arm.get("/gateways").json()["count"] == 1
    for name in (one, uuid.uuid4(), "nowhere"):
        assert arm.get(f"/gateways/{name}").json()["error"]["message"] == "Gateway not found."


def test_gateways_come_and_go_with_their_processes(arm: Arm) -> None:
    key = register_gateway("bank:7")
    for method in ("PUT", "PATCH", "DELETE"):
        assert arm(method, f"/gateways/{key}", {}, If_Match="*").status_code == 405
