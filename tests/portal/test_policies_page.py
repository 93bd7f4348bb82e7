"""Policies: each scope at an address of its own, its document as it is written, and what its lines name."""

import html
import json
import re
import time
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from gateway.changes.security import BasicCredentials
from gateway.models import Certificate, PolicyDocument
from gateway.policies.registry import STATEMENTS
from portal.highlight import MOST_COLOURED, xml_lines
from tests.arrange import set_text, update_directly
from tests.builders import choose, make_api, make_certificate, make_operation
from tests.portal.policy_pages import HEADER, TOP, of_api, of_operation, policy, save


def text_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def document_in(page: str) -> str:
    """The text of the document, as somebody who copies it gets it."""
    lines = re.findall(r'<li id="line-\d+"[^>]*><code>(.*?)</code>', page, re.DOTALL)
    return "".join(html.unescape(re.sub(r"<[^>]+>", "", line)) + "\n" for line in lines)


def options(page: str, name: str) -> list[str]:
    select = re.search(rf'<select[^>]*id="scope-{name}".*?</select>', page, re.DOTALL)
    assert select
    return re.findall(r"<option[^>]*>([^<]*)</option>", select[0])


def test_the_topmost_policy_is_shown_first(reader_client: Client) -> None:
    page = text_of(reader_client, TOP)
    assert "<h1>Policies</h1>" in page
    assert "You are looking at the topmost policy that has a global scope." in page
    assert document_in(page) == PolicyDocument.objects.get(api=None, operation=None).xml
    assert "Read-only here." in page


def test_the_documents_text_stands_there_word_for_word_with_the_certificate_beside_its_line(
    reader_client: Client,
) -> None:
    api, certificate = make_api(), make_certificate("partner-bank")
    choose(api, certificate)
    page = text_of(reader_client, of_api(api))
    assert document_in(page) == PolicyDocument.objects.get(api=api).xml
    line = re.search(r'<li id="line-4" class="noted">.*?</li>', page, re.DOTALL)
    assert line
    assert "authentication-certificate" in line[0]
    thumbprint = certificate.current.thumbprint
    assert f'{reverse("certificate", args=[certificate.pk])}">partner-bank</a>' in line[0]
    assert "CN=partner-bank" in line[0]
    assert f"<span>{thumbprint[:-4]}</span><strong>{thumbprint[-4:]}</strong>" in line[0]
    assert page.count('class="noted"') == 1


@pytest.mark.parametrize("attribute", ["thumbprint", "certificate-id of another case"])
def test_a_certificate_is_found_however_the_document_names_it(
    administrator_client: Client, attribute: str
) -> None:
    api, certificate = make_api(), make_certificate()
    choose(api, certificate)
    document = PolicyDocument.objects.get(api=api)
    spaced = " ".join(certificate.current.thumbprint.lower())
    written = {"thumbprint": f'thumbprint="{spaced}"'}.get(attribute, 'certificate-id="PARTNER-BANK"')
    text = document.xml.replace('certificate-id="partner-bank"', written)
    update_directly(PolicyDocument, document.key, xml=text)
    assert ">partner-bank</a>" in text_of(administrator_client, of_api(api))


def test_a_certificate_that_is_not_there_is_said_beside_its_line(administrator_client: Client) -> None:
    api = make_api()
    choose(api, make_certificate())
    document = PolicyDocument.objects.get(api=api)
    update_directly(PolicyDocument, document.key, xml=document.xml.replace('"partner-bank"', '"gone"'))
    assert "There is no certificate gone: calls fail." in text_of(administrator_client, of_api(api))


def test_a_named_value_is_shown_by_its_name_and_never_by_its_value(administrator_client: Client) -> None:
    api = make_api()
    choose(api, BasicCredentials("alice", "hunter2"))
    page = text_of(administrator_client, of_api(api))
    assert 'password="{{partner-bank-basic-password}}"' in document_in(page)
    name = "partner-bank-basic-password"
    named = f'<a href="{reverse("property", args=[name])}">{name}</a>'
    assert f"Named value <strong>{named}</strong>, a secret" in page
    assert "hunter2" not in page


def test_an_operation_has_its_own_document_and_its_own_trail(administrator_client: Client) -> None:
    api = make_api()
    operation = make_operation(api, rewrite_template="/v2/{id}", display_name="Get account")
    page = text_of(administrator_client, of_operation(operation))
    assert '<rewrite-uri template="/v2/{id}" />' in document_in(page)
    trail = re.search(r'<ol class="trail">.*?</ol>', page, re.DOTALL)
    assert trail
    words = " ".join(re.sub(r"<[^>]+>", " ", trail[0]).split())
    assert words == "All APIs API: Partner Bank Operation: Get account"
    assert f'href="{of_api(api)}"' in trail[0]
    assert reverse("operation-edit", args=[api.resource_id, operation.resource_id]) in page


