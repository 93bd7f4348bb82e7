"""The portal's addresses. A page's name, its view, its template and its test share one name."""

from django.contrib import admin
from django.urls import path

from portal.views import account, dashboard, help

urlpatterns = [
    path("", dashboard.Dashboard.as_view(), name="dashboard"),
    # --- account and help
    path("sign-in/", account.SignIn.as_view(), name="sign-in"),
    path("sign-out/", account.SignOut.as_view(), name="sign-out"),
    path("change-password/", account.ChangePassword.as_view(), name="change-password"),
    path("help/", help.Help.as_view(), name="help"),
    # --- certificates
    # --- APIs
    # --- policies
    # --- the operators' room
    path("admin/", admin.site.urls),
]

handler400 = "portal.views.errors.bad_request"
handler403 = "portal.views.errors.forbidden"
handler404 = "portal.views.errors.not_found"
handler500 = "portal.views.errors.server_error"
