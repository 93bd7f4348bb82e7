"""What people and certificates say is shown as text, wherever it is shown."""

import itertools
import json
import re
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser
from urllib.parse import quote, urlsplit

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from gateway.changes.apis import update_api
from gateway.changes.security import BasicCredentials
from gateway.changes.subscriptions import cancel_subscription
from gateway.errors import Invalid
from gateway.models import Api, Certificate, Operation, PolicyVersion
from tests import pki
from tests.builders import (
    ALICE,
    choose,
    make_api,
    make_ca_certificate,
    make_certificate,
    make_named_value,
    make_operation,
    make_signing_request,
    make_subscription,
    make_version,
    use_named_value,
)

HOSTILE = '<script>alert(1)</script><b x=\'"onload="y">{{ 7 }}{% now %}'
NAME = "<script>alert(1)<script>"  # as an id, which holds neither quotes nor slashes

PAGES = [
    "/", "/help/?q=H", "/apis/?q=H", "/apis-add/?display_name=H", "/apis-preview/?suffix=H&display_name=H",
    "/security/client-certificates/?q=H&sort=H&state=H&page=H", "/security/client-certificates/upload/?next=H",
    "/security/ca-certificates/?q=H", "/security/ca-certificates/upload/?next=H",
    "/policies/?api=H&scope=H&q=H", "/sign-in/?next=H",
    "/subscriptions/?q=H&state=H&scope=H&sort=H", "/subscriptions-add/?api=H&next=H",
    "/properties/?q=H&tag=H&kind=H&use=H&sort=H", "/properties-add/?next=H", "/notifications/",
]  # fmt: skip

PROPERTY_PAGES = ("property", "property-value", "property-delete")
SUBSCRIPTION_PAGES = (
    "subscription", "subscription-edit", "subscription-keys", "subscription-cancel", "subscription-suspend",
    "subscription-regenerate-primary",
)  # fmt: skip


@pytest.fixture
def addresses(db: None) -> list[str]:
    """Every page that shows something hostile."""
    api = make_api(HOSTILE, suffix="x'()", resource_id=NAME, description=HOSTILE)
    make_operation(
        api, display_name=HOSTILE, description=HOSTILE, resource_id=NAME, rewrite_template="/'{id}'"
    )
    certificate = make_certificate(HOSTILE, name=NAME)
    ca = make_ca_certificate(HOSTILE, name=NAME)
    other = make_api("Other")
    choose(other, BasicCredentials(HOSTILE.replace(":", "").replace("{{ 7 }}", ""), HOSTILE))
    choose(api, certificate)
    operation = Operation.objects.get()
    subscription = make_subscription(HOSTILE, api, owner=HOSTILE, resource_id=NAME)
    cancelled = make_subscription(HOSTILE, owner=HOSTILE)
    cancel_subscription(ALICE, cancelled.key)
    found = [
        f"/subscriptions/?api={quote(NAME)}",
        reverse("subscription-delete", args=[cancelled.resource_id]),
    ]
    found += [reverse(name, args=[subscription.resource_id]) for name in SUBSCRIPTION_PAGES]
    value = HOSTILE.replace("{{ 7 }}", "")
    used = make_named_value(NAME, value, tags=[value.replace('"', "")])
    use_named_value(NAME.replace("<", "&lt;"), other)
    for row in (used, make_named_value(f"{NAME}-2", value, secret=True)):
        found += [reverse(name, args=[row.resource_id]) for name in PROPERTY_PAGES]
    for one in Api.objects.all():
        for name in (
            "api-summary",
            "api-settings",
            "api-delete",
            "operations",
            "operation-add",
            "api-security",
        ):
            found.append(reverse(name, args=[one.resource_id]))
        for name in ("policy-api", "policy-api-history", "policy-api-delete"):
            found.append(reverse(name, args=[one.resource_id]))
        found.append(f"{reverse('policy-api', args=[one.resource_id])}?effective")
        for version in PolicyVersion.objects.filter(api=one):
            for name in ("policy-api-version", "policy-api-restore"):
                found.append(reverse(name, args=[one.resource_id, version.key]))
    for name in ("operation-edit", "operation-delete", "policy-operation"):
        found.append(reverse(name, args=[api.resource_id, operation.resource_id]))
    found += [*pages_of_certificates(certificate), reverse("ca-certificate", args=[ca.key])]
    return found + [page.replace("=H", f"={quote(HOSTILE)}") for page in PAGES]


