"""The Security tab of an API: which credentials the gateway shows to the back end, and what it trusts there."""

from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from gateway.addresses import parse_web_service_url
from gateway.changes.security import (
    BasicCredentials,
    CertificateCredentials,
    OtherCredentials,
    Security,
    may_present,
    read_security,
    save_security,
)
from gateway.models import Certificate
from portal import unsaved
from portal.back_ends import switched_off
from portal.certificate_choice import ca_choices, certificate_options
from portal.connection import Tested, try_api
from portal.forms.base import PortalForm
from portal.forms.security import SecurityForm
from portal.views.apis import ApiView
from portal.views.base import actor_of, announce, safe_path, uuid_or_none
from portal.views.connection import handshake_url, note_saved
from portal.views.editing import Conflict, FormPage, put_back

# The buttons that lead to lists of certificates, and the parameter by which an uploaded one comes back.
_LISTS = {"manage_certificates": "certificates", "manage_ca_certificates": "ca-certificates"}
# What a test takes from the form. A user name that is missing, for example, keeps nobody from testing.
_TESTED = frozenset(("credentials", "certificate", "ca_certificates"))
_UNSAVED = "This is what came of the choices as they are above. They are not saved."
_NOT_TESTED = "The connection was not tested yet. Please look at this again:"


class ApiSecurity(ApiView, FormPage):
    """The tab. What has been chosen and not saved outlives a visit to the lists of certificates."""

    tab = "Security"
    template_name = "portal/security/security.html"
    form_class = SecurityForm
    entered: unsaved.Fields | None = None  # what was posted and is shown again without being saved

    @cached_property
    def security(self) -> Security:
        """What is saved."""
        return read_security(self.api)

    def here(self) -> str:
        """This tab's address, which says where a Save leads but not which certificate has just been uploaded."""
        path = reverse("api-security", args=[self.api.resource_id])
        back = safe_path(self.request, "")
        return f"{path}?{urlencode({'next': back})}" if back else path

    # --- the form ---------------------------------------------------------------------------------------------
    def initial(self) -> dict[str, Any]:
        """What is saved, field by field. The password is not among it."""
        saved, trust = self.security, self.security.trust
        return {
            "revision": saved.revision,
            **_initial_credentials(saved),
            "validate_chain": trust.validate_chain,
            "validate_name": trust.validate_name,
            "public_cas": trust.public_cas,
            "ca_certificates": list(trust.ca_certificates),
            "refuse_expired": trust.refuse_expired,
            "probe_after_save": trust.probe_after_save,
        }

    def build_form(self, data: QueryDict | None = None) -> PortalForm:
        """The form as it is saved, or as it was left, or as it was sent."""
        fields = {} if data is not None else self._left()
        search = data.get("search", "") if data is not None else _last(fields, "search")
        form = SecurityForm(
            data,
            initial=self.initial(),
            offered=certificate_options(search, self._chosen(data, fields)),
            cas=ca_choices(),
            may_present=self.may_present,
            other=self.other,
        )
        if fields:
            put_back(form, fields)
        if self.other:  # whatever had been chosen before the policy said that
            form.initial.update(_initial_credentials(self.security))
        if data is None:
            form.initial["searched"] = search
            self._select_uploaded(form)
        return form

    def _left(self) -> unsaved.Fields:
        if self.entered is not None:
            return self.entered
        return unsaved.kept(self.request, self.api.key) or {}

    def _chosen(self, data: QueryDict | None, fields: unsaved.Fields) -> list[UUID]:
        """The certificates that have to be among those to choose from."""
        saved = self.security.credentials
        texts = [data.get("certificate", "") if data is not None else _last(fields, "certificate")]
        texts += [self.request.GET.get("certificate", "")]
        keys = [key for text in texts if (key := uuid_or_none(text))]
        return [*keys, saved.certificate] if isinstance(saved, CertificateCredentials) else keys

    def _select_uploaded(self, form: SecurityForm) -> None:
        """Select what was uploaded on the way (see portal.views.certificate_pages)."""
        certificate = uuid_or_none(self.request.GET.get("certificate", ""))
        offered = dict(form.fields["certificate"].choices)  # type: ignore[attr-defined]
        if certificate and str(certificate) in offered and self.may_present and not self.other:
            form.initial.update(credentials="certificate", certificate=certificate)
        ca = uuid_or_none(self.request.GET.get("ca_certificate", ""))
        if ca:
            trusted = [str(key) for key in form.initial["ca_certificates"]]
            form.initial["ca_certificates"] = [*trusted, str(ca)]

    @property
    def other(self) -> str:
        """What the policy says and the tab cannot show, "" if it can."""
        credentials = self.security.credentials
        return credentials.explanation if isinstance(credentials, OtherCredentials) else ""

    @property
    def has_https(self) -> bool:
        """Whether the web service URL is an https one."""
        return parse_web_service_url(self.api.web_service_url).scheme == "https"

    @cached_property
    def may_present(self) -> bool:
        """Whether a client certificate can be chosen, because of the web service URL or of a policy."""
        return may_present(self.api)

    # --- what can be done -------------------------------------------------------------------------------------
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Save; or test what was chosen, or look certificates up, here or in their lists, without losing it."""
        fields = unsaved.posted(request, self.fields_to_keep())
        if "discard" in request.POST:
            unsaved.forget(request, self.api.key)
            return redirect(self.here())
        for button, route in _LISTS.items():
            if button in request.POST:
                unsaved.keep(request, self.api.key, fields)
                return redirect(f"{reverse(route)}?{urlencode({'next': self.here()})}")
        if "test" in request.POST:
            return self._test(fields)
        if "find" in request.POST or _last(fields, "search") != _last(fields, "searched"):
            self.entered = fields
            return self.page(form=self.build_form())
        return super().post(request, *args, **kwargs)

    def _test(self, fields: unsaved.Fields) -> TemplateResponse:
        """Test what is chosen. Nothing is saved, and the form comes back as it was."""
        form: SecurityForm = self.build_form(self.request.POST)  # type: ignore[assignment]
        form.is_valid()
        for name in form.errors.keys() - _TESTED:
            del form.errors[name]
        if not form.errors:
            _refuse_deleted(form)
        if form.errors:
            return self.page(form=form, errors_heading=_NOT_TESTED)
        found = self._tested(form)
        self.entered = fields
        typed = bool(self.request.POST.get("password"))
        return self.page(form=self.build_form(), tested=found, password_typed=typed)

    def _tested(self, form: SecurityForm) -> Tested:
        credentials, trust = form.chosen_credentials(), form.chosen_trust()
        saved = self.security
        same = credentials in (None, saved.credentials) and trust == saved.trust
        return try_api(self.api, credentials, trust, remark="" if same else _UNSAVED, on_tab=True)

    def save(self, form: SecurityForm) -> HttpResponse:
        """Save, say so, and go back to where the person came from."""
        revision = save_security(
            actor_of(self.request),
            self.api.key,
            credentials=form.chosen_credentials(),
            trust=form.chosen_trust(),
            revision=form.expected_revision(),
        )
        unsaved.forget(self.request, self.api.key)
        note_saved(self.request, self.api)
        announce(self.request, f"The security of {self.api} was saved.", revision)
        return redirect(safe_path(self.request, self.here()))

    def conflict(self, form: PortalForm, revision: int) -> Conflict:
        """Compare with what is there now, not with what was there when this request began."""
        for name in ("api", "security", "may_present"):
            self.__dict__.pop(name, None)
        return super().conflict(form, revision)

    # --- what is shown ----------------------------------------------------------------------------------------
    def context(self) -> dict[str, Any]:
        """The context with what is to be known about this API's credentials."""
        credentials, off = self.security.credentials, switched_off(self.api)
        return super().context() | {
            "here": self.here(),
            "has_https": self.has_https,
            "may_present": self.may_present,
            "other": self.other,
            "password_is_stored": isinstance(credentials, BasicCredentials),
            "saved_certificate": _saved_certificate(credentials),
            "is_unsaved": bool(self._left()) and self.entered is None and self.request.method == "GET",
            "switched_off": off,
            "chain_off_by_back_end": any(each.own and each.chain for each in off),
            "policy_url": reverse("policy-api", args=[self.api.resource_id]),
            "handshake_url": handshake_url(self.request, self.api) if self.request.method == "GET" else "",
        }

    def page(self, *, status: int = 200, **context: Any) -> TemplateResponse:
        """The page with the notices that fit what the form holds."""
        return super().page(status=status, notices=_notices(context["form"]), **context)


