"""Sign in, sign out, change password, and the page of somebody who failed too often."""

from datetime import timedelta
from typing import Any

from axes.helpers import get_client_ip_address, get_cool_off
from axes.models import AccessAttempt
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import LoginView, LogoutView, redirect_to_login
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from portal.attempts import MANAGEMENT
from portal.forms.account import ChangePasswordForm, SignInForm
from portal.roles import role_of
from portal.views.base import refuse, safe_path
from portal.views.editing import FormPage


class SignIn(LoginView):
    """The sign-in page. Where to go next is checked by Django to be on this host."""

    template_name = "portal/account/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True
    extra_context = {"title": "Sign in"}


def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """The operators' room has no sign-in of its own: one place counts the failures."""
    place = safe_path(request, reverse("admin:index"))
    if role_of(request.user):
        return redirect(place)
    if request.user.is_authenticated:
        return refuse(request, no_role=True)
    return redirect_to_login(place)


class SignOut(LogoutView):
    """Ends the session. POST only, so that no foreign page can do it with a link."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign out and say so."""
        response = super().post(request, *args, **kwargs)
        messages.success(request, "You have signed out.")
        return response


class ChangePassword(FormPage):
    """Everybody may change their own password, Readers too."""

    title = "Change password"
    template_name = "portal/account/change_password.html"
    readers_may_post = True

    def build_form(self, data: Any = None) -> Any:
        """Django's form, which wants the user first."""
        return ChangePasswordForm(self.request.user, data)

    def save(self, form: ChangePasswordForm) -> HttpResponse:
        """Store the new password; this session stays, the person's other sessions end."""
        user = form.save()
        update_session_auth_hash(self.request, user)
        messages.success(self.request, "Your password was changed. Your other sessions have been signed out.")
        return redirect("dashboard")

    def fields_to_keep(self) -> frozenset[str]:
        """Nothing: all are passwords."""
        return frozenset()


def locked_out(request: HttpRequest, response: HttpResponse, credentials: Any = None) -> HttpResponse:
    """The 429 page after too many failed sign-ins (AXES_LOCKOUT_CALLABLE): says when to try again."""
    until = _locked_until(request)
    seconds = max(1, int((until - timezone.now()).total_seconds()))
    context = {"title": "Too many attempts", "until": until, "minutes": -(-seconds // 60)}
    page = render(request, "portal/account/locked_out.html", context, status=429)
    page["Retry-After"] = str(seconds)
    return page


def _locked_until(request: HttpRequest) -> Any:
    cool_off = get_cool_off(request) or timedelta()
    name, address = request.POST.get("username", ""), get_client_ip_address(request)
    newest = (
        AccessAttempt.objects.filter(Q(username=name) | Q(ip_address=address))
        .exclude(username__startswith=MANAGEMENT)
        .order_by("-attempt_time")
        .values_list("attempt_time", flat=True)
        .first()
    )
    return (newest or timezone.now()) + cool_off
