"""Does the other site hold the data? Each replication pair from both arrays' words: state, direction, age, findings.

Pure: arrays and the time in, verdicts out. Both sides are asked, since each reports its own view (facts/san.md 2.3):
that they disagree is an alarm in itself, and a side that is silent makes the answer unknown, never green."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inventory.verdicts.replication_pairs import Asked, End, Joined, joined
from inventory.verdicts.replication_rpo import Loss, loss
from inventory.verdicts.replication_words import ACCESS, DATA, HEALTH, Means, means, state
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome, worst
from portal.kernel.san import Pair
from portal.kernel.words import span

_COMPARED = {
    "running": "state",
    "health": "health",
    "synchronous": "mode",
    "secondary_access": "access of the secondary",
    "group": "consistency group",
}


@dataclass(frozen=True)
class Declared:
    """What people decided. production: serial number of the array that should be primary, "" for either. objective: the
    most seconds of data that may be lost, None for no objective."""

    production: str = ""
    objective: float | None = None


@dataclass(frozen=True)
class Replicated:
    """One pair, judged. state: in words, of both views when they differ. primary, secondary: None while nobody knows,
    or the arrays disagree. sentence: the worst finding's, or how it is."""

    pair: Joined
    state: str
    primary: End | None
    secondary: End | None
    loss: Loss
    findings: tuple[Finding, ...]
    outcome: Outcome
    sentence: str

    @property
    def key(self) -> str:
        """The pair's key, the same at every look."""
        return self.pair.key

    @property
    def group(self) -> str:
        """The name of its consistency group, "" for none."""
        return next((one.group_name or one.group for _, one in self.pair.told if one.group), "")


def judge(
    arrays: Iterable[Asked],
    now: float,
    declared: Declared = Declared(),
    known: Mapping[str, float] | None = None,
) -> tuple[Replicated, ...]:
    """All pairs. now: Unix seconds, when the arrays were asked. known: pair's key -> last consistent point that an
    earlier judgement found."""
    return tuple(_judged(pair, now, declared, (known or {}).get(pair.key)) for pair in joined(arrays))


def _judged(pair: Joined, now: float, declared: Declared, known: float | None) -> Replicated:
    lost = loss(pair, now, known)
    findings = (
        *_seen(pair),
        *_states(pair),
        *_direction(pair, declared.production),
        *_secondary(pair),
        *_views(pair),
        *_objective(pair, lost, declared.objective),
    )
    outcome = worst(one.outcome for one in findings)
    first = pair.primary
    return Replicated(
        pair=pair,
        state=_state_words(pair),
        primary=None if first is None else pair.ends[first],
        secondary=None if first is None else pair.ends[1 - first],
        loss=lost,
        findings=findings,
        outcome=outcome,
        sentence=_calm(pair, lost) if outcome is Outcome.OK else _first(findings, outcome),
    )


def shown(pair: Joined) -> str:
    """ "ora_data01 on DORADO-PROD to ora_data01_dr on DORADO-DR", in the direction of the data where it is known."""
    first = pair.primary or 0
    return f"{pair.ends[first].shown} to {pair.ends[1 - first].shown}"


def _finding(pair: Joined, check: str, outcome: Outcome, sentence: str) -> Finding:
    """About the primary's LUN, or the first whose WWN is known."""
    ends = (pair.ends[pair.primary or 0], *pair.ends)
    wwn = next((end.wwn for end in ends if end.wwn), "")
    subject = Subject("lun", f"3{wwn}") if wwn else Subject("estate", pair.key)
    return Finding(f"replication_{check}", outcome, subject, sentence)


def _first(findings: Iterable[Finding], outcome: Outcome) -> str:
    return next(one.sentence for one in findings if one.outcome is outcome)


def _calm(pair: Joined, lost: Loss) -> str:
    mode = "HyperMetro" if pair.kind == "metro" else "synchronous" if pair.synchronous else "asynchronous"
    age = "" if lost.seconds is None else f" What would be lost now: {span(lost.seconds)}."
    return f"{shown(pair)} is replicated ({mode}): {_state_words(pair)}.{age}"


