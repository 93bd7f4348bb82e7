"""Saving a policy: first what it comes to, then it is in effect; whatever is wrong, nothing entered is lost."""

import re
import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from gateway import keystore
from gateway.changes.certificates import delete_certificate
from gateway.models import NamedValue, PolicyDocument
from gateway.policies.documents import NEW_DOCUMENT
from portal.policy_drafts import emptied
from tests.arrange import set_text, update_directly
from tests.builders import ALICE, make_api, make_back_end, make_certificate, make_operation
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
    shown_difference,
    template_of,
    write,
    write_and_save,
)
from tests.portal.reading import banners, errors_beside, text_of
from tests.portal.test_middleware import age, sign_in_again


def faults(response: Any) -> list[tuple[str, str, str]]:
    """The faults above the editor: line, column, and where each leads."""
    found = re.search('(?s)<ul id="policy-faults">.*?</ul>', response.content.decode())
    return re.findall('data-line="(.*?)" data-column="(.*?)"><a href="(.*?)"', found[0]) if found else []


# --- the way of a document ----------------------------------------------------------------------------------------
def test_nothing_is_saved_before_its_author_has_seen_the_difference(administrator_client: Client) -> None:
    api = make_api()
    before = policy(HEADER.format("one"))
    save(api, before)
    after = policy(HEADER.format("two"))
    review = write(administrator_client, of_api(api), after)
    assert saved_text(api) == before
    assert "Not saved yet." in text_of(review)
    changed = [row for row in shown_difference(review) if row[0] != "same"]
    assert changed == [("removed", HEADER.format("one")), ("added", HEADER.format("two"))]
    answer = press(administrator_client, of_api(api), review, "save")
    assert answer["Location"] == of_api(api)
    assert saved_text(api) == after
    said = banners(administrator_client.get(answer["Location"]))
    text = "The policy of Partner Bank was saved. No gateway is running; it takes effect when one starts."
    assert [words for _, words in said] == [text]


def test_what_happened_to_a_line_is_said_in_signs_and_words_too(administrator_client: Client) -> None:
    api = make_api()
    save(api, policy(HEADER.format("one")))
    page = write(administrator_client, of_api(api), policy(HEADER.format("two"))).content.decode()
    row = r'<tr class="{0}">.*?<span aria-hidden="true">{1}</span><span class="visually-hidden">{0}</span>'
    assert re.search(row.format("removed", "-"), page)
    assert re.search(row.format("added", r"\+"), page)


@pytest.mark.parametrize("which", ["global", "api", "operation"])
def test_every_scope_is_edited(administrator_client: Client, which: str) -> None:
    api = make_api()
    operation = make_operation(api)
    scope = {"global": None, "api": api, "operation": operation}[which]
    path = {"global": TOP, "api": of_api(api), "operation": of_operation(operation)}[which]
    text = policy(HEADER.format("me"), "<forward-request />")
    assert write_and_save(administrator_client, path, text)["Location"] == path
    assert saved_text(scope) == text


def test_the_first_policy_of_a_scope_begins_with_a_document_that_explains_itself(
    administrator_client: Client,
) -> None:
    api = make_api()
    page = administrator_client.get(of_api(api))
    assert "ADD POLICY" in text_of(page).upper()
    editor = administrator_client.get(of_api(api), {"add": ""})
    text = in_form(editor, "xml").replace("\r\n", "\n")
    assert text.startswith("<!--\n    IMPORTANT:")
    assert text.endswith(NEW_DOCUMENT)
    assert in_form(editor, "revision") == "0"
    assert write_and_save(administrator_client, of_api(api), text).status_code == 302
    assert saved_text(api) == text


def test_going_back_to_the_editor_loses_nothing(administrator_client: Client) -> None:
    api = make_api()
    save(api, policy())
    text = policy("\n\n  " + HEADER.format("é\U0001f600&amp;") + "\t ")
    review = write(administrator_client, of_api(api), text)
    editor = press(administrator_client, of_api(api), review, "edit")
    assert in_form(editor, "xml") == text.replace("\n", "\r\n")
    assert in_form(editor, "revision") == in_form(review, "revision")


