"""Back ends and principals with keys that are known, as no change makes them."""

from django.utils import timezone

from gateway import keystore
from gateway.models import BackEnd, Principal


def add_back_end(resource_id: str = "ledger", url: str = "https://ledger.example") -> BackEnd:
    return BackEnd.objects.create(resource_id=resource_id, url=url, revision=1, created_at=timezone.now())


def give_keys(principal: Principal, primary: str, secondary: str = "") -> None:
    """Keys as they are sealed; "" is none."""
    for which, key in (("primary", primary), ("secondary", secondary)):
        column = f"sealed_{which}_key"
        sealed = keystore.seal(principal._meta.db_table, column, principal.key, key.encode()) if key else ""
        setattr(principal, column, sealed)
    principal.save()
