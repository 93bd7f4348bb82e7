"""A second connection of a probe, to see what the first could not show. Nothing is sent over its TLS.

It shows what a back end speaks that does not speak TLS as the gateway does (no client certificate is presented
there), or what it holds against a client certificate where a reset hid that.
"""

import ssl
import time
from contextlib import closing, suppress
from dataclasses import replace

from gateway.probing.line import Address, Line, TlsLine
from gateway.probing.scene import Failure, Scene
from gateway.probing.tls_messages import TLS12
from gateway.probing.words import not_tls, old_version, other_cipher, why

Where = tuple[int, Address]
_NOTHING_IN_COMMON = frozenset((40, 70, 71))  # handshake_failure, protocol_version, insufficient_security
_LATE = "Seen in a second handshake, after which nothing was sent."
_SECOND_LOOK = ("Seen in a second handshake that offered old versions and ciphers, without a certificate.",)


def _anything_goes() -> ssl.SSLContext:
    """A context that offers what is too old for calls. Nothing is ever sent over its connections."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def second_look(failure: Failure, scene: Scene, where: Where, deadline: float) -> Failure:
    """The failure, or what a second connection shows to be behind it."""
    if scene.seen.hello is not None:
        return failure
    try:
        if failure.verdict == "timed-out" and not scene.first:
            return _plain_after_all(where, deadline) or failure
        if (
            failure.verdict in ("protocol-version", "tls-failed")
            and scene.seen.received in _NOTHING_IN_COMMON
        ):
            return _old_after_all(scene, where, deadline) or failure
    except OSError:
        pass
    return failure


def _plain_after_all(where: Where, deadline: float) -> Failure | None:
    line = Line(*where, deadline)
    try:
        line.send(b"OPTIONS * HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        return not_tls(line.receive())
    finally:
        line.close()


def _old_after_all(scene: Scene, where: Where, deadline: float) -> Failure | None:
    context = _anything_goes()
    names = {cipher["id"] & 0xFFFF: cipher["name"] for cipher in context.get_ciphers()}
    line = Line(*where, deadline)
    try:
        tls = TlsLine(line, context, scene.host)
        tls.handshake()
    except OSError:
        pass
    finally:
        line.close()
    seen = tls.seen
    if seen.hello is None:
        return None
    if seen.version < TLS12:
        return replace(old_version(seen.version), details=_SECOND_LOOK)
    ours = {cipher["id"] & 0xFFFF for cipher in ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).get_ciphers()}
    if seen.hello.cipher in ours:
        return None
    cipher = names.get(seen.hello.cipher, f"0x{seen.hello.cipher:04X}")
    return replace(other_cipher(cipher, seen.version), details=_SECOND_LOOK)


def late_refusal(
    failure: Failure, scene: Scene, context: ssl.SSLContext, where: Where, deadline: float, seconds: float
) -> Failure:
    """The failure, or the alert that came instead of an answer and got lost.

    Whoever closes a connection on which a request waits to be read resets it (RFC 9293, 3.6.1), and what was sent
    before a reset need not arrive.
    """
    with suppress(OSError), closing(Line(*where, deadline)) as line:
        tls = TlsLine(line, context, scene.host)
        try:
            tls.handshake()
            tls.wait(min(deadline, time.monotonic() + seconds), lambda: tls.seen.confirmed)
        except ssl.SSLError as error:
            if tls.seen.received:
                told = why(error, replace(scene, seen=tls.seen))
                return replace(told, details=(*told.details, _LATE))
    return failure
