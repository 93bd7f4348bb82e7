"""Changes to named values."""

from django.utils.text import slugify

from gateway import keystore
from gateway.changes.base import Change
from gateway.models import Api, NamedValue
from gateway.models.base import with_id


def set_secret(this: Change, name: str, secret: str) -> NamedValue:
    """Create or replace the secret named value `name`; its text is sealed."""
    row = with_id(NamedValue.objects.all(), name).first()
    action = "replaced" if row else "created"
    row = row or NamedValue(resource_id=name)
    row.revision, row.secret, row.value = this.revision, True, ""
    row.sealed_value = keystore.seal(row._meta.db_table, "sealed_value", row.key, secret.encode())
    row.save()
    this.audit(action, row, {"value": ["(secret)" if action == "replaced" else "", "(secret)"]})
    return row


def password_stem(api: Api) -> str:
    """What the name of an API's HTTP basic password starts with: partner-bank-basic-password."""
    return f"{slugify(api.resource_id)[:50]}-basic-password"


def delete_password_if_unused(this: Change, api: Api, name: str) -> None:
    """Delete a password that the Security tab made for an API once no document refers to it any more."""
    if not name.startswith(password_stem(api)):
        return  # somebody else's named value: not ours to delete
    row = with_id(NamedValue.objects.filter(policy_references=None), name).first()
    if row:
        this.audit("deleted", row)
        this.delete(row)
