"""Lists, page by page."""

from urllib.parse import urlsplit

import pytest
from azure.mgmt.apimanagement import ApiManagementClient

from gateway.models import Certificate
from portal.management_api import paging
from tests.arrange import update_directly
from tests.builders import make_certificate
from tests.portal.management.client import GROUP, HOST, SERVICE, SERVICE_PATH, VERSION, Arm

NAMES = ["a", "B", "c", "d", "e"]


@pytest.fixture
def five(db: None) -> None:
    for name in NAMES:
        make_certificate(name, name=name)


def names(arm: Arm, query: str) -> list[str]:
    content = arm.get(f"/certificates?{query}").json()
    assert content["count"] == 5
    return [each["name"] for each in content["value"]]


def test_the_official_client_follows_page_by_page(
    azure: ApiManagementClient, five: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE", 2)
    found = azure.certificate.list_by_service(GROUP, SERVICE, filter="substringof('N=', subject)")
    pages = [[each.name for each in page] for page in found.by_page()]
    assert pages == [["a", "B"], ["c", "d"], ["e"]]


def test_the_official_client_says_how_large_pages_are(azure: ApiManagementClient, five: None) -> None:
    found = azure.certificate.list_by_service(GROUP, SERVICE, top=3, skip=1).by_page()
    assert [[each.name for each in page] for page in found] == [["B", "c", "d"], ["e"]]


def test_the_next_page_is_where_this_one_was_asked_for(arm: Arm, five: None) -> None:
    sent = f"%24filter=name%20ne%20'%C3%A9+%26'&$top=2&%24skip=1&api-version={VERSION}&x=a%2Fb"
    path = f"/management{SERVICE_PATH.replace('group', 'my%20gr%C3%B6up')}/certificates"
    response = arm.client.get(
        f"{path}?{sent}", headers={**arm.headers, "Host": "localhost:8000"}, secure=True
    )
    link = urlsplit(response.json()["nextLink"])
    assert (link.scheme, link.netloc, link.path) == ("https", "localhost:8000", path)
    assert link.query == sent.replace("&%24skip=1", "") + "&$skip=3"
    response = arm.client.get(f"{link.path}?{link.query}", headers=arm.headers)
    assert [each["name"] for each in response.json()["value"]] == ["d", "e"]
    assert "nextLink" not in response.json()


def test_bytes_that_are_no_ascii_are_named_as_such(arm: Arm, five: None) -> None:
    query = f"api-version={VERSION}&$top=2&x=\u00e9".encode().decode("latin-1")
    response = arm.client.get(
        f"/management{SERVICE_PATH}/certificates", headers=arm.headers, QUERY_STRING=query
    )
    assert response.json()["nextLink"].endswith("&x=%C3%A9&$skip=2")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("$top=5", NAMES),
        ("$top=1000000", NAMES),
        ("$skip=4", ["e"]),
        ("$skip=5", []),
        ("$skip=999999999", []),
        ("$top=&$skip=", NAMES),
        ("$TOP=1", ["a"]),
        ("%24top=1&%24skip=1", ["B"]),
    ],
)
def test_a_part_of_a_list(arm: Arm, five: None, query: str, found: list[str]) -> None:
    assert names(arm, query) == found


@pytest.mark.parametrize(
    "query",
    [
        "$top=0",
        "$top=-1",
        "$top=1.5",
        "$top=x",
        "$top=%D9%A1",
        "$top=9999999999",
        "$skip=-1",
        "$orderby=name",
    ],
)
def test_what_is_wrong_with_a_page_is_told(arm: Arm, query: str) -> None:
    response = arm.get(f"/certificates?{query}")
    assert response.status_code == 400
    assert [each["target"] for each in response.json()["error"]["details"]] == [query.partition("=")[0]]


def test_no_more_than_a_thousand_are_on_a_page(arm: Arm, five: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MOST_ON_PAGE", 4)
    assert names(arm, "$top=5") == NAMES[:4]


def test_an_empty_list_has_no_next_page(arm: Arm) -> None:
    assert arm.get("/certificates").json() == {"value": [], "count": 0}


def test_ids_of_answers_are_what_can_be_asked_for(arm: Arm, five: None) -> None:
    row = Certificate.objects.get(resource_id="c")
    update_directly(Certificate, row.key, resource_id="what is? & #1;é")
    for each in arm.get("/certificates").json()["value"]:
        assert (
            arm.client.get(
                f"/management{each['id'].replace('?', '%3F').replace('#', '%23')}",
                {"api-version": VERSION},
                headers=arm.headers,
            ).json()["id"]
            == each["id"]
        )
    assert HOST not in arm.get("/certificates").content.decode()
