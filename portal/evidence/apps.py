"""App configuration of portal.evidence."""

from django.apps import AppConfig


class EvidenceConfig(AppConfig):
    """Registers portal.evidence under the short label evidence."""

    name = "portal.evidence"
    label = "evidence"
    default_auto_field = "django.db.models.BigAutoField"
