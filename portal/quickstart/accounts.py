"""The administrator that quickstart makes."""

from django.contrib.auth.models import Group, User
from django.db import transaction

from portal.roles import ADMINISTRATORS

USER = "admin"


@transaction.atomic
def ensure_administrator(password: str) -> bool:
    """Make the administrator unless there is one. Returns whether the password is the account's."""
    user, created = User.objects.get_or_create(
        username=USER, defaults={"is_staff": True, "is_superuser": True}
    )
    if created:
        user.set_password(password)
        user.save(update_fields=["password"])
        user.groups.add(Group.objects.get(name=ADMINISTRATORS))
    return user.check_password(password)
