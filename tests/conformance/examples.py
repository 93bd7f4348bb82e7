"""Policy documents of operations, each with a call and what comes of it: a table, statement by statement.

The examples and results are those of the original's reference of policies where it has some. All operations belong
to the API "policies" (see documents.py): its own document presents the certificate client-one, and its back end is
the listener "mutual" at /base.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Example:
    """An operation `name` with a document, a call of it, and what came of it.

    The URL template is the name with `template` behind it; sections get what is given behind their `<base />`, but
    for `backend` and `document` (the whole text), which are taken as they are. `address` is the caller's as a
    trusted proxy says it, `answers` are fields of the back end's answer. Then the result: `asked` is the target
    that the back end saw, without what is always the same (None: it was not asked), `sent` fields that it saw;
    `status`, `answered` fields and `content` are the answer's.
    """

    name: str
    inbound: str = ""
    outbound: str = ""
    backend: str = "<base />"
    document: str = ""
    template: str = ""
    method: str = "GET"
    target: str = ""
    fields: tuple[str, ...] = ()
    body: bytes = b""
    address: str = ""
    answers: tuple[str, ...] = ()
    asked: str | None = ""
    listener: str = "mutual"
    presents: str = "client-one"
    sent: Mapping[str, list[str]] = field(default_factory=dict)
    status: int = 200
    answered: Mapping[str, list[str]] = field(default_factory=dict)
    content: bytes | None = None

    @property
    def xml(self) -> str:
        """The document."""
        return self.document or (
            f"<policies><inbound><base />{self.inbound}</inbound><backend>{self.backend}</backend>"
            f"<outbound><base />{self.outbound}</outbound></policies>"
        )

    @property
    def url_template(self) -> str:
        """The operation's."""
        return f"/{self.name}{self.template}"


def header(name: str, *values: str, action: str = "") -> str:
    """A set-header statement."""
    return _setting("set-header", name, values, action)


def parameter(name: str, *values: str, action: str = "") -> str:
    """A set-query-parameter statement."""
    return _setting("set-query-parameter", name, values, action)


def _setting(element: str, name: str, values: tuple[str, ...], action: str) -> str:
    exists = f' exists-action="{action}"' if action else ""
    inner = "".join(f"<value>{value}</value>" for value in values)
    return f'<{element} name="{name}"{exists}>{inner}</{element}>'


SET_HEADER = (
    Example(
        "override",
        header("some-header-name", "20", action="override"),
        fields=("Some-Header-Name: 1", "some-header-name: 2"),
        sent={"some-header-name": ["20"]},
    ),
    Example("override-is-the-default", header("X-A", "20"), fields=("X-A: 1",), sent={"x-a": ["20"]}),
    Example("override-adds", header("X-A", "20"), sent={"x-a": ["20"]}),
    Example("skip", header("X-A", "20", action="skip"), fields=("x-a: 1",), sent={"x-a": ["1"]}),
    Example("skip-adds", header("X-A", "20", action="skip"), sent={"x-a": ["20"]}),
    Example("append", header("X-A", "20", action="append"), fields=("x-a: 1",), sent={"x-a": ["1, 20"]}),
    Example("append-adds", header("X-A", "20", action="append"), sent={"x-a": ["20"]}),
    Example("delete", header("X-A", action="delete"), fields=("x-a: 1", "X-A: 2"), sent={"x-a": []}),
    Example("several", header("X-A", "value1", "value2", "value3"), sent={"x-a": ["value1, value2, value3"]}),
    Example(
        "several-apart",
        header("User-Agent", "value1", "value2", "value3"),
        sent={"user-agent": ["value1", "value2", "value3"]},
    ),
    Example(
        "cookies-apart",
        header("Cookie", "b=2", action="append"),
        fields=("Cookie: a=1",),
        sent={"cookie": ["a=1", "b=2"]},
    ),
    Example(
        "in-order",
        header("X-A", "1") + header("X-A", "2", action="append") + header("X-A", "3", action="skip"),
        sent={"x-a": ["1, 2"]},
    ),
    Example(
        "in-backend", backend=header("X-A", "20") + "<base />", fields=("X-A: 1",), sent={"x-a": ["20"]}
    ),
    Example("forwarded-for", header("X-Forwarded-For", action="delete"), sent={"x-forwarded-for": []}),
    Example("host", header("Host", "bank.example"), sent={"host": ["bank.example"]}),
    Example("named-value", header("X-A", "{{region}}-1"), sent={"x-a": ["north-1"]}),
    Example(
        "shared-secret",
        header("X-Api-Key", "{{shared-secret}}"),
        fields=("X-Api-Key: guessed",),
        sent={"x-api-key": ["correct horse"]},
    ),
    Example(
        "answer",
        outbound=header("X-A", "20")
        + header("X-Powered-By", action="delete")
        + header("Vary", "Origin", action="append"),
        answers=("X-A: 1", "X-Powered-By: ASP.NET", "Vary: Accept"),
        answered={"x-a": ["20"], "x-powered-by": [], "vary": ["Accept, Origin"]},
    ),
    Example(
        "answer-cookies",
        outbound=header("Set-Cookie", "b=2", "c=3", action="append"),
        answers=("Set-Cookie: a=1",),
        answered={"set-cookie": ["a=1", "b=2", "c=3"]},
    ),
)  # fmt: skip

