"""The tables of failover, by room."""

from failover.models.approval import Approval, BreakGlass
from failover.models.attachment import Attachment
from failover.models.composed import ComposedPlan, PlanVersion
from failover.models.drill import Blackout, Drill, Missed, Schedule, Service, Span
from failover.models.prompt import Prompt
from failover.models.readiness import Readiness
from failover.models.window import Window

__all__ = [
    "Approval",
    "Attachment",
    "Blackout",
    "BreakGlass",
    "ComposedPlan",
    "Drill",
    "Missed",
    "PlanVersion",
    "Prompt",
    "Readiness",
    "Schedule",
    "Service",
    "Span",
    "Window",
]
