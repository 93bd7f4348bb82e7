"""Sends e-mail by the settings, and says in words what the mail server answered, without its password."""

import base64
import contextlib
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

SMTP = "django.core.mail.backends.smtp.EmailBackend"
_NOWHERE = {  # what reaches nobody
    "django.core.mail.backends.dummy.EmailBackend": "EMAIL_URL is not set",
    "django.core.mail.backends.console.EmailBackend": "EMAIL_URL only prints messages",
}
_LONGEST_ANSWER = 500
_MOST_SECONDS = 600  # for all e-mails of a run: less than a claim holds (gateway.records_notices)


def why_not_set_up() -> str:
    """Why no e-mail reaches anybody, "" if it does."""
    reason = _NOWHERE.get(settings.EMAIL_BACKEND)
    return f"E-mail is not set up: {reason}." if reason else ""


def server_in_words() -> str:
    """Where e-mail goes through."""
    if settings.EMAIL_BACKEND != SMTP:
        return _server()
    tls = "TLS" if settings.EMAIL_USE_SSL else "STARTTLS" if settings.EMAIL_USE_TLS else "without TLS"
    return f"{_server()} ({tls})"


@dataclass(frozen=True)
class Delivery:
    """Whose e-mail the mail server took, and why it did not take the others'."""

    accepted: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]  # address, reason
    missed: tuple[str, ...] = ()  # of the refused: what may be taken at another time

    @cached_property
    def problem(self) -> str:
        """What went wrong, each reason with its addresses; "" if nothing did."""
        reasons = dict.fromkeys(reason for _, reason in self.refused)
        return " ".join(f"Not sent to {self._addresses(reason)}: {reason}" for reason in reasons)

    def _addresses(self, reason: str) -> str:
        return ", ".join(address for address, why in self.refused if why == reason)


def deadline() -> float:
    """When sending that begins now is to be over."""
    return time.monotonic() + _MOST_SECONDS


def send(
    recipients: Iterable[str], message_to: Callable[[str], EmailMessage], until: float | None = None
) -> Delivery:
    """Send each recipient a message of their own, so that a wrong address keeps it from nobody else."""
    until = deadline() if until is None else until
    accepted: list[str] = []
    refused: list[tuple[str, str]] = []
    missed: list[str] = []
    connection, broken = get_connection(), ""
    for address in recipients:
        if time.monotonic() > until:
            broken = broken or "the mail server is too slow."
        try:
            if not broken:
                connection.send_messages([message_to(address)])
                accepted.append(address)
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:  # the next one may be taken
            refused.append((address, in_words(error)))
            missed += [address] if _is_for_now(error) else []
        except Exception as error:  # a back end of Django's may raise anything, and this has to be told
            broken = in_words(error)
        if broken:
            refused.append((address, broken))
            missed.append(address)
    _close(connection)
    return Delivery(tuple(accepted), tuple(refused), tuple(missed))


def _is_for_now(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError) -> bool:
    """Whether the same may be taken later (RFC 5321, 4.2.1), as where an address is greylisted."""
    if isinstance(error, smtplib.SMTPDataError):
        return error.smtp_code < 500
    return all(code < 500 for code, _ in error.recipients.values())


def _close(connection: object) -> None:
    with contextlib.suppress(OSError, smtplib.SMTPException):  # what was sent is sent
        connection.close()  # type: ignore[attr-defined]


def in_words(error: Exception) -> str:
    """What went wrong, with the mail server's own words."""
    cause = error.__context__  # smtplib takes silence for a connection that was ended
    silent = isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(cause, TimeoutError)
    return _without_secrets(_words(TimeoutError() if silent else error))


def _words(error: Exception) -> str:
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=answers):
            return f"the mail server refused the address: {'; '.join(_answer(*a) for a in answers.values())}."
        case smtplib.SMTPResponseException():
            return f"{_what_it_answers(error)}: {_answer(error.smtp_code, error.smtp_error)}."
        case smtplib.SMTPServerDisconnected():
            return f"the mail server {_server()} ended the connection ({error})."
        case smtplib.SMTPException():
            return f"the mail server {_server()} cannot do what EMAIL_URL asks for: {error}"
        case OSError():
            return f"{_about_connection(error)}."
    return f"{type(error).__name__}: {error}"


def _what_it_answers(error: smtplib.SMTPResponseException) -> str:
    if isinstance(error, smtplib.SMTPSenderRefused):
        return f"the mail server refused the sender {error.sender} (DEFAULT_FROM_EMAIL)"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "the mail server did not take the user name and password of EMAIL_URL"
    return "the mail server answered"


def _about_connection(error: OSError) -> str:
    match error:
        case TimeoutError():
            return f"the mail server {_server()} did not answer within {settings.EMAIL_TIMEOUT} seconds"
        case ConnectionRefusedError():
            return f"nothing listens at {_server()}: the connection was refused"
        case socket.gaierror():
            return f"the host {settings.EMAIL_HOST} of EMAIL_URL was not found ({error.strerror})"
        case ssl.SSLCertVerificationError():
            return f"the certificate of the mail server {_server()} is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS with the mail server {_server()} failed ({error.reason or error})"
    return f"{_server()} cannot be reached, or written to ({error.strerror or error})"


def _server() -> str:
    if settings.EMAIL_BACKEND != SMTP:
        return str(settings.EMAIL_BACKEND)
    return f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"


def _answer(code: int, text: bytes | str) -> str:
    shown = text.decode(errors="replace") if isinstance(text, bytes) else text
    return f"{code} {shown}".rstrip(" .")


def _without_secrets(text: str) -> str:
    """On one line, and without the password, should an answer repeat it, plain or as it was sent."""
    text = "".join(char if char.isprintable() else " " for char in text)
    user, password = settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD
    if password:
        sent = (password, f"\0{user}\0{password}")
        for secret in (password, *(base64.b64encode(each.encode()).decode() for each in sent)):
            text = text.replace(secret, "(secret)")
    return text if len(text) <= _LONGEST_ANSWER else f"{text[:_LONGEST_ANSWER]}…"
