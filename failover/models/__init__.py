"""The tables of failover, by room."""

from failover.models.approval import Approval, BreakGlass
from failover.models.attachment import Attachment
from failover.models.availability import (
    Correction,
    CorrectionDecision,
    Objective,
    ObjectiveVersion,
    ServiceSpan,
)
from failover.models.composed import ComposedPlan, PlanVersion
from failover.models.drill import Blackout, Drill, Missed, Schedule, Service, Span
from failover.models.issues import Issue
from failover.models.promise import Promise
from failover.models.prompt import Prompt
from failover.models.readiness import Readiness
from failover.models.reporting import PeriodReport, ReportDefinition, ReportFile
from failover.models.window import Window

__all__ = [
    "Approval",
    "Attachment",
    "Blackout",
    "BreakGlass",
    "ComposedPlan",
    "Correction",
    "CorrectionDecision",
    "Drill",
    "Issue",
    "Missed",
    "Objective",
    "ObjectiveVersion",
    "PeriodReport",
    "PlanVersion",
    "Promise",
    "Prompt",
    "Readiness",
    "ReportDefinition",
    "ReportFile",
    "Schedule",
    "Service",
    "ServiceSpan",
    "Span",
    "Window",
]
