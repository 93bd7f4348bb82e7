"""Writes the configuration of tests.benchmarks.statements: `... FOLDER BACK_END KEY OPEN_BACK_END`.

Two APIs: calls of "plain" run under no statement but forward-request, those of "governed" under twenty more. Both
go to the back end that asks for no certificate, because "plain" presents none.
"""

import sys
from pathlib import Path

import django

django.setup()

from gateway.changes.ca_certificates import upload_ca_certificates  # noqa: E402
from gateway.changes.certificates import upload_certificate  # noqa: E402
from gateway.changes.policies import save_policy  # noqa: E402
from gateway.changes.security import NoCredentials, Trust  # noqa: E402
from tests.builders import ALICE, choose, make_api, make_operation, make_subscription  # noqa: E402

DOCUMENT = """<policies>
    <inbound>
        <base />
        <ip-filter action="allow">
            <address>127.0.0.1</address>
            <address>10.0.0.0/8</address>
            <address-range from="192.0.2.10" to="192.0.2.90" />
        </ip-filter>
        <check-header name="X-Client" failed-check-httpcode="403" failed-check-error-message="No"
                      ignore-case="true">
            <value>mobile</value>
            <value>web</value>
        </check-header>
        <check-header name="Accept" failed-check-httpcode="400" failed-check-error-message="No"
                      ignore-case="false" />
        <authentication-certificate certificate-id="{certificate}" />
        <rewrite-uri template="/accounts" />
        <set-query-parameter name="api-version"><value>2024-05-01</value></set-query-parameter>
        <set-query-parameter name="format" exists-action="skip"><value>compact</value></set-query-parameter>
        <set-query-parameter name="source" exists-action="append"><value>gateway</value></set-query-parameter>
        <set-header name="X-Tenant"><value>bank</value></set-header>
        <set-header name="X-Api-Version"><value>7</value></set-header>
        <set-header name="X-Forwarded-Host" exists-action="delete" />
        <set-header name="Cookie" exists-action="delete" />
        <set-header name="Accept-Language" exists-action="skip"><value>en</value></set-header>
        <set-header name="X-Client" exists-action="append"><value>gateway</value></set-header>
        <set-header name="Authorization"><value>Bearer 0123456789abcdef0123456789abcdef</value></set-header>
        <set-header name="User-Agent"><value>publisher-portal</value></set-header>
    </inbound>
    <backend><base /></backend>
    <outbound>
        <base />
        <set-header name="X-Served-By" exists-action="delete" />
        <set-header name="Server" exists-action="delete" />
        <set-header name="Cache-Control"><value>no-store</value></set-header>
        <set-header name="Content-Language" exists-action="skip"><value>en</value></set-header>
    </outbound>
    <on-error><base /></on-error>
</policies>
"""


def configure(folder: Path, key: str, open_back_end: str) -> None:
    """Everything goes through gateway.changes, as from the portal."""
    authorities = upload_ca_certificates(ALICE, data=(folder / "ca.pem").read_bytes())
    certificate = upload_certificate(ALICE, data=(folder / "client.pfx").read_bytes(), password="secret")
    trust = Trust(public_cas=False, ca_certificates=tuple(each.pk for each in authorities))
    for name in ("Plain", "Governed"):
        api = make_api(name, web_service_url=open_back_end)
        make_operation(api, "/accounts")
        choose(api, NoCredentials(), trust)
    save_policy(ALICE, api, DOCUMENT.format(certificate=certificate.resource_id))
    make_subscription(primary_key=key)


if __name__ == "__main__":
    configure(Path(sys.argv[1]), sys.argv[3], sys.argv[4])
