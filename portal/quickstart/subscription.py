"""The subscription that quickstart calls with."""

from contextlib import suppress

from gateway.changes.subscriptions import create_subscription, reveal_keys
from gateway.errors import Invalid
from gateway.models import Subscription
from gateway.models.subscriptions import ACTIVE
from portal.demonstration.api import ACTOR

NAME, OWNER = "Quickstart", "quickstart"


def ensure_subscription_key() -> str:
    """A key that lets calls of every API in: of the subscription that an earlier run made, or of a new one, which
    allows tracing.

    One that a person has suspended, cancelled or given to one API alone stays as it is.
    """
    rows = Subscription.objects.filter(owner=OWNER, api__isnull=True, state=ACTIVE)
    for row in rows.order_by("created_at", "pk"):
        with suppress(Invalid):  # sealed with a key that is lost
            return reveal_keys(ACTOR, row.key).primary
    row = create_subscription(ACTOR, display_name=NAME, owner=OWNER, allow_tracing=True)
    return reveal_keys(ACTOR, row.key).primary