def test_a_scope_without_a_policy_says_what_applies_instead(administrator_client: Client) -> None:
    api = make_api()
    operation = make_operation(api)
    empty = "There is no policy for this scope yet"
    instead = 'The policy of <a href="{}">{}</a> applies instead.'
    for path in (of_api(api), of_operation(operation)):
        page = text_of(administrator_client, path)
        assert empty in page
        assert instead.format(TOP, "All APIs") in page
    choose(api, make_certificate())
    page = text_of(administrator_client, of_operation(operation))
    assert empty in page
    assert instead.format(of_api(api), "Partner Bank") in page


def test_what_has_a_policy_is_marked(administrator_client: Client) -> None:
    bank, weather = make_api("Partner Bank"), make_api("Weather")
    choose(bank, make_certificate())
    make_operation(weather, "/a", rewrite_template="/b", display_name="Rewritten")
    make_operation(weather, "/c", display_name="Plain")
    page = text_of(administrator_client, of_api(weather))
    assert options(page, "api") == ["All APIs ■", "Partner Bank ■", "Weather"]
    assert options(page, "operation") == ["All operations", "Plain (GET /c)", "Rewritten (GET /a) ■"]


def chosen(client: Client, **query: str) -> Any:
    return client.get(TOP, query).headers.get("Location")


def test_the_form_leads_to_the_address_of_a_scope_without_javascript(administrator_client: Client) -> None:
    bank, weather = make_api("Partner Bank"), make_api("Weather")
    one, other = make_operation(bank), make_operation(weather)
    assert one.resource_id == other.resource_id
    value = f"{bank.resource_id}/{one.resource_id}"
    assert chosen(administrator_client, api="") == TOP
    assert chosen(administrator_client, api="partner-bank", operation="") == of_api(bank)
    assert chosen(administrator_client, api="partner-bank", operation=value) == of_operation(one)
    assert chosen(administrator_client, api="weather", operation=value) == of_api(weather)
    assert chosen(administrator_client, api="weather", operation=other.resource_id) == of_operation(other)
    page = text_of(administrator_client, of_operation(one))
    assert f'<option value="{value}" selected>' in page
    assert '<option value="partner-bank" selected>' in page


@pytest.mark.parametrize(
    "path", ["/policies/apis/gone/", "/policies/apis/partner-bank/operations/gone/", "/policies/?api=gone"]
)
def test_a_scope_that_is_not_there_gives_a_page_that_leads_on(
    administrator_client: Client, path: str
) -> None:
    make_api()
    response = administrator_client.get(path, follow=True)
    assert response.status_code == 404
    assert "Somebody may have deleted it" in response.content.decode()


def test_a_document_that_cannot_be_read_is_shown_with_its_faults(administrator_client: Client) -> None:
    api = make_api()
    choose(api, make_certificate())
    document = PolicyDocument.objects.get(api=api)
    update_directly(
        PolicyDocument, document.key, xml="<policies>\n<inbound><no-such /></inbound>\n</policies>"
    )
    page = text_of(administrator_client, of_api(api))
    assert "The gateway cannot read this document" in page
    assert "no-such" in document_in(page)


def test_markup_in_a_document_stays_text(administrator_client: Client) -> None:
    api = make_api()
    choose(api, make_certificate())
    document = PolicyDocument.objects.get(api=api)
    text = f"<!-- </code><script>alert(1)</script>\nsecond line -->\n{document.xml}"
    update_directly(PolicyDocument, document.key, xml=text)
    page = text_of(administrator_client, of_api(api))
    assert "<script>alert" not in page
    assert document_in(page) == text


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_are_those_of_the_parser_whatever_ends_them(newline: str) -> None:
    lines = xml_lines(newline.join(["<!-- one", "two -->", "", "<a b='c'/>"]))
    assert len(lines) == 4
    assert all(line.count("<span") == line.count("</span>") for line in lines)


def test_empty_lines_count() -> None:
    assert [len(xml_lines(text)) for text in ("\n\n<a/>", "<a/>\n\n<b/>\n", "<a/>\n\n")] == [3, 3, 2]


def test_nobody_else_sees_a_policy(stranger_client: Client) -> None:
    api = make_api()
    for path in (TOP, of_api(api)):
        assert Client().get(path).status_code == 302
        assert stranger_client.get(path).status_code == 403


@pytest.mark.parametrize("who", ["administrator_client", "reader_client"])
@pytest.mark.parametrize("query", ["", "?effective"])
def test_the_number_of_queries_does_not_grow(request: pytest.FixtureRequest, who: str, query: str) -> None:
    client: Client = request.getfixturevalue(who)
    api = make_api()
    choose(api, make_certificate())
    text_of(client, TOP)  # the first page of a session asks for more
    counts = []
    for number in range(3):
        with CaptureQueriesContext(connection) as queries:
            text_of(client, of_api(api) + query)
        counts.append(len(queries))
        choose(make_api(f"API {number}"), make_certificate(f"certificate-{number}"))
        make_operation(api, f"/{number}", rewrite_template="/x")
    assert Certificate.objects.count() == 4
    assert len(set(counts)) == 1


