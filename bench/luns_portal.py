"""The portal's own sweep over the estate: its rows in a database of the benchmark's own, and what one sweep costs."""

from __future__ import annotations

import getpass
import resource
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench.luns_answers import LANES
from bench.luns_estate import HOSTS, LUNS, array, hbas, name, switch, targets, wwn
from bench.luns_rig import Rig, address

PROBES = tuple(probe for probes in LANES.values() for probe in probes)
PATIENCE = 300.0


@dataclass(frozen=True)
class Cost:
    """Seconds of one sweep: wall, CPU of this process, CPU of PostgreSQL; MB of memory that this process holds at
    most."""

    wall: float
    cpu: float
    server: float
    peak: float


def cost(work: Callable[[], Any], server: Callable[[], float]) -> tuple[Cost, Any]:
    """What one call takes."""
    wall, cpu, behind = time.perf_counter(), time.process_time(), server()
    result = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(time.perf_counter() - wall, time.process_time() - cpu, server() - behind, peak), result


def written() -> dict[str, int]:
    """Rows that PostgreSQL has inserted, updated or deleted so far, by table and kind."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select pg_stat_force_next_flush()")
        cursor.execute("select relname, n_tup_ins, n_tup_upd, n_tup_del from pg_stat_user_tables")
        rows = cursor.fetchall()
    kinds = ("inserted", "updated", "deleted")
    return {f"{table} {kind}": count for table, *counts in rows for kind, count in zip(kinds, counts, strict=True)}


class Portal:
    """One engine with its hosts, LUNs, declared paths, switches and array."""

    def __init__(self, rig: Rig) -> None:
        from inventory.models import Engine, Site
        from inventory.services import watch
        from inventory.services.sweep import eyes
        from portal.connectors.ssh import Pool

        site = Site.objects.create(name="bench", role=Site.Role.PRODUCTION)
        self.engine = Engine.objects.create(
            site=site,
            name="bench",
            url="https://127.0.0.1/ovirt-engine/api",
            username="u",
            password="p",
            ssh_private_key=rig.private,
            ssh_user=getpass.getuser(),
        )
        self.engine.refresh_from_db()
        # as the portal's own but for its patience: 200 sshd share two cores with it here
        pool = Pool(self.engine.ssh_private_key, connect_timeout=60.0, first_byte=120.0)
        eyes().pools[self.engine.pk] = (self.engine.ssh_public_key, pool)
        self._rows(rig)
        watch.ensure(self.engine)
        self._devices()
        # what is not measured is not looked at
        self.engine.looks.exclude(probe__in=(*PROBES, "ssh", "redundancy", "switch", "array")).delete()

    def _rows(self, rig: Rig) -> None:
        from django.utils import timezone

        from inventory.models import Cluster, DeclaredPath, Host, Lun

        cluster = Cluster.objects.create(engine=self.engine, uuid="c", name="Default")
        now = timezone.now()
        hosts = Host.objects.bulk_create(
            Host(
                engine=self.engine,
                cluster=cluster,
                uuid=name(n),
                name=name(n),
                address=address(n),
                ssh_port=rig.port,
                pinned_key=rig.host_key,
                status="up",
            )
            for n in range(HOSTS)
        )
        Lun.objects.bulk_create(
            Lun(engine=self.engine, uuid=f"3{wwn(n, k)}", name=f"{name(n)}_{k}", size=1 << 40)
            for n in range(HOSTS)
            for k in range(LUNS)
        )
        DeclaredPath.objects.bulk_create(
            [
                DeclaredPath(
                    host=host, wwid=f"3{wwn(n, k)}", hba_wwpn=hbas(n)[fabric], target_wwpn=target, declared_at=now
                )
                for n, host in enumerate(hosts)
                for k in range(LUNS)
                for target, (fabric, _) in targets().items()
            ],
            batch_size=5000,
        )

    def _devices(self) -> None:
        """Switches and the array as their own looks would have left them."""
        from inventory.models import Device
        from inventory.services import looks, record, watch
        from portal.kernel import facts

        told = [*map(switch, ("A", "B")), array()]
        for n in range(len(told)):
            kind = Device.Kind.SWITCH if n < 2 else Device.Kind.ARRAY
            Device.objects.create(
                engine=self.engine, site=self.engine.site, kind=kind, name=f"d{n}", address=f"127.0.0.{n}"
            )
        watch.ensure(self.engine)
        self.fresh()
        rows = self.engine.looks.filter(device__isnull=False).select_related("device").order_by("device__name")
        for row, seen in zip(rows, told, strict=True):
            at = row.due_at
            record.record(
                [looks.Result(row.pk, "read", at, 5, "", facts.dump(seen), (), {}, {"told": {}}, f"{row.pk}")]
            )

    def fresh(self) -> None:
        """Everything was looked at just now, and nothing is due."""
        from django.utils import timezone

        from inventory.models import Look

        Look.objects.exclude(at=None).update(at=timezone.now())
        Look.objects.update(due_at=timezone.now())

    def due(self, probes: Collection[str], hosts: int = HOSTS) -> None:
        """These are due now, of the first `hosts` hosts, the others in a moment: a due time that is far away is due."""
        from datetime import timedelta

        from django.utils import timezone

        from inventory.models import Host, Look

        now = timezone.now()
        names = [name(n) for n in range(hosts)]
        Look.objects.update(due_at=now + timedelta(seconds=2))
        Look.objects.filter(probe__in=probes).exclude(host__in=Host.objects.exclude(name__in=names)).update(due_at=now)

    def sweep(self, probes: Collection[str], hosts: int = HOSTS) -> None:
        """One whole sweep; its looks must be due. Exits when one of them was not read."""
        from inventory.models import Look
        from inventory.services.sweep import sweep

        done = sweep(PATIENCE, probes)
        wanted = hosts * len(probes)
        if done.claimed != wanted:
            raise SystemExit(f"the sweep claimed {done.claimed} looks of {wanted}")
        bad = Look.objects.filter(probe__in=(*probes, "ssh")).exclude(state="read").first()
        if bad is not None:
            raise SystemExit(f"{bad} was not read: {bad.sentence}")

    def bare(self, lanes: Collection[str]) -> int:
        """The same scripts over the same connections by as many threads, the answers counted and thrown away."""
        from inventory.models import Host
        from inventory.probes import PROBES as KNOWN
        from inventory.services import reach
        from inventory.services.sweep import THREADS, eyes

        pool = eyes().pool(self.engine)
        hosts = Host.objects.select_related("engine").order_by("pk")
        asked = [
            (reach.address(host), {f"{p}.{s}": c for p in LANES[lane] for s, c in KNOWN[p].commands.items()})
            for host in hosts
            for lane in lanes
        ]
        with ThreadPoolExecutor(THREADS) as threads:
            answers = threads.map(lambda one: sum(len(o.stdout) for o in pool.collect(*one).values()), asked)
            return sum(answers)

    def prove(self) -> int:
        """One tick of the proof; how many were made anew."""
        from inventory.services import proving

        return proving.tick()
