"""Signing requests: a key that is made here, the request to certify it, and the certificate that comes back."""

from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import content_disposition_header

from gateway.certificate_contents import contents_of, leaf_of
from gateway.changes.signing_requests import (
    complete_signing_request,
    create_signing_request,
    delete_signing_request,
)
from gateway.errors import Invalid
from gateway.models import AuditEntry, Certificate, CertificateVersion, SigningRequest
from gateway.signing import KEY_TYPES, SUBJECT_ATTRIBUTES, subject_pairs
from portal.forms.base import PortalForm
from portal.forms.signing_requests import SUBJECT, Pairs, SignedForm, SigningRequestForm
from portal.views.base import AdministratorRequired, PortalView, actor_of, announce, uuid_or_none
from portal.views.certificate_page import file_name
from portal.views.certificate_pages import AREA, CLIENT
from portal.views.editing import FormPage
from portal.views.missing import NotThere, RowView
from portal.views.one_certificate import trail

_ONE_A_LINE = frozenset({"unit"})
_NAME_KINDS = frozenset({"DNS", "IP address", "e-mail", "URI"})  # that a request can ask for


def pending() -> list[SigningRequest]:
    """The requests whose certificate is not there yet, the oldest first."""
    rows = SigningRequest.objects.select_related("certificate").order_by("created_at")
    return list(rows.defer("sealed_private_key", "csr_pem"))


# --- prepare ------------------------------------------------------------------------------------------------------
class SigningRequestAdd(AdministratorRequired, RowView, FormPage):
    """Prepare a request, for a new certificate or for the next version of one (`certificate` in the address)."""

    area = AREA
    title = "Prepare a signing request"
    template_name = "portal/signing_requests/add.html"
    form_class = SigningRequestForm
    all_rows = ("certificates", CLIENT.tab)

    @cached_property
    def certificate(self) -> Certificate | None:
        """The certificate that it is to renew, None for a new one. Raises NotThere."""
        text = self.request.GET.get("certificate", "")
        if not text:
            return None
        rows = Certificate.objects.select_related("current").filter(current__isnull=False)
        row = rows.filter(pk=key).first() if (key := uuid_or_none(text)) else None
        if row is None:
            message = "There is no such certificate (any more). Somebody may have deleted it."
            raise NotThere(message, reverse("certificates"), CLIENT.tab)
        return row

    @cached_property
    def subject(self) -> Pairs:
        """The parts of the subject of what it renews."""
        current = self.certificate.current if self.certificate else None
        return subject_pairs(leaf_of(current.chain_pem)) if current else ()

    def form_options(self) -> dict[str, Any]:
        """Whether a name is asked for, the order of the subject, and what of it has no field."""
        kept = tuple(pair for pair in _without_field(self.subject) if pair[0] in SUBJECT_ATTRIBUTES)
        return {"is_new": not self.certificate, "order": self.subject, "kept": kept}

    def initial(self) -> dict[str, Any]:
        """What the certificate says that it renews."""
        current = self.certificate.current if self.certificate else None
        if current is None:
            return {}
        names = contents_of(current.chain_pem).names
        return _subject_fields(self.subject) | {
            "names": "\n".join(name.text for name in names if name.kind in _NAME_KINDS),
            **({"key_type": current.key_type} if current.key_type in KEY_TYPES else {}),
        }

    def context(self) -> dict[str, Any]:
        """The context with what the form cannot take over, and the way back."""
        others = _without_field(self.subject)
        crumbs = trail(self.certificate)
        return super().context() | {
            "certificate": self.certificate,
            "kept": [pair for pair in others if pair[0] in SUBJECT_ATTRIBUTES],
            "left_out": [pair for pair in others if pair[0] not in SUBJECT_ATTRIBUTES],
            "breadcrumb": crumbs,
            "back": crumbs[-1][1],
        }

    def save(self, form: SigningRequestForm) -> HttpResponse:
        """Make the key and the request, and show what to do with it."""
        try:
            request = self._create(form)
        except Invalid as error:
            self.error_names = {"subject": _field_of(error)}
            raise
        messages.success(self.request, "The key and the signing request were made.")
        return redirect("signing-request", request.pk)

    def _create(self, form: SigningRequestForm) -> SigningRequest:
        return create_signing_request(
            actor_of(self.request),
            subject=form.subject(),
            names=form.alternative_names(),
            key_type=form.cleaned_data["key_type"],
            certificate_key=self.certificate.pk if self.certificate else None,
            name=form.cleaned_data.get("name", ""),
        )


