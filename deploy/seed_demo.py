"""Tells the demo's portal about the lab, as an engineer would tell it about a real estate: the engine and its account,
the portal's SSH key on the hosts, the declared paths. Run again, it changes only what differs.
People are there before: deploy/prepare_demo.py."""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

PATIENCE = 60  # seconds for the lab to come up


def wait_for(path: Path) -> dict[str, Any]:
    """The lab's description of itself, once its control port answers."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            estate: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            with urllib.request.urlopen(estate["control"] + "/state", timeout=2):
                return estate
        except (OSError, ValueError, KeyError):
            time.sleep(0.2)
    sys.exit("holdfast: the lab did not come up within 60 s; its messages stand above.")


def put_key(estate: dict[str, Any], public_key: str) -> None:
    """Installs the portal's public key on every lab host."""
    request = urllib.request.Request(estate["control"] + "/authorized-keys", data=public_key.encode(), method="PUT")
    with urllib.request.urlopen(request, timeout=10):
        pass


def seed(estate: dict[str, Any]) -> None:
    """Sites, engine, switches and arrays, SSH key, first sync, first looks, declared paths."""
    from inventory.models import Engine, Site
    from inventory.services import upkeep
    from portal.connectors.ssh import new_key
    from portal.kernel.secret import Secret

    production, _ = Site.objects.get_or_create(name="PROD", defaults={"role": "production"})
    Site.objects.get_or_create(name="DR", defaults={"role": "dr"})
    about = estate["engine"]
    engine, _ = Engine.objects.get_or_create(name="olvm-engine", defaults={"site": production})
    engine.url, engine.username = about["url"], about["username"]
    engine.password, engine.ca_pem = Secret(about["password"]), about["ca_pem"]
    if not engine.ssh_public_key:
        engine.ssh_private_key, engine.ssh_public_key = new_key()
    machine = estate["engine_vm"]
    engine.vm_address, engine.vm_port, engine.vm_host_key = (
        machine["address"],
        machine["ssh_port"],
        machine["host_key"],
    )
    engine.save()
    seed_backups(engine)
    seed_devices(engine, estate)
    seed_change_systems(estate)
    put_key(estate, engine.ssh_public_key)
    # The lab makes its host keys anew when its state directory is new: the demo trusts the engine's record then.
    engine.hosts.update(pinned_key="", offered_key="", pinned_at=None)
    upkeep.sync_once(engine.pk, storage=True)
    seed_oracle_vms(engine, estate)
    seed_cabling(engine, estate)
    if not any(host.declared_paths.exists() for host in engine.hosts.all()):
        declare_paths(engine)
        approve_copies(engine)
    seed_report()


def declare_paths(engine: Any) -> None:
    """What the first looks see of every host."""
    from django.contrib.auth import get_user_model

    from inventory.services import sweep, upkeep

    sweep.sweep(patience=8)
    admin = get_user_model().objects.get(username="admin")
    for host in engine.hosts.filter(gone_since__isnull=True):
        try:
            upkeep.declare_paths(host, admin)
        except ValueError as error:
            print(f"holdfast: {error}", file=sys.stderr)


def approve_copies(engine: Any) -> None:
    """The map of production LUNs to their copies, as the arrays tell it."""
    from django.utils import timezone

    from inventory.services import replicating

    try:
        replicating.approve(engine, "admin", replicating.judged(engine, timezone.now()).shown)
    except replicating.CannotApprove as error:
        print(f"holdfast: {error}", file=sys.stderr)


def seed_devices(engine: Any, estate: dict[str, Any]) -> None:
    """The lab's switches and arrays, each with the certificate that it shows pinned."""
    from inventory.models import Device, Site
    from portal.kernel.secret import Secret

    sites = {site.name: site for site in Site.objects.all()}
    for kind, told in (("switch", estate["switches"]), ("array", estate["arrays"])):
        for one in told:
            addresses = one["addresses"] if kind == "array" else [one["address"]]
            given: dict[str, Any] = {
                "engine": engine,
                "site": sites["DR" if one["name"].endswith("-DR") else "PROD"],
                "kind": kind,
                "address": addresses[0],
                "second_address": addresses[1] if len(addresses) > 1 else "",
                "port": one["https_port"],
                "username": one["username"],
                "password": Secret(one["password"]),
                "pin_pem": one["certificate_pem"],
            }
            Device.objects.update_or_create(name=one["name"], defaults=given)


