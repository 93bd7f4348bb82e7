"""Test connection: with a client certificate and any web service URL, and the handshake after a Save."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from gateway.addresses import parse_web_service_url
from gateway.changes.security import OtherCredentials, Trust, read_security
from gateway.models import Api, CertificateVersion
from portal.certificate_choice import ca_choices
from portal.connection import order_with, sends_elsewhere, tested, try_api
from portal.forms.connection import CertificateTestForm
from portal.views.apis import ApiView
from portal.views.base import FETCH_HEADER, AdministratorRequired, Page
from portal.views.certificate_page import CertificateView
from portal.views.editing import FormPage
from portal.views.one_certificate import trail

_SAVED_KEY = "security_saved"  # in the session: the API whose Security tab was just saved
_MOST_APIS = 20  # that the form can be filled in from


# --- the handshake after a Save -------------------------------------------------------------------------------
def note_saved(request: HttpRequest, api: Api) -> None:
    """Remember that the tab of an API was saved, until it is shown."""
    request.session[_SAVED_KEY] = str(api.key)


def handshake_url(request: HttpRequest, api: Api) -> str:
    """Where the check of the handshake is, once after a Save; "" where there is none, or it makes no sense."""
    if request.session.get(_SAVED_KEY) != str(api.key):
        return ""
    del request.session[_SAVED_KEY]
    secure = parse_web_service_url(api.web_service_url).scheme == "https"
    if not (api.trust.probe_after_save and secure) or sends_elsewhere(api):
        return ""
    return reverse("api-handshake", args=[api.resource_id])


class ApiHandshake(AdministratorRequired, ApiView, Page):
    """The TLS handshake with what is saved. A script fetches the short form, others get a page."""

    tab = "Security"
    template_name = "portal/connection/handshake.html"

    def page(self, *, status: int = 200, **context: Any) -> TemplateResponse:
        """Try it, and say what came of it."""
        saved = read_security(self.api)
        credentials = None if isinstance(saved.credentials, OtherCredentials) else saved.credentials
        found = try_api(self.api, credentials, saved.trust, with_request=False)
        if FETCH_HEADER in self.request.headers:
            return TemplateResponse(self.request, "portal/connection/advice.html", {"tested": found})
        return super().page(status=status, tested=found, **context)


# --- a client certificate and any back end --------------------------------------------------------------------
class CertificateTest(AdministratorRequired, CertificateView, FormPage):
    """Test connection of a client certificate, filled in as for an API that uses it."""

    template_name = "portal/connection/certificate.html"
    form_class = CertificateTestForm

    def get_title(self) -> str:
        """What is tested."""
        return f"Test connection - {self.certificate}"

    @cached_property
    def versions(self) -> Sequence[CertificateVersion]:
        """Its versions, the newest first."""
        return list(self.certificate.versions.defer("chain_pem", "sealed_private_key").order_by("-number"))

    @cached_property
    def apis(self) -> list[Api]:
        """The APIs that use it."""
        ids = {use.api_id for use in self.certificate.uses if use.api_id}
        rows = Api.objects.filter(resource_id__in=ids).select_related("trust").order_by("display_name")
        return list(rows[:_MOST_APIS])

    @cached_property
    def like(self) -> Api | None:
        """The API that the form is filled in from: the one that was asked for, or the first over https."""
        wanted = self.request.GET.get("api")
        asked = [api for api in self.apis if api.resource_id == wanted]
        secure = [api for api in self.apis if api.web_service_url.lower().startswith("https:")]
        return next(iter([*asked, *secure, *self.apis]), None)

    def initial(self) -> dict[str, Any]:
        """The web service URL and the trust of that API."""
        trust = read_security(self.like).trust if self.like else Trust()
        return {
            "web_service_url": self.like.web_service_url if self.like else "",
            "version": self._asked_version(),
            "validate_chain": trust.validate_chain,
            "validate_name": trust.validate_name,
            "public_cas": trust.public_cas,
            "ca_certificates": [*trust.ca_certificates, *self.request.GET.getlist("ca_certificate")],
        }

    def _asked_version(self) -> str:
        wanted = self.request.GET.get("version")
        found = (str(each.pk) for each in self.versions if str(each.number) == wanted)
        return next(found, str(self.certificate.current_id))

    def form_options(self) -> dict[str, Any]:
        """What there is to choose from."""
        versions = [(str(each.pk), self._version_label(each)) for each in self.versions]
        return {"versions": versions, "cas": ca_choices()}

    def _version_label(self, version: CertificateVersion) -> str:
        use = "in use" if version.pk == self.certificate.current_id else "not in use"
        until = f"valid until {version.not_after:%Y-%m-%d}"
        return f"{version.number} ({use}): {version.subject} …{version.thumbprint[-4:]}, {until}"

    def context(self) -> dict[str, Any]:
        """With the ways back, and the other APIs that the form can be filled in from."""
        return super().context() | {
            "certificate": self.certificate,
            "filled_from": self.like,
            "others": [api for api in self.apis if api != self.like],
            "breadcrumb": trail(self.certificate),
            "back": self._compared() or reverse("certificate", args=[self.certificate.pk]),
            "upload_ca_url": reverse("ca-certificate-upload", query={"next": self.request.get_full_path()}),
        }

    def _compared(self) -> str | None:
        """The comparison that led here: of the version that is asked for, if that is not in use."""
        waiting = (each for each in self.versions if each.pk != self.certificate.current_id)
        numbers = (each.number for each in waiting if str(each.number) == self.request.GET.get("version"))
        number = next(numbers, None)
        return reverse("certificate-version", args=[self.certificate.pk, number]) if number else None

    def save(self, form: CertificateTestForm) -> HttpResponse:
        """Save nothing: try it, and show what came of it below the form."""
        values = form.cleaned_data
        order = order_with(
            values["web_service_url"],
            form.chosen_trust(),
            self.certificate.pk,
            version=values.get("version"),
        )
        return self.page(form=form, tested=tested(order))
