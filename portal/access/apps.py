"""App configuration of portal.access, and of Django's admin with the portal's site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class AccessConfig(AppConfig):
    """Registers portal.access under the short label access."""

    name = "portal.access"
    label = "access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """drf-spectacular finds its extensions by their being imported."""
        from portal.access import schema  # noqa: F401


class PortalAdminConfig(AdminConfig):
    """django.contrib.admin with PortalAdminSite."""

    default = False
    default_site = "portal.access.site.PortalAdminSite"
