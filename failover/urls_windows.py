"""Routes of maintenance windows. They stand in failover/urls.py."""

from __future__ import annotations

from django.urls import path

from failover.views import window_acts, windows

urlpatterns = [
    path("engine/maintenance/", windows.windows, name="maintenance"),
    path("engine/maintenance/<int:engine>/enter/<slug:scope>/<int:host>/", window_acts.enter, name="maintenance-enter"),
    path("engine/maintenance/windows/<int:pk>/leave/", window_acts.leave, name="window-leave"),
    path("engine/maintenance/windows/<int:pk>/extend/", window_acts.extend, name="window-extend"),
    path("engine/maintenance/windows/<int:pk>/adopt/", window_acts.adopt, name="window-adopt"),
]