def test_a_text_that_is_there_already_is_nothing_to_save(administrator_client: Client) -> None:
    api = make_api()
    save(api, policy())
    review = write(administrator_client, of_api(api), policy())
    assert "There is no difference to what is in effect" in text_of(review)
    assert 'value="save"' not in review.content.decode()


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("first", ["", "\n"])
def test_line_endings_stay_as_they_are_saved(administrator_client: Client, newline: str, first: str) -> None:
    api = make_api()
    before = (first + policy(HEADER.format("one"))).replace("\n", newline)
    save(api, before)
    opened = administrator_client.get(of_api(api))
    unchanged = press(administrator_client, of_api(api), opened, "review")
    assert "There is no difference to what is in effect" in text_of(unchanged)
    changed = in_form(opened, "xml").replace("one", "two")
    write_and_save(administrator_client, of_api(api), changed)
    assert saved_text(api) == before.replace("one", "two")


def test_a_document_of_several_line_endings_is_not_changed_by_looking_at_it(
    administrator_client: Client,
) -> None:
    api = make_api()
    before = policy().replace("\n", "\r\n", 3)
    save(api, before)
    page = administrator_client.get(of_api(api))
    review = press(administrator_client, of_api(api), page, "review")
    assert "There is no difference" in text_of(review)
    press(administrator_client, of_api(api), page, "save")
    assert saved_text(api) == before


# --- what is wrong ------------------------------------------------------------------------------------------------
def test_each_fault_leads_to_its_line_and_the_draft_stays(administrator_client: Client) -> None:
    api = make_api()
    text = policy('<no-such />\n<cors />\n<forward-request timeout="0" />')
    page = write(administrator_client, of_api(api), text)
    assert page.status_code == 200
    assert ("4", "2", "#line-4") in faults(page)
    assert ("5", "2", "#line-5") in faults(page)
    assert 'id="line-5"' in page.content.decode()
    assert in_form(page, "xml") == text.replace("\n", "\r\n")
    assert 'aria-invalid="true"' in page.content.decode()
    assert not PolicyDocument.objects.filter(api=api)


def test_malformed_xml_is_a_fault_with_its_position(administrator_client: Client) -> None:
    page = write(administrator_client, TOP, "<policies>\n<inbound>\n</policies>")
    assert faults(page) == [("3", "3", "#line-3")]
    assert "not well-formed XML" in text_of(page)


@pytest.mark.parametrize("action", ["review", "save", "effective", "edit", "no such"])
def test_what_is_no_document_is_refused_at_its_field(administrator_client: Client, action: str) -> None:
    before = saved_text(None)
    for text in ("", " \r\n\t", "\0", "<policies>\0</policies>", "x" * 2_000_000, "@(1)"):
        page = write(administrator_client, TOP, text, action)
        assert page.status_code == 200, text[:20]
        assert saved_text(None) == before, text[:20]
        assert errors_beside(page, "xml") or faults(page) or action == "edit", text[:20]


def test_why_nothing_is_no_document(administrator_client: Client) -> None:
    said = {text: write(administrator_client, TOP, text) for text in ("", "a\0b", "é" * 600_000)}
    assert errors_beside(said[""], "xml") == [
        "Enter a policy document. To have no policy at this scope, delete it instead."
    ]
    assert "null character" in errors_beside(said["a\0b"], "xml")[0]
    assert "larger than 1 MB" in text_of(said["é" * 600_000])


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"action=review&revision=1&xml=%ED%A0%80%3Cpolicies%2F%3E"),
        ("application/x-www-form-urlencoded", b"action=review&revision=1&xml=%FF%FE%00"),
        ("application/x-www-form-urlencoded", b"action=review&revision=x&xml=%3Cpolicies%2F%3E"),
        (
            "application/x-www-form-urlencoded",
            b"action=save&revision=99999999999999999999999&xml=<policies/>",
        ),
        ("application/x-www-form-urlencoded; charset=utf-16", b"action=review&xml=\xd8\x00"),
        ("application/json", b"{}"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="xml"\r\n\r\n\xed\xa0\x80<policies/>\r\n--b--',
        ),
    ],
)
def test_half_characters_and_other_bytes_are_no_failure(
    administrator_client: Client, content_type: str, body: bytes
) -> None:
    before = saved_text(None)
    answer = administrator_client.generic("POST", TOP, body, content_type)
    assert answer.status_code in {200, 400, 409}
    assert saved_text(None) == before


