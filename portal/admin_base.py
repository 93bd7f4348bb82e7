"""What the tables of the operators' room share: permissions by role, and no editing."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from gateway.changes.base import Actor
from gateway.errors import ChangeError, InUse
from gateway.thumbprints import looks_like_thumbprint
from portal.roles import may_change, role_of

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class RoleMixin:
    """Permissions by the user's role in the portal: Readers look, Administrators also act."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return role_of(request.user) is not None

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return role_of(request.user) is not None

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_change(request.user)

    has_change_permission = has_delete_permission = has_add_permission

    def has_act_permission(self, request: HttpRequest) -> bool:
        """For actions that are declared with permissions=["act"]."""
        return may_change(request.user)


class LookOnly(RoleMixin, _ModelAdmin):
    """A table to be seen and searched. Secrets (`hidden`) are left out."""

    hidden: tuple[str, ...] = ()
    actions_on_bottom = True
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [f.name for f in self.opts.fields if f.name not in self.hidden]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """A pasted thumbprint is found whatever separates its digits."""
        term = looks_like_thumbprint(search_term) or search_term
        return super().get_search_results(request, queryset, term)


def each(
    request: HttpRequest, rows: QuerySet[Any], done: str, change: Callable[[Actor, Any], object]
) -> None:
    """Make one change for each row, and tell of each that was refused."""
    actor, count = Actor("user", request.user.get_username()), 0
    for row in rows:
        try:
            change(actor, row)
            count += 1
        except ChangeError as error:
            used = f" Used by: {', '.join(map(str, error.uses))}." if isinstance(error, InUse) else ""
            messages.error(request, f"{row}: {error.message}{used}")
    if count:
        messages.success(request, f"{count} {done}.")