SET_QUERY_PARAMETER = (
    Example("query-skip", parameter("api-key", "12345678901", action="skip"), asked="?api-key=12345678901"),
    Example(
        "query-skip-kept",
        parameter("api-key", "12345678901", action="skip"),
        target="?api-key=mine",
        asked="?api-key=mine",
    ),
    Example("query-override", parameter("v", "new"), target="?a=1&v=old&b&v=x", asked="?a=1&v=new&b"),
    Example("query-append", parameter("v", "2", action="append"), target="?v=1&a", asked="?v=1&a&v=2"),
    Example("query-delete", parameter("v", action="delete"), target="?v=1&a=%2f&v", asked="?a=%2f"),
    Example("query-delete-all", parameter("v", action="delete"), target="?v=1", asked=""),
    Example("query-several", parameter("v", "1", "2"), asked="?v=1&v=2"),
    Example("query-encoded", parameter("a b", "c&amp;d=e/ü"), asked="?a%20b=c%26d%3De%2F%C3%BC"),
    Example("query-compared", parameter("v", action="delete"), target="?%76=1&V=2", asked="?V=2"),
    Example(
        "query-in-backend", backend=parameter("v", "1") + "<base />", target="?a=b", asked="?a=b&v=1"
    ),
    Example(
        "query-rewritten",
        '<rewrite-uri template="/put?x=1" />' + parameter("x", "2"),
        target="?c=d",
        asked="/base/put?x=2&c=d",
    ),
)  # fmt: skip

REWRITE_URI = (
    Example(
        "get",
        '<rewrite-uri template="/put" />',
        template="?a={b}",
        target="?a=b&c=d",
        asked="/base/put?c=d",
    ),
    Example(
        "get-alone",
        '<rewrite-uri template="/put" copy-unmatched-params="false" />',
        template="?a={b}",
        target="?a=b&c=d",
        asked="/base/put",
    ),
    Example(
        "stores",
        '<rewrite-uri template="/v2/US/hardware/{storenumber}&amp;{ordernumber}?City=city&amp;State=state" />',
        template="/{storenumber}/{ordernumber}",
        target="/12/34",
        asked="/base/v2/US/hardware/12&34?City=city&State=state",
    ),
)

_ELSEWHERE = '<set-backend-service base-url="https://localhost:{optional}/api/8.2/" />'
SET_BACKEND_SERVICE = (
    Example(
        "partners",
        _ELSEWHERE,
        template="/{id}",
        target="/15?version=2013-05",
        asked="/api/8.2/partners/15?version=2013-05",
        listener="optional",
    ),
    Example(
        "partners-without-version",
        _ELSEWHERE + parameter("version", action="delete"),
        target="?version=2013-05",
        asked="/api/8.2/partners-without-version",
        listener="optional",
    ),
    Example(
        "partners-last",
        '<set-backend-service base-url="https://localhost:{other-name}/api/9.1" />' + _ELSEWHERE,
        asked="/api/8.2/partners-last",
        listener="optional",
    ),
    Example(
        "partners-in-backend",
        '<rewrite-uri template="/x" />',
        backend=_ELSEWHERE + "<base />",
        asked="/api/8.2/x",
        listener="optional",
    ),
)

