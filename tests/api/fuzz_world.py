"""One row at least of nearly everything that the API has, so that fuzzed paths meet something: the scenes of the pages'
tests, one upon the other."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from backups.models import Kit
from failover.models import Blackout, Issue, Prompt, ReportDefinition, Schedule, Window
from failover.services import reporting
from inventory.models import Cabling, DeclaredPort, Engine, EngineEvent, Host, OracleVm, Vm
from portal.access.services import create_token, give_role, take_role
from portal.alerts.models import Receiver, Route, Silence
from portal.alerts.services.tick import tick
from portal.changes.models import Change, ChangeSystem
from portal.kernel.secret import Secret
from tests.alerts import said_alarms
from tests.availability import scene
from tests.ui import backup_world, drill_world, san_scene, world

HOUR = timedelta(hours=1)
# what no answer to anybody may hold
SECRETS = (
    *backup_world.SECRETS,
    "not-shown-anywhere",
    "a-signing-key-of-the-tests",
    "hooks/T0SECRET",
    "a-changes-password",
)


def build() -> Engine:
    """The rows. Committed by whoever calls it."""
    drill_world.people()
    engine = world.build("warning")
    assert engine is not None
    world.runs()
    backup_world.build("full", engine)
    san_scene.tell(engine, _san(engine))
    _drills(engine)
    _estate(engine)
    _reports()
    _changes()
    _alerts()
    return engine


def _san(engine: Engine) -> san_scene.World:
    san_scene.declare(engine)
    return san_scene.san(engine)


def _drills(engine: Engine) -> None:
    now = timezone.now()
    drill_world.ready(engine)
    ended = drill_world.ended(engine)
    asked = drill_world.asked(engine, begins=now + 5 * HOUR, ends=now + 8 * HOUR)
    Prompt.objects.create(drill=asked, step="look", question="Is the console quiet?", asked_at=now)
    Schedule.objects.create(
        engine=engine, plan="she_failover", cron="0 22 1 * *", zone="Africa/Nairobi", decided_to=now,
        decided_by="operator1", objectives=drill_world.OBJECTIVES, notify=["Anna"],
    )  # fmt: skip
    Blackout.objects.create(title="Month end", begins=now + 20 * HOUR, ends=now + 25 * HOUR)
    Window.objects.create(
        engine=engine, scope="global", state="active", owner="operator1", asked_at=now - HOUR, deadline=now + HOUR
    )
    Issue.objects.create(
        drill=ended, title="The console was late", severity="medium", owner="operator1", due=now.date(),
        raised_by="operator1", raised_at=now, changed_at=now,
    )  # fmt: skip
    row = scene.service(engine, since=6 * HOUR)
    scene.spans(row, row.since, ("up", 7200), ("down", 300), ("up", 3600))


def _estate(engine: Engine) -> None:
    now = timezone.now()
    host = Host.objects.order_by("name")[0]
    Kit.objects.create(engine=engine, at=now, content={}, outcome="ok", headline="Complete", sentence="All is in it.")
    text = "[[cable]]\n"
    Cabling.objects.create(engine=engine, text=text, sha256="0" * 64, proposed_by="operator1", proposed_at=now)
    DeclaredPort.objects.create(host=host, wwpn=world.hba(1, "A"), gbit=16.0, declared_at=now)
    EngineEvent.objects.create(
        engine=engine, number=77, code=30, severity="normal", at=now, description="VM oradb01 started on kvm01"
    )
    OracleVm.objects.create(vm=Vm.objects.get(name="oradb01"), address="127.0.0.1", host_key="", watched=True)


def _reports() -> None:
    saved = reporting.save(
        ReportDefinition(title="Board", period="monthly", zone="UTC", formats=["html", "json"]), "admin1"
    )
    reporting.ask(saved, "admin1")
    assert reporting.make_due(timezone.now()) == 1


def _changes() -> None:
    now = timezone.now()
    system = ChangeSystem.objects.create(
        name="snow", kind="servicenow", url="https://snow.bank.example", account="holdfast",
        secret=Secret("a-changes-password"), signing_key=Secret("a-signing-key-of-the-tests"),
    )  # fmt: skip
    Change.objects.create(
        system=system, number="CHG0034817", sys_id="id-1", short="Switch", asked_by="operator1", asked_at=now, mark="m1"
    )


def _alerts() -> None:
    now = timezone.now()
    said_alarms.say(now)
    tick(now)
    receiver = Receiver.objects.create(
        name="bus",
        channel="webhook",
        url=Secret("https://127.0.0.1:1/hooks/T0SECRET"),
        key=Secret("a key of 16 letters"),
    )
    spare = Receiver.objects.create(name="log", channel="syslog", address="127.0.0.1:1", transport="udp")
    Route.objects.create(name="storage", concerns=["storage"], escalate_after=15, escalate_to=spare).receivers.add(
        receiver
    )
    Route.objects.create(name="all", position=900).receivers.add(spare)
    Silence.objects.create(reason="Works", by="operator1", begins=now, until=now + HOUR, subject="kvm9*")


def token(role: str) -> str:
    """A new person's token with every act of the role; "nobody" lost the role after the token was made."""
    held = "viewer" if role == "nobody" else role
    person = User.objects.create_user(f"fuzz-{role}", password=None)
    give_role(person, held, "test")
    from portal.access.roles import ROLES

    _, secret = create_token(person, "fuzz", sorted(ROLES[held].acts), 30, "test")
    if role == "nobody":
        take_role(person, held, "test")
    return secret.reveal()
