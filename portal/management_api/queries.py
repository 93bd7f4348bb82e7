"""Parameters of queries."""

from django.http import HttpRequest


def query(request: HttpRequest, name: str) -> str:
    """A parameter of a query, whose name may be written in any case; "" without it."""
    found = [str(value) for each, value in request.GET.items() if each.lower() == name.lower()]
    return found[0] if found else ""
