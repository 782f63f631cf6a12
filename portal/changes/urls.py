"""Routes of changes."""

from __future__ import annotations

from django.urls import path

from portal.changes import views, views_systems

urlpatterns = [
    path("changes/", views.changes, name="changes-of-acts"),
    path("changes/known/", views.known, name="changes-known"),
    path("changes/new/", views.new, name="change-new"),
    path("changes/systems/", views_systems.every, name="change-systems"),
    path("changes/systems/new/", views_systems.new, name="change-system-new"),
    path("changes/systems/<int:pk>/", views_systems.one, name="change-system"),
    path("changes/systems/<int:pk>/edit/", views_systems.edit, name="change-system-edit"),
    path("changes/systems/<int:pk>/test/", views_systems.try_it, name="change-system-test"),
    path("changes/systems/<int:pk>/rotate/", views_systems.rotate, name="change-system-rotate"),
    path("changes/systems/<int:pk>/drop-former/", views_systems.drop_former, name="change-system-drop"),
    path("changes/systems/<int:pk>/lift/", views_systems.lift, name="change-system-lift"),
    path("changes/systems/<int:pk>/lift/confirm/", views_systems.confirm_lift, name="change-system-lift-confirm"),
    path("changes/systems/<int:pk>/lift/end/", views_systems.end_lift, name="change-system-lift-end"),
    path("changes/<int:pk>/", views.change, name="change"),
    path("changes/<int:pk>/read-back/", views.read_back, name="change-read-back"),
    path("changes/<int:pk>/notes/<int:note>/again/", views.again, name="change-note-again"),
    path("changes/<int:pk>/notes/<int:note>/give-up/", views.drop, name="change-note-drop"),
]
