"""Routes of drill plans that people compose. They stand in failover/urls.py."""

from __future__ import annotations

from django.urls import path

from failover.views import composing, plans

urlpatterns = [
    path("drills/plans/", plans.plans, name="drill-plans"),
    path("drills/plans/new/", composing.new, name="drill-plan-new"),
    path("drills/plans/<slug:name>/", plans.plan, name="drill-plan"),
    path("drills/plans/<slug:name>/edit/", composing.edit, name="drill-plan-edit"),
    path("drills/plans/<slug:name>/retire/", plans.retire, name="drill-plan-retire"),
]