_NOT_AUTHORIZED = b'{ "statusCode": 401, "message": "Not authorized" }'
_BEARER = 'Bearer error="invalid_token"'
RETURN_RESPONSE = (
    Example("respond", "<return-response />", asked=None, content=b"", answered={"content-length": ["0"]}),
    Example(
        "respond-401",
        '<return-response><set-status code="401" reason="Unauthorized" />'
        f"{header('WWW-Authenticate', _BEARER)}</return-response>",
        asked=None,
        status=401,
        answered={"www-authenticate": [_BEARER]},
        content=b"",
    ),
    Example(
        "respond-with-body",
        f"<return-response>{header('Content-Type', 'application/json')}"
        '<set-body>{"a": "1 &lt; 2"}</set-body></return-response>',
        method="POST",
        body=b"unread",
        asked=None,
        answered={"content-type": ["application/json"], "content-length": ["14"]},
        content=b'{"a": "1 < 2"}',
    ),
    Example(
        "respond-to-head",
        "<return-response><set-body><![CDATA[four]]></set-body></return-response>",
        method="HEAD",
        asked=None,
        content=b"",
    ),
    Example(
        "respond-nothing",
        '<return-response><set-status code="204" /><set-body>not sent</set-body></return-response>',
        asked=None,
        status=204,
        content=b"",
    ),
    Example(
        "respond-at-once",
        f'{header("X-A", "1")}<return-response /><check-header name="X-B" failed-check-httpcode="400" '
        'failed-check-error-message="" ignore-case="false" />',
        outbound=header("X-A", "20"),
        asked=None,
        answered={"x-a": []},
    ),
    Example(
        "respond-instead-of-forwarding",
        backend='<return-response><set-status code="503" /></return-response><base />',
        asked=None,
        status=503,
    ),
    Example(
        "respond-in-place-of-the-answer",
        outbound='<return-response><set-status code="404" /><set-body>none</set-body></return-response>',
        answers=("X-A: 1",),
        status=404,
        answered={"x-a": []},
        content=b"none",
    ),
)

_CHECK = (
    '<check-header name="{}" failed-check-httpcode="401" failed-check-error-message="Not authorized" '
    'ignore-case="{}">{}</check-header>'
)
_KNOWN = "f6dc69a089844cf6b2019bae6d36fac8"
_CHECK_AUTHORIZATION = _CHECK.format("Authorization", "false", f"<value>{_KNOWN}</value>")
_CHECK_LIST = _CHECK.format("X-A", "true", "<value>Value1</value><value>Value2</value>")
_FAILED = {"gateway-error": ["header-check-failed"], "content-type": ["application/json"]}
CHECK_HEADER = (
    Example("check", _CHECK_AUTHORIZATION, fields=(f"Authorization: {_KNOWN}",)),
    Example(
        "check-missing", _CHECK_AUTHORIZATION, asked=None, status=401, answered=_FAILED, content=_NOT_AUTHORIZED
    ),
    Example(
        "check-other",
        _CHECK_AUTHORIZATION,
        fields=(f"Authorization: {_KNOWN.upper()}",),
        asked=None,
        status=401,
        answered=_FAILED,
        content=_NOT_AUTHORIZED,
    ),
    Example("check-without-case", _CHECK_LIST, fields=("x-a: VALUE2",)),
    Example("check-member", _CHECK_LIST, fields=("X-A: other, value1",)),
    Example("check-second-field", _CHECK_LIST, fields=("X-A: other", "X-A: Value1")),
    Example("check-part", _CHECK_LIST, fields=("X-A: Value11",), asked=None, status=401),
    Example("check-there", _CHECK.format("X-A", "false", ""), fields=("X-A:",)),
    Example("check-not-there", _CHECK.format("X-A", "false", ""), asked=None, status=401),
    Example("check-what-was-set", header("X-A", "value1") + _CHECK_LIST),
)  # fmt: skip

_ALLOW = (
    '<ip-filter action="allow"><address>13.66.201.169</address>'
    '<address-range from="13.66.140.128" to="13.66.140.143" /></ip-filter>'
)
_FORBID = (
    '<ip-filter action="forbid"><address>198.51.100.0/24</address>'
    "<address>2001:db8::/32</address></ip-filter>"
)
_FORBIDDEN = b'{ "statusCode": 403, "message": "Forbidden" }'
_REFUSED = {"gateway-error": ["ip-forbidden"], "content-type": ["application/json"]}


