"""The effective policy of a scope: what is saved or what is being written, with the origin of every line."""

import html
import re
from typing import Any

import pytest
from django.test import Client

from gateway.models import PolicyDocument
from tests.arrange import update_directly
from tests.builders import make_api, make_operation
from tests.portal.policy_pages import (
    HEADER,
    TOP,
    in_form,
    of_api,
    of_operation,
    policy,
    press,
    save,
    saved_text,
    template_of,
    write,
)
from tests.portal.reading import text_of


def lines(response: Any) -> list[tuple[str, str]]:
    """Where each line comes from (the address, "" for the frame) and its text."""
    found = re.search('(?s)<ol class="lines effective">.*?</ol>', response.content.decode())
    assert found, text_of(response)
    rows = re.findall(
        r'(?s)<li><span class="origin">(?:<a href="(.*?)">.*?</a>|<strong>.*?</strong>)?</span><code>(.*?)</code>',
        found[0],
    )
    return [(href, html.unescape(re.sub("<[^>]+>", "", text)).strip()) for href, text in rows]


def test_each_line_says_where_it_comes_from(administrator_client: Client) -> None:
    api = make_api()
    operation = make_operation(api)
    save(None, policy(HEADER.format("all"), "<forward-request />"))
    save(api, policy(HEADER.format("api")))
    save(operation, policy('<rewrite-uri template="/x/{id}" />'))
    page = administrator_client.get(of_operation(operation), {"effective": ""})
    found = lines(page)
    assert [(href, text) for href, text in found if href] == [
        (f"{TOP}#line-4", HEADER.format("all")),
        (f"{of_api(api)}#line-4", HEADER.format("api")),
        (f"{of_operation(operation)}#line-4", '<rewrite-uri template="/x/{id}" />'),
        (f"{TOP}#line-7", "<forward-request />"),
    ]
    assert found[0] == ("", "<policies>")
    assert "What calls meet now." in text_of(page)


def test_a_link_leads_to_a_line_that_is_there(administrator_client: Client) -> None:
    api = make_api()
    save(api, policy(HEADER.format("api")))
    assert 'id="line-4"' in administrator_client.get(of_api(api)).content.decode()


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_statements_over_several_lines_keep_them(administrator_client: Client, newline: str) -> None:
    api = make_api()
    body = "<return-response>\n<set-body>one\n\u2028two\x85\n  three</set-body>\n</return-response>"
    save(api, policy(body).replace("\n", newline))
    found = lines(administrator_client.get(of_api(api), {"effective": ""}))
    assert [href for href, _ in found if "apis" in href] == [f"{of_api(api)}#line-{n}" for n in range(4, 9)]


def test_a_draft_is_composed_before_it_is_saved(administrator_client: Client) -> None:
    api = make_api()
    text = policy(HEADER.format("draft"))
    page = write(administrator_client, of_api(api), text, "effective")
    assert template_of(page) == "effective"
    assert "It is not saved yet." in text_of(page)
    assert "<strong>API<span" in page.content.decode()
    assert (f"{TOP}#line-11", "<forward-request />") in lines(page)
    assert f"{of_api(api)}#line-4" not in page.content.decode()  # what is saved there is not the draft
    assert not PolicyDocument.objects.filter(api=api)
    editor = press(administrator_client, of_api(api), page, "edit")
    assert in_form(editor, "xml") == text.replace("\n", "\r\n")


def test_a_draft_with_faults_shows_them_instead(administrator_client: Client) -> None:
    api = make_api()
    page = write(administrator_client, of_api(api), policy("<no-such />"), "effective")
    assert "The 'no-such' element is not known." in text_of(page)
    assert "The effective policy cannot be worked out yet." in text_of(page)
    assert 'class="policy-editor"' in page.content.decode()


def test_the_secrets_of_a_draft_are_not_shown(administrator_client: Client) -> None:
    draft = policy('<authentication-basic username="alice" password="hunter2hunter2" />')
    page = write(administrator_client, TOP, draft, "effective")
    assert "hunter2" not in text_of(page)
    assert "{{all-apis-basic-password}}" in text_of(page)


def test_readers_see_what_applies_and_may_try_a_draft(reader_client: Client) -> None:
    before = saved_text(None)
    assert reader_client.get(TOP, {"effective": ""}).status_code == 200
    fields = {"xml": policy(HEADER.format("tried")), "revision": 1, "action": "effective"}
    page = reader_client.post(TOP, fields)
    assert page.status_code == 200
    assert ("", HEADER.format("tried")) in lines(page)
    assert "Back to the editor" not in text_of(page)
    assert saved_text(None) == before


def test_a_readers_draft_with_faults_is_answered_with_them(reader_client: Client) -> None:
    page = reader_client.post(TOP, {"xml": "<policies>", "revision": 1, "action": "effective"})
    assert page.status_code == 200
    assert "not well-formed XML" in text_of(page)


def test_an_outer_policy_that_cannot_be_read_is_named(administrator_client: Client) -> None:
    api = make_api()
    document = PolicyDocument.objects.get(api=None, operation=None)
    update_directly(PolicyDocument, document.key, xml="<policies>\n<no-such />\n</policies>")
    page = administrator_client.get(of_api(api), {"effective": ""})
    assert page.status_code == 200
    assert "the gateway cannot read the policy of All APIs" in text_of(page)
    assert f'href="{TOP}#line-2"' in page.content.decode()


def test_a_scope_without_a_policy_shows_what_it_inherits(administrator_client: Client) -> None:
    api = make_api()
    save(None, policy(HEADER.format("all"), "<forward-request />"))
    page = administrator_client.get(of_operation(make_operation(api)), {"effective": ""})
    assert {href for href, _ in lines(page) if href} == {f"{TOP}#line-4", f"{TOP}#line-7"}