def pages_of_certificates(certificate: Certificate) -> list[str]:
    """The pages of a certificate that is in use, of its successor, and of a signing request."""
    version, key = make_version(certificate, f"{HOSTILE} 2", sans=[]), certificate.key
    other = make_certificate(f"{HOSTILE} 3", name=f"{NAME}-2")
    request = make_signing_request(certificate, HOSTILE)
    return [
        *(
            reverse(name, args=[key])
            for name in ("certificate", "certificate-delete", "certificate-replace", "certificate-move")
        ),
        reverse("certificate-move", args=[key], query={"to": str(other.key), "next": HOSTILE}),
        *(
            reverse(name, args=[key, version.number])
            for name in ("certificate-version", "certificate-version-remove")
        ),
        reverse("signing-request-add", query={"certificate": str(key)}),
        *(reverse(name, args=[request.key]) for name in ("signing-request", "signing-request-delete")),
    ]


class Markup(HTMLParser):
    """Collects what a browser would run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.active: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        names = dict(attributes)
        is_data = names.get("type") == "application/json"  # which no browser runs
        if tag == "script" and not is_data and not (names.get("src") or "").startswith("/static/"):
            self.active.append(f"{tag} {names}")
        self.active += [f"{tag} {name}" for name in names if name.startswith("on")]
        if "x" in names and not re.fullmatch(r"-?[0-9.]+%?", names["x"] or ""):  # in a drawing it is a number
            self.active.append(f"{tag} x")
        if (names.get("href") or "").strip().lower().startswith(("javascript:", "data:")):
            self.active.append(f"{tag} {names}")


def active(page: str) -> Iterator[str]:
    yield from Markup(page).active
    if "alert(1)</script>" in page:
        yield "unescaped text"


def test_no_page_runs_what_a_name_says(administrator_client: Client, addresses: list[str]) -> None:
    for address in addresses:
        answer = administrator_client.get(address)
        assert answer.status_code in {200, 302, 404}, (address, answer.status_code)
        if answer["Content-Type"].startswith("text/html"):
            assert not list(active(answer.content.decode())), address
        else:
            json.loads(answer.content)
            assert answer["X-Content-Type-Options"] == "nosniff"


def test_no_form_that_comes_back_runs_what_was_typed(
    administrator_client: Client, addresses: list[str]
) -> None:
    typed = dict.fromkeys(
        ("display_name", "description", "web_service_url", "suffix", "url_template", "rewrite_template", "method",
         "name", "username", "password", "certificate", "credentials", "next", "revision", "password", "http",
         "owner", "api", "connect_timeout", "max_body_bytes", "then",
         "value", "secret", "secret_value", "tags"),
        HOSTILE,
    )  # fmt: skip
    for address in [
        a for a in addresses if "delete" not in a and not a.startswith(("/policies", "/help", "/?"))
    ]:
        answer = administrator_client.post(address, typed)
        if answer.status_code != 405:
            assert answer.status_code in {200, 302, 400, 403, 409, 422}, (address, answer.status_code)
            assert not list(active(answer.content.decode())), address
            assert not urlsplit(answer.headers.get("Location", "/")).netloc


DRAFTS = [
    HOSTILE,
    f"<policies><!-- {HOSTILE} --></policies>",
    f"<policies><inbound><no-such x='{escape(HOSTILE)}'/></inbound></policies>",
    f"""<policies><inbound><authentication-basic username="{escape(HOSTILE)}" password="{{{{x}}}}{NAME}"/>
    <set-header name="Authorization"><value>{escape(HOSTILE)}</value></set-header></inbound></policies>""",
    f"<policies><inbound><return-response><set-body><![CDATA[{HOSTILE}]]></set-body></return-response>"
    f"<set-header name='x-key'><value>{escape(NAME)}</value></set-header></inbound></policies>",
]


@pytest.mark.parametrize("action", ["review", "effective", "edit", "save"])
def test_no_draft_of_a_policy_runs(administrator_client: Client, action: str) -> None:
    for number, (text, revision) in enumerate(itertools.product(DRAFTS, ["0", "99", HOSTILE])):
        api = make_api("Third", suffix=f"third-{number}", resource_id=f"third-{number}{NAME}")
        path = reverse("policy-api", args=[api.resource_id])
        answer = administrator_client.post(
            path, {"xml": text, "revision": revision, "action": action, "move": HOSTILE}
        )
        assert answer.status_code in {200, 302, 409}, (text, revision)
        assert not list(active(answer.content.decode())), (text, revision)
        assert not list(active(administrator_client.get(path).content.decode())), (text, revision)


def test_the_operators_room_shows_it_as_text(administrator_client: Client, addresses: list[str]) -> None:
    for model in admin.site._registry:
        if model._meta.app_label != "gateway":
            continue
        page = administrator_client.get(reverse(f"admin:gateway_{model._meta.model_name}_changelist"))
        assert "alert(1)</script>" not in page.content.decode()
        for row in model._default_manager.all()[:20]:
            page = administrator_client.get(
                reverse(f"admin:gateway_{model._meta.model_name}_change", args=[row.pk])
            )
            assert "alert(1)</script>" not in page.content.decode()


@pytest.mark.parametrize("field", ["suffix", "web_service_url"])
@pytest.mark.parametrize("text", ["a\r\nX-Evil: 1", "a\nb", "a\x00b", "a\u2028b"])
def test_an_address_with_a_line_break_is_refused(db: None, field: str, text: str) -> None:
    api = make_api()
    suffix, url = (
        (text, "https://bank.example") if field == "suffix" else ("bank", f"https://bank.example/{text}")
    )
    with pytest.raises(Invalid) as refused:
        update_api(
            ALICE,
            api.key,
            display_name="x",
            description="",
            http=True,
            https=True,
            suffix=suffix,
            web_service_url=url,
        )
    assert list(refused.value.errors) == [field]


NEXT = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\t//evil.example",
    "https://evil.example",
    "http:evil.example",
    "javascript:alert(1)",
    "/%0d%0aX: 1//",
]


@pytest.mark.parametrize("path", NEXT)
def test_nobody_is_led_away_by_a_link(administrator_client: Client, path: str) -> None:
    data = {"file": pki_file(), "password": "x", "next": path}
    answers = [
        Client().post(
            "/sign-in/", {"username": "alice", "password": "correct horse battery staple", "next": path}
        ),
        administrator_client.post("/security/client-certificates/upload/", data),
        administrator_client.get("/sign-in/", {"next": path}),
    ]
    for answer in answers:
        place = answer.headers.get("Location", "/")
        assert place.startswith("/"), place
        assert not place.startswith(("//", "/\\"))
    page = administrator_client.get("/security/client-certificates/upload/", {"next": path}).content.decode()
    assert 'href="//evil' not in page
    assert 'href="https://evil' not in page


def pki_file() -> SimpleUploadedFile:
    return SimpleUploadedFile("client.pfx", pki.pfx(pki.self_signed("partner"), password=b"x"))


@pytest.mark.parametrize(
    "address",
    [
        "/apis/a%00b/",
        "/apis/?q=a%00b&page=%00&sort=%00",
        "/apis/x/operations/%00/",
        "/apis-preview/?suffix=%00",
        "/apis/partner-bank/security/?certificate=%00",
        "/policies/?api=%00&operation=%00",
        "/policies/apis/%00/",
        "/subscriptions/?api=%00&q=%00&state=%00",
        "/subscriptions/?api=partner-bank%00",
        "/subscriptions/a%00b/",
        "/subscriptions-add/?api=%00",
        "/properties/?q=%00&tag=%00&kind=%00&use=%00",
        "/properties/a%00b/",
        "/properties/a%00b/delete/",
        "/security/client-certificates/?q=%00&uploaded=%00",
    ],
)
def test_a_nul_in_an_address_is_no_failure(administrator_client: Client, address: str) -> None:
    make_api()
    assert administrator_client.get(address).status_code in {200, 302, 404}
