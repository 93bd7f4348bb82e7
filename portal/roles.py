"""Who may do what: one function says a user's role, to the portal, the REST API and the admin alike."""

from typing import Literal

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User

ADMINISTRATORS = "Administrators"
READERS = "Readers"

Role = Literal["administrator", "reader"]

WHY_NOT = (
    "You can look at everything here, but only members of the group Administrators can change it. "
    "Ask one of them."
)


def role_of(user: AbstractBaseUser | AnonymousUser) -> Role | None:
    """The user's role, or None for somebody who must not see the portal.

    Superusers and the group Administrators are "administrator", the group Readers is "reader". Asked of the
    database once for each user object, which is once for each request.
    """
    if not isinstance(user, User) or not user.is_active:
        return None
    if "_portal_role" not in user.__dict__:
        user.__dict__["_portal_role"] = _look_up(user)
    role: Role | None = user.__dict__["_portal_role"]
    return role


def _look_up(user: User) -> Role | None:
    if user.is_superuser:
        return "administrator"
    groups = set(user.groups.filter(name__in=[ADMINISTRATORS, READERS]).values_list("name", flat=True))
    if ADMINISTRATORS in groups:
        return "administrator"
    return "reader" if READERS in groups else None


def may_change(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether the user may change configuration."""
    return role_of(user) == "administrator"
