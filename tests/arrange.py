"""Brings rows into a state that no change produces (yet), to see what then happens."""

import uuid
from typing import Any

from django.db.models import Model

from gateway import keystore
from gateway.changes.base import Actor, change
from gateway.models import Certificate, NamedValue, PolicyDocument, Revision
from gateway.models.base import with_id

ARRANGER = Actor("command", "arrange")


def update_directly(model: type[Model], key: object, **columns: Any) -> None:
    """Write columns of a row past every check, as a damaged disk or another program would."""
    model._default_manager.filter(pk=key).update(**columns)
    Revision.objects.update(number=Revision.objects.get().number + 1)


def set_text(name: str, value: str) -> None:
    """Write a named value that is no secret."""
    with change(ARRANGER) as this:
        row = with_id(NamedValue.objects.all(), name).first() or NamedValue(resource_id=name)
        row.value, row.revision = value, this.revision
        row.save()


def renew(certificate: Certificate) -> None:
    """Give a certificate another current version: the same material with another thumbprint."""
    with change(ARRANGER) as this:
        version = certificate.current
        assert version is not None
        table, column = version._meta.db_table, "sealed_private_key"
        material = keystore.open_sealed(table, column, version.key, version.sealed_private_key)
        version.pk, version._state.adding = uuid.uuid4(), True
        version.sealed_private_key = keystore.seal(table, column, version.pk, material)
        version.number, version.revision = version.number + 1, this.revision
        version.thumbprint, version.chain_pem = version.pk.hex.upper(), f"{version.chain_pem}\n"
        version.save()
        certificate.current, certificate.revision = version, this.revision
        certificate.save()


def delete_document(document: PolicyDocument) -> None:
    """Delete a policy document whose scope stays."""
    with change(ARRANGER) as this:
        this.delete(document)
