"""System checks of insecure or incomplete settings. Each says what to do."""

import os
import re
from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import global_settings, settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from gateway import keystore
from gateway.models import NotificationSettings
from gateway.portal_url import portal_url
from portal.notifying.mail_server import SMTP, why_not_set_up

SHORTEST_SECRET_KEY = 50
_HOW_TO_MAKE_A_KEY = (
    'Make one with: python -c "import secrets; print(secrets.token_urlsafe(50))", and set SECRET_KEY or '
    "SECRET_KEY_FILE. `manage.py quickstart` does it for you."
)


@register(Tags.security)
def check_secret_key(**kwargs: Any) -> list[CheckMessage]:
    """portal.E001: without a good SECRET_KEY sessions and forms can be forged."""
    try:
        key = settings.SECRET_KEY
    except ImproperlyConfigured:  # Django's answer to an empty one
        key = ""
    if len(key) >= SHORTEST_SECRET_KEY and len(set(key)) >= 5:
        return []
    what = f"is shorter than {SHORTEST_SECRET_KEY} characters or too uniform" if key else "is not set"
    return [Error(f"SECRET_KEY {what}.", hint=_HOW_TO_MAKE_A_KEY, id="portal.E001")]


@register(Tags.security)
def check_encryption_keys(**kwargs: Any) -> list[CheckMessage]:
    """portal.E002: without these keys no private key can be sealed or opened."""
    hint = "Keep the keys outside the database and its backups; whoever has both has the private keys."
    return [Error(problem, hint=hint, id="portal.E002") for problem in keystore.problems()]


@register(Tags.security)
def check_tls_files(**kwargs: Any) -> list[CheckMessage]:
    """portal.E003: half of a pair of TLS files. portal.E004: one that cannot be read."""
    return [problem for side in ("PORTAL", "GATEWAY") for problem in _tls_problems(side)]


def _tls_problems(side: str) -> Iterable[CheckMessage]:
    names = (f"{side}_TLS_CERTIFICATE", f"{side}_TLS_KEY")
    paths = {name: getattr(settings, name) for name in names}
    missing = [name for name in names if not paths[name]]
    if len(missing) == 1:
        given = next(name for name in names if name not in missing)
        yield Error(
            f"{given} is set but {missing[0]} is not.",
            hint="Set both to serve TLS, or neither to serve plain HTTP.",
            id="portal.E003",
        )
    for name, path in paths.items():
        reason = _unreadable(path) if path else ""
        if reason:
            yield Error(
                f"{name}: {path} cannot be read: {reason}.", hint="Set it to a PEM file.", id="portal.E004"
            )


