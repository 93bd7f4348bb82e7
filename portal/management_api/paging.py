"""Lists and their pages."""

import re
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest

from portal.management_api.errors import Detail, incorrect
from portal.management_api.filters import condition
from portal.management_api.queries import query
from portal.management_api.resource import Call, Resource

PAGE = 100
MOST_ON_PAGE = 1000
_AS_SENT = "/:@!$&'()*+,;=~"  # what a path may hold beside letters and digits (RFC 3986, 3.3)
_KNOWN = ("$filter", "$top", "$skip")


def listing(call: Call, resource: Resource[Any]) -> dict[str, Any]:
    """The page of a list that a request asks for. Raises ApiError."""
    request = call.request
    _check_parameters(call, resource)
    rows = resource.listed(call).filter(condition(query(request, "$filter"), resource.filters))
    top, skip = min(_number(request, "$top", PAGE, 1), MOST_ON_PAGE), _number(request, "$skip", 0, 0)
    count = rows.count()
    order = (resource.order, "pk")  # "pk": no entity is on two pages
    # By their keys: all that is skipped would be read as a whole, and sorted
    keys = rows.order_by(*order).values("pk")[skip : skip + top]
    page = resource.listed(call).filter(pk__in=keys).order_by(*order)
    content: dict[str, Any] = {"value": [resource.entity(call, row) for row in page], "count": count}
    if skip + top < count:
        content["nextLink"] = next_link(request, skip + top)
    return content


def _check_parameters(call: Call, resource: Resource[Any]) -> None:
    refused = call.refused(resource)
    for name in call.request.GET:
        if name.startswith("$") and name.lower() not in _KNOWN and name not in resource.queries:
            refused.setdefault(name, f"'{name}' is not supported. Lists know {', '.join(_KNOWN)}.")
    if refused:
        raise incorrect(*(Detail(name, text) for name, text in refused.items()))


def next_link(request: HttpRequest, skip: int) -> str:
    """The address of the next page, as this request was addressed: host, path and query as they were sent."""
    sent = request.META.get("QUERY_STRING", "").encode("latin-1", "replace")  # as WSGI has it (PEP 3333)
    pairs = quote(sent, safe=_AS_SENT + "%?").split("&")
    rest = [pair for pair in pairs if pair and not re.match(r"(?:\$|%24)skip(?:=|\Z)", pair, re.IGNORECASE)]
    path = quote(request.path, safe=_AS_SENT)
    return request.build_absolute_uri(f"{path}?{'&'.join([*rest, f'$skip={skip}'])}")


def _number(request: HttpRequest, name: str, default: int, least: int) -> int:
    text = query(request, name)
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or int(text) < least:
        raise incorrect(Detail(name, f"Use a whole number of at least {least}."))
    return int(text)
