"""What one reading of an archive means for each rung above "present". Pure: Survey and Expectation in, Rung out."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from statistics import median

from backups.catalog.archive import NEEDED, SMALL, Survey
from backups.catalog.dumps import Dump
from backups.catalog.parts import LABELS, NAMES, Part, asked, spoken
from backups.catalog.rung import Expectation, Mark, Rung
from backups.catalog.versions import restorable, version_of

_STOPPED = "The reading stopped before the end, so not all of it was seen."
_TREND = 3  # archives that make a median worth comparing with
_SMALL, _LARGE = 0.7, 1.5  # facts/engine-backup.md 5: below 70 % or above 150 % of the median


def present(size: int | None, name: str, expected: Expectation) -> Rung:
    """Is there a file at all, and did the run that made it end well?"""
    if size is None:
        return Rung("present", Mark.FAIL, f"{name} is not where the catalog says. Look for it at the other places.")
    if size == 0:
        return Rung("present", Mark.FAIL, f"{name} is empty: a failed run leaves such a file. Remove it.")
    evidence = (f"{size} bytes",)
    if expected.taken and not expected.taken.good:
        return Rung("present", Mark.FAIL, expected.taken.sentence, evidence)
    return Rung("present", Mark.OK, f"{name} is there.", evidence)


def size(seen: Survey, expected: Expectation) -> Rung:
    """Far smaller than its forerunners is a failure; far larger is worth a word."""
    if seen.size < expected.min_size:
        return Rung(
            "size", Mark.FAIL, f"The archive has {seen.size} bytes, less than the {expected.min_size} demanded."
        )
    if expected.accepted:
        return Rung("size", Mark.OK, f"{expected.accepted} has accepted its size; the trend begins anew with it.")
    if len(expected.sizes) < _TREND:
        return Rung("size", Mark.SKIPPED, f"Fewer than {_TREND} proven archives are known, so there is no trend yet.")
    usual = median(expected.sizes)
    share = seen.size / usual
    evidence = (f"{seen.size} bytes", f"median {usual:.0f} bytes of {len(expected.sizes)}")
    told = f"The archive has {share:.0%} of the usual size"
    if share < _SMALL:
        return Rung(
            "size", Mark.FAIL, f"{told}: find out what shrank, then accept the size or take a new one.", evidence
        )
    grown = ": see what grew." if share > _LARGE else "."
    return Rung("size", Mark.OK, told + grown, evidence)


def hashes(seen: Survey, expected: Expectation) -> Rung:
    """The recorded hash of the file, and the archive's own list over every member."""
    evidence = (f"SHA-256 {seen.sha256}",)
    if expected.sha256 and expected.sha256 != seen.sha256:
        told = "The file is not the one that was taken: its SHA-256 differs from the recorded one. Copy it anew."
        return Rung("hash", Mark.FAIL, told, (*evidence, f"recorded {expected.sha256}"))
    if stopped := seen.broken or seen.hostile:
        return Rung("hash", Mark.FAIL, f"The list of hashes cannot be checked. {stopped}", evidence)
    if wrong := _wrong_hashes(seen):
        return Rung("hash", Mark.FAIL, wrong, evidence)
    return Rung("hash", Mark.OK, f"All {len(seen.listed)} members have their recorded hash.", evidence)


def _wrong_hashes(seen: Survey) -> str:
    listed = seen.listed
    if not listed:
        return "The archive holds no list of SHA-256 hashes, so nothing vouches for its members."
    if lost := sorted(listed.keys() - seen.members.keys()):
        return f"The archive lists {lost[0][:120]!a}, but does not hold it."
    if loose := sorted(seen.members.keys() - listed.keys() - {"sha256sum"}):
        return f"The archive holds {loose[0][:120]!a}, which its list of hashes does not name."
    changed = sorted(name for name, hashed in listed.items() if seen.members[name].sha256 != hashed)
    return f"{changed[0][:120]!a} differs from its recorded hash." if changed else ""


