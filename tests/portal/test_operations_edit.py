"""New operation, and an operation's own page."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client, RequestFactory
from django.urls import reverse

from gateway.changes.operations import METHODS, delete_operation, rewrite_template_of, update_operation
from gateway.changes.policies import document_of, save_policy
from gateway.models import Operation
from portal.views.operations import OperationEdit
from tests.builders import ALICE, make_api, make_operation
from tests.portal.audit import newest_entry
from tests.portal.reading import text_of

pytestmark = pytest.mark.django_db
LIST = "/apis/partner-bank/operations/"
ADD = "/apis/partner-bank/operations-add/"
EDIT = f"{LIST}get-it/"
GOOD = {
    "method": "GET",
    "url_template": "/customers/{id}",
    "rewrite_template": "",
    "display_name": "Get it",
    "description": "",
}


def make_one(**values: Any) -> Operation:
    return make_operation(make_api(), "/customers/{id}", display_name="Get it", **values)


def revision(client: Client) -> int:
    return int(client.get(EDIT).context["form"]["revision"].value())


def test_the_page_has_the_products_labels_and_order_of_verbs(administrator_client: Client) -> None:
    make_api()
    response = administrator_client.get(ADD)
    page = text_of(response)
    for words in (
        "New operation", "HTTP verb*", "Example: GET", "URL template*",
        "Example: customers/{cid}/orders/{oid}/?date={date}", "Rewrite URL template", "Display name*",
        "Description", "It follows http://127.0.0.1:8080/partner-bank",
    ):  # fmt: skip
        assert words in page
    assert [value for value, _ in response.context["form"].fields["method"].choices] == list(METHODS)
    assert METHODS == ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE")


def test_a_new_operation_is_saved_with_its_rewrite_in_the_policy(administrator_client: Client) -> None:
    make_api()
    values = GOOD | {
        "rewrite_template": "Customers('{ID}')",
        "description": "About it",
        "next": f"{LIST}?q=x",
    }
    response = administrator_client.post(ADD, values, follow=True)
    assert response.redirect_chain == [(f"{LIST}?q=x", 302)]
    assert "New operation “Get it” was successfully saved. No gateway is running" in text_of(response)
    operation = Operation.objects.get()
    assert (operation.method, operation.url_template, operation.description) == (
        "GET",
        "/customers/{id}",
        "About it",
    )
    assert rewrite_template_of(operation) == "Customers('{ID}')"
    assert newest_entry() == ("alice", "created", "operation", "Get it")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("method", "BREW", "Choose one of GET, POST"),
        ("method", "", "required"),
        ("display_name", " ", "Enter a display name"),
        ("display_name", "x" * 101, "at most 100 characters"),
        ("url_template", "", "Enter the URL template"),
        ("url_template", "/{id", "'{' without its '}'"),
        ("url_template", "/a//b", "two slashes in a row"),
        ("url_template", "/a/*/b", "* may stand only at the end"),
        ("url_template", "/x{id}", "must be a whole segment"),
        ("url_template", "/{id}/{ID}", "is in the URL template twice"),
        ("url_template", "/a#b", "must not hold '#'"),
        ("url_template", "/a b", "must be percent-encoded"),
        ("url_template", "/a/../b", "'.' or '..' segments"),
        ("url_template", "customers/{other}", "is already there as “Other”"),
        (
            "rewrite_template",
            "/x/{unknown}",
            "{unknown} of the rewrite URL template is not in the URL template",
        ),
        ("rewrite_template", "/x/*", "ends with /* but the URL template does not"),
    ],
)
def test_a_bad_value_is_refused_on_its_field_and_what_was_typed_stays(
    administrator_client: Client, name: str, value: str, message: str
) -> None:
    make_operation(make_api(), "/customers/{id}", display_name="Other")
    values = GOOD | {"url_template": "/free/{id}", "description": "typed <text>", name: value}
    response = administrator_client.post(ADD, values)
    assert response.status_code == 200
    assert message in " ".join(response.context["form"].errors[name])
    assert "typed <text>" in text_of(response)
    assert Operation.objects.count() == 1


def test_both_templates_and_the_name_are_told_at_once(administrator_client: Client) -> None:
    make_api()
    response = administrator_client.post(ADD, GOOD | {"rewrite_template": "/{no}", "display_name": ""})
    assert set(response.context["form"].errors) == {"rewrite_template", "display_name"}


def test_the_same_template_for_another_verb_is_no_clash(administrator_client: Client) -> None:
    make_one()
    assert administrator_client.post(ADD, GOOD | {"method": "PUT"}).status_code == 302


def test_an_operation_is_shown_and_changed(administrator_client: Client) -> None:
    operation = make_one(rewrite_template="/old/{id}")
    response = administrator_client.get(EDIT)
    assert "Get it" in text_of(response)
    assert 'value="/old/{id}"' in response.content.decode()
    values = GOOD | {
        "url_template": "/new/*",
        "rewrite_template": "/to/*",
        "revision": revision(administrator_client),
    }
    saved = administrator_client.post(EDIT, values, follow=True)
    assert "The operation “Get it” was saved. No gateway is running" in text_of(saved)
    operation.refresh_from_db()
    assert operation.url_template == "/new/*"
    assert rewrite_template_of(operation) == "/to/*"
    assert newest_entry()[0] == "alice"


def test_the_rewrite_template_can_be_taken_away(administrator_client: Client) -> None:
    operation = make_one(rewrite_template="/old/{id}")
    administrator_client.post(EDIT, GOOD | {"revision": revision(administrator_client)})
    assert rewrite_template_of(operation) == ""


def test_its_own_template_is_no_clash(administrator_client: Client) -> None:
    make_one()
    values = GOOD | {"url_template": "/customers/{cid}", "revision": revision(administrator_client)}
    assert administrator_client.post(EDIT, values).status_code == 302


def test_saving_over_somebody_elses_change_shows_both_values_and_asks(administrator_client: Client) -> None:
    operation = make_one()
    seen = revision(administrator_client)
    theirs = GOOD | {"display_name": "Theirs", "rewrite_template": "/theirs"}
    update_operation(ALICE, operation.key, **theirs)
    mine = GOOD | {"display_name": "Mine", "revision": seen}
    response = administrator_client.post(EDIT, mine)
    assert response.status_code == 409
    page = text_of(response)
    assert "Display name* Theirs Mine" in page
    assert "Rewrite URL template /theirs (nothing)" in page
    over = mine | {"save_over": response.context["conflict"].revision}
    assert administrator_client.post(EDIT, over).status_code == 302
    operation.refresh_from_db()
    assert (operation.display_name, rewrite_template_of(operation)) == ("Mine", "")


def test_somebody_elses_change_of_the_rewrite_alone_is_seen(administrator_client: Client) -> None:
    operation = make_one(rewrite_template="/one")
    seen = revision(administrator_client)
    update_operation(ALICE, operation.key, **(GOOD | {"rewrite_template": "/two"}))
    response = administrator_client.post(EDIT, GOOD | {"rewrite_template": "/one", "revision": seen})
    assert "Rewrite URL template /two /one" in text_of(response)


def test_a_change_during_the_request_is_shown_too(rf: RequestFactory, administrator: User) -> None:
    operation = make_one()
    request = rf.post(EDIT)
    request.user = administrator
    view = OperationEdit()
    view.setup(request, api_id="partner-bank", operation_id="get-it")
    values = GOOD | {"display_name": "Mine", "revision": operation.revision}
    form = view.build_form(QueryDict(urlencode(values)))
    assert form.is_valid(), form.errors
    update_operation(ALICE, operation.key, **(GOOD | {"display_name": "Theirs"}))
    differences = view.conflict(form, operation.revision + 1).differences
    assert [(d.theirs, d.yours) for d in differences] == [("Theirs", "Mine")]


def test_readers_see_disabled_fields_and_why_and_cannot_save(reader_client: Client) -> None:
    make_one()
    response = reader_client.get(EDIT)
    assert all(field.disabled for field in response.context["form"].fields.values())
    assert "only members of the group Administrators" in text_of(response)
    assert ">Save<" not in response.content.decode()
    assert reader_client.post(EDIT, GOOD).status_code == 403
    assert reader_client.get(ADD).status_code == 403
    assert reader_client.post(ADD, GOOD).status_code == 403


def test_an_unknown_operation_has_a_page_that_leads_to_the_list(administrator_client: Client) -> None:
    make_api()
    for url in (f"{LIST}nix/", f"{LIST}nix/delete/"):
        response = administrator_client.get(url)
        assert response.status_code == 404
        assert "“Partner Bank” has no operation with the id “nix”." in text_of(response)
        assert f'<a href="{LIST}">' in response.content.decode()


def test_another_apis_operation_is_not_found_here(administrator_client: Client) -> None:
    make_operation(make_api("Other"), display_name="Get it")
    make_api()
    assert administrator_client.get(EDIT).status_code == 404


def test_saving_an_operation_that_was_deleted_meanwhile_says_so(administrator_client: Client) -> None:
    operation = make_one()
    seen = revision(administrator_client)
    delete_operation(ALICE, operation.key)
    response = administrator_client.post(EDIT, GOOD | {"revision": seen})
    assert response.status_code == 404
    assert "Somebody may have deleted it" in text_of(response)


@pytest.mark.parametrize("resource_id", ["a b", "ä?#&=+;", "..", ".", "delete"])
def test_every_id_has_an_address(administrator_client: Client, resource_id: str) -> None:
    make_one(resource_id=resource_id)
    for name in ("operation-edit", "operation-delete"):
        url = reverse(name, args=["partner-bank", resource_id])
        assert administrator_client.get(url).context["operation"].resource_id == resource_id


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(administrator_client: Client, method: str) -> None:
    make_one()
    assert getattr(administrator_client, method)(EDIT).status_code == 405


def test_a_post_without_a_csrf_token_is_refused(administrator_client: Client) -> None:
    make_one()
    administrator_client.handler.enforce_csrf_checks = True
    assert administrator_client.post(EDIT, GOOD).status_code == 403


# --- what the field cannot show -----------------------------------------------------------------------------------
TWO = '<rewrite-uri template="/one/{id}" /><rewrite-uri template="/two/{id}" />'


def make_other() -> Operation:
    operation = make_one()
    save_policy(ALICE, operation, f"<policies><inbound><base />{TWO}</inbound></policies>")
    return operation


def test_a_policy_that_rewrites_in_another_way_is_told_with_a_link_to_the_editor(
    administrator_client: Client,
) -> None:
    make_other()
    response = administrator_client.get(EDIT)
    page = response.content.decode()
    assert "holds more than one rewrite-uri statement" in page
    assert "It cannot be shown here" in page
    url = reverse("policy-operation", args=["partner-bank", "get-it"])
    assert f'<a href="{url}">Open the policy editor</a>' in page
    field = response.context["form"]["rewrite_template"]
    assert (field.field.disabled, field.value()) == (True, "")


def test_the_rest_of_such_an_operation_is_saved_and_its_policy_stays(administrator_client: Client) -> None:
    operation = make_other()
    before = document_of(operation)
    values = {name: value for name, value in GOOD.items() if name != "rewrite_template"}
    values |= {"revision": str(revision(administrator_client)), "display_name": "Other"}
    assert administrator_client.post(EDIT, values).status_code == 302
    assert Operation.objects.get().display_name == "Other"
    after = document_of(operation)
    assert (after.xml, after.revision) == (before.xml, before.revision)


def test_a_rewrite_template_that_is_sent_all_the_same_is_refused(administrator_client: Client) -> None:
    operation = make_other()
    values = GOOD | {"revision": str(revision(administrator_client)), "rewrite_template": "/x/{id}"}
    response = administrator_client.post(EDIT, values)
    assert list(response.context["form"].errors) == ["rewrite_template"]
    assert "Use the policy editor" in text_of(response)
    assert "/x/" not in document_of(operation).xml


def test_a_url_template_that_such_a_policy_does_not_fit_is_refused_on_its_field(
    administrator_client: Client,
) -> None:
    make_other()
    values = GOOD | {"revision": str(revision(administrator_client)), "url_template": "/customers/{nr}"}
    response = administrator_client.post(EDIT, values)
    assert list(response.context["form"].errors) == ["url_template"]
    assert "The policy of this operation would become invalid." in text_of(response)
