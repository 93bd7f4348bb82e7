"""Who calls the management REST API: tokens are verified here, and guessing is slowed as at sign-in."""

import logging
import secrets
from dataclasses import dataclass

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_credentials
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from gateway.changes.base import Actor
from gateway.changes.principals import find_principal, opened_keys, read_management_api
from gateway.models import Principal
from gateway.models.management import CONTRIBUTOR
from portal.attempts import MANAGEMENT
from portal.client_address import client_address
from portal.management_api import tokens
from portal.management_api.tokens import Token

log = logging.getLogger(__name__)

_NOBODYS = secrets.token_hex(64)  # stands for the keys of somebody unknown, so that a refusal takes as long


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal whose token was good."""

    name: str
    role: str

    @property
    def actor(self) -> Actor:
        """As the audit log names it."""
        return Actor("api", self.name)

    @property
    def may_change(self) -> bool:
        """Whether it may do more than look."""
        return self.role == CONTRIBUTOR


def brings_token(request: HttpRequest) -> bool:
    """Whether the request is meant to be let in with a token, good or not."""
    scheme = request.headers.get("Authorization", "").strip(" ").partition(" ")[0]
    return scheme.lower() in {tokens.SCHEME.lower(), "bearer"}


def caller_of(request: HttpRequest) -> Caller | None:
    """Whoever signed the request's token; None for a refusal (401), whose reason the log alone has."""
    token = tokens.parse(request.headers.get("Authorization", ""))
    if token is None:
        log.info("A request from %s was refused: it brings no token that can be read.", _address(request))
        return None
    if not read_management_api().enabled:
        log.info("A token of %s was refused: the management REST API is not enabled.", token.identifier)
        return None
    principal = find_principal(token.identifier)
    attempts = _Attempts(request, principal)
    if attempts.paused:
        log.info("A token of %s from %s was refused: a pause.", token.identifier, attempts.address)
        return None
    if not _signed(token, principal, attempts):
        return None
    if principal is None or token.expires_at <= timezone.now():
        log.info("The token of %s expired at %s.", token.identifier, token.expiry)
        return None
    return Caller(principal.resource_id, principal.role)


def _signed(token: Token, principal: Principal | None, attempts: "_Attempts") -> bool:
    """Whether a key that counts signed the token; what nobody signed is counted."""
    keys = [key for _, key in opened_keys(principal)] if principal else []
    if any(token.is_signed_with(key) for key in keys or [_NOBODYS]):
        return True
    if principal and any(token.is_signed_with(key) for _, key in opened_keys(principal, expired=True)):
        log.info("The key that signed the token of %s has expired.", principal)
        return False
    attempts.count()
    why = "none of its keys has signed it" if principal else "there is no such principal"
    then = f" All of them are for {settings.AXES_COOLOFF_TIME} from now on." if attempts.paused else ""
    log.warning("A token of %s from %s was refused: %s.%s", token.identifier, attempts.address, why, then)
    return False


def _address(request: HttpRequest) -> str:
    return client_address(request) or "an unknown address"


class _Attempts:
    """Failures of one principal from one address, as django-axes counts them for all processes.

    Those of unknown ones count together: otherwise anybody could fill the table with names.
    """

    def __init__(self, request: HttpRequest, principal: Principal | None) -> None:
        self.address = _address(request)
        self._credentials = get_credentials(f"{MANAGEMENT}{principal or ''}")
        self._request = _bare(request)

    @property
    def paused(self) -> bool:
        """Whether there were too many: then nothing is let in, nor counted."""
        return not AxesProxyHandler.is_allowed(self._request, self._credentials)

    def count(self) -> None:
        """Count one more."""
        AxesProxyHandler.user_login_failed(__name__, self._credentials, self._request)


def _bare(request: HttpRequest) -> HttpRequest:
    """The request without query, body and agent, which axes would store: they are not its business."""
    bare = HttpRequest()
    bare.method = "POST"
    bare.META = {
        name: request.META[name] for name in ("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR") if name in request.META
    } | {"PATH_INFO": "/management/"}
    return bare
