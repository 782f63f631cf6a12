"""The answer about the LUNs of all hosts, added up by the database from what each look was judged to add (Look.brief):
one row comes back whatever the size of the estate. Where switches and arrays are declared, the proof of redundancy has
its say in it. A brief is written with the findings of its look and is believed for
as long as they are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.db import connection

from inventory.models import Look
from inventory.services.looks import ORACLE, REPLICATION, every
from inventory.tuning.said import together
from inventory.verdicts import luns
from inventory.verdicts.answer import Answer, Word
from inventory.verdicts.replication_answer import NOT_KNOWN, Said
from portal.kernel import facts as facts_json
from portal.kernel.freshness import GRACE_SECONDS, allowed_age
from portal.kernel.outcome import GRAVE, Outcome

PROBE, PROOF = "multipath", "redundancy"
# A brief of another version of Holdfast has other keys, and then nothing is known until the next look.
PARTS = [field.name for field in fields(luns.Part)]
SQL = """
with seen as (
    select host.name, look.host_id, look.state, look.at, look.sentence, look.brief,
           look.state = 'read' and look.brief ?& %(parts)s and look.at between %(oldest)s and %(newest)s as known
    from inventory_look look join inventory_host host on host.id = look.host_id
    where look.probe = %(probe)s and host.gone_since is null
)
select coalesce(sum((brief ->> 'hosts')::int) filter (where known), 0),
       coalesce(sum((brief ->> 'working')::int) filter (where known), 0),
       coalesce(sum((brief ->> 'declared')::int) filter (where known), 0),
       coalesce(sum((brief ->> 'shared')::int) filter (where known), 0),
       coalesce(bool_or((brief ->> 'blind')::boolean) filter (where known), false),
       (array_agg(brief -> 'point' order by name)
            filter (where known and jsonb_typeof(brief -> 'point') = 'object'))[1],
       (array_agg(jsonb_build_array(name, known is true, sentence, brief ->> 'unknown') order by name)
            filter (where known is not true or brief ->> 'unknown' <> ''))[1],
       min(at),
       coalesce(jsonb_object_agg(host_id, brief) filter (where known and host_id = any(%(hosts)s)), '{}'),
       (select jsonb_agg(jsonb_build_array(engine.name, look.at between %(proven)s and %(newest)s,
                                           finding.outcome, finding.sentence) order by engine.name)
        from inventory_look look join inventory_engine engine on engine.id = look.engine_id
        left join inventory_finding finding on finding.look_id = look.id and finding.subject_kind = 'estate'
        where look.probe = %(proof)s),
       (select jsonb_agg(jsonb_build_array(engine.name,
                                           look.state = 'read' and look.at between %(lossy)s and %(newest)s,
                                           look.facts -> 'answer') order by engine.name)
        from inventory_look look join inventory_engine engine on engine.id = look.engine_id
        where look.probe = %(replication)s),
       (select jsonb_agg(jsonb_build_array(vm.name, look.state, look.at between %(tuned)s and %(newest)s, look.sentence,
                                           look.brief -> 'answer') order by vm.name)
        from inventory_look look join inventory_vm vm on vm.id = look.vm_id
        where look.probe = %(oracle)s and vm.gone_since is null)
from seen
"""


@dataclass(frozen=True)
class Redundancy:
    """oldest: when the oldest look ended; parts: host -> its part, of the hosts asked for that are known now. loss:
    what would be lost with production; None where no array is declared. tuned: whether the Oracle VMs run as declared;
    None where none is. by_proof: whether switches and arrays are declared, so that a proof has its say."""

    answer: Answer
    oldest: datetime | None
    parts: dict[int, luns.Part]
    loss: Said | None = None
    tuned: Answer | None = None
    by_proof: bool = False


def redundancy(now: datetime, hosts: Iterable[int] = ()) -> Redundancy:
    """The answer as of now. A host whose look was not read, or is older than its schedule allows, makes it not known.
    One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            SQL,
            {
                "probe": PROBE,
                "parts": PARTS,
                "oldest": now - timedelta(seconds=allowed_age(every(PROBE))),
                "newest": now + timedelta(seconds=GRACE_SECONDS),
                "hosts": list(hosts),
                "proof": PROOF,
                "proven": now - timedelta(seconds=allowed_age(every(PROOF))),
                "replication": REPLICATION,
                "oracle": ORACLE,
                "tuned": now - timedelta(seconds=allowed_age(every(ORACLE))),
                "lossy": now - timedelta(seconds=allowed_age(every(REPLICATION))),
            },
        )
        count, working, declared, shared, blind, point, dark, oldest, parts, proofs, losses, vms = cursor.fetchone()
    first = facts_json.load(luns.SharedPoint | None, json.loads(point or "null"))
    whole = luns.Part(count, working, declared, shared, first, _why(dark), blind)
    told = {int(host): facts_json.load(luns.Part, part) for host, part in json.loads(parts).items()}
    seen = luns.answer(whole)
    answer = luns.proven(seen, [_proof(*one) for one in json.loads(proofs or "[]")])
    lost = [_loss(*one) for one in json.loads(losses or "[]")]
    loss = min(lost, key=lambda one: GRAVE.index(one[1]), default=None)
    tuned = together(_tuned(*one) for one in json.loads(vms or "[]"))
    return Redundancy(answer, oldest, told, loss, tuned, proofs is not None)


def _tuned(vm: str, state: str, fresh: bool | None, sentence: str, said: list[str] | None) -> Answer:
    """What the tuning of one VM comes to now."""
    if not fresh:
        words = f"The settings of {vm} were not read lately: check that the looks worker runs."
        return Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, words)
    if state != Look.State.READ or said is None:
        return Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, sentence or f"The settings of {vm} are not known.")
    return Answer(Word(said[0]), Outcome(said[1]), said[2])


def _loss(engine: str, fresh: bool | None, said: list[str] | None) -> Said:
    """What the replication of one estate says now."""
    if not fresh or said is None:
        words = f"The replication of {engine} was not judged lately: check that the looks worker runs."
        return NOT_KNOWN, Outcome.UNKNOWN, words
    word, outcome, sentence = said
    return word, Outcome(outcome), sentence


def _proof(engine: str, fresh: bool | None, outcome: str | None, sentence: str) -> tuple[Outcome, str]:
    """What the proof of one estate says now."""
    if not fresh or outcome is None:
        return Outcome.UNKNOWN, f"The redundancy of {engine} was not proven lately: check that the looks worker runs."
    return Outcome(outcome), sentence


def _why(dark: str | None) -> str:
    """Why the first host that is not known is not."""
    if dark is None:
        return ""
    name, known, sentence, unknown = json.loads(dark)
    return str(unknown) if known else luns.unread(name, sentence)
