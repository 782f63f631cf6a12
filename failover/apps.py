"""App configuration of failover."""

from django.apps import AppConfig


class FailoverConfig(AppConfig):
    """Registers failover."""

    name = "failover"
    default_auto_field = "django.db.models.BigAutoField"
