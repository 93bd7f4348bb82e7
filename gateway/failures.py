"""The calls that the gateway itself answers: one table of codes, statuses (RFC 9110, 15) and texts. Pure.

The text is for the caller and shows nothing of the inside; `CallFailure.detail` is for the log.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller is told: `status` and `message`."""

    status: int
    message: str


ANSWERS: dict[str, Answer] = {
    # the call itself
    "bad-target": Answer(400, "The address of the call is not one that can be forwarded."),
    "bad-request": Answer(400, "The request is malformed."),
    "https-required": Answer(403, "This API can only be called over https."),
    "http-required": Answer(403, "This API can only be called over http."),
    "not-found": Answer(404, "Resource not found"),
    "upgrade-unsupported": Answer(501, "WebSocket connections are not supported."),
    # the configuration
    "api-unusable": Answer(500, "This API is disabled because of a problem with its configuration."),
    "policy-unusable": Answer(500, "A policy of this API cannot be executed. The call was not forwarded."),
    "client-certificate-unusable": Answer(
        500, "The client certificate of this API cannot be used. The call was not forwarded without it."
    ),
    "client-certificate-needs-https": Answer(
        500, "This API presents a client certificate, but its back end is not reached over https."
    ),
    "back-end-trust-unusable": Answer(
        500, "The CA certificates that this API trusts cannot be used. The call was not forwarded."
    ),
    "not-ready": Answer(503, "The gateway has not read its configuration yet. Try again in a moment."),
    # the back end
    "back-end-address-refused": Answer(502, "The back end is at an address that the gateway does not call."),
    "back-end-not-found": Answer(502, "The name of the back end cannot be resolved."),
    "back-end-unreachable": Answer(502, "No connection to the back end could be made."),
    "back-end-certificate-untrusted": Answer(502, "The certificate of the back end is not trusted."),
    "back-end-name-mismatch": Answer(502, "The certificate of the back end is for another name."),
    "back-end-tls-failed": Answer(502, "No TLS connection with the back end could be agreed on."),
    "client-certificate-required": Answer(
        502, "The back end demands a client certificate, and this API presents none."
    ),
    "client-certificate-rejected": Answer(502, "The back end did not accept the client certificate."),
    "client-certificate-expired": Answer(
        502, "The back end did not accept the client certificate, which has expired."
    ),
    "back-end-closed": Answer(502, "The back end closed the connection before it had answered."),
    "back-end-protocol-error": Answer(502, "The back end answered with something that is not valid HTTP."),
    "back-end-timeout": Answer(504, "The back end did not answer in time."),
    "gateway-stopping": Answer(503, "The gateway is stopping. Try again."),
    "internal-error": Answer(500, "Internal server error"),
}


class CallFailure(Exception):
    """A call cannot be forwarded, or got no usable answer. `code` is in ANSWERS; `detail` is for the log."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail

    @property
    def answer(self) -> Answer:
        return ANSWERS[self.code]
