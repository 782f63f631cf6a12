"""Routes of runs."""

from __future__ import annotations

from django.urls import path

from portal.runs import views

urlpatterns = [
    path("runs/", views.runs, name="runs"),
    path("runs/new/<slug:plan>/<int:host>/", views.new, name="run-new"),
    path("runs/<int:pk>/", views.run, name="run"),
    path("runs/<int:pk>/hold/", views.hold, name="run-hold"),
    path("runs/<int:pk>/resume/", views.resume, name="run-resume"),
    path("runs/<int:pk>/approve/", views.approve, name="run-approve"),
    path("runs/<int:pk>/abort/", views.abort, name="run-abort"),
    path("runs/<int:pk>/retry/<int:position>/", views.retry, name="run-retry"),
    path("runs/<int:pk>/ignore/<int:position>/", views.ignore, name="run-ignore"),
]
