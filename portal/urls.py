"""All routes. Each app brings its own urls.py."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from portal import health

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("portal.api")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("", include("portal.access.urls")),
    path("", include("portal.alerts.urls")),
    path("", include("portal.runs.urls")),
    path("", include("portal.changes.urls")),
    path("", include("inventory.urls")),
    path("", include("backups.urls")),
    path("", include("failover.urls")),
]

handler400 = "portal.access.problems.not_understood"
handler500 = "portal.access.problems.broken"