def verify(seen: Survey, expected: Expectation) -> Rung:
    """engine-backup's own `--mode=verify`, for what it is worth."""
    cause = expected.verified
    if cause is None:
        return Rung("verify", Mark.UNKNOWN, "engine-backup --mode=verify was not run over this archive.")
    dump = seen.dumps.get(Part.ENGINE)
    if cause.kind == "engine_not_verified" and Part.ENGINE not in asked(expected.scope):
        told = (
            "engine-backup --mode=verify ran to its end; it looks at the engine database, which the scope leaves out."
        )
        return Rung("verify", Mark.SKIPPED, told)
    if cause.kind == "plain_not_verifiable" and dump and dump.form == "plain":
        return Rung("verify", Mark.SKIPPED, f"{cause.sentence} The rungs above read the dumps themselves.")
    return Rung("verify", Mark.OK if cause.good else Mark.FAIL, cause.sentence)


def listing(seen: Survey, expected: Expectation) -> Rung:
    """Can it be unpacked at all, and without harm?"""
    tree = seen.tree
    if found := seen.hostile or (tree.hostile if tree else ""):
        return Rung("listing", Mark.FAIL, f"{found} Do not restore it; find out where it comes from.")
    if found := seen.broken or (tree.broken if tree else ""):
        return Rung("listing", Mark.FAIL, found)
    inner = f", {tree.count} in files" if tree else ""
    return Rung("listing", Mark.OK, f"{len(seen.members)} members{inner}; none leads outside.", (seen.compressor,))


def members(seen: Survey, expected: Expectation) -> Rung:
    """Everything that the engine has is in it, and not empty."""
    if expected.parts is None:
        return Rung("members", Mark.UNKNOWN, "What the engine has is not known, so nothing can be found missing.")
    wanted = expected.parts & asked(expected.scope)
    if not wanted:
        told = f"The scope {','.join(expected.scope)} asks for nothing that this engine has: change the policy's scope."
        return Rung("members", Mark.FAIL, told, _names(seen))
    absent = [name for name in NEEDED if not seen.members.get(name)]
    lost = frozenset(part for part in wanted if not _held(seen, part))
    if (lost or absent) and (seen.hostile or seen.broken):
        return Rung("members", Mark.SKIPPED, _STOPPED, _names(seen))
    if lost:
        told = f"The archive lacks {spoken(lost)}, which the engine has. Check the engine's setup flags."
        return Rung("members", Mark.FAIL, told, _names(seen))
    if absent:
        told = f"The archive lacks {', '.join(absent)}, without which engine-backup does not restore it."
        return Rung("members", Mark.FAIL, told, _names(seen))
    told = f"It holds {spoken(wanted)}."
    if rest := expected.parts - wanted:
        told += f" Its scope, {','.join(expected.scope)}, leaves out {spoken(rest)}."
    return Rung("members", Mark.OK, told, _names(seen))


def _names(seen: Survey) -> tuple[str, ...]:
    """What engine-backup itself put in, and how many others: their names may be anything."""
    known = sorted(seen.members.keys() & {*SMALL, *(names.member for names in NAMES.values())})
    others = len(seen.members) - len(known)
    return (*known, f"{others} others") if others else tuple(known)


def _held(seen: Survey, part: Part) -> bool:
    found = seen.members.get(NAMES[part].member)
    return found is not None and found.size > 0


def dumps(seen: Survey, expected: Expectation) -> Rung:
    """Every dump was read to its end by the reader of its format, and holds the tables it must."""
    evidence = tuple(_shown(part, dump) for part, dump in sorted(seen.dumps.items()))
    problems = [
        told for part, dump in sorted(seen.dumps.items()) if (told := _dump_problem(part, dump, seen, expected))
    ]
    if problems:
        return Rung("dumps", Mark.FAIL, " ".join(problems), evidence)
    if seen.hostile or seen.broken:
        return Rung("dumps", Mark.SKIPPED, _STOPPED, evidence)
    if doubts := [dump.doubt for dump in seen.dumps.values() if dump.doubt]:
        return Rung("dumps", Mark.UNKNOWN, " ".join(doubts), evidence)
    if not seen.dumps and asked(expected.scope) <= {Part.FILES}:
        return Rung("dumps", Mark.SKIPPED, "Its scope asks for files alone, so there is no database to read.")
    if not seen.dumps:
        return Rung("dumps", Mark.FAIL, "The archive holds no database at all.")
    return Rung("dumps", Mark.OK, f"All {len(seen.dumps)} dumps were read to their end.", evidence)


