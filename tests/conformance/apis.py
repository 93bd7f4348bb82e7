"""The APIs by which a gateway is judged: each is one variation, reached at the suffix that is its name.

They stand in a table, so that a test can be read beside what its API is. Back ends are named by their listener.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.snapshot import AuthenticationBasic, ForwardRequest, RewriteUri, Secret, Statement
from tests.conformance.credentials import KINDS_OF_KEY
from tests.snapshots import ANY_METHOD, FORWARD, HERE

# The listeners of the suite's back end; each is at the back-end port plus its place.
LISTENERS = (
    "mutual",  # demands a client certificate of the CA
    "mutual-1-2",  # the same, and no newer TLS than 1.2
    "optional",  # asks for a client certificate and goes on without one
    "plain",  # no TLS
    "other-name",
    "expired",
    "self-signed",
    "by-intermediate",
    "old",  # no newer TLS than 1.1
    "full",  # a connection is never accepted
    "dead",  # nothing listens
)

KEYS = {"all": "key-of-all-apis", "keyed": "key-of-keyed", "sibling": "key-of-the-sibling"}


@dataclass(frozen=True)
class Op:
    """An operation. `rewrite` is the template by which it can be told apart at the back end."""

    method: str
    template: str
    rewrite: str = ""
    copies: bool = True
    inbound: tuple[Statement, ...] = ()

    @property
    def statements(self) -> tuple[Statement, ...]:
        """What is written in its own policy."""
        rewrite = (RewriteUri(self.rewrite, self.copies, HERE),) if self.rewrite else ()
        return (*rewrite, *self.inbound)


EVERYTHING = tuple(Op(method, "/*") for method in ANY_METHOD)


@dataclass(frozen=True)
class Described:
    """An API. `path` ends its web service URL, of which `url` is another; "" for no certificate; `values` are more
    fields of Api, `trust` of Trust and `material` of CertificateMaterial."""

    listener: str = "mutual"
    path: str = "/base"
    url: str = ""
    certificate: str = "client-one"
    authorities: tuple[str, ...] = ("ca",)
    operations: tuple[Op, ...] = EVERYTHING
    inbound: tuple[Statement, ...] = ()
    backend: tuple[Statement, ...] = (FORWARD,)
    schemes: frozenset[str] = frozenset(("http", "https"))
    values: Mapping[str, Any] = field(default_factory=dict)
    trust: Mapping[str, Any] = field(default_factory=dict)
    material: Mapping[str, Any] = field(default_factory=dict)
    policy_problem: str = ""


ALADDIN = AuthenticationBasic("Aladdin", Secret(b"open sesame"), HERE)  # RFC 7617, 2


def _told(method: str, template: str) -> Op:
    """An operation whose calls arrive at an address that is its template with other signs."""
    marks = str.maketrans({"{": "(", "}": ")", "?": "!", "*": "+"})
    return Op(method, template, "/op" + template.translate(marks), copies=False)


_MATCHING = (
    "/", "/*", "/a/*", "/a/{p}/c", "/a/{p}/d", "/a/b/c", "/q", "/q?kind={kind}", "/q?kind=special", "/Case",
    "/escaped%2Fslash", "/-._~/t", "/a/b/c/d/e/f/g/{h}",
)  # fmt: skip
_REWRITING = (
    Op("GET", "/customers/{id}", "/v2/c?id={id}"),
    Op("GET", "/get?a={b}", "/put"),
    Op("GET", "/strict?a={b}", "/put", copies=False),
    Op("GET", "/odata?customerid={customerid}", "Customers('{CustomerID}')"),
    Op("GET", "/files/*", "/archive/*"),
    Op("GET", "/inner?name={name}", "/x/{name}/y"),
    Op("GET", "/role/{name}", "/x?name={name}&role=user"),
    Op("GET", "/first?name={name}", "/{name}/evil.example"),
)
_SIBLINGS = (
    Op("GET", "/public/*"),
    Op("GET", "/public/{name}/info"),
    Op("GET", "/admin/{name}", inbound=(ALADDIN,)),
)

GOOD: dict[str, Described] = {
    "open": Described(),
    "other": Described(certificate="client-two"),
    "plain": Described("plain", "", certificate=""),
    "keyed": Described(values={"subscription_required": True}),
    "keyed/sibling": Described(values={"subscription_required": True}),
    "https-only": Described(schemes=frozenset(("https",))),
    "http-only": Described(schemes=frozenset(("http",))),
    "matching": Described(operations=tuple(_told("GET", template) for template in _MATCHING)),
    "nested": Described(operations=(_told("GET", "/x"), _told("GET", "/v2/x"))),
    "nested/v2": Described(operations=(_told("GET", "/x"), _told("GET", "/y"))),
    "": Described(operations=(_told("GET", "/nested/v2/only-here"), _told("GET", "/nesting/x"))),
    "verbs": Described(operations=(Op("GET", "/read"), Op("POST", "/write"))),
    "siblings": Described(operations=_SIBLINGS),
    "rewriting": Described(operations=_REWRITING),
    "basic": Described(inbound=(ALADDIN,)),
    "silent": Described(backend=()),
    "deadline": Described(backend=(ForwardRequest(2, HERE),), values={"read_timeout": 30}),
    "impatient": Described(values={"read_timeout": 2}),
    "brief": Described(values={"total_timeout": 2}),
    "full": Described("full", values={"connect_timeout": 1}),
    "small": Described(values={"max_body_bytes": 1000}),
    "few": Described(values={"max_calls": 2}),
}

# What is presented, and to whom.
PRESENTING: dict[str, Described] = {
    "tls-1-2": Described("mutual-1-2"),
    "deep": Described(certificate="client-deep"),
    **{f"kind-{kind}": Described(certificate=f"client-{kind}") for kind in KINDS_OF_KEY},
    "presenting-none": Described("optional", certificate=""),
    "uncertified": Described(certificate=""),
    "uncertified-1-2": Described("mutual-1-2", certificate=""),
    "stranger": Described(certificate="client-stranger"),
    "stranger-1-2": Described("mutual-1-2", certificate="client-stranger"),
    "stranger-expired": Described(certificate="client-expired"),
}

_ANY = {"validate_chain": False, "validate_name": False}

# Whom is trusted. None of them presents a certificate, because no listener but the first three asks for one.
TRUSTING: dict[str, Described] = {
    "by-address": Described("optional", url="https://127.0.0.1:{port}", certificate=""),
    "another-ca": Described("optional", certificate="", authorities=("another-ca",)),
    "public-only": Described("optional", certificate="", authorities=(), trust={"public_cas": True}),
    "public-too": Described("optional", certificate="", trust={"public_cas": True}),
    "nobody": Described("optional", certificate="", authorities=()),
    "intermediate": Described("by-intermediate", certificate="", authorities=("intermediate",)),
    "leaf": Described("by-intermediate", certificate="", authorities=("server-by-intermediate",)),
    "self-signed": Described("self-signed", certificate="", authorities=("server-self-signed",)),
    "self-signed-not": Described("self-signed", certificate=""),
    "expired": Described("expired", certificate=""),
    "other-name": Described("other-name", certificate=""),
    "other-name-allowed": Described("other-name", certificate="", trust={"validate_name": False}),
    "name-alone": Described("other-name", certificate="", authorities=(), trust={"validate_chain": False}),
    "chain-unchecked": Described(
        "self-signed", certificate="", authorities=(), trust={"validate_chain": False}
    ),
    "unchecked": Described("other-name", certificate="", authorities=(), trust=_ANY),
    "unreadable-authority": Described(
        "optional", certificate="", trust={"authorities_pem": ("not a certificate",)}
    ),
    "old": Described("old", certificate=""),
}

# What cannot work.
FAILING: dict[str, Described] = {
    "dead": Described("dead"),
    "nowhere": Described(url="https://nowhere.invalid"),
    "metadata": Described(url="http://169.254.169.254", certificate=""),
    "sealed": Described("optional", material={"private_key": None, "problem": "row 1 cannot be opened"}),
    "missing": Described("optional", certificate="client-that-is-not-there"),
    "mismatched": Described("optional", certificate="client-three", material={"private_key": "client-two"}),
    "in-the-clear": Described("plain"),
    "broken": Described("optional", values={"problem": "is of a newer format"}),
    "broken-policy": Described("optional", policy_problem="cannot be read"),
}

APIS = {**GOOD, **PRESENTING, **TRUSTING, **FAILING}
