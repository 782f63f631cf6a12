"""Routes of the backups' pages."""

from __future__ import annotations

from django.urls import path

from backups.views import acts, backup, catalog, kit, places, policies

urlpatterns = [
    path("backups/", catalog.backups, name="backups"),
    path("backups/new/<int:policy>/", acts.new, name="backup-new"),
    path("backups/<int:pk>/", backup.backup, name="backup"),
    path("backups/<int:pk>/output/<slug:call>/<slug:stream>/", backup.output, name="backup-output"),
    path("backups/<int:pk>/verify/", acts.verify, name="backup-verify"),
    path("backups/<int:pk>/rehearse/", acts.rehearse, name="backup-rehearse"),
    path("backups/<int:pk>/keep/", acts.keep, name="backup-keep"),
    path("backups/<int:pk>/release/", acts.release, name="backup-release"),
    path("backups/<int:pk>/accept-size/", acts.accept_size, name="backup-accept-size"),
    path("backups/<int:pk>/copy/", acts.copy, name="backup-copy"),
    path("backups/<int:pk>/download/", acts.fetch, name="backup-download"),
    path("backups/kit/", kit.newest, name="recovery-kit"),
    path("backups/kit/<int:pk>/", kit.one, name="kit"),
    path("backups/kit/<int:pk>/bundle/", kit.bundle, name="kit-bundle"),
    path("backups/kit/collect/<int:engine>/", kit.collect, name="kit-collect"),
    path("backups/kit/declare/<int:engine>/", kit.declare, name="kit-declare"),
    path("backups/policies/", policies.policies, name="policies"),
    path("backups/policies/new/", policies.new, name="policy-new"),
    path("backups/policies/cron/", policies.cron, name="policy-cron"),
    path("backups/policies/<int:pk>/", policies.policy, name="policy"),
    path("backups/policies/<int:pk>/edit/", policies.edit, name="policy-edit"),
    path("backups/policies/<int:pk>/switch/", policies.switch, name="policy-switch"),
    path("backups/policies/<int:pk>/delete-obsolete/", policies.delete, name="policy-delete-obsolete"),
    path("backups/destinations/", places.destinations, name="destinations"),
    path("backups/destinations/new/", places.new, name="destination-new"),
    path("backups/destinations/<int:pk>/edit/", places.edit, name="destination-edit"),
    path("backups/destinations/<int:pk>/try/", places.attempt, name="destination-try"),
    path("backups/destinations/<int:pk>/switch/", places.switch, name="destination-switch"),
    path("backups/recipients/new/", places.recipient, name="recipient-new"),
    path("backups/recipients/<int:pk>/switch/", places.recipient_switch, name="recipient-switch"),
]
