"""Routes of period reports and issues. They stand in failover/urls.py."""

from __future__ import annotations

from django.urls import path

from failover.views import issues, reports

urlpatterns = [
    path("reports/", reports.reports, name="reports"),
    path("reports/clauses/", reports.map_, name="clauses"),
    path("reports/definitions/new/", reports.definition, name="report-definition-new"),
    path("reports/definitions/<int:pk>/", reports.definition, name="report-definition"),
    path("reports/definitions/<int:pk>/make/", reports.make, name="report-make"),
    path("reports/<int:pk>/", reports.report, name="period-report"),
    path("reports/<int:pk>/page/", reports.page, name="period-report-page"),
    path("reports/<int:pk>/files/<slug:form>/", reports.file, name="period-report-file"),
    path("issues/", issues.index, name="issues"),
    path("issues/new/", issues.new, name="issue-new"),
    path("issues/<int:pk>/", issues.issue, name="issue"),
    path("issues/<int:pk>/edit/", issues.edit, name="issue-edit"),
    path("issues/<int:pk>/fix/", issues.fix, name="issue-fix"),
    path("issues/<int:pk>/retest/", issues.retest, name="issue-retest"),
    path("issues/<int:pk>/ask-risk/", issues.ask_risk, name="issue-ask-risk"),
    path("issues/<int:pk>/accept-risk/", issues.accept_risk, name="issue-accept-risk"),
    path("issues/<int:pk>/close/", issues.close, name="issue-close"),
    path("issues/<int:pk>/reopen/", issues.reopen, name="issue-reopen"),
]
