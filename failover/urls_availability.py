"""Routes of availability. They stand in failover/urls.py."""

from __future__ import annotations

from django.urls import path

from failover.views import availability, availability_acts

urlpatterns = [
    path("availability/", availability.index, name="availability"),
    path("availability/new/<slug:kind>/", availability_acts.declare, name="availability-new"),
    path("availability/<int:pk>/", availability.service, name="availability-service"),
    path("availability/<int:pk>/objective/", availability_acts.change, name="availability-objective"),
    path("availability/<int:pk>/retire/", availability_acts.retire, name="availability-retire"),
    path("availability/<int:pk>/correct/", availability_acts.correct, name="availability-correct"),
    path("availability/corrections/<int:pk>/", availability_acts.decide, name="availability-decide"),
]
