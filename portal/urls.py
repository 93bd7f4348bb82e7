"""The portal's addresses. A page's name, its view, its template and its test share one name."""

from django.contrib import admin
from django.urls import path, register_converter
from django.views.generic import RedirectView

from portal.row_ids import RowId
from portal.views import (
    account,
    api_summary,
    apis,
    ca_certificate_page,
    ca_certificates,
    call,
    certificate_moves,
    certificate_page,
    certificate_versions,
    certificates,
    connection,
    console,
    dashboard,
    help,
    management_api,
    notifications,
    operations,
    policies,
    policy_delete,
    policy_history,
    principals,
    properties,
    security,
    signing_requests,
    subscription_questions,
    subscriptions,
    traces,
)

register_converter(RowId, "id")

_POLICY_SCOPES = (
    ("policy", "policies/"),
    ("policy-api", "policies/apis/<id:api_id>/"),
    ("policy-operation", "policies/apis/<id:api_id>/operations/<id:operation_id>/"),
)
_POLICY_PAGES = (
    ("history", "history/", policy_history.PolicyHistory),
    ("version", "history/<uuid:key>/", policy_history.PolicyVersionPage),
    ("restore", "history/<uuid:key>/restore/", policy_history.PolicyRestore),
)
_PRINCIPAL_PAGES = (
    ("edit", "edit", principals.PrincipalEdit.as_view()),
    ("delete", "delete", principals.PrincipalDelete.as_view()),
    *[
        (f"{name}-{which}", f"{name}-{which}-key", page.as_view(which=which))
        for name, page in (
            ("regenerate", principals.PrincipalRegenerate),
            ("revoke", principals.PrincipalRevoke),
        )
        for which in ("primary", "secondary")
    ],
)

