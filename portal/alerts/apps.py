"""App configuration of portal.alerts."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """Registers portal.alerts under the short label alerts."""

    name = "portal.alerts"
    label = "alerts"
    default_auto_field = "django.db.models.BigAutoField"
