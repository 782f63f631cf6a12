"""The probes of this estate, found by being there: every module beside this file that is not a package has a PROBE."""

from __future__ import annotations

import importlib
import pkgutil

from portal.kernel.probe import Probe


def find(paths: list[str], package: str) -> dict[str, Probe]:
    """Module paths and package name in, probes by name out. Raises ValueError for a module whose PROBE is missing or
    is named unlike its file, so that a probe can never be there and silently not run."""
    found: dict[str, Probe] = {}
    for module in pkgutil.iter_modules(paths):
        if module.ispkg:
            continue
        probe = getattr(importlib.import_module(f"{package}.{module.name}"), "PROBE", None)
        if not isinstance(probe, Probe) or probe.name != module.name:
            raise ValueError(f"{package}.{module.name} has no PROBE of its own name.")
        found[probe.name] = probe
    return found


PROBES: dict[str, Probe] = find(list(__path__), __name__)
