"""A host's maps for those who name single paths: only multipathd tells which port and device a path is."""

from __future__ import annotations

from inventory.probes import multipath
from inventory.probes.multipath import MultipathFacts
from portal.kernel.output import ParseError
from portal.kernel.step import Seen

JSON = "json"
ONLY_KERNEL = "multipathd does not answer; the kernel alone does not say which port and device a path is."


def read(seen: Seen) -> MultipathFacts:
    """The sections of the probe in, facts out. Raises ParseError, also when only the kernel has answered."""
    facts = multipath.parse({name: seen[name] for name in multipath.COMMANDS})
    if facts.source != JSON:
        raise ParseError(ONLY_KERNEL)
    return facts
