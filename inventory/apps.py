"""App configuration of inventory."""

from django.apps import AppConfig


class InventoryConfig(AppConfig):
    """Registers inventory."""

    name = "inventory"
    default_auto_field = "django.db.models.BigAutoField"
