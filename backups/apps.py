"""App configuration of backups."""

from django.apps import AppConfig


class BackupsConfig(AppConfig):
    """Registers backups."""

    name = "backups"
    default_auto_field = "django.db.models.BigAutoField"
