"""What a newcomer needs to know once everything runs, as text to read and as JSON."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from gateway.subscription_keys import FIELD
from portal.demonstration.pki import ClientFile, DemonstrationPki
from portal.serving.listeners import Listener

DEMO_API_PATH = "/partner-bank"


@dataclass(frozen=True, slots=True)
class Demonstration:
    """The back end's address and the demonstration's files."""

    back_end: Listener
    files: DemonstrationPki

    @property
    def url(self) -> str:
        """The web service URL, by the name in the back end's certificate."""
        return f"https://localhost:{self.back_end.port}"


@dataclass(frozen=True, slots=True)
class Facts:
    """One run of quickstart. `admin_password` is None when a person has chosen another, `management_token` when one
    has switched the management REST API off.
    """

    portal_url: str
    gateway_url: str
    operator_url: str | None
    data_dir: Path
    admin_user: str
    admin_password: str | None = field(repr=False)
    subscription_key: str = field(repr=False)
    management_token: str | None = field(repr=False)
    demonstration: Demonstration | None

    @property
    def management_url(self) -> str:
        """Where the management REST API is."""
        return f"{self.portal_url}/management"

    def as_json(self) -> str:
        """One line."""
        demonstration = self.demonstration
        return json.dumps(
            {
                "portal_url": self.portal_url,
                "gateway_url": self.gateway_url,
                "operator_url": self.operator_url,
                "back_end_url": demonstration.url if demonstration else None,
                "admin_user": self.admin_user,
                "admin_password": self.admin_password,
                "subscription_key": self.subscription_key,
                "management_url": self.management_url,
                "management_token": self.management_token,
                "data_dir": str(self.data_dir),
                "client_certificates": [_client(c) for c in demonstration.files.clients]
                if demonstration
                else [],
                "ca_certificate": str(demonstration.files.ca_certificate) if demonstration else None,
                "demo_api_path": DEMO_API_PATH if demonstration else None,
            }
        )

    def as_text(self) -> str:
        """Paragraphs for a terminal."""
        return "\n".join(["", *self._addresses(), "", *self._guide(), "", "Ctrl-C stops everything.", ""])

    def _addresses(self) -> list[str]:
        password = self.admin_password or "the one that you chose"
        lines = [
            "The publisher portal is running.",
            "",
            f"  Portal     {self.portal_url}/",
            f"  Sign in    {self.admin_user}   password: {password}",
            f"  Gateway    {self.gateway_url}/",
        ]
        if self.demonstration:
            lines.append(
                f"  Back end   {self.demonstration.url}/   (a demonstration; demands a client certificate)"
            )
        lines.append(
            f"  Key        {self.subscription_key}   (of the subscription “Quickstart”, for all APIs)"
        )
        if self.operator_url:
            lines.append(f"  Metrics    {self.operator_url}/metrics")
        return [*lines, f"  Data       {self.data_dir}   (keys, database; kept for the next run)"]

    def _guide(self) -> list[str]:
        if not self.demonstration:
            return ["Open the portal and sign in. README.md has the guide.", *self._management()]
        first, second = self.demonstration.files.clients
        curl = f"curl -H '{FIELD}: {self.subscription_key}' {self.gateway_url}{DEMO_API_PATH}/accounts/1"
        return [
            "Two client certificates for the back end of the API “Partner Bank”:",
            "",
            *(
                f"  {client.path}\n  password: {client.password}   {client.subject}"
                for client in (first, second)
            ),
            "",
            "Try it:",
            "",
            f"  1. Open {self.portal_url}/ and sign in.",
            "  2. Security > Client certificates > Upload certificate: choose the first file, enter its password,",
            "     Upload. Then the second.",
            "  3. APIs > Partner Bank > Security > With credentials: Client certificates. Choose one. Save.",
            f"  4. {curl}",
            "     The answer names the certificate that the back end saw.",
            "  5. Choose the other one, Save, and call again: the very next call presents it.",
            "  6. APIs > Partner Bank > Console: make such calls in the browser, and read the trace of each.",
            "  7. Policies, scope API: the choice is a statement of the API's policy document.",
            "  8. Security > Client certificates > Delete, beside the one in use: you are told who uses it.",
            *self._management(),
        ]

    def _management(self) -> list[str]:
        if not self.management_token:
            return []
        url = f"{self.management_url}/certificates?api-version=2014-02-14"
        return [
            "",
            "Scripts can configure all this with the management REST API, for a day with:",
            "",
            f"  curl -H 'Authorization: {self.management_token}' \\",
            f"    '{url}'",
        ]


def _client(client: ClientFile) -> dict[str, str]:
    return {
        "path": str(client.path),
        "password": client.password,
        "subject": client.subject,
        "thumbprint": client.thumbprint,
    }
