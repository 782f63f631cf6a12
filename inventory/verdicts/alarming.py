"""What a finding that is not ok means for whoever is told: how grave, and what is at stake."""

from __future__ import annotations

from inventory.probes.judging.lun_paths import NO_PATH
from portal.alerts.rules.alarm import Concern, Severity
from portal.kernel.outcome import Outcome

# by probe, then by check; the first that is there counts
_CONCERN = {
    "engine_health": Concern.AVAILABILITY,
    "she_status": Concern.AVAILABILITY,
    "ha_state": Concern.AVAILABILITY,
    "ssh": Concern.AVAILABILITY,
    "availability": Concern.AVAILABILITY,
    "engine_side": Concern.CONFIGURATION,
    "host_facts": Concern.CONFIGURATION,
    "oracle_tuning": Concern.CONFIGURATION,
    "multipath_config": Concern.CONFIGURATION,
    "replication": Concern.DATA_LOSS,
}
_BY_CHECK = {
    "trust": Concern.CONTROL,  # a host key or login that is refused: a person compares it
    "certificate": Concern.CONFIGURATION,
    "backup": Concern.DATA_LOSS,
    "identity": Concern.DATA_LOSS,  # two LUNs behind one name
}
SEVERITY = {Outcome.FAIL: Severity.CRITICAL, Outcome.UNKNOWN: Severity.WARNING, Outcome.WARN: Severity.INFO}


def concern(probe: str, check: str, sentence: str = "") -> Concern:
    """What is at stake when a check of a probe is not ok; storage for everything about LUNs, switches and arrays. A LUN
    without any path is more than less redundancy: what writes to it stops."""
    if check == "paths" and NO_PATH in sentence:
        return Concern.DATA_LOSS
    return _BY_CHECK.get(check) or _CONCERN.get(probe, Concern.STORAGE)


def severity(outcome: Outcome) -> Severity:
    """How grave a finding is. Raises KeyError for ok, which is none."""
    return SEVERITY[outcome]
