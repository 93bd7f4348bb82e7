"""Who is told of certificates that expire, and when."""

from django.db import models

from gateway.models.base import ConfigurationRow

DEFAULT_THRESHOLDS = [60, 30, 7, 1, 0]


def default_thresholds() -> list[int]:
    """Days before the expiry, the first to be told of first; 0 is the expiry itself."""
    return list(DEFAULT_THRESHOLDS)


class NotificationSettings(ConfigurationRow):
    """The one row: e-mail addresses, and how many days before an expiry they get an e-mail."""

    only = models.BooleanField(default=True, unique=True, editable=False)
    recipients = models.JSONField(default=list)
    thresholds = models.JSONField(default=default_thresholds)

    class Meta:
        verbose_name = verbose_name_plural = "notification settings"

    def __str__(self) -> str:
        return "notification settings"
