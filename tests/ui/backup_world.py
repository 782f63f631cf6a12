"""A catalog of backups for the pages' and the API's tests: the example estate of 22 Nov, counted back from now.

scenes: full (15 backups, the copy at DR is late, one failed, one cut short), fine (everything as decided), unproven (no
rehearsal yet), failing (nothing ended as DONE), empty (a policy and no backup), none (no policy)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from backups.models import Backup, Copy, Destination, Missed, Policy, Recipient, Rehearsal
from inventory.models import Engine, Site
from portal.kernel.secret import Secret

MIB = 1024 * 1024
SECRETS = ("heartbeat-secret-path", "AGE-SECRET-KEY-1NOTSHOWN", "s3-secret-not-shown")
PUBLIC = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
SENTENCES = {
    "present": "The archive holds 431,882,240 bytes.",
    "size": "412 MiB, as the last ones: 407 to 412 MiB.",
    "hash": "Its SHA-256 is the one recorded on the engine VM.",
    "verify": "engine-backup --mode=verify passed and named the engine database.",
    "listing": "9 members, no link, no device, nothing outside of its folder.",
    "members": "9 of 9 enabled parts are in it, none empty.",
    "dumps": "4 dumps were read to their end: 2,871,044 rows.",
    "pki": "The engine's key fits its certificate; the CA holds until 2034.",
    "version": "4.5.5 can be restored on the engine's 4.5.5.",
}
TOOK = {"listing": 0.05, "members": 0.05, "verify": 1.2, "dumps": 14.0, "pki": 0.2, "version": 0.1}


def build(scene: str, engine: Engine | None = None, now: datetime | None = None) -> Policy | None:
    """Makes a scene; the policy, None where there is none."""
    now = now or timezone.now()
    engine = engine or Engine.objects.first() or _engine()
    if scene == "none":
        return None
    prod, dr = _places(engine.site)
    policy = Policy.objects.create(
        engine=engine,
        name="core engine",
        cron="0 */6 * * *",
        zone="Africa/Nairobi",
        heartbeat_url=Secret(f"https://watch.bank.example/{SECRETS[0]}"),
        decided_to=now,
        created_by="admin1",
    )
    policy.destinations.set([prod, dr])
    if scene == "empty":
        return policy
    if scene == "failing":
        for hours in (2, 8, 14):
            _failed(policy, now - timedelta(hours=hours))
        Missed.objects.create(
            policy=policy,
            due_at=now - timedelta(hours=20),
            noticed_at=now - timedelta(hours=17),
            sentence="The portal was down, and the start could not be caught up within 3 h.",
        )
        return policy
    _catalog(policy, (prod, dr), scene, now)
    return policy


def _engine() -> Engine:
    site = Site.objects.get_or_create(name="PROD")[0]
    return Engine.objects.create(
        site=site,
        name="olvm-engine",
        url="https://olvm-engine.bank.example/ovirt-engine/api",
        username="admin@internal",
        password=Secret("not-shown-anywhere"),
    )


def _places(site: Site) -> tuple[Destination, Destination]:
    Recipient.objects.get_or_create(
        name="the portal itself",
        defaults={"public_key": f"{PUBLIC}1", "private_key": Secret(SECRETS[1]), "custody": "sealed in the database"},
    )
    Recipient.objects.get_or_create(
        name="DBA safe", defaults={"public_key": f"{PUBLIC}2", "custody": "envelope 12, safe of the DBA team"}
    )
    away = Site.objects.get_or_create(name="DR")[0]
    made = []
    for name, kind, where, fields in (
        ("PROD", Destination.Kind.DIRECTORY, site, {"path": "/mnt/store-prod"}),
        (
            "DR",
            Destination.Kind.S3,
            away,
            {
                "host": "https://store-dr.bank.example",
                "bucket": "engine",
                "user": "holdfast",
                "secret": Secret(SECRETS[2]),
                "lock_mode": "COMPLIANCE",
                "lock_days": 14,
            },
        ),
    ):
        made.append(Destination.objects.get_or_create(name=name, defaults={"kind": kind, "site": where, **fields})[0])
    return made[0], made[1]


def _catalog(policy: Policy, places: tuple[Destination, Destination], scene: str, now: datetime) -> None:
    newest = now - timedelta(hours=4, minutes=14, seconds=28)
    for number in range(15):
        taken = newest - timedelta(hours=6 * number)
        if scene == "full" and number == 5:
            _failed(policy, taken)
            continue
        backup = _one(policy, number, taken, scene)
        for place in places:
            late = place.name == "DR" and scene == "full" and number < 5
            if late and number < 2:
                words = "store-dr has no space left: free 2 GiB or raise its quota."
                Copy.objects.create(
                    backup=backup, destination=place, state=Copy.State.FAILED, name=f"{backup.ident}.age",
                    sentence=words, failures=3,
                )  # fmt: skip
            elif not late:
                _copy(backup, place, taken)


def _one(policy: Policy, number: int, taken: datetime, scene: str) -> Backup:
    cut = scene == "full" and number == 7
    proven = scene != "unproven" and not cut and not (scene == "full" and number == 3)
    size = (288 if cut else 412 - number // 3) * MIB
    ladder = [
        {"name": name, "outcome": "ok", "sentence": words, "evidence": [f"{name} was looked at"]}
        | ({"took": TOOK[name]} if name in TOOK else {})
        for name, words in SENTENCES.items()
    ]
    if cut:
        ladder[6] |= {"outcome": "fail", "sentence": "The dwh dump is cut short: pg_restore ended at row 2,114,806."}
    backup = Backup.objects.create(
        engine=policy.engine,
        policy=policy,
        ident=f"{taken:%Y%m%dT%H%M%S}",
        reason=Backup.Reason.CHANGE if number == 2 else Backup.Reason.SCHEDULED,
        asked_by="operator1" if number == 2 else "holdfast",
        change="CHG0034790" if number == 2 else "",
        status=Backup.Status.DONE,
        sentence="engine-backup names every part that this engine has.",
        began=taken,
        ended=taken + timedelta(seconds=48 - number % 4),
        taken=taken,
        size=size,
        sha256=f"{number:x}" * 64,
        on_engine=number < 3,
        looked_back=True,
        engine_path=f"/var/lib/ovirt-engine-backup/holdfast-{taken:%Y%m%dT%H%M%S}.backup",
        version="4.5.5-1.25.el8",
        parts=["files", "engine", "dwh", "grafana"],
        output={
            "take": {
                "cause": {"sentence": "engine-backup names every part that this engine has.", "what_to_do": ""},
                "stdout": "Start of engine-backup with mode 'backup'\n- Files\n- Engine database 'engine'\nDone.\n",
                "stderr": "",
                "log": "2026-11-22 06:00:04 1234: OUTPUT: Done.\n",
                "exit_code": 0,
            }
        },
        objects_then={"before": {"counts": {"hosts": 2, "VMs": 3}}, "after": {"counts": {"hosts": 2, "VMs": 3}}},
        ladder=ladder,
        proven_to="members" if cut else "version",
        whole=not cut,
        climbed_at=taken + timedelta(minutes=2),
        proof=Backup.Proof.PROVEN if proven else Backup.Proof.NONE,
        proven_at=taken + timedelta(minutes=4) if proven else None,
        keep="before the upgrade of CHG0034790" if number == 2 and scene == "full" else "",
        keep_by="approver1" if number == 2 and scene == "full" else "",
        keep_at=taken + timedelta(hours=1) if number == 2 and scene == "full" else None,
    )
    if proven:
        _rehearsed(backup, number)
    return backup


def _rehearsed(backup: Backup, number: int) -> None:
    rungs = {
        "restored": "The engine, DWH and Grafana databases came back.",
        "counts": "302 tables, 2,871,044 rows came back; no table is gone or empty since the rehearsal before.",
        "inventory": "The backup and the engine's API agree: 2 hosts, 3 VMs, 8 disks.",
        "newest": "Its newest event is 12 s older than the backup.",
    }
    Rehearsal.objects.create(
        backup=backup,
        at=backup.taken + timedelta(minutes=4),
        seconds=112 - number,
        outcome=Backup.Proof.PROVEN,
        sentence="302 tables came back, row counts equal.",
        server="15.6",
        schema="04050530",
        rungs=[{"name": name, "outcome": "ok", "sentence": words, "evidence": []} for name, words in rungs.items()],
        tables={"engine": {"public.vm_static": 3, "public.vds_static": 2, "public.audit_log": 2_871_039 - number}},
        notes=["Owners and grants of the dump are not restored: scratch has one role."],
    )


def _failed(policy: Policy, taken: datetime) -> None:
    Backup.objects.create(
        engine=policy.engine,
        policy=policy,
        ident=f"{taken:%Y%m%dT%H%M%S}",
        reason=Backup.Reason.SCHEDULED,
        asked_by="holdfast",
        status=Backup.Status.FAILED,
        cause="file_changed",
        sentence="A file of the engine changed while tar read it, and engine-backup gave up.",
        what_to_do="Start it once more; this is the one transient failure.",
        began=taken,
        ended=taken + timedelta(seconds=12),
        taken=taken,
        output={
            "take": {
                "cause": {"sentence": "A file of the engine changed while tar read it."},
                "stdout": "",
                "stderr": "FATAL: Failed backing up /etc/ovirt-engine",
                "log": "",
                "exit_code": 1,
            }
        },
    )


def _copy(backup: Backup, place: Destination, at: datetime) -> None:
    Copy.objects.create(
        backup=backup,
        destination=place,
        state=Copy.State.HELD,
        name=f"{backup.ident}.backup.age",
        size=(backup.size or 0) + 212,
        sha256="c0ffee" * 10 + "beef",
        recipients=["the portal itself", "DBA safe"],
        held_at=at + timedelta(minutes=3),
        checked_at=at + timedelta(minutes=3),
        locked_until=at + timedelta(days=14) if place.lock_mode else None,
    )
