"""What the pages with a Test connection share: what is tried for an API, and what came of a test."""

from dataclasses import dataclass, replace
from uuid import UUID

from gateway.addresses import parse_web_service_url
from gateway.changes.policies import document_of
from gateway.changes.policy_documents import goes_elsewhere, parsed_or_none
from gateway.changes.security import CertificateCredentials, Credentials, Trust
from gateway.connection_tests import ConnectionOrder, NotMade, ask
from gateway.models import Api
from gateway.probing.report import Report
from gateway.publish import GLOBAL
from gateway.publish.policies import policies
from gateway.snapshot import AuthenticationCertificate
from portal.back_ends import back_end_around, name_of
from portal.places import Link, Where
from portal.remedies import links_for_verdict, nowhere_for

_ELSEWHERE = (
    "The policy of this API or of All APIs sends calls to another back end. What was tested is the web service "
    "URL; another address can be tested on the page of the client certificate."
)


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of a test: a report, or why there is none. `remarks` say what was tested where that needs words.

    `certificate` is the client certificate that was chosen, `where` what else is known of where it was: without it
    nothing leads to a setting.
    """

    report: Report | None = None
    not_made: str = ""
    remarks: tuple[str, ...] = ()
    certificate: UUID | None = None
    where: Where | None = None

    @property
    def links(self) -> tuple[Link, ...]:
        """The settings that mend it; the certificate's own page has a link of its own in the report."""
        if self.report is None or self.where is None:
            return ()
        return links_for_verdict(self.report.verdict, self.where)

    @property
    def nowhere(self) -> str:
        """Why no setting of the portal mends it."""
        return nowhere_for(self.report.verdict) if self.report and not self.report.succeeded else ""

    @property
    def certificate_at_fault(self) -> bool:
        """Whether it is the client certificate that something is to be done about."""
        verdict = self.report.verdict if self.report and self.certificate else ""
        return verdict.startswith("certificate-") and verdict != "certificate-needs-https"


def tested(order: ConnectionOrder, *remarks: str) -> Tested:
    """Have a test made."""
    try:
        report = ask(order)
        return Tested(report, remarks=tuple(filter(None, remarks)), certificate=order.certificate)
    except NotMade as reason:
        return Tested(not_made=str(reason))


def try_api(
    api: Api,
    credentials: Credentials | None,
    trust: Trust,
    *,
    remark: str = "",
    with_request: bool = True,
    on_tab: bool = False,
) -> Tested:
    """Test the web service URL of an API with credentials and trust that may not be saved.

    Credentials of None are those that the policy says, whatever it is. `on_tab` is for the Security tab itself,
    where links must not lose what is chosen.
    """
    try:
        certificate, inherited = _presented(api, credentials)
    except NotMade as reason:
        return Tested(not_made=str(reason))
    order = order_with(
        api.web_service_url, trust, certificate, api.connect_timeout, with_request=with_request
    )
    found = tested(order, remark, inherited, _ELSEWHERE if sends_elsewhere(api) else "")
    return replace(found, where=Where(api.resource_id, on_tab=on_tab))


def order_with(
    url: str,
    trust: Trust,
    certificate: UUID | None,
    connect_timeout: int | None = None,
    *,
    version: UUID | None = None,
    with_request: bool = True,
) -> ConnectionOrder:
    """The order of a test; a back end around the URL switches off what it does for calls."""
    back_end = back_end_around(parse_web_service_url(url))
    return ConnectionOrder(
        url=url,
        certificate=certificate,
        version=version,
        validate_chain=trust.validate_chain,
        validate_name=trust.validate_name,
        public_cas=trust.public_cas,
        ca_certificates=trust.ca_certificates,
        refuse_expired=trust.refuse_expired,
        connect_timeout=connect_timeout,
        with_request=with_request,
        chain_off_by=name_of(back_end) if back_end and not back_end.validate_chain else "",
        name_off_by=name_of(back_end) if back_end and not back_end.validate_name else "",
    )


def sends_elsewhere(api: Api) -> bool:
    """Whether calls go to another back end than the web service URL, because a policy says so."""
    return goes_elsewhere(api, parsed_or_none(document_of(api)))


def _presented(api: Api, credentials: Credentials | None) -> tuple[UUID | None, str]:
    """The certificate that a call would present, and where it comes from if that is not the Security tab."""
    if isinstance(credentials, CertificateCredentials):
        return credentials.certificate, ""
    statements = _statements(api)
    if credentials is not None:  # the tab replaces what the API's own document says, and nothing else
        statements = [each for each in statements if each.origin.scope == "global"]
    if not statements:
        return None, ""
    scope = "All APIs" if statements[-1].origin.scope == "global" else "this API"
    return UUID(
        statements[-1].certificate
    ), f"The client certificate is the one that the policy of {scope} names."


def _statements(api: Api) -> list[AuthenticationCertificate]:
    """What the effective policy of an API says about certificates. Raises NotMade if it cannot be executed."""
    keys = ({str(api.key)}, {GLOBAL})  # an API without a document of its own has that of All APIs
    policy = next((policy for key in keys for policy in policies("default", key)), None)
    if policy is None:
        return []
    if policy.problem:
        raise NotMade(f"The policy cannot be executed: {policy.problem}")
    return [each for each in policy.inbound if isinstance(each, AuthenticationCertificate)]