urlpatterns = [
    path("", dashboard.Dashboard.as_view(), name="dashboard"),
    # --- account and help
    path("sign-in/", account.SignIn.as_view(), name="sign-in"),
    path("sign-out/", account.SignOut.as_view(), name="sign-out"),
    path("change-password/", account.ChangePassword.as_view(), name="change-password"),
    path("help/", help.Help.as_view(), name="help"),
    # --- the management REST API, which is itself below management/ and answered in front of these addresses
    path("security/management-api/", management_api.ManagementApiPage.as_view(), name="management-api"),
    path("security/management-api/token/", management_api.ManagementToken.as_view(), name="management-token"),
    path("security/management-api/principals-add/", principals.PrincipalAdd.as_view(), name="principal-add"),
    *[
        path(f"security/management-api/principals/<uuid:key>/{route}/", page, name=f"principal-{name}")
        for name, route, page in _PRINCIPAL_PAGES
    ],
    # --- certificates
    path("security/", RedirectView.as_view(pattern_name="certificates"), name="security"),
    path("security/client-certificates/", certificates.Certificates.as_view(), name="certificates"),
    path(
        "security/client-certificates/upload/",
        certificates.CertificateUpload.as_view(),
        name="certificate-upload",
    ),
    path(
        "security/client-certificates/<uuid:key>/",
        certificate_page.CertificatePage.as_view(),
        name="certificate",
    ),
    path(
        "security/client-certificates/<uuid:key>/versions/<int:number>/<str:form>",
        certificate_page.CertificateDownload.as_view(),
        name="certificate-download",
    ),
    path(
        "security/client-certificates/<uuid:key>/delete/",
        certificates.CertificateDelete.as_view(),
        name="certificate-delete",
    ),
    path(
        "security/client-certificates/<uuid:key>/test/",
        connection.CertificateTest.as_view(),
        name="certificate-test",
    ),
    path(
        "security/client-certificates/<uuid:key>/replace/",
        certificate_versions.CertificateReplace.as_view(),
        name="certificate-replace",
    ),
    path(
        "security/client-certificates/<uuid:key>/replace-everywhere/",
        certificate_moves.CertificateMove.as_view(),
        name="certificate-move",
    ),
    path(
        "security/client-certificates/<uuid:key>/versions/<int:number>/",
        certificate_versions.CertificateVersionPage.as_view(),
        name="certificate-version",
    ),
    path(
        "security/client-certificates/<uuid:key>/versions/<int:number>/remove/",
        certificate_versions.CertificateVersionRemove.as_view(),
        name="certificate-version-remove",
    ),
    path(
        "security/client-certificates/signing-requests-add/",
        signing_requests.SigningRequestAdd.as_view(),
        name="signing-request-add",
    ),
    path(
        "security/client-certificates/signing-requests/<uuid:key>/",
        signing_requests.SigningRequestPage.as_view(),
        name="signing-request",
    ),
    path(
        "security/client-certificates/signing-requests/<uuid:key>/request.csr",
        signing_requests.SigningRequestFile.as_view(),
        name="signing-request-file",
    ),
    path(
        "security/client-certificates/signing-requests/<uuid:key>/delete/",
        signing_requests.SigningRequestDelete.as_view(),
        name="signing-request-delete",
    ),
    path("security/ca-certificates/", ca_certificates.CaCertificates.as_view(), name="ca-certificates"),
    path(
        "security/ca-certificates/upload/",
        ca_certificates.CaCertificateUpload.as_view(),
        name="ca-certificate-upload",
    ),
    path(
        "security/ca-certificates/<uuid:key>/",
        ca_certificate_page.CaCertificatePage.as_view(),
        name="ca-certificate",
    ),
    path(
        "security/ca-certificates/<uuid:key>/<str:form>",
        ca_certificate_page.CaCertificateDownload.as_view(),
        name="ca-certificate-download",
    ),
    path(
        "security/ca-certificates/<uuid:key>/delete/",
        ca_certificates.CaCertificateDelete.as_view(),
        name="ca-certificate-delete",
    ),
    # --- APIs
    path("apis/", apis.Apis.as_view(), name="apis"),
    path("apis-add/", apis.ApiAdd.as_view(), name="api-add"),  # not below apis/: an API may be called "add"
    path("apis-preview/", apis.ApiPreview.as_view(), name="api-preview"),
    path("apis/<id:api_id>/", api_summary.ApiSummary.as_view(), name="api-summary"),
    path("apis/<id:api_id>/settings/", apis.ApiSettings.as_view(), name="api-settings"),
    path("apis/<id:api_id>/delete/", apis.ApiDelete.as_view(), name="api-delete"),
    path("apis/<id:api_id>/operations/", operations.Operations.as_view(), name="operations"),
    path("apis/<id:api_id>/operations-add/", operations.OperationAdd.as_view(), name="operation-add"),
    path(
        "apis/<id:api_id>/operations-add-all/",
        operations.OperationsAddAll.as_view(),
        name="operations-add-all",
    ),
    path(
        "apis/<id:api_id>/operations/<id:operation_id>/",
        operations.OperationEdit.as_view(),
        name="operation-edit",
    ),
    path(
        "apis/<id:api_id>/operations/<id:operation_id>/delete/",
        operations.OperationDelete.as_view(),
        name="operation-delete",
    ),
    path("apis/<id:api_id>/security/", security.ApiSecurity.as_view(), name="api-security"),
    path(
        "apis/<id:api_id>/security/handshake/",
        connection.ApiHandshake.as_view(),
        name="api-handshake",
    ),
    path("apis/<id:api_id>/console/", console.ApiConsole.as_view(), name="api-console"),
    path(
        "apis/<id:api_id>/operations/<id:operation_id>/console/",
        console.OperationConsole.as_view(),
        name="operation-console",
    ),
    path(
        "apis/<id:api_id>/operations/<id:operation_id>/console/preview/",
        console.ConsolePreview.as_view(),
        name="console-preview",
    ),
    path("apis/<id:api_id>/call/", call.ApiCall.as_view(), name="api-call"),
    path(
        "apis/<id:api_id>/operations/<id:operation_id>/call/",
        call.OperationCall.as_view(),
        name="operation-call",
    ),
    # --- subscriptions
    path("subscriptions/", subscriptions.Subscriptions.as_view(), name="subscriptions"),
    path("subscriptions-add/", subscriptions.SubscriptionAdd.as_view(), name="subscription-add"),
    path(
        "subscriptions/<id:subscription_id>/", subscriptions.SubscriptionPage.as_view(), name="subscription"
    ),
    path(
        "subscriptions/<id:subscription_id>/edit/",
        subscriptions.SubscriptionEdit.as_view(),
        name="subscription-edit",
    ),
    path(
        "subscriptions/<id:subscription_id>/keys/",
        subscriptions.SubscriptionKeys.as_view(),
        name="subscription-keys",
    ),
    path(
        "subscriptions/<id:subscription_id>/regenerate-primary-key/",
        subscription_questions.SubscriptionRegenerate.as_view(which="primary"),
        name="subscription-regenerate-primary",
    ),
    path(
        "subscriptions/<id:subscription_id>/regenerate-secondary-key/",
        subscription_questions.SubscriptionRegenerate.as_view(which="secondary"),
        name="subscription-regenerate-secondary",
    ),
    path(
        "subscriptions/<id:subscription_id>/suspend/",
        subscriptions.SubscriptionSuspend.as_view(),
        name="subscription-suspend",
    ),
    path(
        "subscriptions/<id:subscription_id>/activate/",
        subscriptions.SubscriptionActivate.as_view(),
        name="subscription-activate",
    ),
    path(
        "subscriptions/<id:subscription_id>/cancel/",
        subscription_questions.SubscriptionCancel.as_view(),
        name="subscription-cancel",
    ),
    path(
        "subscriptions/<id:subscription_id>/delete/",
        subscription_questions.SubscriptionDelete.as_view(),
        name="subscription-delete",
    ),
    # --- policies
    path("policies/", policies.Policies.as_view(), name="policies"),
    path("policies/apis/<id:api_id>/", policies.PolicyApi.as_view(), name="policy-api"),
    path(
        "policies/apis/<id:api_id>/operations/<id:operation_id>/",
        policies.PolicyOperation.as_view(),
        name="policy-operation",
    ),
    path("policies/apis/<id:api_id>/delete/", policy_delete.PolicyDelete.as_view(), name="policy-api-delete"),
    path(
        "policies/apis/<id:api_id>/operations/<id:operation_id>/delete/",
        policy_delete.PolicyDelete.as_view(),
        name="policy-operation-delete",
    ),
    *[
        path(f"{scope}{route}", page.as_view(), name=f"{prefix}-{name}")
        for prefix, scope in _POLICY_SCOPES
        for name, route, page in _POLICY_PAGES
    ],
    # --- notifications
    path("notifications/", notifications.Notifications.as_view(), name="notifications"),
    # --- properties
    path("properties/", properties.Properties.as_view(), name="properties"),
    path("properties-add/", properties.PropertyAdd.as_view(), name="property-add"),
    path("properties/<id:property_id>/", properties.PropertyEdit.as_view(), name="property"),
    path("properties/<id:property_id>/value/", properties.PropertyValue.as_view(), name="property-value"),
    path("properties/<id:property_id>/delete/", properties.PropertyDelete.as_view(), name="property-delete"),
    # --- traces
    path("traces/<uuid:key>/", traces.TracePage.as_view(), name="trace"),
    path("traces/<uuid:key>", traces.TracePage.as_view(), name="trace-address"),  # as callers are told it
    # --- the operators' room
    path("admin/login/", account.admin_sign_in, name="admin-sign-in"),
    path("admin/", admin.site.urls),
]

handler400 = "portal.views.errors.bad_request"
handler403 = "portal.views.errors.forbidden"
handler404 = "portal.views.errors.not_found"
handler500 = "portal.views.errors.server_error"
