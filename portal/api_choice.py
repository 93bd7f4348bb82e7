"""The APIs that one can choose from."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from gateway.models import Api
from portal.choice import Offered, Option, offer


def api_options(query: str, keep: Iterable[UUID]) -> Offered:
    """The APIs to offer; see `offer`."""
    rows = Api.objects.order_by(Lower("display_name"), "suffix").only("display_name", "suffix")
    return offer(rows, _option, _search, query=query, keep=keep)


def _option(api: Api) -> Option:
    """Names may be the same, suffixes are not."""
    return Option(str(api.pk), f"{api} (/{api.suffix})")


def _search(rows: QuerySet[Api], text: str) -> QuerySet[Api]:
    return rows.filter(
        Q(display_name__icontains=text) | Q(resource_id__icontains=text) | Q(suffix__icontains=text)
    )
