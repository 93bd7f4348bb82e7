"""Every address of the portal, whoever asks: nobody is forgotten, and no view forgot to ask."""

from collections.abc import Callable, Iterable, Iterator
from uuid import UUID, uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from gateway import records_traces
from gateway.models import Operation, PolicyVersion, Principal, Trace
from tests.builders import (
    choose,
    make_api,
    make_ca_certificate,
    make_certificate,
    make_named_value,
    make_operation,
    make_signing_request,
    make_subscription,
)

# Everybody may see these, or they only lead elsewhere.
OPEN = {"sign-in", "sign-out", "security", "admin-sign-in"}
MAY_POST = {"change-password", "operation-console", "console-preview"}  # Readers, too
READ = {200, 302, 403, 405}


def routes(patterns: Iterable[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Name and route of every address."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.name or "", prefix + str(pattern.pattern)
        else:
            yield from routes(pattern.url_patterns, prefix + str(pattern.pattern))


PAGES = [
    (name, route) for name, route in routes(get_resolver().url_patterns) if not route.startswith("admin/")
]
ADMIN = [route for _, route in routes(get_resolver().url_patterns) if route.startswith("admin/")]


@pytest.fixture
def path_of(db: None) -> Callable[[str], str]:
    """Fills a route in with what there is."""
    api, certificate, ca = make_api(), make_certificate(), make_ca_certificate()
    make_operation(api, rewrite_template="/v2/{id}")
    choose(api, certificate)
    operation, subscription = Operation.objects.get(), make_subscription("Mobile app", api)
    named_value, request = make_named_value(value="hunter2", secret=True), make_signing_request()
    trace = Trace(at=timezone.now(), api=api.resource_id, content={})
    records_traces.write([trace])

    def key_for(route: str) -> UUID:
        if "history" in route:
            of_operation = operation if "operation_id" in route else None
            of_api = api if "api_id" in route and not of_operation else None
            return PolicyVersion.objects.get(api=of_api, operation=of_operation).key
        if "signing-requests" in route:
            return request.key
        if "traces" in route:
            return trace.key
        if "principals" in route:
            return Principal.objects.get().key
        return ca.key if "ca-certificates" in route else certificate.key

    def path(route: str) -> str:
        values = {
            "<id:api_id>": api.resource_id,
            "<id:operation_id>": operation.resource_id,
            "<id:subscription_id>": subscription.resource_id,
            "<id:property_id>": named_value.resource_id,
            "<int:number>": "1",
            "<str:form>": "pem",
        }
        if "<uuid:key>" in route:
            values["<uuid:key>"] = str(key_for(route))
        for part, value in values.items():
            route = route.replace(part, value)
        assert "<" not in route
        return f"/{route}"

    return path


def wrong(
    asking: Client, method: str, paths: Iterable[str], right: Callable[[HttpResponse], bool]
) -> list[str]:
    """The paths that are answered otherwise than is right, with method and status."""
    answers = [(path, asking.generic(method, path)) for path in paths]
    return [f"{method} {path}: {answer.status_code}" for path, answer in answers if not right(answer)]


def one_of(*statuses: int) -> Callable[[HttpResponse], bool]:
    return lambda answer: answer.status_code in statuses


def leads_to_the_sign_in(answer: HttpResponse) -> bool:
    return answer.status_code == 302 and answer["Location"].split("?")[0] == "/sign-in/"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
def test_an_address_is_for_people_with_a_role(
    client: Client,
    stranger_client: Client,
    reader_client: Client,
    path_of: Callable[[str], str],
    method: str,
) -> None:
    paths = {path_of(route): name for name, route in PAGES if name not in OPEN}
    assert wrong(client, method, paths, leads_to_the_sign_in) == []
    assert wrong(stranger_client, method, paths, one_of(403)) == []
    own = [path for path, name in paths.items() if name in MAY_POST]
    assert wrong(reader_client, method, own, one_of(*READ)) == []
    read = READ if method in {"GET", "HEAD", "OPTIONS"} else {403}
    assert wrong(reader_client, method, paths.keys() - own, one_of(*read)) == []


def test_a_form_without_its_token_is_refused(administrator: User, path_of: Callable[[str], str]) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(administrator)
    assert wrong(strict, "POST", [path_of(route) for _, route in PAGES], one_of(403, 405)) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_the_operators_room_lets_no_stranger_in(
    client: Client, stranger_client: Client, db: None, method: str
) -> None:
    paths = []
    for route in ADMIN:
        path = "/" + route.replace("<path:object_id>", str(uuid4())).replace("<id>", "1")
        for part in ("<int:content_type_id>/<path:object_id>", "<int:content_type_id>"):
            path = path.replace(part, "1/1")
        paths.append(path)
    assert wrong(client, method, paths, one_of(302, 403, 405)) == []
    assert wrong(stranger_client, method, paths, one_of(302, 403, 405)) == []


def test_the_rows_of_configuration_have_no_form_in_the_operators_room(administrator_client: Client) -> None:
    for model, shown in admin.site._registry.items():
        if model._meta.app_label == "gateway":
            request = administrator_client.get("/admin/").wsgi_request
            assert not shown.has_add_permission(request)
            assert not shown.has_change_permission(request)
            assert not shown.has_delete_permission(request)