def _from(name: str, document: str, address: str, *, refused: bool = False) -> Example:
    if not refused:
        return Example(name, document, address=address)
    return Example(
        name, document, address=address, asked=None, status=403, answered=_REFUSED, content=_FORBIDDEN
    )


IP_FILTER = (
    _from("allow-address", _ALLOW, "13.66.201.169"),
    _from("allow-first", _ALLOW, "13.66.140.128"),
    _from("allow-last", _ALLOW, "13.66.140.143"),
    _from("allow-mapped", _ALLOW, "::ffff:13.66.140.130"),
    _from("allow-not-before", _ALLOW, "13.66.140.127", refused=True),
    _from("allow-not-after", _ALLOW, "13.66.140.144", refused=True),
    _from("allow-no-version-6", _ALLOW, "2001:db8::1", refused=True),
    _from("forbid-network", _FORBID, "198.51.100.7", refused=True),
    _from("forbid-version-6", _FORBID, "2001:db8::1", refused=True),
    _from("forbid-no-other", _FORBID, "198.51.101.7"),
)

_BASIC = '<authentication-basic username="testuser" password="testpassword" />'
_ENCODED = "Basic dGVzdHVzZXI6dGVzdHBhc3N3b3Jk"
AUTHENTICATION_BASIC = (
    Example("basic", _BASIC, fields=("Authorization: Bearer mine",), sent={"authorization": [_ENCODED]}),
    Example(
        "basic-before-set-header",
        _BASIC + header("Authorization", "other"),
        sent={"authorization": ["other"]},
    ),
    Example(
        "basic-after-set-header",
        header("Authorization", "other") + _BASIC,
        sent={"authorization": [_ENCODED]},
    ),
)

AUTHENTICATION_CERTIFICATE = (
    Example("certificate-of-the-api"),
    Example(
        "certificate-by-id",
        '<authentication-certificate certificate-id="client-two" />',
        presents="client-two",
    ),
    Example(
        "certificate-by-thumbprint",
        '<authentication-certificate thumbprint="{client-two}" />',
        presents="client-two",
    ),
)

FORWARD_REQUEST = (
    Example("forward-longer", backend='<forward-request timeout="60" />'),
    Example("forward-not", backend="", asked=None, content=b""),
    Example(
        "forward-not-but-outbound",
        backend="",
        outbound=header("X-A", "20"),
        asked=None,
        answered={"x-a": ["20"]},
    ),
)

# All APIs says "all" and the API "api", each before the next scope's.
_ORDER = header("X-Order", "operation", action="append")
_CERTIFICATE = '<authentication-certificate certificate-id="client-one" />'
COMPOSITION = (
    Example("base-first", _ORDER, sent={"x-order": ["all, api, operation"]}),
    Example(
        "base-last",
        document=f"<policies><inbound>{_ORDER}<base /></inbound></policies>",
        sent={"x-order": ["operation, all, api"]},
    ),
    Example(
        "no-base",
        document=f"<policies><inbound>{_ORDER}{_CERTIFICATE}</inbound></policies>",
        sent={"x-order": ["operation"]},
    ),
    Example("empty", document="<policies />", sent={"x-order": ["all, api"]}),
)

# What is demanded of each statement, and the examples that show it.
EXAMPLES: dict[str, tuple[Example, ...]] = {
    "set-header overrides, skips, appends and deletes fields, of request and answer.": SET_HEADER,
    "set-query-parameter overrides, skips, appends and deletes parameters.": SET_QUERY_PARAMETER,
    "rewrite-uri gives another address; parameters that the URL template does not name follow.": REWRITE_URI,
    "set-backend-service replaces the base URL; the rest of the path stays.": SET_BACKEND_SERVICE,
    "return-response ends the call with an answer of its own, 200 and empty if nothing else.": RETURN_RESPONSE,
    "check-header refuses calls without a field, or without one of some values.": CHECK_HEADER,
    "ip-filter lets in, or keeps out, callers by address.": IP_FILTER,
    "authentication-basic sets Authorization.": AUTHENTICATION_BASIC,
    "authentication-certificate presents a certificate, by id or thumbprint.": AUTHENTICATION_CERTIFICATE,
    "forward-request forwards; without it nothing is, and outbound follows at once.": FORWARD_REQUEST,
    "base stands for the section of the broader scope; a section without it drops that.": COMPOSITION,
}
