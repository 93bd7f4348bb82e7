from django.apps import AppConfig


class PortalConfig(AppConfig):
    """What publishers, operators and API clients see."""

    name = "portal"
    verbose_name = "Publisher portal"

    def ready(self) -> None:
        from portal import checks  # noqa: F401, PLC0415 (registers the system checks)
