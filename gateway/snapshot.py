"""The snapshot: everything an engine needs to execute the configuration, as frozen data.

The contract of every engine. Pure: no Django, no requests. Each part carries the revision that last changed
it, so what an engine derives from a part (a compiled policy, an SSL context) can be cached by (key, revision).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

FORMAT = 5


class Secret:
    """Bytes that show up in no repr, log or error; `reveal()` is the only way to them."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        return self._value

    def __repr__(self) -> str:
        return "Secret(...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True, slots=True)
class CertificateMaterial:
    """What is presented for one named certificate: its current version.

    `key` is the certificate's, `version` that of its current version. `chain_pem` starts with the leaf.
    `private_key` is PKCS #8 DER, or None when it cannot be opened; `problem` then says why, and every call that
    needs it is refused.
    """

    key: str
    revision: int
    id: str
    version: str
    subject: str
    thumbprint: str
    fingerprint: str
    not_before: datetime
    not_after: datetime
    chain_pem: str
    private_key: Secret | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Trust:
    """What an API demands of its back end's certificate. `key` is the API's.

    `authorities_pem` are the uploaded CA certificates that are trusted, beside the public ones if `public_cas`.
    With `refuse_expired` no call is made with a client certificate that has expired.
    """

    key: str
    revision: int
    validate_chain: bool
    validate_name: bool
    public_cas: bool
    authorities_pem: tuple[str, ...] = ()
    refuse_expired: bool = False


@dataclass(frozen=True, slots=True)
class BackEnd:
    """What is checked of the certificates of the servers at a URL and below it, whatever API calls them.

    `url` is in its one spelling. See gateway.verification.
    """

    key: str
    revision: int
    id: str
    url: str
    validate_chain: bool
    validate_name: bool


@dataclass(frozen=True, slots=True)
class Api:
    """An API: `suffix` is its path without slashes at either end (may be empty), `schemes` what callers may use.

    `policy` is the key of the effective policy of operations without a document of their own. `trust` holds for
    the scheme, host and port of `web_service_url`. An API with a `problem` answers that and nothing else.

    With `subscription_required` a call needs the key of a subscription to this API or to all. Then its limits, of
    which None is the engine's default: seconds until a connection is made, between two pieces of an answer and for
    the whole call; bytes of a request's body; calls in flight in one gateway process.
    """

    key: str
    revision: int
    id: str
    name: str
    suffix: str
    web_service_url: str
    schemes: frozenset[str]
    trust: str
    policy: str
    subscription_required: bool
    connect_timeout: int | None = None
    read_timeout: int | None = None
    total_timeout: int | None = None
    max_body_bytes: int | None = None
    max_calls: int | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """An active subscription: either of its keys lets a call to `api` in, or to every API if that is "".

    A key is None when it cannot be opened; `problem` then says why.
    """

    key: str
    revision: int
    id: str
    api: str
    primary_key: Secret | None
    secondary_key: Secret | None
    allow_tracing: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of an API: an HTTP verb and a URL template. `policy` is the key of its effective policy."""

    key: str
    revision: int
    api: str
    id: str
    name: str
    method: str
    url_template: str
    policy: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a statement was written: scope ("global", "api", "operation") and line of its document."""

    scope: str
    line: int


@dataclass(frozen=True, slots=True)
class AuthenticationCertificate:
    """Present a client certificate to the back end: `certificate` is a key into Snapshot.certificates."""

    certificate: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class AuthenticationBasic:
    """Send an Authorization header of RFC 7617."""

    username: str
    password: Secret
    origin: Origin


@dataclass(frozen=True, slots=True)
class RewriteUri:
    """Ask the back end for another path and query than the caller did (see gateway.url_templates)."""

    template: str
    copy_unmatched_params: bool
    origin: Origin


@dataclass(frozen=True, slots=True)
class ForwardRequest:
    """Forward the call; `timeout` is the longest wait for the answer's head in seconds, None is the default."""

    timeout: int | None
    origin: Origin


# A text as it goes over the wire; a Secret where a secret named value is a part of it.
Text = str | Secret


@dataclass(frozen=True, slots=True)
class SetHeader:
    """Set, keep, extend or delete a field of the request (inbound, backend) or of the answer (outbound).

    `action` is "override", "skip" (only where there is none), "append" or "delete"; `name` as it was written.
    """

    name: str
    action: str
    values: tuple[Text, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class SetQueryParameter:
    """The same for a parameter of the query that the back end is asked with; values are not encoded yet."""

    name: str
    action: str
    values: tuple[Text, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class SetBackendService:
    """Forward to another base URL than the API's web service URL; the last one counts.

    `back_end` is the id of the back end whose URL it is, where the statement names one.
    """

    base_url: str
    origin: Origin
    back_end: str = ""


@dataclass(frozen=True, slots=True)
class CheckHeader:
    """Refuse a call without this field, or without one of these values in it if there are any."""

    name: str
    status: int
    message: str
    ignore_case: bool
    values: tuple[Text, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class IpFilter:
    """Refuse callers by address: `networks` are CIDR blocks, `ranges` pairs of first and last address.

    `action` is "allow" (only these) or "forbid" (all but these).
    """

    action: str
    networks: tuple[str, ...]
    ranges: tuple[tuple[str, str], ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class ReturnResponse:
    """Answer the call here and now; no statement behind this one is executed.

    An empty `reason` leaves the phrase to the status. `headers` are applied to an answer without any.
    """

    status: int
    reason: str
    headers: tuple[SetHeader, ...]
    body: str
    origin: Origin


Statement = (
    AuthenticationCertificate
    | AuthenticationBasic
    | CheckHeader
    | ForwardRequest
    | IpFilter
    | ReturnResponse
    | RewriteUri
    | SetBackendService
    | SetHeader
    | SetQueryParameter
)


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """The statements that a call runs through, `<base />` already resolved.

    With a `problem` (a secret that cannot be opened, a statement that this format does not know) every call
    that would run under it is refused.
    """

    key: str
    revision: int
    inbound: tuple[Statement, ...] = ()
    backend: tuple[Statement, ...] = ()
    outbound: tuple[Statement, ...] = ()
    problem: str = ""

    @property
    def certificates(self) -> tuple[str, ...]:
        """The keys of the certificates that it names, in order; the last one is presented."""
        return tuple(s.certificate for s in self.inbound if isinstance(s, AuthenticationCertificate))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole configuration at one revision. Each mapping is by the part's key.

    `troubled` are the keys of the parts with a problem, by the name of their mapping, as
    snapshot_difference.apply keeps them: those to look at again although nothing says that they changed.
    """

    revision: int
    certificates: Mapping[str, CertificateMaterial] = field(default_factory=dict)
    trusts: Mapping[str, Trust] = field(default_factory=dict)
    apis: Mapping[str, Api] = field(default_factory=dict)
    operations: Mapping[str, Operation] = field(default_factory=dict)
    policies: Mapping[str, EffectivePolicy] = field(default_factory=dict)
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
    back_ends: Mapping[str, BackEnd] = field(default_factory=dict)
    format: int = FORMAT
    troubled: Mapping[str, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)
