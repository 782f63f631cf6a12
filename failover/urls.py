"""Routes of drills and maintenance windows."""

from __future__ import annotations

from django.urls import path

from failover import urls_availability, urls_plans, urls_reports, urls_windows
from failover.views import acts, calendar, drill, drills, mail, report, request

urlpatterns = [
    *urls_windows.urlpatterns,
    *urls_availability.urlpatterns,
    *urls_plans.urlpatterns,
    *urls_reports.urlpatterns,
    path("drills/", drills.drills, name="drills"),
    path("drills/new/<int:engine>/<slug:plan>/", request.new, name="drill-new"),
    path("drills/mail/", mail.mail, name="mail"),
    path("drills/mail/<int:pk>/again/", mail.again, name="mail-again"),
    path("drills/calendar/", calendar.calendar, name="drill-calendar"),
    path("drills/schedules/new/", calendar.choose, name="drill-schedule-choose"),
    path("drills/schedules/new/<int:engine>/<str:plan>/", calendar.schedule_new, name="drill-schedule-new"),
    path("drills/schedules/<int:pk>/", calendar.schedule, name="drill-schedule"),
    path("drills/blackouts/new/", calendar.blackout, name="drill-blackout-new"),
    path("drills/blackouts/<int:pk>/remove/", calendar.blackout_end, name="drill-blackout-remove"),
    path("drills/<int:pk>/", drill.drill, name="drill"),
    path("drills/<int:pk>/approve/", acts.approve, name="drill-approve"),
    path("drills/<int:pk>/refuse/", acts.refuse, name="drill-refuse"),
    path("drills/<int:pk>/look/", acts.look, name="drill-look"),
    path("drills/<int:pk>/begin/", acts.begin, name="drill-begin"),
    path("drills/<int:pk>/break-glass/", acts.break_glass, name="drill-break-glass"),
    path("drills/<int:pk>/prompts/<int:prompt>/", acts.answer, name="drill-answer"),
    path("drills/<int:pk>/attachments/<int:file>/", report.attachment, name="drill-attachment"),
    path("drills/<int:pk>/issues/", acts.issue, name="drill-issue"),
    path("drills/<int:pk>/sign/", acts.sign, name="drill-sign"),
    path("drills/<int:pk>/report/", report.report, name="drill-report"),
    path("drills/<int:pk>/report.pdf", report.pdf, name="drill-report-pdf"),
    path("drills/<int:pk>/report.json", report.as_json, name="drill-report-json"),
]
