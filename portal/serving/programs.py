"""The portal's and the gateway's servers, as programs to start."""

import sys
from collections.abc import Mapping, Sequence

from django.conf import settings
from django.urls import reverse

from portal.serving.answers import Probe
from portal.serving.errors import ServingError
from portal.serving.listeners import Listener, listen
from portal.serving.processes import Errand, Program


def listen_for_portal() -> Listener:
    """The portal's listener, by the settings. Raises ServingError."""
    tls = bool(settings.PORTAL_TLS_CERTIFICATE)
    return listen(settings.PORTAL_HOST, settings.PORTAL_PORT, setting="PORTAL_PORT or --portal-port", tls=tls)


def listen_for_gateway() -> Listener:
    """The gateway's listener, by the settings. Raises ServingError."""
    tls = bool(settings.GATEWAY_TLS_CERTIFICATE)
    return listen(
        settings.GATEWAY_HOST, settings.GATEWAY_PORT, setting="GATEWAY_PORT or --gateway-port", tls=tls
    )


def listen_for_plain_gateway() -> Listener | None:
    """The gateway's second listener, without TLS, if there is to be one. Raises ServingError."""
    if not settings.GATEWAY_PLAIN_PORT:
        return None
    if not settings.GATEWAY_TLS_CERTIFICATE:
        raise ServingError(
            "GATEWAY_PLAIN_PORT adds a plain listener to one with TLS; set GATEWAY_TLS_* or leave it."
        )
    return listen(settings.GATEWAY_HOST, settings.GATEWAY_PLAIN_PORT, setting="GATEWAY_PLAIN_PORT")


def listen_for_operators() -> Listener | None:
    """The gateway's listener for metrics and health, if there is to be one. Raises ServingError."""
    if settings.GATEWAY_OPERATOR_PORT is None:
        return None
    return listen(
        settings.GATEWAY_OPERATOR_HOST, settings.GATEWAY_OPERATOR_PORT, setting="GATEWAY_OPERATOR_PORT"
    )


def portal(listener: Listener, environment: Mapping[str, str]) -> Program:
    """The portal under gunicorn."""
    return _gunicorn("portal", "portal.gunicorn_portal", "portal.wsgi:application", [listener], environment)


def gateway(
    listener: Listener, operator: Listener | None, environment: Mapping[str, str], name: str = "gateway"
) -> Program:
    """The gateway under gunicorn, which also serves operators if they have a listener."""
    return _gunicorn(
        name,
        "gateway.gunicorn_gateway",
        "gateway.node:application",
        [listener, operator] if operator else [listener],
        {**environment, **_operators(operator), **_plain(listener)},
    )


def _operators(operator: Listener | None) -> dict[str, str]:
    """The port as it came out, by which the gateway's processes know that listener."""
    port = str(operator.port) if operator else "off"
    return {"GATEWAY_OPERATOR_PORT": port, "GATEWAY_OPERATOR_PORT_FILE": ""}


def _plain(listener: Listener) -> dict[str, str]:
    """What the processes of a plain listener beside one with TLS are told: that they have none, and that no proxy
    in front of them has, for otherwise they would take every call for an https one (gateway/node.py)."""
    if listener.tls or not settings.GATEWAY_TLS_CERTIFICATE:
        return {}
    names = ("GATEWAY_TLS_CERTIFICATE", "GATEWAY_TLS_KEY", "GATEWAY_PUBLIC_URL")
    return {name + suffix: "" for name in names for suffix in ("", "_FILE")}


def _gunicorn(
    name: str,
    configuration: str,
    application: str,
    listeners: Sequence[Listener],
    environment: Mapping[str, str],
) -> Program:
    binds = [word for each in listeners for word in ("-b", f"fd://{each.socket.fileno()}")]
    command = [sys.executable, "-m", "gunicorn", "-c", f"python:{configuration}", *binds, application]
    return Program(name, command, listeners, environment)


def expiry_notifications(environment: Mapping[str, str]) -> Errand:
    """Looks every hour whether a day has passed since people were told of certificates that expire."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "send_expiry_notifications", "--daily"]
    program = Program("expiry notifications", [*command, "--skip-checks"], [], environment)
    return Errand(program, first_seconds=2, every_seconds=3600)


def portal_probe(listener: Listener) -> Probe:
    """Asks the portal for its sign-in page, by a name that it answers to."""
    names = [name.lstrip(".") for name in settings.ALLOWED_HOSTS if name.strip("*.")]
    return Probe(
        "portal", listener, reverse(settings.LOGIN_URL), names[0] if names else listener.reachable[0]
    )
