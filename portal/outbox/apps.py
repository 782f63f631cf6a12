"""App configuration of portal.outbox."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """Registers portal.outbox under the short label outbox."""

    name = "portal.outbox"
    label = "outbox"
    default_auto_field = "django.db.models.BigAutoField"
