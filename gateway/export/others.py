"""Named values, subscriptions, back ends, principals and settings, as files: without what is secret of them."""

from collections.abc import Iterator

from gateway.export.names import file_name
from gateway.export.texts import File, as_json, moment
from gateway.models import (
    BackEnd,
    ManagementApi,
    NamedValue,
    NotificationSettings,
    Principal,
    Subscription,
)

NOTIFICATIONS, MANAGEMENT_API = "notifications.json", "managementApi.json"


def named_values(using: str) -> Iterator[tuple[File, ...]]:
    """Each named value; a secret one without its value."""
    for row in NamedValue.objects.using(using).defer("sealed_value").iterator():
        values = {"name": row.resource_id, "secret": row.secret, "tags": row.tags}
        if row.entity_id:
            values["id"] = row.entity_id
        if not row.secret:
            values["value"] = row.value
        yield (File(f"namedValues/{file_name(row.resource_id)}.json", as_json(values)),)


def subscriptions(using: str) -> Iterator[tuple[File, ...]]:
    """Each subscription, without its keys."""
    rows = Subscription.objects.using(using).select_related("api")
    for row in rows.only(
        "resource_id", "display_name", "owner", "state", "allow_tracing", "api__resource_id"
    ):
        values = {
            "id": row.resource_id,
            "displayName": row.display_name,
            "owner": row.owner,
            "api": row.api.resource_id if row.api else None,
            "state": row.state,
            "allowTracing": row.allow_tracing,
        }
        yield (File(f"subscriptions/{file_name(row.resource_id)}.json", as_json(values)),)


def back_ends(using: str) -> Iterator[tuple[File, ...]]:
    """Each back end that is described apart from APIs."""
    for row in BackEnd.objects.using(using).iterator():
        values = {
            "id": row.resource_id,
            "title": row.title,
            "description": row.description,
            "url": row.url,
            "tls": {
                "validateCertificateChain": row.validate_certificate_chain,
                "validateCertificateName": row.validate_certificate_name,
            },
        }
        yield (File(f"backEnds/{file_name(row.resource_id)}.json", as_json(values)),)


def principals(using: str) -> Iterator[tuple[File, ...]]:
    """Each principal of the management REST API: which keys it has and until when, but not the keys."""
    for row in Principal.objects.using(using).iterator():
        ends = (row.primary_expires_at, row.secondary_expires_at)
        keys = (row.sealed_primary_key, row.sealed_secondary_key)
        values: dict[str, object] = {"id": row.resource_id, "role": row.role}
        for which, key, end in zip(("primary", "secondary"), keys, ends, strict=True):
            values[f"{which}Key"] = {"present": bool(key), "expires": moment(end) if key and end else None}
        yield (File(f"principals/{file_name(row.resource_id)}.json", as_json(values)),)


def settings(using: str) -> Iterator[tuple[File, ...]]:
    """What there is one of."""
    for notifications in NotificationSettings.objects.using(using).all():
        values = {"recipients": notifications.recipients, "thresholds": notifications.thresholds}
        yield (File(NOTIFICATIONS, as_json(values)),)
    for management in ManagementApi.objects.using(using).all():
        yield (File(MANAGEMENT_API, as_json({"enabled": management.enabled})),)
