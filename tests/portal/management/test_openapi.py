"""The OpenAPI description: valid, open to everybody, and true to what is answered."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from portal.management_api import classic, openapi
from portal.management_api.addresses import find
from portal.management_api.table import RESOURCES
from tests.builders import make_api, make_certificate, make_operation
from tests.portal.management.client import SERVICE_PATH, VERSION, Arm

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
DOCUMENT = openapi.document()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of every operation."""
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS & {name.upper() for name in item}:
            yield path, method, item[method.lower()]


def everything(part: Any = DOCUMENT) -> Iterator[dict[str, Any]]:
    """Every object in the document."""
    if isinstance(part, dict):
        yield part
    if isinstance(part, dict | list):
        for each in part.values() if isinstance(part, dict) else part:
            yield from everything(each)


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """What a reference refers to; a part that is none is itself."""
    found: Any = DOCUMENT
    for name in part.get("$ref", "#").split("/")[1:]:
        found = found[name]
    return found if "$ref" in part else part


# --- the document -------------------------------------------------------------------------------------------------
def test_it_is_open_to_everybody_and_kept_for_a_minute(db: None) -> None:
    response = Client().get("/management/openapi.json")
    assert response.json() == DOCUMENT
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert not {"Pragma", "Expires"} & {*response.headers}
    tag = response.headers["ETag"]
    for field in (tag, f'W/{tag}, "x"', "*"):
        again = Client().get("/management/openapi.json", headers={"If-None-Match": field})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    head = Client().head("/management/openapi.json")
    assert (head.content, head.headers["Content-Length"]) == (b"", response.headers["Content-Length"])
    refused = Client().post("/management/openapi.json")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")


def test_it_names_the_path_that_the_portal_is_served_at() -> None:
    assert DOCUMENT["servers"] == [{"url": "/management"}]
    assert openapi.document("/portal/")["servers"] == [{"url": "/portal/management"}]


def test_its_schemas_are_schemas() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for part in everything():
        if isinstance(part.get("schema"), dict):
            Draft202012Validator.check_schema(part["schema"])


def test_every_reference_leads_somewhere() -> None:
    references = [part for part in everything() if "$ref" in part]
    assert references
    for part in references:
        assert resolved(part)
    used = {part["$ref"] for part in references}
    kinds = ("parameters", "headers", "responses", "schemas")
    there = {f"#/components/{kind}/{name}" for kind in kinds for name in DOCUMENT["components"][kind]}
    assert used == there


def test_generators_of_clients_can_read_every_schema() -> None:
    """They know no enum of mixed types or of booleans, no array without items, and leave out what has one."""
    for part in everything(DOCUMENT["components"]):
        kinds = {type(value) for value in part.get("enum", ()) if value is not None}
        assert len(kinds) <= 1, part
        assert bool not in kinds, part
        if "array" in part.get("type", ()):
            assert "items" in part, part


def test_members_that_are_not_supported_may_say_nothing() -> None:
    api = DOCUMENT["components"]["schemas"]["ApiParameters"]["properties"]["properties"]["properties"]
    contact = Draft202012Validator(api["contact"])
    assert all(map(contact.is_valid, [None, False, "", [], {}]))
    assert not any(map(contact.is_valid, [True, 0, 1.5, "x", [None], {"x": None}]))


def test_every_operation_says_what_it_takes_and_answers() -> None:
    names = [each["operationId"] for _, _, each in operations()]
    assert len(names) == len(set(names))
    for path, method, operation in operations():
        item = DOCUMENT["paths"][path]
        parameters = [resolved(each) for each in (*item["parameters"], *operation.get("parameters", ()))]
        in_path = {each["name"] for each in parameters if each["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))
        assert len({(each["in"], each["name"]) for each in parameters}) == len(parameters)
        assert operation["summary"].endswith(".")
        assert {"400", "401", "403", "503"} <= set(operation["responses"])
        assert all(resolved(each)["description"] for each in operation["responses"].values())
        assert ("requestBody" in operation) == (
            method in {"PUT", "PATCH"} or operation["operationId"].endswith("_add")
        )


def test_additions_are_marked() -> None:
    marked = {
        path.removeprefix(openapi.SERVICE) for path, item in DOCUMENT["paths"].items() if "x-addition" in item
    }
    assert "/certificates/{certificateId}/versions/{number}/use" in marked
    assert "/apis/{apiId}/trust" in marked
    assert "/caCertificates" in marked
    assert "/certificates" not in marked
    for part in everything():
        if str(part.get("description", "")).startswith("An addition"):
            assert part["x-addition"]
    components = DOCUMENT["components"]
    assert components["headers"]["Gateways-In-Effect"]["x-addition"]
    assert components["parameters"]["confirm"]["x-addition"]


# --- true to what is answered ------------------------------------------------------------------------------------
def test_every_address_is_described() -> None:
    """What the tables of both dialects name has a path, and each path of the document is found by them."""
    wanted = {openapi.SERVICE}
    for resource, base in [*((each, openapi.SERVICE) for each in RESOURCES), (classic.CERTIFICATES, "")]:
        wanted.add(base + resource.template)
        wanted |= {f"{base}{resource.template}/{action.name}" for action in resource.actions}
        if not resource.singleton:
            wanted.add((base + resource.template).rpartition("/")[0])
    listed = {path for path in DOCUMENT["paths"] if path.endswith(openapi.SERVICES)}
    assert set(DOCUMENT["paths"]) == wanted | listed
    for path in DOCUMENT["paths"]:
        if path.startswith(f"{openapi.SERVICE}/"):
            assert find(path.removeprefix(openapi.SERVICE))
        else:
            assert path in {openapi.SERVICE, *listed} or classic.speaks(path)


def address(path: str) -> str:
    values = {"serviceName": "portal", "policyId": "policy", "number": "1"}
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], "x"), path)


@pytest.fixture
def there(db: None) -> None:
    """What addresses name before the last entity."""
    make_operation(make_api("x"), resource_id="x")
    make_certificate("x", name="x")


def test_methods_are_those_that_are_described(arm: Arm, there: None) -> None:
    described: dict[str, set[str]] = {}
    for path, method, _ in operations():
        described.setdefault(path, set()).add(method)
    for path, methods in described.items():
        version = "2014-02-14" if classic.speaks(path) else VERSION
        url = f"/management{address(path)}?api-version={version}"
        for method in METHODS - methods:
            response = arm.client.generic(method, url, headers=arm.headers)
            assert response.status_code == 405, (method, url)
            assert set(response.headers["Allow"].split(", ")) == methods
        for method in methods:
            response = arm.client.generic(method, url, headers=arm.headers)
            assert response.status_code != 405, (method, url)
        assert arm.client.generic(max(methods), url).status_code == 401


def test_what_is_not_described_is_not_there(arm: Arm) -> None:
    for path in ("/products", "/apis/x/revisions", "/certificates/x/versions/1/remove"):
        url = f"/management{SERVICE_PATH}{path}?api-version={VERSION}"
        assert (
            arm.client.get(url, headers=arm.headers).json()["error"]["message"]
            == "There is nothing at this address. openapi.json, below /management, says what there is."
        )
