"""Security > API Management REST API: whether it is on, who may use it, and tokens for them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils import timezone

from gateway.changes import principals as changes
from gateway.errors import Invalid, NotFound
from gateway.models import Principal
from portal.attempts import pauses
from portal.forms.base import add_errors
from portal.forms.management import KEYS, ManagementApiForm, TokenForm, classic_time
from portal.management_api import tokens
from portal.navigation import url_or_none
from portal.views.base import AdministratorRequired, actor_of
from portal.views.certificate_pages import AREA, security_tabs
from portal.views.editing import FormPage, take_back

TAB = "API Management REST API"


@dataclass(frozen=True, slots=True)
class KeyState:
    """What is known of one key of a principal, but the key."""

    which: changes.Which
    label: str
    made_at: datetime | None
    expires_at: datetime | None
    expired: bool

    @property
    def signs(self) -> bool:
        """Whether tokens can be signed with it."""
        return self.made_at is not None and not self.expired


def key_states(row: Principal) -> list[KeyState]:
    """Both keys of a principal."""
    now = timezone.now()
    labels = dict(KEYS)
    return [_state(row, which, f"{labels[which]} key", now) for which in changes.WHICH]


def _state(row: Principal, which: changes.Which, label: str, now: datetime) -> KeyState:
    made, until = getattr(row, f"{which}_made_at"), getattr(row, f"{which}_expires_at")
    return KeyState(which, label, made, until, until is not None and until <= now)


class ManagementApiPage(FormPage):
    """The tab: the tick, the principals, and the form of Generate Token."""

    area = AREA
    title = "Security"
    template_name = "portal/management/management_api.html"
    form_class = ManagementApiForm

    def initial(self) -> dict[str, Any]:
        """Whether it is on."""
        row = changes.read_management_api()
        return {"enabled": row.enabled, "revision": row.revision}

    def save(self, form: ManagementApiForm) -> HttpResponse:
        """Switch it on or off."""
        revision = form.expected_revision()
        row = changes.set_management_api(actor_of(self.request), revision=revision, **form.values())
        now = "on" if row.enabled else "off: every request is refused"
        messages.success(self.request, f"The API Management REST API is {now}.")
        return redirect("management-api")

    @cached_property
    def principals(self) -> list[Principal]:
        """All of them, without their keys."""
        rows = Principal.objects.defer("sealed_primary_key", "sealed_secondary_key")
        return sorted(rows, key=lambda row: row.resource_id.lower())

    def token_form(self, data: QueryDict | None = None) -> TokenForm:
        """The form of Generate Token: for the key that the address names, otherwise for the first that signs."""
        choices = [(str(row.key), row.resource_id) for row in self.principals]
        return TokenForm(data, principals=choices, initial=self._token_initial())

    def _token_initial(self) -> dict[str, str]:
        tomorrow = classic_time(timezone.now() + timedelta(days=1))
        usable = ((row, key.which) for row in self.principals for key in key_states(row) if key.signs)
        row, which = next(usable, (None, "primary"))
        found = {"identifier": str(row.key) if row else "", "which": which, "expires_at": tomorrow}
        asked = self.request.GET
        return found | {name: asked[name] for name in ("identifier", "which") if name in asked}

    def context(self) -> dict[str, Any]:
        """The context with all that the tab tells."""
        api = changes.read_management_api()
        base = portal_base(self.request)
        return super().context() | {
            "tab_bar": security_tabs(TAB),
            "api_enabled": api.enabled,
            "management_url": f"{base}/management",
            "service_name": settings.MANAGEMENT_SERVICE_NAME,
            "in_the_clear": _in_the_clear(base),
            "rows": [(row, key_states(row)) for row in self.principals],
            "pauses": pauses(),
            "token_form": self.token_form(),
            "audit_url": url_or_none("admin:gateway_auditentry_changelist"),
        }


class ManagementToken(AdministratorRequired, ManagementApiPage):
    """The tab in answer to Generate Token: the token is there, and nowhere else."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the tab: somebody who had to sign in again comes back with GET."""
        form = self.token_form()
        take_back(request, form)
        return self.page(form=self.build_form(), token_form=form)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Sign a token, or say what is wrong."""
        form = self.token_form(request.POST)
        token = self._signed(form) if form.is_valid() else None
        return self.page(form=self.build_form(), token_form=form, token=token)

    def _signed(self, form: TokenForm) -> str | None:
        values = form.values()
        key, which, expires_at = UUID(values["identifier"]), values["which"], values["expires_at"]
        try:
            secret = changes.use_key(actor_of(self.request), key, which, expires_at=expires_at)
        except Invalid as error:
            add_errors(form, error)
            return None
        except NotFound:
            form.add_error("identifier", "This principal is not there any more. Choose another one.")
            return None
        identifier = next(row.resource_id for row in self.principals if row.key == key)
        return tokens.token(identifier, expires_at, secret)

    def fields_to_keep(self) -> frozenset[str]:
        """What the token was to be."""
        return frozenset(TokenForm.base_fields)


def portal_base(request: HttpRequest) -> str:
    """The portal's address for those who call it, without a slash at its end."""
    return settings.PORTAL_PUBLIC_URL or f"{request.scheme}://{request.get_host()}"


def _in_the_clear(base: str) -> bool:
    """Whether tokens that are sent there can be read on the way."""
    host = base.partition("://")[2].rsplit(":", 1)[0]
    return base.startswith("http://") and host not in {"127.0.0.1", "localhost", "[::1]"}
