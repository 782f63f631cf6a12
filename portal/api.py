"""/api/v1/: every app's resources under one router, the schema, and what an unknown path answers."""

from __future__ import annotations

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework import serializers, viewsets
from rest_framework.routers import SimpleRouter

import backups.api
import backups.api_kits
import failover.api
import failover.api_availability
import failover.api_calendar
import failover.api_issues
import failover.api_period_reports
import failover.api_windows
import inventory.api
import inventory.api_cabling
import inventory.api_redundancy
import portal.alerts.api
import portal.changes.api
import portal.changes.api_systems
import portal.outbox.api
import portal.runs.api
from portal.access.filtering import filtered
from portal.access.paging import ByKey
from portal.access.problems import not_found
from portal.access.rest import Needs
from portal.changes.api_callback import CallbackView
from portal.evidence.models import Record as RecordRow


class Record(serializers.ModelSerializer[RecordRow]):
    class Meta:
        model = RecordRow
        fields = "__all__"


class ByNumber(ByKey):
    """In chain order."""

    ordering = "number"


class Records(viewsets.ReadOnlyModelViewSet[RecordRow]):
    """The evidence chain, oldest first. The signed export for auditors is `manage.py evidence_export`."""

    queryset = RecordRow.objects.order_by("number")
    serializer_class = Record
    pagination_class = ByNumber
    permission_classes = (Needs("evidence.view"),)
    filter_backends = (filtered("subject", "kind", "actor"),)


router = SimpleRouter()
router.register("evidence", Records, basename="api-evidence")
reported = (failover.api_period_reports, failover.api_issues)
drilled = (failover.api, failover.api_calendar, failover.api_windows, failover.api_availability, *reported)
for app in (
    inventory.api,
    inventory.api_redundancy,
    inventory.api_cabling,
    backups.api,
    backups.api_kits,
    *drilled,
    portal.runs.api,
    portal.alerts.api,
    portal.outbox.api,
    portal.changes.api,
    portal.changes.api_systems,
):
    router.registry.extend(app.router.registry)

urlpatterns = [
    # with and without the slash at its end: what calls here is somebody else's form
    re_path(r"^v1/changes/callback/(?P<system>[-\w]{1,80})/?$", CallbackView.as_view(), name="api-change-call"),
    path("v1/", include(router.urls)),
    path("v1/schema/", SpectacularAPIView.as_view(permission_classes=(Needs("estate.view"),)), name="api-schema"),
    re_path(r"^(?P<rest>.*)$", not_found),
]