def _initial_credentials(saved: Security) -> dict[str, Any]:
    match saved.credentials:
        case CertificateCredentials(certificate=key):
            return {"credentials": "certificate", "certificate": key, "username": ""}
        case BasicCredentials(username=username):
            return {"credentials": "basic", "certificate": None, "username": username}
        case OtherCredentials():
            return {"credentials": "", "certificate": None, "username": ""}
        case _:
            return {"credentials": "none", "certificate": None, "username": ""}


def _saved_certificate(credentials: object) -> UUID | None:
    return credentials.certificate if isinstance(credentials, CertificateCredentials) else None


def _notices(form: SecurityForm) -> dict[str, bool]:
    """Which notices are shown as the page opens; static/js/shows_for.js goes on from there."""
    state = {option.key: option.state for option in form.offered.options}
    return {
        "state": state.get(str(form["certificate"].value() or ""), ""),  # type: ignore[dict-item]
        "chain_off": not form["validate_chain"].value(),
        "name_off": not form["validate_name"].value(),
        "no_ca": not form["public_cas"].value() and not form["ca_certificates"].value(),
    }


def _refuse_deleted(form: SecurityForm) -> None:
    key = form.cleaned_data.get("certificate")
    if key and not Certificate.objects.filter(pk=key).exists():
        form.add_error("certificate", "This certificate was deleted meanwhile. Choose another one.")


def _last(fields: unsaved.Fields, name: str) -> str:
    values = fields.get(name) or [""]
    return values[-1]
