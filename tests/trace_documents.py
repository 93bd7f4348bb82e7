"""Documents of traces as a gateway writes them."""

from typing import Any

from gateway.tracing.document import TITLES

THUMBPRINT = "CA06F56B258B7A0D4F2B05470939478651151984"
AT = "2026-11-27T14:20:03"


def entry(source: str, elapsed: float, message: str, **data: Any) -> dict[str, Any]:
    """A step, so many milliseconds after the beginning."""
    return {
        "source": source,
        "timestamp": f"{AT}.{round(elapsed * 1000):06d}Z",
        "elapsed": f"00:00:{elapsed / 1000:010.7f}",
        "data": {"message": message, **data},
    }


def head(first: dict[str, Any], *fields: tuple[str, str]) -> dict[str, Any]:
    """The head of a message."""
    return {**first, "headers": [{"name": name, "value": value} for name, value in fields]}


_SENT = head(
    {"method": "GET", "url": "https://bank.example:8443/v2/accounts/1?expand=owner"},
    ("Accept", "*/*"),
    ("User-Agent", "curl/8.5.0"),
    ("Ocp-Apim-Subscription-Key", "(secret)"),
    ("X-Partner", "contoso"),
    ("X-Forwarded-For", "192.0.2.17"),
    ("Host", "bank.example:8443"),
)
_CERTIFICATE = {"id": "partner-bank", "subject": "CN=partner-bank, O=Contoso", "thumbprint": THUMBPRINT}
_CHAIN = [
    {
        "subject": "CN=bank.example",
        "issuer": "CN=Bank CA",
        "notAfter": "2027-03-05T12:00:00Z",
        "thumbprint": "AB" * 20,
    },
    {
        "subject": "CN=Bank CA",
        "issuer": "CN=Bank CA",
        "notAfter": "2036-01-01T00:00:00Z",
        "thumbprint": "CD" * 20,
    },
]


def _inbound(asked: bool | None) -> list[dict[str, Any]]:
    received = head(
        {"method": "GET", "url": "https://api.example/bank/accounts/1?expand=owner"},
        ("Host", "api.example"),
        ("Accept", "*/*"),
        ("Ocp-Apim-Subscription-Key", "(secret)"),
        ("Ocp-Apim-Trace", "true"),
    )
    configuration = {
        "api": {"from": "/bank", "to": "https://bank.example:8443/v2"},
        "operation": {"method": "GET", "uriTemplate": "/accounts/{id}"},
        "values": {"id": "1"},
    }
    certificate = {**_CERTIFICATE, "asked": asked}
    return [
        entry("handler", 0.04, "The request was received.", request=received),
        entry("mapper", 0.11, "The operation Get account matches.", configuration=configuration),
        entry("subscription-key", 0.15, "The subscription key was accepted."),
        entry("ip-filter", 0.21, "192.0.2.17 is allowed.", scope="global", line=4),
        entry("set-header", 0.25, "X-Partner was set to contoso.", scope="api", line=5),
        entry(
            "authentication-certificate",
            0.31,
            "Certificate was attached to request per configuration.",
            scope="operation",
            line=3,
            certificate=certificate,
        ),
    ]


def worked() -> dict[str, Any]:
    """A call that went through on a new connection, and took its time at the back end."""
    connection = {
        "reused": False,
        "address": "203.0.113.9:8443",
        "madeAt": f"{AT}.001000Z",
        "age": 0.0,
        "calls": 1,
        "resolvedIn": 0.0021,
        "connectedIn": 0.0118,
        "handshakeIn": 0.0243,
        "tlsVersion": "TLSv1.3",
        "cipher": "TLS_AES_256_GCM_SHA384",
    }
    answer = head(
        {"status": 200, "reason": "OK"}, ("Content-Type", "application/json"), ("Content-Length", "5120")
    )
    return _document(
        {"status": 200, "code": "", "failedBy": ""},
        _inbound(asked=True),
        [
            entry(
                "forward-request", 0.4, "Request is being forwarded to the backend service.", request=_SENT
            ),
            entry(
                "forward-request",
                38.9,
                "A new connection was made.",
                connection=connection,
                backEndCertificates=_CHAIN,
            ),
            entry("forward-request", 851.0, "The back end answered.", response=answer),
        ],
        [
            entry("set-header", 851.1, "X-Powered-By was removed.", scope="global", line=9),
            entry(
                "handler",
                851.4,
                "Response headers have been sent to the caller. Starting to stream the response body.",
            ),
            entry("handler", 853.2, "Response body streaming to the caller is complete.", bytes=5120),
        ],
        [
            ("gateway", 0, 0.4),
            ("waiting", 0.4, 0.1),
            ("resolving", 0.5, 2.1),
            ("connecting", 2.7, 11.8),
            ("handshake", 14.5, 24.3),
            ("sending", 38.9, 0.2),
            ("back-end", 39.1, 811.9),
            ("answering", 851.1, 2.1),
        ],
        853.2,
    )


def refused() -> dict[str, Any]:
    """One whose client certificate the back end does not accept."""
    failure = {
        "code": "client-certificate-rejected",
        "detail": "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "verdict": "certificate-refused-unknown-ca",
        "message": "The back end does not know the CA that issued the client certificate.",
        "remedy": "Give the back end's administrator the CA certificate, or choose a certificate that it knows.",
        "details": ["The back end broke off with the alert unknown_ca (48)."],
    }
    return _document(
        {"status": 502, "failedBy": "back end", **failure},
        _inbound(asked=True),
        [
            entry(
                "forward-request", 0.4, "Request is being forwarded to the backend service.", request=_SENT
            ),
            entry("forward-request", 31.0, failure["message"], failure=failure, backEndCertificates=_CHAIN),
        ],
        [entry("handler", 31.2, "Response body streaming to the caller is complete.", bytes=214)],
        [("gateway", 0, 0.4), ("connecting", 0.5, 6.0), ("handshake", 6.5, 24.5), ("answering", 31.0, 0.2)],
        31.2,
    )


def _document(
    outcome: dict[str, Any],
    inbound: list[dict[str, Any]],
    backend: list[dict[str, Any]],
    outbound: list[dict[str, Any]],
    spans: list[tuple[str, float, float]],
    milliseconds: float,
) -> dict[str, Any]:
    return {
        "traceId": "2f6a3b1e5d1c4a3c9a5c0f1b7e6d8a90",
        "activityId": "87aeb87f-192c-424c-84d1-32d5bbfec437",
        "gateway": "gateway-1:4711",
        "revision": 3,
        "at": f"{AT}.000000Z",
        "seconds": milliseconds / 1000,
        "api": {"id": "bank", "name": "Bank"},
        "operation": {
            "id": "get-account",
            "name": "Get account",
            "method": "GET",
            "uriTemplate": "/accounts/{id}",
        },
        "subscription": {"id": "mobile-app"},
        "outcome": {
            "detail": "",
            "verdict": "",
            "message": "",
            "remedy": "",
            "details": [],
            **outcome,
        },
        "spans": [
            {"name": name, "title": TITLES[name], "start": start / 1000, "seconds": taken / 1000}
            for name, start, taken in spans
        ],
        "traceEntries": {"inbound": inbound, "backend": backend, "outbound": outbound},
    }
