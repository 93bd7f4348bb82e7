"""The Summary tab: how an API is called, where that goes, and what is wrong with it."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from gateway.models import Api, Operation, Subscription
from gateway.models.certificates import EXPIRES_SOON, Certificate
from gateway.models.subscriptions import ACTIVE
from gateway.subscription_keys import FIELD
from portal.back_ends import switched_off
from portal.credentials import CredentialsInWords, credentials_of
from portal.gateway_urls import LABELS, example_target, gateway_bases, public_urls, urls_at, why_not_offered
from portal.navigation import url_or_none
from portal.roles import may_change
from portal.views.apis import ApiView
from portal.views.base import Page

KEY_FIELD = f"{FIELD}: <your key>"


@dataclass(frozen=True, slots=True)
class Concern:
    """Something about an API that its owner should look at, and where."""

    text: str
    label: str
    url: str | None
    severe: bool = False


class ApiSummary(ApiView, Page):
    """The Summary tab."""

    tab = "Summary"
    template_name = "portal/apis/summary.html"

    def context(self) -> dict[str, Any]:
        """The context with what is known about the API."""
        bases = gateway_bases(self.request)
        credentials = credentials_of(self.api)
        operations = list(self.api.operations.order_by("url_template", "display_name"))
        urls = public_urls(self.api, bases)
        return super().context() | {
            "urls": urls,
            "credentials": credentials,
            "operations_count": len(operations),
            "subscriptions_count": self.subscriptions_count,
            "curl": curl_line(urls[0] if urls else "", operations, with_key=self.api.subscription_required),
            "concerns": tuple(self._concerns(credentials, bool(operations), bases)),
        }

    @cached_property
    def subscriptions_count(self) -> int:
        """How many subscriptions let calls of the API in: its own, and those for all APIs."""
        covers = Q(api=self.api) | Q(api__isnull=True)
        return Subscription.objects.filter(covers, state=ACTIVE).count()

    def _concerns(
        self, credentials: CredentialsInWords, has_operations: bool, bases: dict[str, str]
    ) -> Iterator[Concern]:
        api = self.api
        if not has_operations:
            url = reverse("operations", args=[api.resource_id])
            text = "This API has no operations, so it answers 404 to everything."
            yield Concern(text, "Add an operation", url, True)
        yield from _about_schemes(api, bases)
        yield from self._about_subscriptions()
        yield from _about_credentials(api, credentials)
        yield from _about_trust(api)

    def _about_subscriptions(self) -> Iterator[Concern]:
        """That everybody is let in, or nobody."""
        name = self.api.resource_id
        if not self.api.subscription_required:
            text = "This API is open to anyone who reaches the gateway: calls need no subscription key."
            yield Concern(text, "Change it in Settings", reverse("api-settings", args=[name]))
        elif not self.subscriptions_count:
            text = "It asks for a subscription key, and no active subscription covers it: nobody can call it yet."
            add = may_change(self.request.user)
            url = reverse("subscription-add" if add else "subscriptions", query={"api": name})
            yield Concern(text, "Add a subscription" if add else "Subscriptions", url, True)


def curl_line(url: str, operations: list[Operation], *, with_key: bool) -> str:
    """A call of an API as a line for a shell, with 1 for each parameter; "" where it cannot be called.

    `with_key` puts a place for a subscription key in it, never a key.
    """
    if not url:
        return ""
    curl = f"curl -H {shlex.quote(KEY_FIELD)}" if with_key else "curl"
    operation = next((item for item in operations if item.method == "GET"), next(iter(operations), None))
    if operation is None:
        return f"{curl} {shlex.quote(url)}"
    target = example_target(operation.url_template)
    method = {"GET": "", "HEAD": "--head "}.get(operation.method, f"-X {operation.method} ")
    return f"{curl} {method}{shlex.quote(url.rstrip('/') + target)}"


def _about_schemes(api: Api, bases: dict[str, str]) -> Iterator[Concern]:
    """What callers cannot do at all, and what travels in the clear."""
    settings = reverse("api-settings", args=[api.resource_id])
    if not urls_at(api.suffix, {"http": api.http, "https": api.https}, bases):
        missing = next(scheme for scheme in ("https", "http") if scheme not in bases)
        text = (
            f"Callers cannot reach this API: it takes {LABELS[missing]} only, and {why_not_offered(missing)}."
        )
        yield Concern(text, "Change the scheme", settings, True)
    if api.web_service_url.lower().startswith("http:"):
        text = (
            "The gateway calls the back end without TLS: whoever is in between can read and change the calls."
        )
        yield Concern(text, "Change the web service URL", settings)


def _about_credentials(api: Api, credentials: CredentialsInWords) -> Iterator[Concern]:
    security = url_or_none("api-security", api.resource_id)
    if credentials.problem:
        yield Concern(credentials.problem, "Choose credentials", security, True)
    if credentials.certificate:
        text, severe = _validity(credentials.certificate, timezone.now())
        if text:
            url = url_or_none("certificate", credentials.certificate.pk)
            yield Concern(text, "Show the certificate", url, severe)


def _validity(certificate: Certificate, now: datetime) -> tuple[str, bool]:
    """What is to be said about a certificate's time, and whether back ends refuse it already."""
    version = certificate.current
    if version is None:
        return "", False
    name, until = f"The client certificate {certificate}", f"{version.not_after:%Y-%m-%d %H:%M} UTC"
    if version.not_after <= now:
        return f"{name} expired on {until}: the back end is likely to refuse it.", True
    if version.not_before > now:
        return f"{name} is not valid before {version.not_before:%Y-%m-%d %H:%M} UTC.", True
    if version.not_after <= now + EXPIRES_SOON:
        return f"{name} expires on {until}.", False
    return "", False


def _about_trust(api: Api) -> Iterator[Concern]:
    """Validation matters where there is TLS to validate."""
    trust, off = api.trust, switched_off(api)
    security = url_or_none("api-security", api.resource_id)
    yield from (Concern(each.text, "Show it on the Security tab", security) for each in off)
    if api.web_service_url.lower().startswith("http:"):
        return
    if not trust.validate_certificate_chain:
        text = "The back end's certificate chain is not validated: anybody could pose as the back end."
        yield Concern(text, "Change back end trust", security)
    elif any(each.own and each.chain for each in off):
        pass  # so no CA is needed
    elif not trust.public_cas and not trust.trusted_cas.exists():
        text = "No CA is trusted for the back end, so every call fails."
        yield Concern(text, "Change back end trust", security, True)
    if not trust.validate_certificate_name:
        text = "The name in the back end's certificate is not validated: another server could pose as the back end."
        yield Concern(text, "Change back end trust", security)