def _dump_problem(part: Part, dump: Dump, seen: Survey, expected: Expectation) -> str:
    if dump.problem or dump.doubt:
        return dump.problem
    label = LABELS[part]
    if (dump.form == "sqlite") != (part is Part.GRAFANA):
        return f"The dump of {label} is a {dump.form} file."
    if dump.form == "sqlite":
        return ""
    if lost := sorted(expected.tables.get(part, frozenset()) - dump.tables):
        return f"The dump of {label} lacks the rows of {', '.join(lost)}."
    if not dump.tables:
        return f"The dump of {label} holds no rows of any table."
    return _config_problem(part, dump, seen.texts.get("config", ""))


def _config_problem(part: Part, dump: Dump, config: str) -> str:
    """engine-backup restores by what config says: a wrong word there makes a good dump useless. What config does not
    name is as engine-backup begins: custom, without a compressor."""
    prefix = "" if part is Part.ENGINE else f"{part.upper()}_"
    said = dict(line.replace('"', "").split("=", 1) for line in config.split() if "=" in line)
    form = said.get(f"{prefix}DB_DUMP_FORMAT", "custom")
    compressor = {"": "none", "None": "none"}.get(packed := said.get(f"{prefix}DB_DUMP_COMPRESSOR", ""), packed)
    if form != dump.form or compressor != dump.compressor:
        told = f"config says that the dump of {LABELS[part]} is {form} with {compressor}"
        return f"{told}; it is {dump.form} with {dump.compressor}."
    return ""


def _shown(part: Part, dump: Dump) -> str:
    server = f", PostgreSQL {dump.server}" if dump.server else ""
    return f"{part}: {dump.form}, {dump.compressor}, {len(dump.tables)} tables with data, {dump.size} bytes{server}"


def pki(seen: Survey, expected: Expectation) -> Rung:
    """The engine's identity: CA, keys, certificates, dates, name."""
    found = seen.tree.pki if seen.tree else None
    if found is None:
        return Rung("pki", Mark.SKIPPED, "The engine's files cannot be read, so its PKI was not looked at.")
    dates = [(what, until) for what, until in (("CA", found.ca_until), ("engine", found.engine_until)) if until]
    evidence = (
        *(f"{what} certificate until {until:%Y-%m-%d}" for what, until in dates),
        *((found.ca,) if found.ca else ()),
    )
    over = [f"The {what} certificate ended on {until:%Y-%m-%d}." for what, until in dates if until <= expected.now]
    lost = [f"{posixpath.basename(name)} is missing ({name})." for name in found.missing]
    if wrong := [*lost, *found.problems, *over]:
        return Rung("pki", Mark.FAIL, " ".join(wrong), evidence)
    if expected.fqdn and found.fqdn != expected.fqdn:
        told = f"The archive is of the engine {found.fqdn or 'without a name'}, not of {expected.fqdn}."
        return Rung("pki", Mark.FAIL, told, evidence)
    return Rung("pki", Mark.OK, "The CA, its key and the engine's certificate and key belong together.", evidence)


def version(seen: Survey, expected: Expectation) -> Rung:
    """May this engine restore it?"""
    raw = seen.texts.get("version", "")
    made, installed = version_of(raw), version_of(expected.engine)
    system = seen.texts.get("os_version", "").strip()
    evidence = (
        f"archive {raw.strip()[:40]}",
        f"engine {expected.engine}",
        *((f"made on {system[:40]}",) if system else ()),
    )
    if made is None and (seen.hostile or seen.broken):
        return Rung("version", Mark.SKIPPED, _STOPPED, evidence)
    if made is None:
        return Rung("version", Mark.FAIL, "The archive does not say which engine made it.", evidence)
    if installed is None:
        return Rung("version", Mark.UNKNOWN, "The engine's version is not known.", evidence)
    if not restorable(made, installed):
        told = f"The archive was made by engine {raw.strip()}; engine {expected.engine} does not restore it."
        return Rung("version", Mark.FAIL, f"{told} Hold an engine of the archive's version ready.", evidence)
    return Rung("version", Mark.OK, f"Engine {expected.engine} restores an archive of {raw.strip()}.", evidence)


ABOVE: tuple[Callable[[Survey, Expectation], Rung], ...] = (
    size, hashes, verify, listing, members, dumps, pki, version
)  # fmt: skip
