"""Brings rows into a state that no change produces (yet), to see what then happens."""

import uuid
from collections.abc import Sequence
from typing import Any, TypeVar

from django.db.models import Model
from django.utils import timezone

from gateway import keystore
from gateway.changes.base import Actor, change
from gateway.changes.policy_documents import parsed_or_none
from gateway.changes.policy_references import Lookup, write_references
from gateway.models import (
    Api,
    BackEndTrust,
    CaCertificate,
    Certificate,
    CertificateVersion,
    NamedValue,
    Operation,
    PolicyDocument,
    PolicyReference,
    Revision,
    Subscription,
    TrustedCa,
)
from gateway.models.base import ConfigurationRow, with_id
from gateway.url_templates import parse_template

ARRANGER = Actor("command", "arrange")

M = TypeVar("M", bound=Model)


def update_directly(model: type[Model], key: object, **columns: Any) -> None:
    """Write columns of a row past every check, as a damaged disk or another program would."""
    model._default_manager.filter(pk=key).update(**columns)
    Revision.objects.update(number=Revision.objects.get().number + 1)


def set_text(name: str, value: str) -> None:
    """Write a named value that is no secret, even one that makes documents wrong; what they refer to follows."""
    with change(ARRANGER) as this:
        row = with_id(NamedValue.objects.all(), name).first() or NamedValue(resource_id=name)
        row.value, row.revision = value, this.revision
        row.save()
        for reference in row.policy_references.select_related("document"):
            if document := parsed_or_none(reference.document):
                write_references(reference.document, document, Lookup())


def put_in_use(version: CertificateVersion) -> None:
    """Another version is current, and no policy was rewritten for it, as in a database that others wrote."""
    with change(ARRANGER) as this:
        Certificate.objects.filter(pk=version.certificate_id).update(current=version, revision=this.revision)


def refer_everywhere(value: NamedValue) -> None:
    """Let every document but that of All APIs refer to a named value, whatever its text says."""
    documents = PolicyDocument.objects.exclude(api=None, operation=None)
    with change(ARRANGER):
        PolicyReference.objects.bulk_create(PolicyReference(document=d, named_value=value) for d in documents)


XML = """<policies>
    <inbound>
        <base />
        {}
    </inbound>
    <backend>
        <base />
    </backend>
    <outbound>
        <base />
    </outbound>
    <on-error>
        <base />
    </on-error>
</policies>
"""


def fill_with_apis(
    count: int, certificates: Sequence[Certificate], ca: CaCertificate, *, operations: int = 10
) -> None:
    """Many APIs "api-0", "api-1", ... at once, each with so many operations, a subscription and trust in the CA.

    Every second API presents a certificate, and the first operation of each rewrites.
    """
    with change(ARRANGER) as this:
        filling = _Filling(this.revision)
        for number in range(count):
            api = filling.api(number, ca)
            if number % 2:
                filling.certificate(api, certificates[number % len(certificates)])
            for place in range(operations):
                filling.operation(api, place, f"/resources-{number}-{place}/{{id}}/parts")
        for model, rows in filling.rows.items():
            model._default_manager.bulk_create(rows, batch_size=2000)


class _Filling:
    """Rows to be, in an order in which they can be written."""

    def __init__(self, revision: int) -> None:
        self.rows: dict[type[Model], list[Any]] = {}
        self._revision = revision

    def _add(self, model: type[M], **columns: Any) -> M:
        if issubclass(model, ConfigurationRow):
            columns["revision"] = self._revision
        row = model(**columns)
        self.rows.setdefault(model, []).append(row)
        return row

    def api(self, number: int, ca: CaCertificate) -> Api:
        values = {
            "resource_id": f"api-{number}",
            "display_name": f"API {number}",
            "created_at": timezone.now(),
        }
        url, suffix = f"https://back-end-{number}.example/base", f"apis/api-{number}"
        api = self._add(
            Api, web_service_url=url, suffix=suffix, description="What it is for. " * 10, **values
        )
        self._add(TrustedCa, trust=self._add(BackEndTrust, api=api), ca_certificate=ca)
        row = self._add(Subscription, **values | {"api": api})
        for column in ("sealed_primary_key", "sealed_secondary_key"):
            setattr(
                row, column, keystore.seal(row._meta.db_table, column, row.key, uuid.uuid4().hex.encode())
            )
        return api

    def certificate(self, api: Api, certificate: Certificate) -> None:
        statement = f'<authentication-certificate certificate-id="{certificate}" />'
        document = self._add(PolicyDocument, api=api, xml=XML.format(statement))
        self._add(PolicyReference, document=document, certificate=certificate)

    def operation(self, api: Api, place: int, url_template: str) -> None:
        operation = self._add(
            Operation,
            api=api,
            resource_id=f"operation-{place}",
            display_name=f"Operation {place}",
            method=("GET", "POST")[place % 2],
            url_template=url_template,
            shape=parse_template(url_template).shape,
        )
        if not place:
            self._add(
                PolicyDocument, operation=operation, xml=XML.format('<rewrite-uri template="/v2/{id}" />')
            )