def test_what_became_wrong_between_review_and_save_is_said_and_the_draft_stays(
    administrator_client: Client,
) -> None:
    api, certificate = make_api(), make_certificate("partner-bank")
    text = policy('<authentication-certificate certificate-id="partner-bank" />')
    review = write(administrator_client, of_api(api), text)
    delete_certificate(ALICE, certificate.key)
    page = press(administrator_client, of_api(api), review, "save")
    assert page.status_code == 200
    assert "could not be resolved" in text_of(page)
    assert faults(page) == [("4", "2", "#line-4")]
    assert in_form(page, "xml") == text.replace("\n", "\r\n")


def test_a_scope_that_was_deleted_meanwhile_is_said(administrator_client: Client) -> None:
    api = make_api()
    review = write(administrator_client, of_api(api), policy())
    update_directly(type(api), api.key, resource_id="another")
    answer = press(administrator_client, of_api(api), review, "save")
    assert answer.status_code == 404
    assert "There is no API with the id “partner-bank”" in text_of(answer)


# --- secrets ------------------------------------------------------------------------------------------------------
BASIC = '<authentication-basic username="alice" password="hunter2hunter2" />'
KEY = '<set-header name="X-Api-Key"><value>0123456789</value></set-header>'


def secret(name: str) -> str:
    row = NamedValue.objects.get(resource_id=name)
    assert row.secret
    table = row._meta.db_table
    return keystore.open_sealed(table, "sealed_value", row.key, row.sealed_value).decode()


def test_a_password_is_moved_and_the_message_says_where(administrator_client: Client) -> None:
    api = make_api()
    review = write(administrator_client, of_api(api), policy(BASIC))
    name = "partner-bank-basic-password"
    assert f"on line 4 moves to the secret named value {name}" in text_of(review)
    assert ("added", BASIC.replace("hunter2hunter2", f"{{{{{name}}}}}")) in shown_difference(review)
    assert "hunter2hunter2" not in text_of(review)
    answer = press(administrator_client, of_api(api), review, "save")
    said = banners(administrator_client.get(answer["Location"]))
    assert f"A secret that was written in it is now in the secret named value {name}." in said[0][1]
    assert "hunter2" not in saved_text(api)
    assert secret(name) == "hunter2hunter2"


def test_what_looks_secret_is_marked_and_moved_unless_its_author_objects(
    administrator_client: Client,
) -> None:
    api = make_api()
    review = write(administrator_client, of_api(api), policy(KEY))
    name = "partner-bank-x-api-key"
    assert f"Move to secret named value {name}" in text_of(review)
    assert "the value of the header 'X-Api-Key', line 4" in text_of(review)
    press(administrator_client, of_api(api), review, "save")
    assert "0123456789" not in saved_text(api)
    assert secret(name) == "0123456789"


def test_what_looks_secret_stays_if_its_author_says_so(administrator_client: Client) -> None:
    api = make_api()
    review = write(administrator_client, of_api(api), policy(KEY))
    press(administrator_client, of_api(api), review, "save", move=[])
    assert "0123456789" in saved_text(api)
    assert not NamedValue.objects.exists()


