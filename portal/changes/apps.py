"""App configuration of portal.changes."""

from django.apps import AppConfig


class ChangesConfig(AppConfig):
    """Registers portal.changes under the short label changes."""

    name = "portal.changes"
    label = "changes"
    default_auto_field = "django.db.models.BigAutoField"
