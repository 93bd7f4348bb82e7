"""The calls that the gateway itself answers: one table of codes, statuses (RFC 9110, 15) and texts. Pure.

The text is for the caller and shows nothing of the inside; `CallFailure.detail` is for the log.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller is told: `status` and `message`."""

    status: int
    message: str


ANSWERS: dict[str, Answer] = {
    # the call itself
    "bad-target": Answer(400, "The address of the call is not one that can be forwarded."),
    "field-name-underscore": Answer(400, "The name of a field holds an underscore."),
    "subscription-key-missing": Answer(
        401,
        "Access denied due to missing subscription key. "
        "Make sure to include subscription key when making requests to an API.",
    ),
    "subscription-key-invalid": Answer(
        401,
        "Access denied due to invalid subscription key. "
        "Make sure to provide a valid key for an active subscription.",
    ),
    "https-required": Answer(403, "This API can only be called over https."),
    "http-required": Answer(403, "This API can only be called over http."),
    "ip-forbidden": Answer(403, "Forbidden"),
    "not-found": Answer(404, "Resource not found"),
    # status and text are the policy's own
    "header-check-failed": Answer(
        401, "A header field that this API asks for is missing or has another value."
    ),
    "request-timeout": Answer(408, "The body of the request did not arrive in time."),
    "request-too-large": Answer(413, "The body of the request is larger than this API takes."),
    "expectation-failed": Answer(417, "Of all expectations only 100-continue can be met."),
    "upgrade-unsupported": Answer(501, "WebSocket connections are not supported."),
    "trace-unsupported": Answer(501, "The gateway does not show what it received."),
    "api-busy": Answer(503, "Too many calls of this API are under way. Try again in a moment."),
    "gateway-busy": Answer(503, "Too many calls are under way. Try again in a moment."),
    "loop-detected": Answer(508, "The call came back to the gateway again and again."),
    # the configuration
    "api-unusable": Answer(500, "This API is disabled because of a problem with its configuration."),
    "policy-unusable": Answer(500, "A policy of this API cannot be executed. The call was not forwarded."),
    "client-certificate-unusable": Answer(
        500, "The client certificate of this API cannot be used. The call was not forwarded without it."
    ),
    "client-certificate-needs-https": Answer(
        500, "This API presents a client certificate, but its back end is not reached over https."
    ),
    "client-certificate-expired-not-forwarded": Answer(
        502, "The client certificate of this API has expired. The call was not forwarded with it."
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
    "internal-error": Answer(500, "Internal server error"),
}


# Whose answers are those of the original, byte for byte: without code and activity id.
RECORDED = frozenset(
    (
        "subscription-key-missing",
        "subscription-key-invalid",
        "not-found",
        "ip-forbidden",
        "header-check-failed",
    )
)
# A policy may give these any status, but it is always the caller that they turn down.
_REFUSALS = frozenset(("ip-forbidden", "header-check-failed"))
# Nothing was asked of a back end, though by its status it reads so.
_OWN = frozenset(("client-certificate-expired-not-forwarded",))


class CallFailure(Exception):
    """A call cannot be forwarded, or got no usable answer.

    `code` is in ANSWERS; `detail` is for the log; `message` is for the caller where there is more to say than the
    table does, `status` where a policy says another one; `fields` go with the answer.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        status: int = 0,
        message: str = "",
        fields: Iterable[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.status = status or ANSWERS[code].status
        self.message = message or ANSWERS[code].message
        self.fields = tuple(fields)

    @property
    def failed_by(self) -> str:
        """Who kept the call from its end: "caller", "back end" or "gateway"."""
        if self.status < 500 or self.code in _REFUSALS:
            return "caller"
        return "back end" if self.status in (502, 504) and self.code not in _OWN else "gateway"
