"""What the API says of a drill beside its columns: the change it belongs to, its gate, its approval, its prechecks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from failover.catalog.binding import hash_of
from failover.models import Drill
from failover.services import approvals, change_gate, gates
from portal.changes.asked import Asked
from portal.changes.fields import Window
from portal.changes.services.queueing import undelivered
from portal.runs.states import ENDED

GATES = {
    approvals.AWAITING: "awaiting",
    approvals.REFUSED: "prevented",
    approvals.EXPIRED: "invalid",
    approvals.VOID: "invalid",
}


class ChangeOf(serializers.Serializer[Any]):
    """The change that a drill belongs to, as it was asked for, and what it allows as it was read back last. gate "": no
    change system is asked, or the drill has ended. undelivered: what is owed to it and was not taken."""

    id = serializers.IntegerField(allow_null=True)
    system = serializers.CharField(allow_blank=True)
    number = serializers.CharField(allow_blank=True)
    sys_id = serializers.CharField(allow_blank=True)
    ci = serializers.ListField(child=serializers.CharField())
    window = Window(allow_null=True)
    type = serializers.CharField(allow_blank=True)
    gate = serializers.CharField(allow_blank=True)
    sentence = serializers.CharField(allow_blank=True)
    seen_at = serializers.DateTimeField(allow_null=True)
    undelivered = serializers.IntegerField()


def change_of(drill: Drill) -> dict[str, Any]:
    """As ChangeOf. The window is the drill's, which is bound."""
    run = drill.run
    window = None
    if drill.window_begins is not None or drill.window_ends is not None:
        window = {"start": drill.window_begins, "end": drill.window_ends}
    asked = Asked.thawed(run.change_asked) if run else Asked()
    bound = run.bound if run else None
    over = run is None or bound is None or run.status in ENDED
    decision = None if over or run is None else change_gate.stored(run, timezone.now(), drill)
    return {
        "id": bound.pk if bound else None, "system": asked.system, "number": run.change if run else "",
        "sys_id": asked.sys_id, "ci": list(asked.ci), "window": window, "type": asked.kind,
        "gate": decision.gate.value if decision else "", "sentence": decision.sentence if decision else "",
        "seen_at": bound.seen_at if bound else None, "undelivered": undelivered(bound.pk) if bound else 0,
    }  # fmt: skip


def gate_state(drill: Drill, now: datetime) -> str:
    """awaiting | allowed | prevented | invalid (facts/drills-and-evidence.md 4.4): may it act now? One that has ended
    may not."""
    if drill.run is None:
        return "invalid"
    if drill.run.status in ENDED:
        return "prevented"
    held = approvals.standing(drill, now)
    said = GATES.get(held.state, "")
    decision = change_gate.stored(drill.run, now, drill)
    if said in ("", "awaiting") and decision is not None and not decision.lets:
        return decision.gate.value
    if said:
        return said
    return "prevented" if gates.shown(drill, now, begun=drill.run.started is not None) else "allowed"


class Changed(serializers.Serializer[Any]):
    """One thing that is not as it was approved."""

    name = serializers.CharField()
    was = serializers.CharField()
    now = serializers.CharField()


class ApprovalRow(serializers.Serializer[Any]):
    """state: awaiting | approved | refused | expired | void | not_needed. hash: of content, as it is now; approving
    sends it back."""

    state = serializers.CharField()
    sentence = serializers.CharField()
    hash = serializers.CharField()
    content = serializers.DictField()
    by = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField(allow_null=True)
    changed = Changed(many=True)

    @classmethod
    def of(cls, drill: Drill, now: datetime) -> dict[str, Any]:
        """As it stands; without a run there is nothing to approve."""
        if drill.run is None:
            return {
                "state": "void", "sentence": "It has no run.", "hash": "", "content": {}, "by": "", "at": None,
                "changed": [],
            }  # fmt: skip
        held, found = approvals.standing(drill, now), approvals.content(drill)
        content = {
            "state": held.state,
            "sentence": held.sentence,
            "hash": hash_of(found),
            "content": found,
            "by": held.approval.by if held.approval else "",
            "at": held.approval.at if held.approval else None,
            "changed": held.changed,
        }
        return dict(cls(content).data)


class Check(serializers.Serializer[Any]):
    """One precheck. at: Unix seconds; max_age: seconds."""

    name = serializers.CharField()
    title = serializers.CharField()
    word = serializers.CharField()
    sentence = serializers.CharField()
    fix = serializers.CharField(allow_blank=True)
    evidence = serializers.ListField(child=serializers.CharField())
    at = serializers.FloatField()
    max_age = serializers.FloatField()
