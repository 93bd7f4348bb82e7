"""Security > Client certificates: what the list shows, finds, sorts and filters."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from gateway.models import Certificate
from portal.views.lists import ListPage
from tests import pki
from tests.builders import ALICE, choose, make_api, make_certificate, upload_certificate
from tests.portal.reading import heading, link, rows, text_of

PATH = "/security/client-certificates/"


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def test_security_leads_to_its_first_tab(administrator_client: Client) -> None:
    response = administrator_client.get("/security/", follow=True)
    assert response.request["PATH_INFO"] == PATH
    assert heading(response) == "Security"
    assert (link(response, "Client certificates"), link(response, "CA certificates")) == (
        PATH,
        "/security/ca-certificates/",
    )


def test_an_empty_list_says_what_to_do_next(administrator_client: Client) -> None:
    response = administrator_client.get(PATH)
    assert "There is no client certificate yet. Upload the .pfx or .pem file" in text_of(response)
    assert link(response, "Upload certificate") == reverse("certificate-upload")


def test_a_row_shows_what_tells_certificates_apart(administrator_client: Client) -> None:
    issued = pki.issue(pki.make_ca("Example Root"), "partner", not_after=in_days(12.5))
    upload_certificate(ALICE, data=pki.pfx(issued), password="password", name="bank")
    response = administrator_client.get(PATH)
    assert rows(response) == ["bank"]
    text, page = text_of(response), response.content.decode()
    for shown in ("CN=partner", "CN=Example Root", f"{issued.cert.not_valid_after_utc:%Y-%m-%d %H:%M UTC}"):
        assert shown in text
    assert '<span class="state state-warning">expires in 12 days</span>' in page
    assert f"<span>{issued.thumbprint[:-4]}</span><strong>{issued.thumbprint[-4:]}</strong>" in page
    assert f'data-copy="{issued.thumbprint}" aria-label="Copy the thumbprint of bank"' in page


def test_an_expired_certificate_says_so_in_words_and_colour(administrator_client: Client) -> None:
    make_certificate("old", not_after=in_days(-1))
    assert (
        '<span class="state state-expired">expired</span>' in administrator_client.get(PATH).content.decode()
    )


def test_what_a_certificate_says_is_shown_as_text(administrator_client: Client) -> None:
    make_certificate("<script>alert(1)</script>")
    page = administrator_client.get(PATH).content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script" in page


def test_the_apis_that_use_a_certificate_are_named_and_linked(administrator_client: Client) -> None:
    certificate = make_certificate()
    api = make_api("Partner Bank")
    choose(api, certificate)
    response = administrator_client.get(PATH)
    assert link(response, "Partner Bank") == reverse("api-security", args=[api.resource_id])


@pytest.mark.parametrize("spelling", ["plain", "colons", "spaces", "invisible", "last four"])
def test_a_thumbprint_is_found_however_it_was_pasted(administrator_client: Client, spelling: str) -> None:
    certificate = make_certificate("wanted")
    make_certificate("other")
    assert certificate.current
    digits = certificate.current.thumbprint
    pairs = [digits[at : at + 2].lower() for at in range(0, 40, 2)]
    pasted = {
        "plain": digits,
        "colons": ":".join(pairs),
        "spaces": " ".join(pairs),
        "invisible": "\u200e" + " ".join(pairs),
        "last four": digits[-4:],
    }[spelling]
    assert rows(administrator_client.get(PATH, {"q": pasted})) == ["wanted"]


@pytest.mark.parametrize("text", ["WANTED", "Example Root", "root wanted"])
def test_names_subjects_and_issuers_are_searched(administrator_client: Client, text: str) -> None:
    issued = pki.issue(pki.make_ca("Example Root"), "wanted")
    upload_certificate(ALICE, data=pki.pfx(issued), password="password")
    make_certificate("other")
    assert rows(administrator_client.get(PATH, {"q": text})) == ["wanted"]


def test_a_search_without_result_offers_all_of_them(administrator_client: Client) -> None:
    make_certificate()
    response = administrator_client.get(PATH, {"q": "nothing like it"})
    assert rows(response) == []
    assert "No client certificate matches" in text_of(response)
    assert link(response, "see all of them") == PATH


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "expired"}, ["gone"]),
        ({"state": "expiring"}, ["soon"]),
        ({"use": "unused"}, ["gone", "soon"]),
        ({"use": "used"}, ["fresh"]),
        ({"state": "expired", "use": "used"}, []),
        ({"state": "no such state"}, ["fresh", "gone", "soon"]),
    ],
)
def test_the_filters_narrow_the_list(
    administrator_client: Client, query: dict[str, str], found: list[str]
) -> None:
    make_certificate("soon", not_after=in_days(29))
    make_certificate("gone", not_after=in_days(-1))
    choose(make_api(), make_certificate("fresh", not_after=in_days(31)))
    assert rows(administrator_client.get(PATH, query)) == found


@pytest.mark.parametrize("column", ["name", "subject", "issuer", "thumbprint", "until"])
def test_every_column_of_text_sorts_both_ways(administrator_client: Client, column: str) -> None:
    for name, days in (("b", 10), ("C", 20), ("a", 30)):
        make_certificate(f"subject of {name}", name=name, not_after=in_days(days))
    up = rows(administrator_client.get(PATH, {"sort": column}))
    down = rows(administrator_client.get(PATH, {"sort": f"-{column}"}))
    assert sorted(up) == ["C", "a", "b"]
    assert up == down[::-1]
    if column in {"name", "until"}:
        assert up == {"name": ["a", "b", "C"], "until": ["b", "C", "a"]}[column]


def test_pages_keep_search_and_order_in_the_address(
    administrator_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ListPage, "page_size", 2)
    for name in ("a", "b", "c"):
        make_certificate(name)
    response = administrator_client.get(PATH, {"q": "CN=", "sort": "-name", "page": 2})
    assert rows(response) == ["a"]
    assert link(response, "Previous") == "?q=CN%3D&sort=-name&page=1"
    assert "next=%2Fsecurity%2Fclient-certificates%2F%3Fq%3DCN%253D%26sort%3D-name%26page%3D2" in link(
        response, "Delete a"
    )


def test_more_rows_ask_no_more_queries(
    administrator_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    choose(make_api("First"), make_certificate("one"))
    administrator_client.get(PATH)  # the session is written once
    with django_assert_num_queries(7) as few:
        administrator_client.get(PATH)
    for number in range(5):
        choose(make_api(f"API {number}"), make_certificate(f"certificate {number}"))
    with django_assert_num_queries(len(few)):
        assert len(rows(administrator_client.get(PATH))) == 6


def test_a_visit_from_an_api_leads_back_to_it_however_it_went_on(administrator_client: Client) -> None:
    make_certificate("bank")
    tab = "/apis/partner-bank/security/?a=b"
    asked = administrator_client.get(PATH, {"next": tab, "q": "nothing like it"})
    assert link(asked, "go back") == tab
    assert f'<input type="hidden" name="next" value="{tab}">' in asked.content.decode()
    everything = administrator_client.get(link(asked, "Clear"))
    assert rows(everything) == ["bank"]
    assert link(everything, "Upload certificate") == reverse("certificate-upload", query={"next": tab})
    gone = administrator_client.post(link(everything, "Delete bank"), follow=True)
    assert link(gone, "go back") == tab


def test_a_list_that_nobody_sent_to_offers_no_way_back(administrator_client: Client) -> None:
    for query in ({}, {"next": "https://evil.example/"}):
        response = administrator_client.get(PATH, query)
        assert "go back" not in text_of(response)
        assert link(response, "Upload certificate") == reverse("certificate-upload")


def test_readers_see_the_list_and_why_they_cannot_change_it(reader_client: Client) -> None:
    make_certificate("bank")
    response = reader_client.get(PATH)
    assert rows(response) == ["bank"]
    assert "only members of the group Administrators can change it" in text_of(response)
    page = response.content.decode()
    assert "/upload/" not in page
    assert "/delete/" not in page


def test_somebody_who_is_not_signed_in_is_sent_to_sign_in(client: Client, db: None) -> None:
    response = client.get(f"{PATH}?q=bank")
    assert (response.status_code, response["Location"]) == (302, f"/sign-in/?next={PATH}%3Fq%3Dbank")


def test_the_list_answers_no_other_method(administrator_client: Client, reader_client: Client) -> None:
    assert administrator_client.post(PATH).status_code == 405
    assert administrator_client.delete(PATH).status_code == 405
    assert reader_client.post(PATH).status_code == 403
    assert Certificate.objects.count() == 0


def test_the_list_is_sorted_by_how_much_uses_each_certificate(administrator_client: Client) -> None:
    often, _, once = (make_certificate(name) for name in ("a-often", "b-never", "c-once"))
    for name, certificate in (("A", often), ("B", often), ("C", once)):
        choose(make_api(name), certificate)
    assert rows(administrator_client.get(f"{PATH}?sort=uses")) == ["b-never", "c-once", "a-often"]
    assert rows(administrator_client.get(f"{PATH}?sort=-uses&use=used")) == ["a-often", "c-once"]