def _unreadable(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


@register(Tags.security)
def check_gateway_settings(**kwargs: Any) -> list[CheckMessage]:
    """portal.E005: a setting of the gateway that it could not start with."""
    return [Error(problem, hint=hint, id="portal.E005") for problem, hint in _gateway_problems()]


def _gateway_problems() -> Iterable[tuple[str, str]]:
    for name in ("GATEWAY_TRUSTED_PROXIES", "GATEWAY_ALLOWED_BACK_END_NETWORKS"):
        for text in getattr(settings, name):
            try:
                ip_network(text, strict=False)
            except ValueError:
                yield (
                    f"{name}: “{text}” is not a network.",
                    "Write it like 10.0.0.0/8, with commas between several.",
                )
    if settings.GATEWAY_UNDERSCORES not in ("refuse", "drop"):
        yield f"GATEWAY_UNDERSCORES is “{settings.GATEWAY_UNDERSCORES}”.", "Set it to refuse or to drop."
    for name in ("GATEWAY_MAX_CALLS", "GATEWAY_MAX_CALLS_PER_API", "GATEWAY_EXCHANGE_THREADS"):
        if getattr(settings, name) < 1:
            yield f"{name} is {getattr(settings, name)}.", "Set it to 1 or more."


@register(Tags.security)
def check_access_log(**kwargs: Any) -> list[CheckMessage]:
    """portal.E006: an access log that cannot be written."""
    if settings.GATEWAY_ACCESS_LOG in ("-", "off"):
        return []
    path = Path(settings.GATEWAY_ACCESS_LOG)
    if os.access(path if path.exists() else path.parent, os.W_OK) and not path.is_dir():
        return []
    hint = "Set it to a file in a folder that the gateway may write to, to - for standard error, or to off."
    return [Error(f"GATEWAY_ACCESS_LOG: {path} cannot be written.", hint=hint, id="portal.E006")]


_ADDRESSES = (
    (
        "portal.E007",
        "PORTAL_PUBLIC_URL",
        "Write the portal's address with its scheme, like https://portal.example.org.",
    ),
    (
        "portal.E008",
        "CONSOLE_GATEWAY_URL",
        "Write the gateway's address as the portal reaches it, like http://10.0.0.5:8080.",
    ),
    (
        "portal.E009",
        "GATEWAY_PUBLIC_URL",
        "Write the gateway's address as callers know it, like https://api.example.org.",
    ),
)


@register(Tags.security)
def check_addresses(**kwargs: Any) -> list[CheckMessage]:
    """portal.E007, portal.E008, portal.E009: addresses at which nobody is reached."""
    # Without the address: it may hold a password.
    return [
        Error(f"{name} is no http or https address without user, query and fragment.", hint=hint, id=id_)
        for id_, name, hint in _ADDRESSES
        if (url := getattr(settings, name)) and not _is_http_url(url)
    ]


def _is_http_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    extra = parts.query or parts.fragment or parts.username is not None
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and not extra


@register(Tags.security)
def check_management_service_name(**kwargs: Any) -> list[CheckMessage]:
    """portal.E010: a name that no address can have, or that clients of the REST API refuse."""
    if re.fullmatch("[A-Za-z](?:[A-Za-z0-9-]{0,48}[A-Za-z0-9])?", settings.MANAGEMENT_SERVICE_NAME):
        return []
    hint = "Use 1 to 50 letters, digits and hyphens, a letter first and no hyphen last."
    return [Error("MANAGEMENT_SERVICE_NAME is no name of a service.", hint=hint, id="portal.E010")]


@register(Tags.security, deploy=True)
def check_e_mail(**kwargs: Any) -> list[CheckMessage]:
    """portal.W005: a sender that mail servers refuse. portal.W006: links to an address that is only guessed."""
    if settings.EMAIL_BACKEND != SMTP:
        return []
    found: list[CheckMessage] = []
    if settings.DEFAULT_FROM_EMAIL == global_settings.DEFAULT_FROM_EMAIL:
        hint = "Set it to an address from which your mail server takes e-mail."
        found.append(Warning("EMAIL_URL is set, DEFAULT_FROM_EMAIL is not.", hint=hint, id="portal.W005"))
    if not settings.PORTAL_PUBLIC_URL:
        hint = "Set it to the portal's address as people know it, for the links in e-mail."
        found.append(Warning("EMAIL_URL is set, PORTAL_PUBLIC_URL is not.", hint=hint, id="portal.W006"))
    return found


@register(Tags.security, deploy=True)
def check_trace_address(**kwargs: Any) -> list[CheckMessage]:
    """portal.W008: callers elsewhere who are told that their trace is on their own machine."""
    elsewhere = settings.GATEWAY_PUBLIC_URL or not _is_loopback(settings.GATEWAY_HOST)
    host = urlsplit(portal_url()).hostname or ""
    if settings.PORTAL_PUBLIC_URL or not elsewhere or not _is_loopback(host):
        return []
    hint = "Set it to the portal's address as people know it, also where gateways run on another machine."
    what = f"Gateways tell callers that traces are at {portal_url()}, because PORTAL_PUBLIC_URL is not set."
    return [Warning(what, hint=hint, id="portal.W008")]


@register(Tags.database)
def check_recipients(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """portal.W007: people who are never told. Asked of a database only by `check --database` and `migrate`."""
    reason = why_not_set_up()
    if not reason or "default" not in (databases or ()):
        return []
    try:
        told = any(row.recipients for row in NotificationSettings.objects.all())
    except DatabaseError:  # before the first migration
        return []
    if not told:
        return []
    hint = "Set EMAIL_URL, or take the recipients away on the page Notifications."
    return [Warning(f"There are recipients of notifications. {reason}", hint=hint, id="portal.W007")]


@register(Tags.security, deploy=True)
def check_portal_transport(**kwargs: Any) -> list[CheckMessage]:
    """portal.W001: passwords, sessions and tokens of the REST API would cross the network in the clear."""
    if settings.PORTAL_USES_TLS:
        return []
    return [
        Warning(
            "The portal serves plain HTTP and no proxy is stated: passwords and tokens of the management REST API "
            "can be read on the way.",
            hint="Set PORTAL_TLS_CERTIFICATE and PORTAL_TLS_KEY, or PORTAL_BEHIND_TLS_PROXY=true if a proxy in "
            "front ends TLS and sets X-Forwarded-Proto.",
            id="portal.W001",
        )
    ]


@register(Tags.security, deploy=True)
def check_gateway_transport(**kwargs: Any) -> list[CheckMessage]:
    """portal.W002: callers would send their keys and data in the clear."""
    if settings.GATEWAY_TLS_CERTIFICATE or settings.GATEWAY_PUBLIC_URL.lower().startswith("https://"):
        return []
    return [
        Warning(
            "The gateway serves plain HTTP and no proxy is stated.",
            hint="Set GATEWAY_TLS_CERTIFICATE and GATEWAY_TLS_KEY, or GATEWAY_PUBLIC_URL to the https:// address "
            "of the proxy in front.",
            id="portal.W002",
        )
    ]


@register(Tags.security, deploy=True)
def check_host_names(**kwargs: Any) -> list[CheckMessage]:
    """portal.W003: any host name is answered, which lets others point their names at the portal."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    hint = "List the names by which people reach the portal, separated by commas."
    return [Warning("ALLOWED_HOSTS has “*”.", hint=hint, id="portal.W003")]


@register(Tags.security, deploy=True)
def check_operator_address(**kwargs: Any) -> list[CheckMessage]:
    """portal.W004: whoever reaches that listener reads the names of APIs, and how much they are called."""
    host = settings.GATEWAY_OPERATOR_HOST
    if settings.GATEWAY_OPERATOR_PORT is None or _is_loopback(host):
        return []
    return [
        Warning(
            f"The gateway's metrics and health are served on {host or 'all addresses'} to whoever asks.",
            hint="Set GATEWAY_OPERATOR_HOST to 127.0.0.1, or see to it that only your monitoring reaches "
            "GATEWAY_OPERATOR_PORT, and silence this check.",
            id="portal.W004",
        )
    ]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