def _state_words(pair: Joined) -> str:
    words = {pair.views[at].array: state(one.running, pair.kind, one.synchronous).word for at, one in pair.told}
    if len(set(words.values())) == 1:
        return next(iter(words.values()))
    return ", ".join(f"{word} by {array}" for array, word in words.items())


def _seen(pair: Joined) -> list[Finding]:
    """Each array has its say."""
    found = []
    for view in pair.views:
        if view.pair is not None:
            continue
        if view.why:
            words = f"What {view.array} tells of {shown(pair)} is not known. {view.why}"
            found.append(_finding(pair, "seen", Outcome.UNKNOWN, words))
        else:
            words = f"{view.array} does not list the pair {shown(pair)}. Compare the pairs on both arrays."
            found.append(_finding(pair, "seen", Outcome.FAIL, words))
    return found or [_finding(pair, "seen", Outcome.OK, f"Both arrays tell of {shown(pair)}.")]


def _states(pair: Joined) -> list[Finding]:
    """State and health, the worse of the views."""
    told = [(pair.views[at].array, one) for at, one in pair.told]
    running = [(array, state(one.running, pair.kind, one.synchronous)) for array, one in told]
    health = [(array, means(one.health, HEALTH)) for array, one in told]
    found = [_worst(pair, "state", "is", running), _worst(pair, "health", "has the health", health)]
    links = [pair.views[at].array for at, one in pair.told if one.link not in ("", "10")]
    if links:
        words = f"{links[0]} tells that the link of {shown(pair)} is down. Check the links between the arrays."
        found.append(_finding(pair, "link", Outcome.FAIL, words))
    return found


def _worst(pair: Joined, check: str, verb: str, told: list[tuple[str, Means]]) -> Finding:
    outcome = worst(one.outcome for _, one in told)
    array, said = next((array, one) for array, one in told if one.outcome is outcome)
    return _finding(pair, check, outcome, f"{shown(pair)} {verb} {said.word}, as {array} tells. {said.todo}".strip())


def _direction(pair: Joined, production: str) -> list[Finding]:
    """Exactly one primary, where it should be."""
    word = "preferred" if pair.kind == "metro" else "primary"
    ends = " and ".join(end.shown for end in pair.ends)
    claims = [one.primary for _, one in pair.told]
    if claims.count(True) == 2:
        words = f"Both {ends} are {word}: both sides may take writes. Stop one side before anything is synchronised."
        return [_finding(pair, "direction", Outcome.FAIL, words)]
    if claims.count(False) == 2:
        words = f"Neither of {ends} is {word}. See the pair on both arrays."
        return [_finding(pair, "direction", Outcome.FAIL, words)]
    if pair.primary is None:
        words = f"Which of {ends} is {word} is not told. See the pair on the arrays."
        return [_finding(pair, "direction", Outcome.UNKNOWN, words)]
    first = pair.ends[pair.primary]
    if production and first.serial != production:
        words = (
            f"{shown(pair)} runs the other way than declared. If that is wanted, declare {first.array} as production."
        )
        return [_finding(pair, "direction", Outcome.WARN, words)]
    return [_finding(pair, "direction", Outcome.OK, f"{first.shown} is {word}.")]


def _secondary(pair: Joined) -> list[Finding]:
    """Nobody may write to the secondary, and its data must be usable. HyperMetro has no secondary."""
    if pair.kind == "metro":
        return []
    told = [(pair.views[at].array, one) for at, one in pair.told]
    access = [(array, means(one.secondary_access, ACCESS)) for array, one in told]
    content = [(array, _content(one)) for array, one in told]
    return [
        _worst(pair, "access", "has a secondary whose access is", access),
        _worst(pair, "data", "has a secondary whose data is", content),
    ]


def _content(pair: Pair) -> Means:
    """A synchronous pair's secondary must be equal, not only whole."""
    if pair.primary is None:
        return means("", DATA)
    said = means(pair.remote_data if pair.primary else pair.local_data, DATA)
    if said.word == DATA["2"].word and pair.synchronous:
        return Means(said.word, Outcome.WARN, "A synchronous pair should be equal on both sides: see its state.")
    return said


