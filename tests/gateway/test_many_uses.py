"""What very many documents or APIs refer to can still be listed, changed and refused to be deleted."""

import sqlite3
from collections.abc import Iterator

import pytest
from django.db import connection

from gateway.changes.ca_certificates import delete_ca_certificate
from gateway.changes.certificates import delete_certificate
from gateway.changes.named_values import create_named_value, delete_named_value, update_named_value
from gateway.errors import InUse
from gateway.models import CaCertificate, Certificate, NamedValue
from tests.arrange import fill_with_apis, refer_everywhere
from tests.builders import ALICE, make_ca_certificate, make_certificate

pytestmark = pytest.mark.django_db
MANY = 60


@pytest.fixture(autouse=True)
def _narrow() -> Iterator[None]:
    """SQLite takes 1,000 terms in a condition. With fewer of them, fewer rows are many."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    before = connection.connection.setlimit(sqlite3.SQLITE_LIMIT_EXPR_DEPTH, MANY // 2)
    yield
    connection.connection.setlimit(sqlite3.SQLITE_LIMIT_EXPR_DEPTH, before)


def test_uses_are_read_however_many_there_are() -> None:
    certificate, ca = make_certificate("one"), make_ca_certificate()
    value = create_named_value(ALICE, name="region", value="north")
    fill_with_apis(MANY, [certificate, certificate], ca, operations=1)
    refer_everywhere(value)
    assert len(NamedValue.objects.with_uses().get().uses) == 3 * MANY // 2
    assert len(Certificate.objects.with_uses().get().uses) == MANY // 2
    assert len(CaCertificate.objects.with_uses().get().uses) == MANY
    for delete, row in (
        (delete_certificate, certificate), (delete_ca_certificate, ca), (delete_named_value, value),
    ):  # fmt: skip
        with pytest.raises(InUse):
            delete(ALICE, row.key)
    update_named_value(ALICE, value.key, value="south", secret=False)
