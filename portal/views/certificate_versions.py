"""Replacing a client certificate: upload its successor, compare and confirm, roll back, remove a version."""

from datetime import datetime
from functools import cached_property
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone

from gateway import records
from gateway.changes.certificate_versions import (
    Used,
    add_version,
    planned_rewrites,
    remove_version,
    use_version,
)
from gateway.changes.policy_rewriting import Rewrite
from gateway.errors import EditConflict
from gateway.findings import Finding
from gateway.models import CertificateVersion
from gateway.preflight import findings_of
from portal.certificate_comparison import cautions, compared
from portal.certificate_versions import FORMER, made_here, observed_of, version_rows
from portal.forms.base import PortalForm, RevisionForm
from portal.forms.certificates import MaterialForm
from portal.navigation import url_or_none
from portal.rewrites import seal_of, shown_rewrites
from portal.views.base import AdministratorRequired, actor_of, announce
from portal.views.certificate_page import MOST_USES, folded
from portal.views.certificate_pages import use_links
from portal.views.editing import FormPage
from portal.views.material import MaterialPage, say_remark
from portal.views.one_certificate import (
    OneCertificate,
    VersionView,
    follow_words,
    rewritten_words,
)

_SAID = frozenset({"expired", "not-yet-valid"})  # findings that portal.certificate_comparison has, too


class CertificateReplace(AdministratorRequired, OneCertificate, MaterialPage):
    """Upload the successor. Nothing presents it before it was compared and confirmed."""

    template_name = "portal/certificates/replace.html"
    form_class = MaterialForm

    def get_title(self) -> str:
        """What is replaced."""
        return f"Replace {self.certificate}"

    def form_options(self) -> dict[str, Any]:
        """What the file is for, so that it is not compared with itself."""
        return super().form_options() | {"successor_of": self.certificate}

    def context(self) -> dict[str, Any]:
        """The context with a successor that is under way already."""
        versions = list(self.certificate.versions.defer("chain_pem", "sealed_private_key"))
        rows = version_rows(self.certificate, versions, observed_of(each.thumbprint for each in versions))
        requests = self.certificate.signing_requests.defer("sealed_private_key")
        return super().context() | {
            "waiting": next((row for row in rows if row.is_waiting), None),
            "signing_request": requests.order_by("created_at").first(),
        }

    def save(self, form: MaterialForm) -> HttpResponse:
        """Store it as a version that is not in use yet, and compare."""
        values = form.values()
        version = add_version(
            actor_of(self.request),
            self.certificate.pk,
            data=values["file"],
            password=values["password"],
            key=values["key"],
        )
        messages.success(self.request, f"Version {version.number} was uploaded. Nothing presents it yet.")
        shown = {finding.code for finding in findings_of(version.chain_pem, timezone.now())}
        for _, remark in form.remarks():
            if remark.code not in shown:  # about the file: the next page has the others
                say_remark(self.request, f"Version {version.number}", remark)
        return redirect("certificate-version", self.certificate.pk, version.number)


class ConfirmForm(RevisionForm):
    """A confirmation of what was shown: `seal` stands for the documents that it rewrites."""

    seal = forms.CharField(widget=forms.HiddenInput, max_length=64)


