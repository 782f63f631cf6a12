"""What the overview asks of the backups (settings.HOLDFAST_ANSWERS): could the engine be rebuilt from one?"""

from __future__ import annotations

from datetime import datetime

from backups.models import Policy
from backups.services.pages_standing import standings
from backups.verdicts.rebuild import answer
from inventory.services.told import Told

URL = "/backups/"


def rebuild(now: datetime) -> Told:
    """The answer over all policies of engines that are watched. One query."""
    facts = [one.facts for one in standings(now, Policy.objects.filter(engine__watched=True))]
    proven = [one.proven.taken for one in facts if one.proven is not None]
    return Told(answer(facts), URL, since=max(proven, default=None), link="Evidence" if proven else "What is missing")
