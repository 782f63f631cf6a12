"""A year of an estate as its own rows: drills, backups and rehearsals, redundancy and tuning, availability,
maintenance, issues. Made from one seed: the same call makes the same history. For the benchmark of reports and their
tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bench import history_drills as drills
from bench import history_estate as estate

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Size:
    """How much happens in the year."""

    drills: int = 14
    luns: int = 24
    vms: int = 4
    hosts: int = 4
    windows: int = 26
    faults: int = 40
    outages: int = 9
    backups_a_day: int = 4


class Year:
    """The estate and its year, up to `ends`. Everything is written by `fill`."""

    def __init__(
        self, ends: datetime, size: Size | None = None, days: int = 365, seed: int = 7, name: str = "olvm-prod"
    ) -> None:
        self.ends, self.begins = ends, ends - timedelta(days=days)
        self.size, self.random, self.name = size or Size(), Random(seed), name

    def fill(self) -> Any:
        """Writes everything; gives the Engine."""
        self._estate()
        estate.backups(self)
        drills.drills(self)
        drills.windows(self)
        estate.turns(self)
        estate.availability(self)
        return self.engine

    def moment(self) -> datetime:
        """Some moment of the year, on the second."""
        whole = int((self.ends - self.begins - DAY).total_seconds())
        return self.begins + timedelta(seconds=self.random.randrange(whole))

    def moments(self, count: int) -> list[datetime]:
        """In order."""
        return sorted(self.moment() for _ in range(count))

    def promise(self, kind: str, key: int, limit: timedelta, plan: str = "") -> None:
        """What a policy or schedule has promised since the year began."""
        from failover.models import Promise

        Promise.objects.create(
            engine=self.engine, kind=kind, key=key, plan=plan, like=plan, seconds=int(limit.total_seconds()),
            enabled=True, since=self.begins, first=True, kept_at=self.begins,
        )  # fmt: skip

    def _estate(self) -> None:
        from inventory.models import Cluster, Engine, Host, Lun, Site, Vm

        site, _ = Site.objects.get_or_create(name="PROD")
        self.engine = Engine.objects.create(
            site=site,
            name=self.name,
            url=f"https://{self.name}.bank.example/ovirt-engine/api",
            username="admin@internal",
        )
        cluster = Cluster.objects.create(engine=self.engine, uuid="c1", name="core")
        self.hosts = Host.objects.bulk_create(
            Host(
                engine=self.engine,
                cluster=cluster,
                uuid=f"h{n}",
                name=f"kvm{n:02}",
                address=f"kvm{n:02}.bank.example",
                he_host_id=n if n <= 2 else None,
                status="up",
            )
            for n in range(1, self.size.hosts + 1)
        )
        self.vms = Vm.objects.bulk_create(
            Vm(
                engine=self.engine,
                cluster=cluster,
                uuid=f"v{n}",
                name=f"oradb{n:02}",
                status="up",
                host=self.hosts[n % 2],
            )
            for n in range(1, self.size.vms + 1)
        )
        kinds = ("data", "redo", "fra")
        self.luns = Lun.objects.bulk_create(
            Lun(
                engine=self.engine,
                uuid=f"363400a31000d00010a1b2c3d{n:08x}",
                name=f"ora_{kinds[n % 3]}{n // 3 + 1:02}",
                size=1 << 42,
            )
            for n in range(self.size.luns)
        )