def seed_cabling(engine: Any, estate: dict[str, Any]) -> None:
    """The lab's cabling, racks and power, proposed by one person and approved by another; never over what people have
    declared in the demo since."""
    from django.contrib.auth import get_user_model

    from inventory.models import Cabling
    from inventory.redundancy.cabling import Line, written
    from inventory.services import cabling

    if Cabling.objects.filter(engine=engine).exists():
        return
    table = written(Line(*one) for one in estate["cabling"])
    row = cabling.propose(engine, "operator", table, "As the estate was built.")
    cabling.approve(row.pk, get_user_model().objects.get(username="approver"), row.sha256)


def seed_change_systems(estate: dict[str, Any]) -> None:
    """The lab's change systems, none of them required, and where each of them calls."""
    from portal.changes.models import ChangeSystem
    from portal.kernel.secret import Secret

    for one in estate["change_systems"]:
        given = {"kind": one["kind"], "url": one["url"], "account": one["username"], "ca_pem": one["ca_pem"]}
        given |= {"secret": Secret(one["password"]), "signing_key": Secret(one["signing_key"])}
        given["options"] = {"project": "OPS"} if one["kind"] == "jira" else {}
        ChangeSystem.objects.update_or_create(name=one["kind"], defaults=given)
        url = f"http://127.0.0.1:{os.environ['PORT']}/api/v1/changes/callback/{one['kind']}/"
        where = f"{estate['control']}/change/{one['kind']}/callback"
        body, headers = json.dumps({"url": url}).encode(), {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(where, body, headers, method="PUT"), timeout=10):
            pass


def seed_oracle_vms(engine: Any, estate: dict[str, Any]) -> None:
    """The lab's Oracle VMs, each with the SGAs that its DBA names and the host key that it shows."""
    from inventory.models import OracleVm
    from inventory.services.watch import ensure

    for one in estate["oracle_vms"]:
        vm = engine.vms.filter(name=one["name"], gone_since__isnull=True).first()
        if vm is not None:
            given = {"address": one["address"], "port": one["ssh_port"], "ssh_user": one["ssh_user"]}
            given |= {"host_key": one["host_key"], "instances": one["instances"]}
            OracleVm.objects.update_or_create(vm=vm, defaults=given)
    ensure(engine)


def seed_report() -> None:
    """A monthly report to the auditor, by mail. That of the month that has just ended is made at once, so that a person
    sees one: it says that the portal did not watch then. Nothing where no mail is caught."""
    from django.conf import settings
    from django.utils import timezone

    from failover.models import ReportDefinition
    from failover.services import reporting
    from portal.outbox.models import RoleAddress

    if not settings.HOLDFAST_MAIL_URL or ReportDefinition.objects.exists():
        return
    RoleAddress.objects.get_or_create(role="auditor", defaults={"address": "auditor@bank.example"})
    zone = timezone.get_current_timezone_name()
    row = ReportDefinition(
        title="Failover and recovery, monthly",
        period=ReportDefinition.Period.MONTHLY,
        zone=zone if "/" in zone else "UTC",
        roles=["auditor"],
        formats=["pdf", "json"],
    )
    reporting.ask(reporting.save(row, "admin"), "admin")


def seed_backups(engine: Any) -> None:
    """A second place for copies and a policy, whose last planned start is caught up at once."""
    from django.utils import timezone

    from backups.models import Destination, Policy
    from inventory.models import Site
    from portal.connectors.stores.directory import mark

    folder = Path(os.environ["VAR"]) / "store-dr"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark(folder)
    there, _ = Destination.objects.update_or_create(
        name="DR",
        defaults={"site": Site.objects.get(name="DR"), "kind": Destination.Kind.DIRECTORY, "path": str(folder)},
    )
    policy, made = Policy.objects.get_or_create(
        name="olvm-engine, every 10 minutes",
        defaults={
            "engine": engine,
            "cron": "*/10 * * * *",
            "count": 2,
            "decided_to": timezone.now() - timedelta(minutes=10),
        },
    )
    if made:
        policy.destinations.add(there)


if __name__ == "__main__":
    found = wait_for(Path(sys.argv[1]))
    django.setup()
    seed(found)
    print(f"holdfast: the estate is watched: http://127.0.0.1:{os.environ['PORT']}/", file=sys.stderr)