def _views(pair: Joined) -> list[Finding]:
    """Two arrays that tell different things of one pair."""
    if len(pair.told) < 2:
        return []
    (_, here), (_, there) = pair.told
    apart = [words for leaf, words in _COMPARED.items() if getattr(here, leaf) != getattr(there, leaf)]
    if not apart:
        return [_finding(pair, "views", Outcome.OK, f"Both arrays tell the same of {shown(pair)}.")]
    names = " and ".join(view.array for view in pair.views)
    words = f"{names} tell different things of {shown(pair)}: {', '.join(apart)}. See the pair on both arrays."
    return [_finding(pair, "views", Outcome.FAIL, words)]


def _objective(pair: Joined, lost: Loss, objective: float | None) -> list[Finding]:
    if objective is None:
        return []
    if lost.seconds is None:
        words = f"What would be lost of {shown(pair)} now is not known. {lost.why}"
        return [_finding(pair, "rpo", Outcome.UNKNOWN, words)]
    words = f"What would be lost of {shown(pair)} now: {span(lost.seconds)}, objective {span(objective)}."
    if lost.seconds > objective:
        return [_finding(pair, "rpo", Outcome.FAIL, f"{words} See the pair's state and the links.")]
    return [_finding(pair, "rpo", Outcome.OK, words)]


def groups(judged: Iterable[Replicated]) -> tuple[Finding, ...]:
    """Consistency groups whose members are not in one state and direction: such a group is no single point in time."""
    members: dict[str, list[Replicated]] = {}
    for one in judged:
        if one.group:
            members.setdefault(one.group, []).append(one)
    return tuple(_group(name, listed) for name, listed in sorted(members.items()))


def _group(name: str, listed: list[Replicated]) -> Finding:
    subject = Subject("estate", f"consistency group {name}")
    states = sorted({one.state for one in listed})
    sides = {one.primary.serial if one.primary else "" for one in listed}
    if len(states) > 1 or len(sides) > 1:
        words = (
            f"The LUNs of consistency group {name} are not in step: {', '.join(states)}. See the group on both arrays."
        )
        return Finding("replication_group", Outcome.FAIL, subject, words)
    words = f"All {len(listed)} LUNs of consistency group {name} are {states[0]} and run one way."
    return Finding("replication_group", Outcome.OK, subject, words)


def one_group(judged: Iterable[Replicated], wwns: Iterable[str], of: str) -> Finding:
    """Whether all LUNs of something, a database say, are in one group: only then is their copy one point in time
    (facts/san.md 4.2). wwns: of the production LUNs; of: words for the sentence."""
    groups_of = {end.wwn: one.group for one in judged for end in one.pair.ends if end.wwn}
    wanted = sorted(set(wwns))
    subject = Subject("estate", of)
    bare = [wwn for wwn in wanted if wwn not in groups_of]
    if bare or not wanted:
        words = f"{len(bare)} LUNs of {of} are not replicated: {', '.join(bare)}." if bare else f"{of} names no LUN."
        return Finding("replication_one_group", Outcome.FAIL, subject, f"{words} Ask the storage team to add them.")
    names = sorted({groups_of[wwn] for wwn in wanted})
    if names == [""] and len(wanted) > 1:
        words = (
            f"The LUNs of {of} are in no consistency group: their copies are not one point in time. Put them into one."
        )
        return Finding("replication_one_group", Outcome.FAIL, subject, words)
    if len(names) > 1:
        shown_names = ", ".join(name or "none" for name in names)
        words = f"The LUNs of {of} are in different consistency groups: {shown_names}. Put them into one."
        return Finding("replication_one_group", Outcome.FAIL, subject, words)
    words = f"All LUNs of {of} are in consistency group {names[0]}." if names[0] else f"{of} is one LUN."
    return Finding("replication_one_group", Outcome.OK, subject, words)
