"""What the rest of the portal does with Runs: start, approve, hold, resume, abort, retry, ignore; sweep by beat."""

from portal.runs.services.control import abort, approve, hold, ignore, resume, retry
from portal.runs.services.refused import Refused
from portal.runs.services.start import start, warm
from portal.runs.services.sweep import sweep

__all__ = ["Refused", "abort", "approve", "hold", "ignore", "resume", "retry", "start", "sweep", "warm"]
