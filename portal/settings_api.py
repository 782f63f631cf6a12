"""How the API speaks, and how its schema is made; a part of portal/settings.py that reads no environment.
ENUM_NAME_OVERRIDES: names of choices that several serializers share."""

from __future__ import annotations

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "portal.access.problems.handle",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["portal.access.parsing.Json"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portal.access.rest.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    # nothing is open by default; a view names its act with portal.access.rest.Needs
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_THROTTLE_CLASSES": ["portal.access.throttling.PerMinute"],
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Holdfast",
    "DESCRIPTION": "The operations portal of an OLVM estate that carries a core Oracle database. Errors: docs/api.md.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "portal.access.schema.problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "LookState": "inventory.models.looks.Look.State",
        "StepState": "portal.runs.models.RunStep.State",
        "Outcome": "inventory.models.looks.OUTCOMES",
        "RunStatus": "portal.runs.models.Run.Status",
        "BackupStatus": "backups.models.catalog.Backup.Status",
        "BackupReason": "backups.models.catalog.Backup.Reason",
        "TakeReason": "backups.api_acts.REASONS",
        "Proof": "backups.models.catalog.Backup.Proof",
        "AlertSeverity": "portal.alerts.models.SEVERITIES",
        "AlertConcern": "portal.alerts.models.CONCERNS",
        "AlertChannel": "portal.alerts.models.Receiver.Channel",
        "WindowScope": "failover.models.window.Window.Scope",
        "WindowState": "failover.models.window.Window.State",
        "IssueSeverity": "failover.models.issues.GRADES",
        "ReportForm": "failover.models.reporting.ReportFile.Form",
        "ReportPeriod": "failover.models.reporting.ReportDefinition.Period",
        "ServiceKind": "failover.models.availability.Objective.Kind",
        "ObjectivePeriod": "failover.models.availability.ObjectiveVersion.Period",
        "CorrectionKind": "failover.models.availability.Correction.Kind",
        "CorrectionWord": "failover.models.availability.CorrectionDecision.Word",
    },
}


def caches(broker: str) -> dict[str, Any]:
    """CACHES. broker: Celery's URL. shared: what processes count together (portal/access/counting.py), beside Celery's
    queues; nothing in it is missed when it is lost. default is each process's own: what clears a cache must never empty
    the queues."""
    return {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "shared": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": broker.replace("redis+socket://", "unix://").replace("virtual_host=", "db="),
            "KEY_PREFIX": "holdfast",
            "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
        },
    }