class CertificateVersionPage(VersionView, FormPage):
    """A version beside the one in use, and everything that follows when it takes the place of that."""

    template_name = "portal/certificates/version.html"
    form_class = ConfirmForm

    def get_title(self) -> str:
        """The version's name."""
        return f"{self.certificate} - version {self.version.number}"

    @property
    def is_current(self) -> bool:
        """Whether this is the version in use."""
        return self.version.pk == self.current.pk

    @property
    def is_former(self) -> bool:
        """Whether it was in use before."""
        row = version_rows(self.certificate, [self.version], observed_of([self.version.thumbprint]))[0]
        return row.state == FORMER

    @property
    def is_newer(self) -> bool:
        """Whether it came after the one in use: then using it is no step back."""
        return self.version.number > self.current.number

    @cached_property
    def rewrites(self) -> tuple[Rewrite, ...]:
        """What becomes of the policies that name the certificate by a thumbprint."""
        return planned_rewrites(self.certificate)

    def initial(self) -> dict[str, Any]:
        """What is about to be seen."""
        return {
            "revision": self.certificate.revision,
            "seal": seal_of(self.rewrites),
        }

    def fields_to_keep(self) -> frozenset[str]:
        """None: whoever had been signed out confirms what the page shows then."""
        return frozenset()

    def context(self) -> dict[str, Any]:
        """The context with the comparison, and what follows."""
        now = timezone.now()
        return super().context() | {
            "is_current": self.is_current,
            "is_former": self.is_former,
            "is_newer": self.is_newer,
            "findings": self._findings(now),
            "rows": compared(self.current, self.version),
            "cautions": () if self.is_current else cautions(self.current, self.version, now),
            "uses": folded(use_links(self.certificate.uses), MOST_USES),
            "rewrites": () if self.is_current else shown_rewrites(self.rewrites),
            "public_url": url_or_none(
                "certificate-download", self.certificate.pk, self.version.number, "cer"
            ),
            "test_url": url_or_none("certificate-test", self.certificate.pk),
        }

    def _findings(self, now: datetime) -> list[Finding]:
        """What there is to know; not twice what is said before the confirmation."""
        said = frozenset() if self.is_current else _SAID
        return [each for each in findings_of(self.version.chain_pem, now) if each.code not in said]

    def save(self, form: ConfirmForm) -> HttpResponse:
        """Use it from now on, unless it is about something else than the person has seen."""
        if form.cleaned_data["seal"] != form.initial["seal"]:
            return self._again(form)
        before = self.current
        try:
            used = use_version(
                actor_of(self.request),
                self.certificate.pk,
                self.version.pk,
                revision=form.expected_revision(),
                rewrites=self.rewrites,
            )
        except EditConflict:
            return self._again(form)
        self._announce(used, before)
        return redirect("certificate", self.certificate.pk)

    def _again(self, form: ConfirmForm) -> TemplateResponse:
        """Show the page anew: somebody has changed the certificate, or only policies that name it."""
        self.read_again()
        self.__dict__.pop("rewrites", None)
        same = self.certificate.revision == form.expected_revision()
        changed = "policies" if same else "certificate"
        return self.page(form=self.build_form(), changed=changed, status=409)

    def _announce(self, used: Used, before: CertificateVersion) -> None:
        said = (
            f"From now on, version {self.version.number} of {self.certificate} is presented.",
            follow_words(self.certificate.uses),
            rewritten_words(used.rewritten),
        )
        announce(self.request, " ".join(filter(None, said)), used.revision)
        messages.info(
            self.request,
            f"Version {before.number} stays below, under Versions, to be used again until you remove it.",
        )


class CertificateVersionRemove(AdministratorRequired, VersionView, FormPage):
    """Asks before a version goes that is not in use, and says who may still have it."""

    title = "Remove version"
    template_name = "portal/certificates/version_remove.html"
    form_class = PortalForm

    def get_title(self) -> str:
        """The question."""
        return f"Are you sure you want to remove version {self.version.number}?"

    def context(self) -> dict[str, Any]:
        """The context with when it was last presented, and how many connections hold it."""
        thumbprint = self.version.thumbprint
        return super().context() | {
            "is_current": self.version.pk == self.current.pk,
            "presentations": records.presentations([thumbprint]),
            "held": records.held([thumbprint]).get(thumbprint, 0),
            "made_here": self.version in made_here(self.certificate),
        }

    def save(self, form: PortalForm) -> HttpResponse:
        """Remove it for good."""
        revision = remove_version(actor_of(self.request), self.certificate.pk, self.version.pk)
        announce(self.request, f"Version {self.version.number} of {self.certificate} was removed.", revision)
        return redirect("certificate", self.certificate.pk)