@pytest.mark.parametrize(
    "statement",
    [
        '<set-query-parameter name="api_key"><value><![CDATA[abc&]]></value></set-query-parameter>',
        '<set-header name="Authorization"><value><!-- it -->Bearer a &amp; b</value></set-header>',
        '<set-header name="Cookie"><value>a=1</value><value>b=2</value></set-header>',
        '<check-header name="X-Api-Key" failed-check-httpcode="401" failed-check-error-message="No"'
        ' ignore-case="false"><value>abc</value></check-header>',
    ],
)
def test_whatever_is_offered_to_be_moved_can_be_moved(administrator_client: Client, statement: str) -> None:
    api = make_api()
    answer = write_and_save(administrator_client, of_api(api), policy(statement))
    assert answer.status_code == 302
    assert "{{partner-bank-" in saved_text(api)


def test_what_was_left_in_sight_is_marked_with_the_way_to_move_it(
    administrator_client: Client, reader_client: Client
) -> None:
    api = make_api()
    save(api, policy(KEY))
    page = administrator_client.get(of_api(api))
    words = text_of(page)
    assert "This looks secret" in words
    assert "Line 4 : the value of the header 'X-Api-Key'" in words
    assert "Moving takes it out of the history as well" in words
    review = press(administrator_client, of_api(api), page, "move")
    assert template_of(review) == "review"
    press(administrator_client, of_api(api), review, "save")
    assert "0123456789" not in saved_text(api)
    assert "This looks secret" not in text_of(administrator_client.get(of_api(api)))
    for version in api.policy_versions.all():
        assert "0123456789" not in text_of(reader_client.get(of_api(api, "version", version.key)))


def test_a_secret_to_move_that_is_not_there_is_refused(administrator_client: Client) -> None:
    api = make_api()
    review = write(administrator_client, of_api(api), policy(KEY))
    page = press(administrator_client, of_api(api), review, "save", move=["99-1", "\0"])
    assert page.status_code == 200
    assert "Review it once more" in text_of(page)
    assert not PolicyDocument.objects.filter(api=api)


# --- what it means ------------------------------------------------------------------------------------------------
def meanings(client: Client, path: str, text: str) -> list[str]:
    page = write(client, path, text).content.decode()
    found = re.search('(?s)<ul class="meanings">(.*?)</ul>', page)
    return re.findall("<li>(.*?)</li>", found[1]) if found else []


def test_what_it_means_for_calls_is_said_in_words(administrator_client: Client) -> None:
    api = make_api()
    make_certificate("one")
    make_certificate("two")
    certificate = '<authentication-certificate certificate-id="{}" />'
    path = of_api(api)

    def said(text: str) -> list[str]:
        return meanings(administrator_client, path, text)

    assert said(policy()) == []
    assert said(policy(certificate.format("one"))) == ["Certificate “one” will be presented to the back end."]
    save(api, policy(certificate.format("one")))
    assert said(policy(certificate.format("two"))) == [
        "Certificate “two” will be presented to the back end instead of “one”."
    ]
    assert said(policy()) == ["Certificate “one” will no longer be presented to the back end."]
    assert said(policy(certificate.format("one"), "")) == [
        "Calls are no longer forwarded: there is no forward-request.",
        "What All APIs says in backend no longer applies here.",
    ]
    answered = policy(certificate.format("one") + "<return-response />")
    assert said(answered) == ["The gateway answers calls itself from now on: there is a return-response."]
    elsewhere = policy(certificate.format("one") + '<set-backend-service base-url="https://b.example" />')
    assert said(elsewhere) == ["Calls go to https://b.example instead of the web service URL."]
    make_back_end("orders", "https://orders.example")
    named = policy(certificate.format("one") + '<set-backend-service backend-id="orders" />')
    assert said(named) == ["Calls go to the back end “orders” instead of the web service URL."]


def test_of_inherited_statements_the_scope_is_named(administrator_client: Client) -> None:
    api = make_api()
    operation = make_operation(api)
    save(api, policy(HEADER.format("me")))
    said = meanings(administrator_client, of_operation(operation), policy(base=""))
    assert said == ["What Partner Bank says in inbound no longer applies here."]


