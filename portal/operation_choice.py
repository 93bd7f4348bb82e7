"""The operations of an API that one can choose from."""

from django.db.models import Q, QuerySet

from gateway.models import Api, Operation
from portal.choice import Offered, Option, offer


def operation_options(api: Api, query: str = "") -> Offered:
    """The operations to offer; see `offer`. An option's key is the operation's id."""
    rows = api.operations.order_by("url_template", "method").only(
        "resource_id", "display_name", "method", "url_template"
    )
    return offer(rows, _option, _search, query=query, keep=())


def _option(operation: Operation) -> Option:
    call = f"{operation.method} {operation.url_template}"
    name = "" if operation.display_name == call else f": {operation.display_name}"
    return Option(operation.resource_id, f"{call}{name}")


def _search(rows: QuerySet[Operation], text: str) -> QuerySet[Operation]:
    return rows.filter(
        Q(display_name__icontains=text)
        | Q(resource_id__icontains=text)
        | Q(url_template__icontains=text)
        | Q(method__iexact=text)
    )
