"""What the API says of a drill beside its columns: the change it belongs to, its gate, its approval, its prechecks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers

from failover.catalog.binding import hash_of
from failover.models import Drill
from failover.services import approvals, gates
from portal.runs.states import ENDED

GATES = {
    approvals.AWAITING: "awaiting",
    approvals.REFUSED: "prevented",
    approvals.EXPIRED: "invalid",
    approvals.VOID: "invalid",
}


class Window(serializers.Serializer[Any]):
    """Aware times."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class Change(serializers.Serializer[Any]):
    """The change that a drill belongs to, in the words of change systems. Only number and window are used yet; the
    others are taken and not kept."""

    system = serializers.CharField(max_length=80, required=False, allow_blank=True)
    number = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
    sys_id = serializers.CharField(max_length=80, required=False, allow_blank=True)
    ci = serializers.ListField(child=serializers.CharField(max_length=200), required=False)
    window = Window(required=False, allow_null=True, default=None)
    type = serializers.CharField(max_length=40, required=False, allow_blank=True)
    approval = serializers.CharField(max_length=40, required=False, allow_blank=True)


def change_of(drill: Drill) -> dict[str, Any]:
    """number and window, as they are bound."""
    window = None
    if drill.window_begins is not None or drill.window_ends is not None:
        window = {"start": drill.window_begins, "end": drill.window_ends}
    return {"number": drill.run.change if drill.run else "", "window": window}


def gate_state(drill: Drill, now: datetime) -> str:
    """awaiting | allowed | prevented | invalid (facts/drills-and-evidence.md 4.4): may it act now? One that has ended
    may not."""
    if drill.run is None:
        return "invalid"
    if drill.run.status in ENDED:
        return "prevented"
    held = approvals.standing(drill, now)
    if held.state in GATES:
        return GATES[held.state]
    forbidden = gates.calendar(drill, now, begun=drill.run.started is not None) or gates.maintained(drill.engine_id)
    return "prevented" if forbidden else "allowed"


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
