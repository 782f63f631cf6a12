"""The plans of maintenance and drills. Found by being here (portal.runs.registry)."""

from __future__ import annotations

from failover.plans_drills import DRILLS
from failover.plans_maintenance import MAINTENANCE

PLANS = (*MAINTENANCE, *DRILLS)