def test_where_an_outer_document_cannot_be_read_no_meaning_is_guessed(administrator_client: Client) -> None:
    api = make_api()
    document = PolicyDocument.objects.get(api=None, operation=None)
    update_directly(PolicyDocument, document.key, xml="<policies><no-such /></policies>")
    review = write(administrator_client, of_api(api), policy("", ""))
    assert template_of(review) == "review"
    assert "What it means for calls" not in text_of(review)


# --- who may, and until when --------------------------------------------------------------------------------------
@pytest.mark.parametrize("action", ["review", "save", "edit", "", "EFFECTIVE"])
def test_readers_can_change_nothing(reader_client: Client, action: str) -> None:
    before = saved_text(None)
    answer = reader_client.post(TOP, {"xml": policy(), "revision": 0, "action": action})
    assert answer.status_code == 403
    assert saved_text(None) == before


def test_a_draft_outlives_the_session_without_its_passwords(
    administrator_client: Client, administrator: User
) -> None:
    api = make_api()
    text = policy(f'{BASIC}\n{BASIC.replace(chr(34), chr(39))}\n<no-such password = "{{{{named}}}}" />')
    age(administrator_client, idle=31 * 60)
    fields = {"xml": text, "revision": 0, "action": "review"}
    assert administrator_client.post(of_api(api), fields).status_code == 302
    assert "hunter2" not in str(dict(administrator_client.session.items()))
    sign_in_again(administrator_client)
    page = administrator_client.get(of_api(api))
    assert "passwords and files are not kept" in text_of(page)
    assert in_form(page, "xml") == text.replace("hunter2hunter2", "").replace("\n", "\r\n")
    assert "{{named}}" in in_form(page, "xml")


def test_a_draft_outlives_the_session_without_what_looks_secret(
    administrator_client: Client, administrator: User
) -> None:
    cases = (
        KEY,
        KEY.replace("0123456789", "<![CDATA[0123456789</value>]]>"),
        "<set-header name='Cookie'><value>0123456789",
    )
    text = policy("\n".join([HEADER.format("plain"), HEADER.format("{{named}}"), *cases]))
    age(administrator_client, idle=31 * 60)
    administrator_client.post(TOP, {"xml": text, "revision": 1, "action": "review"})
    assert "0123456789" not in str(dict(administrator_client.session.items()))
    sign_in_again(administrator_client)
    page = administrator_client.get(TOP)
    assert "Secrets were left out of the draft. Enter them again: lines 6, 7 and 8." in text_of(page)
    kept = text.replace("<![CDATA[0123456789</value>]]>", "").replace("0123456789", "")
    assert in_form(page, "xml") == kept.replace("\n", "\r\n")


def test_a_draft_as_large_as_a_document_outlives_the_session(
    administrator_client: Client, administrator: User
) -> None:
    text = policy(f"<!-- {'x' * 990_000} -->")
    age(administrator_client, idle=31 * 60)
    administrator_client.post(TOP, {"xml": text, "revision": 1, "action": "review"})
    sign_in_again(administrator_client)
    assert in_form(administrator_client.get(TOP), "xml") == text.replace("\n", "\r\n")


def test_emptying_a_draft_takes_no_time_however_it_is_written() -> None:
    began = time.process_time()
    for piece in (
        '<set-header name="X-Key"><value>a',
        "<value",
        "<set-header",
        "<!--",
        "<![CDATA[",
        'password="',
        "name ",
    ):
        emptied(piece * (1_000_000 // len(piece)))
    assert time.process_time() - began < 10


def test_a_named_value_is_no_password_to_leave_out(administrator_client: Client, administrator: User) -> None:
    set_text("named", "value")
    text = policy(BASIC.replace("hunter2hunter2", "{{named}}"))
    age(administrator_client, idle=31 * 60)
    administrator_client.post(TOP, {"xml": text, "revision": 1, "action": "save"})
    sign_in_again(administrator_client)
    assert in_form(administrator_client.get(TOP), "xml") == text.replace("\n", "\r\n")