def test_administrators_have_an_editor_where_readers_have_lines(
    administrator_client: Client, reader_client: Client
) -> None:
    page = text_of(administrator_client, TOP)
    assert '<div class="policy-editor" data-scope="global"><textarea name="xml"' in page
    buttons = ("Save", "Cancel", "Recalculate effective policy for selected scope")
    places = [page.index(f">{name}<") for name in buttons]
    assert places == sorted(places)
    assert "<textarea" not in text_of(reader_client, TOP)
    assert "Recalculate effective policy" in text_of(reader_client, TOP)


def test_what_a_document_refers_to_is_listed_below_the_editor(administrator_client: Client) -> None:
    api, certificate = make_api(), make_certificate("partner-bank")
    choose(api, certificate)
    page = text_of(administrator_client, of_api(api))
    found = re.search('(?s)<ul class="refers">.*?</ul>', page)
    assert found
    assert '<a href="#line-4">Line 4</a>' in found[0]
    assert "expires in" in found[0]
    assert 'id="line-4"' in page


def statements(page: str) -> dict[str, str]:
    """The list of statements: title and what stands there."""
    found = re.search('(?s)<ul class="statements">.*?</ul>', page)
    assert found
    items = re.findall("(?s)<li.*?</li>", found[0])
    return {re.findall("<summary>(.*?)</summary>", item)[0]: item for item in items}


def test_each_statement_has_a_snippet_to_insert_or_to_copy(administrator_client: Client) -> None:
    api = make_api()
    found = statements(text_of(administrator_client, f"{of_api(api)}?add"))
    assert len(found) == len(STATEMENTS)
    for kind in STATEMENTS.values():
        item = found[kind.title]
        assert 'class="dimmed"' not in item
        assert f'data-snippet="{html.escape(kind.snippet)}" hidden' in item
        assert f"<code>{html.escape(kind.snippet)}</code>" in item


def test_a_statement_that_has_no_place_at_a_scope_says_why(administrator_client: Client) -> None:
    item = statements(text_of(administrator_client, TOP))["Rewrite URL"]
    assert 'class="dimmed"' in item
    assert "Not here: only in the policy of an API or an operation." in item
    assert "data-snippet" not in item


def test_what_can_be_completed_stands_in_the_page_as_data(administrator_client: Client) -> None:
    certificate = make_certificate("partner-bank")
    choose(make_api(), BasicCredentials("alice", "hunter2"))
    set_text("host", "value of it")
    page = text_of(administrator_client, TOP)
    found = re.search('(?s)<script id="policy-completion" type="application/json">(.*?)</script>', page)
    assert found
    data = json.loads(found[1])
    version = certificate.current
    assert data["certificates"] == [
        {"id": "partner-bank", "subject": version.subject, "thumbprint": version.thumbprint}
    ]
    assert data["namedValues"] == [
        {"name": "host", "secret": False},
        {"name": "partner-bank-basic-password", "secret": True},
    ]
    assert {entry["element"] for entry in data["statements"]} == set(STATEMENTS)
    assert "value of it" not in page


def test_a_name_that_no_named_value_can_have_is_shown_all_the_same(reader_client: Client) -> None:
    api = make_api()
    save(api, policy())
    key = PolicyDocument.objects.get(api=api).key
    update_directly(PolicyDocument, key, xml=policy(HEADER.format("{{a/b}}{{gone}}")))
    assert "{{a/b}}" in document_in(text_of(reader_client, of_api(api)))


def test_the_largest_document_is_shown_and_reviewed_in_time(administrator_client: Client) -> None:
    api = make_api()
    line = f"<!-- {'x' * 80} -->\n"
    largest = policy(HEADER.format("one") + line * 10_500)
    save(api, largest)
    begun = time.process_time()
    page = administrator_client.get(of_api(api))
    fields = {"xml": largest.replace("one", "two"), "revision": page.context["form"]["revision"].value()}
    review = administrator_client.post(of_api(api), {**fields, "action": "review"})
    assert "Not saved yet." in review.content.decode()
    assert time.process_time() - begun < 10


def test_an_api_and_its_operation_lead_to_their_policies(reader_client: Client) -> None:
    api = make_api()
    operation = make_operation(api)
    ids = (api.resource_id, operation.resource_id)
    summary = reader_client.get(reverse("api-summary", args=[api.resource_id])).content.decode()
    page = reader_client.get(reverse("operation-edit", args=ids)).content.decode()
    assert f'href="{reverse("policy-api", args=[api.resource_id])}"' in summary
    assert f'href="{reverse("policy-operation", args=ids)}"' in page


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_long_text_has_no_colours_and_the_same_lines(newline: str) -> None:
    text = newline.join(["<a b='&amp;'>", "", "c", "</a>", ""])
    shown = [re.sub("<[^>]+>", "", line) for line in xml_lines(text)]
    long = xml_lines(text + f"<!--{'x' * MOST_COLOURED}-->{newline}")
    assert [html.unescape(line) for line in long[:4]] == [html.unescape(line) for line in shown]
    assert len(long) == 5
    assert not any("<" in line for line in long)
