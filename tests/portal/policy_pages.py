"""Uses the pages of policies as a browser does: what a page holds in its form is what is sent."""

import html
import re
from typing import Any

from django.test import Client
from django.urls import reverse

from gateway.changes.policies import save_policy
from gateway.models import Api, Operation, PolicyDocument
from tests.builders import ALICE

TOP = reverse("policies")
HEADER = '<set-header name="X-From"><value>{}</value></set-header>'


def of_api(api: Api, page: str = "", *args: object) -> str:
    return reverse(f"policy-api{page and '-'}{page}", args=[api.resource_id, *args])


def of_operation(operation: Operation, page: str = "", *args: object) -> str:
    ids = [operation.api.resource_id, operation.resource_id]
    return reverse(f"policy-operation{page and '-'}{page}", args=[*ids, *args])


def policy(inbound: str = "", backend: str = "<base />", *, base: str = "<base />") -> str:
    """A document with a statement on line 4."""
    lines = ["<policies>", "<inbound>", base, inbound, "</inbound>", "<backend>", backend, "</backend>"]
    return "\n".join([*lines, "<outbound>", "<base />", "</outbound>", "</policies>", ""])


def save(scope: Api | Operation | None, xml: str) -> int:
    return save_policy(ALICE, scope, xml).revision


def saved_text(scope: Api | Operation | None) -> str:
    api, operation = (
        scope if isinstance(scope, Api) else None,
        scope if isinstance(scope, Operation) else None,
    )
    return PolicyDocument.objects.get(api=api, operation=operation).xml


def in_form(response: Any, name: str) -> str:
    """What a page's form holds in a hidden field or in the textarea, as a browser sends it: with CRLF."""
    page = response.content.decode()
    hidden = re.search(f'<input type="hidden" name="{name}" value="([^"]*)"', page)
    area = re.search(f'(?s)<textarea name="{name}"[^>]*>\n(.*?)</textarea>', page)
    found = hidden or area
    assert found, name
    return re.sub(r"\r\n|\r|\n", "\r\n", html.unescape(found[1]))


def press(client: Client, path: str, response: Any, action: str, **changed: Any) -> Any:
    """Press a button of a page's form, with its fields as they are or as they are changed."""
    fields = {name: in_form(response, name) for name in ("xml", "revision")}
    moving = re.findall('name="move" value="([^"]*)" checked', response.content.decode())
    return client.post(path, {**fields, "move": moving, "action": action, **changed})


def write(client: Client, path: str, xml: str, action: str = "review") -> Any:
    """Open the editor, write a document, press a button."""
    page = client.get(path) if client.get(path).context.get("editing") else client.get(path, {"add": ""})
    return press(client, path, page, action, xml=xml)


def write_and_save(client: Client, path: str, xml: str) -> Any:
    """Write a document, look at what it comes to, save it."""
    review = write(client, path, xml)
    assert "portal/policies/review.html" in [template.name for template in review.templates]
    return press(client, path, review, "save")


def shown_difference(response: Any) -> list[tuple[str, str]]:
    """The rows of the first difference on a page: pairs of what happened to a line and its text."""
    table = re.search('(?s)<table class="difference">.*?</table>', response.content.decode())
    assert table
    rows = re.findall(r'(?s)<tr class="(\w+)">.*?<code>(.*?)</code></td></tr>', table[0])
    return [(kind, html.unescape(text)) for kind, text in rows]


def template_of(response: Any) -> str:
    return str(response.templates[0].name).removeprefix("portal/policies/").removesuffix(".html")