def _subject_fields(subject: Pairs) -> dict[str, str]:
    fields: dict[str, str] = {}
    for field, attribute in SUBJECT.items():
        texts = [text for name, text in subject if name == attribute]
        fields[field] = "\n".join(texts) if field in _ONE_A_LINE else next(iter(texts), "")
    return fields


def _without_field(subject: Pairs) -> Pairs:
    """The parts of a subject that the form has no place for."""
    single = {attribute for field, attribute in SUBJECT.items() if field not in _ONE_A_LINE}
    seen, left = set(), []
    for name, text in subject:
        if name not in SUBJECT.values() or (name in single and name in seen):
            left.append((name, text))
        seen.add(name)
    return tuple(left)


def _field_of(error: Invalid) -> str:
    """The field that a message about the subject is about, by the attribute that it begins with."""
    first = error.errors.get("subject", [""])[0].split(" ", 1)[0]
    return next((field for field, attribute in SUBJECT.items() if attribute == first), "common_name")


# --- one request --------------------------------------------------------------------------------------------------
class RequestView(RowView):
    """Mix this in first for a page of one signing request, whose address has `key`."""

    area = AREA
    all_rows = ("certificates", CLIENT.tab)

    @cached_property
    def signing_request(self) -> SigningRequest:
        """The request that the address names. Raises NotThere."""
        rows = SigningRequest.objects.select_related("certificate").defer("sealed_private_key")
        row = rows.filter(pk=self.kwargs["key"]).first()
        if row is None:
            raise NotThere(_what_became(self.kwargs["key"]), reverse("certificates"), CLIENT.tab)
        return row

    @property
    def called(self) -> str:
        """The name of the certificate that it is for."""
        return str(self.signing_request.certificate or self.signing_request.name)

    def context(self) -> dict[str, Any]:
        """The context with the request, and the way back."""
        row = self.signing_request
        crumbs = trail(row.certificate)
        inherited: dict[str, Any] = super().context()  # type: ignore[misc]
        return inherited | {
            "signing_request": row,
            "called": self.called,
            "certificate": row.certificate,
            "names": row.names.splitlines(),
            "file_name": f"{file_name(self.called)}.csr",
            "breadcrumb": crumbs,
            "back": crumbs[-1][1],
        }


class SigningRequestPage(RequestView, FormPage):
    """The request to be copied or downloaded, what to do with it, and the upload of what comes back."""

    template_name = "portal/signing_requests/signing_request.html"
    form_class = SignedForm

    def get_title(self) -> str:
        """What the request is for."""
        return f"Signing request - {self.called}"

    def save(self, form: SignedForm) -> HttpResponse:
        """Make the certificate of it: on to compare and confirm, where it renews one."""
        renews = self.signing_request.certificate
        version = complete_signing_request(
            actor_of(self.request), self.signing_request.pk, data=form.cleaned_data["file"]
        )
        if renews:
            messages.success(
                self.request,
                f"The signed certificate is here as version {version.number}. Nothing presents it yet.",
            )
            return redirect("certificate-version", renews.pk, version.number)
        return self._to_the_new_one(version)

    def _to_the_new_one(self, version: CertificateVersion) -> HttpResponse:
        said = f"The certificate {version.certificate} is complete. Choose it on the Security tab of an API."
        announce(self.request, said, version.revision)
        return redirect("certificate", version.certificate_id)


class SigningRequestFile(RequestView, PortalView):
    """The request as a file (RFC 2986 in PEM). It holds nothing secret."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Download it."""
        name = content_disposition_header(True, f"{file_name(self.called)}.csr")
        headers = {"Content-Disposition": name or "attachment"}
        return HttpResponse(self.signing_request.csr_pem, content_type="application/pkcs10", headers=headers)


class SigningRequestDelete(AdministratorRequired, RequestView, FormPage):
    """Asks before a request goes, because its key goes with it."""

    template_name = "portal/signing_requests/delete.html"
    form_class = PortalForm

    def get_title(self) -> str:
        """The question."""
        return "Are you sure you want to delete the signing request?"

    def save(self, form: PortalForm) -> HttpResponse:
        """Delete it with its key."""
        row = self.signing_request
        delete_signing_request(actor_of(self.request), row.pk)
        messages.success(self.request, f"The signing request of {self.called} and its key were deleted.")
        return redirect(trail(row.certificate)[-1][1])


def _what_became(key: UUID) -> str:
    deleted = AuditEntry.objects.filter(object_key=key, action="deleted").first()
    if deleted:
        return f"The {deleted.object_name} was deleted by {deleted.actor_name}."
    return "There is no such signing request any more: what was signed was uploaded, or somebody deleted it."
