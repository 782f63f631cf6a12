"""The tables of failover, by room."""

from failover.models.drill import Blackout, Drill, Schedule, Service, Span
from failover.models.window import Window

__all__ = ["Blackout", "Drill", "Schedule", "Service", "Span", "Window"]
