"""What the overview asks of the backups (settings.HOLDFAST_ANSWERS): could the engine be rebuilt from one?"""

from __future__ import annotations

from datetime import datetime

from backups.models import Policy
from backups.services.pages_standing import Standing, standings
from backups.services.pages_verdict import Verdict, gravest, moment, verdict
from inventory.services.told import Told
from inventory.verdicts.answer import Answer, Word
from portal.kernel.outcome import Outcome

URL = "/backups/"


def rebuild(now: datetime) -> Told:
    """The answer of the policy that is worst off; a policy that is switched off speaks only where no other one does.
    One query."""
    found = standings(now, Policy.objects.filter(engine__watched=True))
    found = [one for one in found if one.policy.enabled] or found
    if not found:
        words = "No policy says when the engine is backed up. An administrator makes the first."
        return Told(Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, words), URL, link="What is missing")
    one, told = gravest([(each, verdict(each, now)) for each in found])
    sentence = f"{one.policy.name}: {_sentence(one, told, now)}" if len(found) > 1 else _sentence(one, told, now)
    return Told(
        Answer(told.word, told.outcome, sentence),
        URL,
        since=one.proven.taken if one.proven else None,
        link="Evidence" if one.proven else "What is missing",
    )


def _sentence(one: Standing, told: Verdict, now: datetime) -> str:
    if not one.policy.enabled:
        return f"Policy {one.policy.name} is switched off. {told.lead}"
    if one.proven is None:
        return " ".join([told.lead, *(gap.sentence for gap in told.gaps[:1])])
    base = f"The newest backup that is proven restorable is of {moment(one.proven.taken, now)}."
    return " ".join([base, *(gap.sentence for gap in told.gaps[:1])])
