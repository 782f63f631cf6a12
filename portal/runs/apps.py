"""App configuration of portal.runs."""

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """Registers portal.runs under the short label runs."""

    name = "portal.runs"
    label = "runs"
    default_auto_field = "django.db.models.BigAutoField"
