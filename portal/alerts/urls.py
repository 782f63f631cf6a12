"""Routes of the alerts' pages."""

from __future__ import annotations

from django.urls import path

from portal.alerts.views import alerts, receivers, routes, silences

urlpatterns = [
    path("alerts/", alerts.alerts, name="alerts"),
    path("alerts/<int:pk>/", alerts.alert, name="alert"),
    path("alerts/<int:pk>/acknowledge/", alerts.acknowledge, name="alert-acknowledge"),
    path("alerts/<int:pk>/close/", alerts.close, name="alert-close"),
    path("alerts/silences/new/", silences.new, name="silence-new"),
    path("alerts/silences/<int:pk>/end/", silences.end, name="silence-end"),
    path("alerts/receivers/", receivers.receivers, name="alert-receivers"),
    path("alerts/receivers/new/", receivers.new, name="alert-receiver-new"),
    path("alerts/receivers/<int:pk>/", receivers.edit, name="alert-receiver"),
    path("alerts/receivers/<int:pk>/test/", receivers.test, name="alert-receiver-test"),
    path("alerts/receivers/<int:pk>/remove/", receivers.remove, name="alert-receiver-remove"),
    path("alerts/routes/", routes.routes, name="alert-routes"),
    path("alerts/routes/new/", routes.new, name="alert-route-new"),
    path("alerts/routes/<int:pk>/", routes.edit, name="alert-route"),
    path("alerts/routes/<int:pk>/remove/", routes.remove, name="alert-route-remove"),
]
