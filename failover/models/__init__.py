"""The tables of failover, by room."""

from failover.models.drill import Blackout, Drill, Schedule, Service, Span
from failover.models.prompt import Prompt
from failover.models.readiness import Readiness
from failover.models.window import Window

__all__ = ["Blackout", "Drill", "Prompt", "Readiness", "Schedule", "Service", "Span", "Window"]
