from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """The configuration of the gateway, and the engines that execute it."""

    name = "gateway"
    default_auto_field = "django.db.models.BigAutoField"
