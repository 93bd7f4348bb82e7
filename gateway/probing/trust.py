"""Why a back end is not trusted, in words, and what mends it."""

import ssl

from cryptography import x509

from gateway.probing.chain import listed, name_of, names_in, sha256_of
from gateway.probing.scene import OWNER, Failure, Scene
from gateway.x509 import issuer_url, time_text

_NOT_YET, _PAST = 9, 10
_NAME_MISMATCHES = frozenset((62, 63, 64))
_UNKNOWN_ISSUER = frozenset((2, 18, 19, 20, 21, 27))
_BROKEN = {
    7: "a signature in its chain is wrong",
    22: "its chain is too long",
    24: "a certificate in its chain is not a CA's",
    26: "it is not for TLS servers (key usage)",
    66: "its key is too short",
    67: "the key of a CA in its chain is too short",
    68: "a signature in its chain uses a hash that is no longer safe",
    79: "a certificate in its chain is not a CA's",
}


def untrusted(error: ssl.SSLCertVerificationError, scene: Scene) -> Failure:
    """Why OpenSSL did not trust the back end."""
    code = error.verify_code
    if code in _NAME_MISMATCHES:
        return wrong_name(scene)
    if code in (_NOT_YET, _PAST):
        return _overdue(code, scene)
    if code in _UNKNOWN_ISSUER:
        text, remedy = _unknown_issuer(scene)
        return Failure("trust", "chain-untrusted", text, remedy)
    reason = _BROKEN.get(code, error.verify_message)
    text = f"The certificate of the back end is not trusted: {reason}."
    return Failure("trust", "chain-untrusted", text, f"Ask {OWNER} to replace the certificate.")


def wrong_name(scene: Scene) -> Failure:
    """The certificate is for another name."""
    names = names_in(scene.chain.leaf) if scene.chain.leaf else ()
    text = f"The certificate of the back end is not for {scene.host}"
    text += f" but for {listed(names)}." if names else "."
    remedy = (
        "Call the back end by a name that is in its certificate, or ask for a certificate with this name. "
        "Do not turn off the check of the name unless you know the network in between."
    )
    return Failure("name", "wrong-name", text, remedy)


def _overdue(code: int, scene: Scene) -> Failure:
    found = scene.chain.overdue(scene.now)
    verdict, remedy = "server-certificate-expired", f"Ask {OWNER} to renew it."
    if found is None:
        return Failure("trust", verdict, "A certificate in the back end's chain is not valid today.", remedy)
    past = code == _PAST
    when = f"expired on {time_text(found.not_valid_after_utc)}"
    if not past:
        when = f"is not valid before {time_text(found.not_valid_before_utc)}"
        remedy = "Look whether the clock of the gateway is right."
    if found == scene.chain.leaf:
        return Failure("trust", verdict, f"The certificate of the back end {when}.", remedy)
    if scene.chain.anchor and found == scene.chain.anchor.certificate and found not in scene.chain.sent:
        remedy = "Upload its successor under CA certificates and choose it." if past else remedy
        text = f"The CA certificate {name_of(found.subject)}, which is trusted here, {when}."
        return Failure("trust", "chain-untrusted", text, remedy)
    text = f"The certificate {name_of(found.subject)} in the back end's chain {when}."
    return Failure("trust", verdict, text, remedy)


def _unknown_issuer(scene: Scene) -> tuple[str, str]:
    chain, top = scene.chain, scene.chain.top
    if top is None:
        return (
            "The certificate of the back end is not trusted: no CA that is trusted here vouches for it.",
            "Upload the certificate of the CA that issued it under CA certificates, and choose it.",
        )
    if chain.public and not scene.trust.public_cas:
        name = name_of(chain.public.certificate.subject)
        return (
            f"The certificate of the back end comes from a public CA ({name}), and public CAs are not trusted.",
            "Tick Public CAs under Trusted CA certificates.",
        )
    if chain.ends_at_itself:
        return _own_root(top, alone=len(chain.ordered) == 1)
    return _missing_issuer(top, alone=len(chain.ordered) == 1)


def _own_root(top: x509.Certificate, *, alone: bool) -> tuple[str, str]:
    compare = f"Have {OWNER} confirm its SHA-256 thumbprint first: {sha256_of(top)}"
    if alone:
        return (
            "The certificate of the back end is self-signed: nobody vouches for it, and it is not trusted here.",
            f"Upload this very certificate under CA certificates and choose it. {compare}",
        )
    name = name_of(top.subject)
    return (
        f"The chain of the back end ends at a CA that is not trusted here: {name}",
        f"Upload the certificate of {name} under CA certificates and choose it. {compare}",
    )


def _missing_issuer(top: x509.Certificate, *, alone: bool) -> tuple[str, str]:
    issuer = name_of(top.issuer)
    if alone:
        text = (
            "The chain is incomplete: the back end sent only its own certificate, and its issuer, which would "
            f"have to be trusted here or be sent along, is neither: {issuer}"
        )
        remedy = (
            f"If that is an intermediate CA, ask {OWNER} to send its certificate along. "
            "Or upload the certificate of that CA under CA certificates and choose it."
        )
    else:
        text = f"The chain of the back end leads to a CA that is not trusted here and was not sent: {issuer}"
        remedy = f"Upload the certificate of {issuer} under CA certificates and choose it."
    if address := issuer_url(top):
        remedy += f" It is said to be at {address}"
    return text, remedy
