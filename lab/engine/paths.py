"""FC paths from a host to a LUN, as VDSM counts them. Shared by host storage and the multipath events."""

from __future__ import annotations

from lab import multipath
from lab.world import Host, Lun, World

VANISH = 80.0  # lab seconds after which a failed path's device is gone
Pair = tuple[str, str]  # (HBA WWPN, target WWPN)


class PathCount:
    """Path counts of one host at one moment. What an array's ports give is worked out once for all its LUNs."""

    def __init__(self, world: World, host: Host) -> None:
        self._world = world
        self._host = host
        self._now = world.clock.now()
        self._arrays: dict[str, dict[Pair, bool]] = {}
        self._working: dict[str, int] = {}
        self._failed: dict[str, dict[Pair, float]] = {}
        for (hba, target, wwid), since in list(host.failed_paths.items()):
            self._failed.setdefault(wwid, {})[hba, target] = since

    def _pairs(self, array: str) -> dict[Pair, bool]:
        if array not in self._arrays:
            fabrics = self._world.fabrics
            self._arrays[array] = {
                (hba.wwpn, target.wwpn): hba.online and target.online and fabrics.get(hba.fabric, True)
                for hba in self._host.hbas
                for target in self._world.targets
                if target.array == array and target.fabric == hba.fabric
            }
            self._working[array] = sum(self._arrays[array].values())
        return self._arrays[array]

    def sees(self, lun: Lun) -> bool:
        """Whether the LUN is mapped to the host at all."""
        return multipath.mapped(self._world, self._host, lun)

    def of(self, lun: Lun) -> tuple[int, int]:
        """(paths, active paths) of one LUN. A path that never came up since boot, or failed long ago, has no device."""
        pairs = self._pairs(lun.array)
        failed = self._failed.get(lun.wwid)
        if not failed:
            return self._working[lun.array], self._working[lun.array]
        active = sum(1 for pair, works in pairs.items() if works and pair not in failed)
        faulty = sum(1 for pair, since in failed.items() if pair in pairs and self._now - since < VANISH)
        return active + faulty, active

    def health(self) -> tuple[frozenset[str], frozenset[str]]:
        """(WWIDs with a faulty path, WWIDs without a valid path) among the devices that still exist."""
        faulty, dead = set(), set()
        for lun in [self._world.luns[wwid] for wwid in self._failed if wwid in self._world.luns]:
            total, active = self.of(lun)
            if active < total:
                faulty.add(lun.wwid)
            if not active:
                dead.add(lun.wwid)
        return frozenset(faulty), frozenset(dead)

    @property
    def untouched(self) -> bool:
        """Whether no path has failed; cheap."""
        return not self._failed
