"""App configuration of portal.access."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Registers portal.access under the short label access."""

    name = "portal.access"
    label = "access"
    default_auto_field = "django.db.models.BigAutoField"
