"""The left menu, and the tabs of a page. An entry whose page does not exist is not shown."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from portal.roles import may_change, role_of

PRODUCT_NAME = "Publisher portal"

# area (a page's `area`), label, name of the route
_ENTRIES = (
    ("dashboard", "Dashboard", "dashboard"),
    ("apis", "APIs", "apis"),
    ("subscriptions", "Subscriptions", "subscriptions"),
    ("policies", "Policies", "policies"),
    ("notifications", "Notifications", "notifications"),
    ("security", "Security", "certificates"),
    ("properties", "Properties", "properties"),
)


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """An entry of the left menu."""

    area: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of a page: `parts/tab_bar.html` draws the tuple of them that the context calls `tab_bar`."""

    label: str
    url: str
    selected: bool = False


@cache
def route_exists(name: str) -> bool:
    """Whether a route without arguments has this name."""
    return url_or_none(name) is not None


def url_or_none(name: str, *args: object) -> str | None:
    """The address of a named route, or None when there is no such page (yet)."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return None


def tab_bar(selected: str, tabs: Iterable[tuple[str, str]], *args: object) -> tuple[Tab, ...]:
    """Tabs from pairs of label and route name; `selected` is a label, `args` go into every address."""
    found = ((label, url_or_none(name, *args)) for label, name in tabs)
    return tuple(Tab(label, url, label == selected) for label, url in found if url is not None)


def menu() -> tuple[MenuEntry, ...]:
    """The entries of the left menu whose pages exist."""
    return tuple(
        MenuEntry(area, label, reverse(name)) for area, label, name in _ENTRIES if route_exists(name)
    )


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: what base.html needs. Nothing is asked of the database until a template looks."""
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    return {
        "product_name": PRODUCT_NAME,
        "menu": SimpleLazyObject(lambda: menu() if signed_in and role_of(request.user) else ()),
        "role": SimpleLazyObject(lambda: role_of(request.user) if signed_in else None),
        "can_change": SimpleLazyObject(lambda: signed_in and may_change(request.user)),
    }
