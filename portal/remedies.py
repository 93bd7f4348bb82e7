"""What mends a failure: one table of the gateway's own answers (gateway.failures) and of what tests of a connection
come to (gateway.probing.report), with links to the very settings."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from portal import places
from portal.places import Link, Where

Place = Callable[[Where], Link | None]


@dataclass(frozen=True, slots=True)
class Remedy:
    """What happened (`title`, `text`), what to do (`todo`) and the `places` for that, the likeliest first.

    A test of a connection has words of its own. Where no setting of the portal helps, `nowhere` says why.
    """

    title: str
    text: str = ""
    todo: str = ""
    places: tuple[Place, ...] = ()
    nowhere: str = ""

    def links(self, where: Where) -> tuple[Link, ...]:
        """The places that there are for a call or a test."""
        return tuple(_different(link for place in self.places if (link := place(where))))


def _different(links: Iterable[Link]) -> Iterable[Link]:
    return {link.url: link for link in links}.values()


_OWNER = "the owner of the back end"
_CALLER = "The call itself is at fault, not a setting."
_CHOICE = (places.credentials, places.effective_without_certificate, places.certificate)
_OTHER_CHOICE = (places.certificate, places.credentials)
_TRUST = (places.trusted_cas, places.upload_ca, places.web_service_url)
_HOST = (places.web_service_url,)
_BACK_END = f"It is the back end's: ask {_OWNER}."
_NETWORKS = (
    "An operator of the gateway can allow the address with the setting GATEWAY_ALLOWED_BACK_END_NETWORKS (README, "
    "Settings)."
)


def _caller(title: str, text: str, todo: str) -> Remedy:
    return Remedy(title, text, todo, nowhere=_CALLER)


# By code: what callers are told is in gateway.failures, this is for those who run the API.
FAILURES: dict[str, Remedy] = {
    # --- the call itself
    "bad-target": _caller(
        "The address of the call cannot be forwarded",
        "Its path or query holds something that the gateway does not pass on.",
        "Encode what is not allowed in an address, such as a space as %20.",
    ),
    "field-name-underscore": _caller(
        "The name of a header holds an underscore",
        "Many back ends take an underscore for a hyphen, so the gateway refuses it.",
        "Write a hyphen. An operator can have them dropped instead: GATEWAY_UNDERSCORES (README, Settings).",
    ),
    "subscription-key-missing": Remedy(
        "The call carries no subscription key",
        "This API asks for a key of an active subscription to it, or to all APIs.",
        "Choose a subscription, or enter one of its keys.",
        (places.subscriptions, places.subscription_required),
    ),
    "subscription-key-invalid": Remedy(
        "The subscription key lets nobody in",
        "It is not, or no longer, a key of an active subscription to this API or to all APIs: it may have been "
        "regenerated, or the subscription is suspended, cancelled, or one to another API.",
        "Use the key of an active subscription that includes this API.",
        (places.subscriptions, places.subscription_required),
    ),
    "https-required": Remedy(
        "This API can only be called over https",
        "The call came over http.",
        "Call the https:// address, or tick HTTP in Settings.",
        (places.scheme,),
    ),
    "http-required": Remedy(
        "This API can only be called over http",
        "The call came over https.",
        "Call the http:// address, or tick HTTPs in Settings.",
        (places.scheme,),
    ),
    "ip-forbidden": Remedy(
        "The policy refused the address of the caller",
        "A statement ip-filter does not let in the address that the call came from.",
        "Let it in there, if it should be. Calls of the console come from the machine that the portal runs on.",
        (places.effective,),
    ),
    "not-found": Remedy(
        "No operation is there for this call",
        "No operation of an API has this verb and a URL template that fits.",
        "Look at verb and path, or add the operation.",
        (places.operations,),
    ),
    "header-check-failed": Remedy(
        "The policy refused the call because of a header",
        "A statement check-header asks for a header that the call lacks, or that has another value there.",
        "Send the header, or change the statement.",
        (places.effective,),
    ),
    "request-timeout": _caller(
        "The body of the request did not arrive in time",
        "The gateway waited for more of it, and nothing came.",
        "Send it again. An operator can give callers more time: GATEWAY_BODY_SECONDS (README, Settings).",
    ),
    "request-too-large": Remedy(
        "The body of the request is too large",
        "It is larger than this API, or the gateway, takes.",
        "Send less, or allow more.",
        (places.max_body,),
    ),
    "expectation-failed": _caller(
        "The header Expect asks for something that the gateway cannot do",
        "It knows 100-continue and nothing else.",
        "Leave the header out.",
    ),
    "upgrade-unsupported": _caller(
        "WebSocket connections are not supported",
        "The call asks for another protocol.",
        "Leave the header Upgrade out.",
    ),
    "trace-unsupported": _caller(
        "The gateway does not answer TRACE itself",
        "Max-Forwards is 0, so the gateway would have to show what it received.",
        "Leave the header Max-Forwards out.",
    ),
    "loop-detected": Remedy(
        "The call came back to the gateway again and again",
        "The back end of this API is, directly or not, the gateway itself.",
        "Give it the address of the real back end.",
        _HOST,
    ),
    # --- how busy it is
    "api-busy": Remedy(
        "Too many calls of this API are under way",
        "The gateway answers no more of them at a time.",
        "Try again in a moment. If that does not help, look at how fast the back end is, or allow more.",
        (places.max_calls,),
    ),
    "gateway-busy": Remedy(
        "Too many calls are under way in the gateway",
        "It has no room for another one.",
        "Try again in a moment. An operator can allow more: GATEWAY_MAX_CALLS (README, Settings).",
        (places.dashboard,),
    ),
    "not-ready": Remedy(
        "The gateway has not read its configuration yet",
        "It was started a moment ago, or cannot reach the database.",
        "Try again in a moment.",
        (places.dashboard,),
    ),
    "internal-error": Remedy(
        "The gateway failed",
        "Something went wrong inside it that should not.",
        "An operator finds the cause in the gateway's error log, under the activity id.",
        (places.dashboard,),
    ),
    # --- the configuration
    "api-unusable": Remedy(
        "The configuration of this API cannot be used",
        "The gateway cannot make a back end of what is saved for it.",
        "Correct the web service URL.",
        (places.settings_url,),
    ),
    "policy-unusable": Remedy(
        "The policy cannot be executed",
        "Something in a policy document, or that it refers to, is wrong. The call was not forwarded.",
        "Correct the policy.",
        (places.effective,),
    ),
    "client-certificate-unusable": Remedy(
        "The client certificate cannot be used",
        "It is gone, or none of the keys of this installation opens its private key. The call was not forwarded "
        "without it.",
        "Choose another certificate, or upload it again.",
        (places.certificates, places.certificate, places.credentials),
    ),
    "client-certificate-needs-https": Remedy(
        "A client certificate can only be presented over https",
        "The back end is at an http:// address. The call was not forwarded without the certificate.",
        "Give the back end an https:// address, or choose no client certificate.",
        (places.settings_url, places.credentials),
    ),
    "client-certificate-expired-not-forwarded": Remedy(
        "The client certificate has expired",
        "This API refuses calls then, so nothing was sent to the back end.",
        "Replace the certificate. Or let calls go on with it: the back end then decides.",
        (places.refuse_expired, places.certificate),
    ),
    "back-end-trust-unusable": Remedy(
        "The CA certificates that this API trusts cannot be used",
        "The call was not forwarded.",
        "Choose them again, or upload them again.",
        (places.trust, places.upload_ca),
    ),
    # --- the back end
    "back-end-address-refused": Remedy(
        "The gateway does not call the address of the back end",
        "Its name leads to an address of the gateway's own machine or of a network that back ends may not be in.",
        f"Look whether the host is right. {_NETWORKS}",
        _HOST,
    ),
    "back-end-not-found": Remedy(
        "The name of the back end cannot be resolved",
        "The name servers of the gateway's machine do not know it.",
        "Look whether the host in the address is right.",
        _HOST,
    ),
    "back-end-unreachable": Remedy(
        "No connection to the back end",
        "Nothing accepted the connection.",
        "Look whether the back end runs, whether host and port are right, and at firewalls in between.",
        _HOST,
    ),
    "back-end-certificate-untrusted": Remedy(
        "The certificate of the back end is not trusted",
        "No CA that this API trusts vouches for it, or it has expired. The gateway broke off and sent nothing.",
        "Upload the certificate of the CA that issued it, and choose it under Back end trust.",
        _TRUST,
    ),
    "back-end-name-mismatch": Remedy(
        "The certificate of the back end is for another name",
        "The gateway broke off and sent nothing.",
        "Call the back end by a name that is in its certificate.",
        (places.web_service_url, places.validate_name),
    ),
    "back-end-tls-failed": Remedy(
        "The back end and the gateway did not agree on TLS",
        "The handshake failed.",
        "Look whether host and port are right, and whether the back end speaks TLS 1.2 or 1.3 there.",
        _HOST,
    ),
    "client-certificate-required": Remedy(
        "The back end demands a client certificate and got none",
        "No client certificate is chosen for this call, or it could not be presented.",
        "Choose the client certificate that the back end accepts.",
        _CHOICE,
    ),
    "client-certificate-rejected": Remedy(
        "The back end did not accept the client certificate",
        "It broke off the handshake because of it.",
        f"Choose another one, or ask {_OWNER} which one it expects.",
        _CHOICE,
    ),
    "client-certificate-expired": Remedy(
        "The back end did not accept the client certificate, which has expired",
        "The call was made with it all the same, and the back end broke off.",
        "Replace the certificate by a renewed one.",
        (places.certificate, places.credentials),
    ),
    "back-end-closed": Remedy(
        "The back end closed the connection before it had answered",
        "It gave no reason that can be seen from here.",
        f"Try again. Its log says more: ask {_OWNER}.",
        _HOST,
    ),
    "back-end-protocol-error": Remedy(
        "The back end answered with something that is not HTTP",
        "What came is no answer that can be handed on.",
        "Look whether host and port are right, and http:// or https://.",
        _HOST,
    ),
    "back-end-timeout": Remedy(
        "The back end did not answer in time",
        "The call took longer than this API allows, or the gateway.",
        "Look at the load of the back end; allow more time only if its answers take that long.",
        (places.answer_timeout, places.read_timeout, places.connect_timeout, places.total_timeout),
    ),
}

# By verdict.
VERDICTS: dict[str, Remedy] = {
    "accepted": Remedy("The back end accepted the client certificate", nowhere="All is well."),
    "not-asked": Remedy("The back end did not ask for the client certificate", nowhere=_BACK_END),
    "no-certificate-needed": Remedy("The back end asks for no client certificate", nowhere="All is well."),
    "handshake-only": Remedy("The handshake works", nowhere="All is well, as far as a handshake can tell."),
    "plain-http": Remedy("The back end is called without TLS", places=_HOST),
    "name-not-found": Remedy(FAILURES["back-end-not-found"].title, places=_HOST),
    "address-refused": Remedy(FAILURES["back-end-address-refused"].title, places=_HOST, nowhere=_NETWORKS),
    "connection-refused": Remedy("The back end refused the connection", places=_HOST),
    "unreachable": Remedy("The back end cannot be reached", places=_HOST),
    "timed-out": Remedy(
        "The back end did not answer in time", places=(places.web_service_url, places.connect_timeout)
    ),
    "not-tls": Remedy("The back end does not speak TLS at this port", places=_HOST),
    "protocol-version": Remedy("The back end speaks an old version of TLS only", nowhere=_BACK_END),
    "no-common-cipher": Remedy("The back end and the gateway have no cipher in common", nowhere=_BACK_END),
    "chain-untrusted": Remedy("The certificate of the back end is not trusted", places=_TRUST),
    "server-certificate-expired": Remedy("The certificate of the back end has expired", nowhere=_BACK_END),
    "wrong-name": Remedy(
        FAILURES["back-end-name-mismatch"].title, places=(places.web_service_url, places.validate_name)
    ),
    "certificate-required": Remedy(FAILURES["client-certificate-required"].title, places=_CHOICE),
    "certificate-refused-unknown-ca": Remedy(
        "The back end does not know the CA of the client certificate", places=_CHOICE
    ),
    "certificate-refused-expired": Remedy(
        "The back end refused the client certificate because of its dates", places=_OTHER_CHOICE
    ),
    "certificate-refused-usage": Remedy(
        "The client certificate is not of the kind that the back end takes", places=_CHOICE
    ),
    "certificate-refused": Remedy(FAILURES["client-certificate-rejected"].title, places=_CHOICE),
    "certificate-unsuitable": Remedy("The key of the client certificate does not suit", places=_CHOICE),
    "certificate-unusable": Remedy("The client certificate cannot be used", places=_OTHER_CHOICE),
    "certificate-expired-here": Remedy(
        "The client certificate has expired", places=(places.certificate, places.refuse_expired)
    ),
    "certificate-needs-https": Remedy(
        FAILURES["client-certificate-needs-https"].title, places=(places.web_service_url, places.credentials)
    ),
    "trust-unusable": Remedy(
        FAILURES["back-end-trust-unusable"].title, places=(places.trust, places.upload_ca)
    ),
    "closed": Remedy(
        "The back end closed the connection",
        places=(places.credentials_unless_not_asked, places.web_service_url),
    ),
    "tls-failed": Remedy(FAILURES["back-end-tls-failed"].title, places=_HOST),
    "not-http": Remedy(FAILURES["back-end-protocol-error"].title, places=_HOST),
    "https-expected": Remedy("The back end expects https at this port", places=_HOST),
    "url-unusable": Remedy("The address of the back end cannot be used", places=_HOST),
}

# By the verdict timed-out, too, if the back end had got the request.
_SLOW = Remedy(
    VERDICTS["timed-out"].title,
    places=(places.answer_timeout, places.read_timeout, places.total_timeout),
)


def links_for_code(code: str, where: Where) -> tuple[Link, ...]:
    """Where a failure of a call is mended; nothing for a code that is not known (of a newer gateway)."""
    return FAILURES[code].links(where) if code in FAILURES else ()


def links_for_verdict(verdict: str, where: Where) -> tuple[Link, ...]:
    """Where what a test found, or a call, is mended."""
    if verdict == "timed-out" and where.sent:
        return _SLOW.links(where)
    return VERDICTS[verdict].links(where) if verdict in VERDICTS else ()


def is_elsewhere(verdict: str) -> bool:
    """Whether what a test found is mended by no setting of the portal."""
    return verdict in VERDICTS and not VERDICTS[verdict].places


def nowhere_for(verdict: str) -> str:
    """Why no setting mends what a test found, "" where one does."""
    return VERDICTS[verdict].nowhere if verdict in VERDICTS else ""
