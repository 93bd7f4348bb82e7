"""Replace everywhere with...: what a certificate is used for moves to another one, in one confirmed change."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from gateway.changes.certificate_moves import move_everywhere, planned_moves
from gateway.changes.policy_rewriting import Rewrite, unreadable_uses
from gateway.errors import EditConflict, Invalid, NotFound
from gateway.models import Certificate
from portal.certificate_choice import certificate_options
from portal.certificate_comparison import validity_cautions
from portal.choice import Offered
from portal.forms.moves import MoveForm
from portal.rewrites import seal_of, shown_rewrites
from portal.views.base import AdministratorRequired, Page, actor_of, announce, safe_path, uuid_or_none
from portal.views.certificate_page import MOST_USES, folded
from portal.views.certificate_pages import use_links
from portal.views.one_certificate import OneCertificate
from portal.views.properties import policy_links


class CertificateMove(AdministratorRequired, OneCertificate, Page):
    """The choice, then what it comes to, each at an address of its own; only the confirmation is sent."""

    template_name = "portal/certificates/move.html"

    def get_title(self) -> str:
        """What is replaced."""
        return f"Replace {self.certificate} everywhere"

    # --- the choice -------------------------------------------------------------------------------------------
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask for the other certificate, or show what moving to the chosen one comes to."""
        asked = "to" in request.GET and "find" not in request.GET
        searched = request.GET.get("search", "") != request.GET.get("searched", "")
        if not asked or searched:
            return self.page(form=self._form(chosen=False))
        form = self._form(chosen=True)
        return self._review(form.cleaned_data["to"]) if form.is_valid() else self.page(form=form)

    def _form(self, *, chosen: bool) -> MoveForm:
        fields = self.request.GET
        query = fields.get("search", "")
        to = fields.get("to") or fields.get("certificate", "")  # one that was uploaded for this just now
        initial = {"to": to, "search": query, "searched": query}
        keep = [key] if (key := uuid_or_none(to)) else []
        return MoveForm(fields if chosen else None, initial=initial, offered=self._offered(query, keep))

    def _offered(self, query: str, keep: list[UUID]) -> Offered:
        """All certificates but the one that is replaced."""
        offered = certificate_options(query, keep)
        own = str(self.certificate.pk)
        return replace(offered, options=tuple(each for each in offered.options if each.key != own))

    # --- the review -------------------------------------------------------------------------------------------
    def _review(self, key: UUID, *, status: int = 200, **context: Any) -> TemplateResponse:
        to = self._other(key)
        if to is None or to.current is None:
            return self.page(form=self._form(chosen=False), gone=True, status=status)
        moves = planned_moves(self.certificate, to)
        about = {
            "to": to,
            "moves": shown_rewrites(moves),
            "unreadable": policy_links(unreadable_uses(self.certificate)),
            "seal": seal_of(moves),
            "cautions": tuple(validity_cautions(self.current, to.current, timezone.now())),
        }
        return self.page(**about | context, status=status)

    def _other(self, key: UUID) -> Certificate | None:
        rows = Certificate.objects.exclude(pk=self.certificate.pk).select_related("current")
        return rows.filter(pk=key).first()

    # --- the confirmation -------------------------------------------------------------------------------------
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Move what was shown; show it again where it is something else meanwhile."""
        key = uuid_or_none(request.POST.get("to", ""))
        to = self._other(key) if key else None
        if key is None or to is None:
            return self.page(form=self._form(chosen=False), gone=True, status=409)
        moves = planned_moves(self.certificate, to)
        if seal_of(moves) != request.POST.get("seal"):
            return self._review(key, changed=True, status=409)
        try:
            return self._move(to, moves)
        except (EditConflict, NotFound):
            self.read_again()
            return self._review(key, changed=True, status=409)
        except Invalid as error:
            return self._review(key, refused=[text for texts in error.errors.values() for text in texts])

    def _move(self, to: Certificate, moves: tuple[Rewrite, ...]) -> HttpResponse:
        uses = tuple(move.use for move in moves)
        moved = move_everywhere(actor_of(self.request), self.certificate.pk, to.pk, uses=uses)
        names = [str(use) for use in moved.uses]
        who = f"the policy of {names[0]} names" if len(names) == 1 else f"{len(names)} policies name"
        announce(self.request, f"From now on, {who} {to} instead of {self.certificate}.", moved.revision)
        return redirect(self._next())

    def _next(self) -> str:
        """Back to the question whether to delete the certificate, which can go through now."""
        question = reverse("certificate-delete", args=[self.certificate.pk])
        return safe_path(self.request, f"{question}?check=1")

    def context(self) -> dict[str, Any]:
        """The context with what uses the certificate, and where all this leads."""
        uses = folded(use_links(self.certificate.uses), MOST_USES)
        here = f"{self.request.path}?{urlencode({'next': self._next()})}"
        upload = f"{reverse('certificate-upload')}?{urlencode({'next': here})}"
        return super().context() | {
            "uses": uses,
            "next": self._next(),
            "choose_url": here,
            "upload_url": upload,
        }
