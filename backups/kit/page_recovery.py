"""Sections that the day begins with: archives, who opens them, what is lost since, who is called."""

from __future__ import annotations

from backups.kit.content import Archive, Kit
from backups.kit.delta import sentence
from backups.kit.section import Cell, Section, cell, facts, origin, yes
from backups.kit.words import fours, listed, size, when
from portal.kernel.words import span

_MONO = frozenset({"File", "SHA-256 when opened"})


def sections(kit: Kit, now: int) -> tuple[Section, ...]:
    """In the order of need."""
    return (
        _archive("Latest proven archive", kit.archives.latest, kit, now),
        _archive("Previous proven archive", kit.archives.previous, kit, now),
        _opening(kit),
        _delta(kit),
        _people(kit),
    )


def _archive(title: str, one: Archive | None, kit: Kit, now: int) -> Section:
    source = origin(kit.archives.source, kit.zone)
    if one is None:
        empty = "None is proven restorable." if kit.archives.source.at is not None else "Not known."
        return Section(title, source, heads=("Site",), empty=empty)
    pairs = (
        ("File", one.name),
        ("Taken", f"{when(one.taken, kit.zone)}, {span(now - one.taken)} before this page"),
        ("Proven to", f"{one.proven_to}, {when(one.proven, kit.zone)}"),
        ("Size when opened", size(one.size)),
        ("SHA-256 when opened", fours(one.sha256)),
        ("Engine, system, PostgreSQL", " · ".join((one.engine_version, one.os_version, one.pg_version)).strip(" ·")),
        ("Encrypted", f"{one.encryption}, for {listed(one.recipients)}" if one.encryption else "no"),
    )
    rows = tuple(
        (
            cell(place.site),
            cell(f"{place.where.rstrip('/')}/{place.name}" if place.name else place.where, mono=True),
            cell(size(place.size)),
            cell(fours(place.sha256), mono=True),
            Cell({True: "whole", False: "DAMAGED", None: "never re-hashed"}[place.holds]),
            cell(when(place.checked, kit.zone)),
        )
        for place in one.places
    )
    heads = ("Site", "Where", "Size there", "SHA-256 there", "Re-hashed", "When")
    return Section(title, source, facts(pairs, _MONO), heads, rows, "No place is known.")


def _opening(kit: Kit) -> Section:
    needed = kit.archives.latest.recipients if kit.archives.latest else ()
    rows = tuple(
        (
            cell(one.name),
            cell(one.custodian),
            cell(one.custody),
            yes(one.name in needed),
            cell(one.public_key, mono=True),
        )
        for one in kit.archives.recipients
    )
    heads = ("Recipient", "Custodian", "Private key lies", "Opens the latest", "Public key")
    return Section("Who opens it", "", (), heads, rows, "No recipient is known.")


def _delta(kit: Kit) -> Section:
    rows = tuple((cell(sentence(change)), cell(change.uuid, mono=True)) for change in kit.delta.changes)
    known = kit.delta.source.at is not None and kit.delta.since is not None
    note = f"Compared with the inventory of {when(kit.delta.since, kit.zone)}." if known else ""
    empty = "Nothing changed." if known else "Not known: compare the restored engine with the tables below."
    source = origin(kit.delta.source, kit.zone)
    return Section("What will be missing", source, (), ("What to do", "Id"), rows, empty, note)


def _people(kit: Kit) -> Section:
    rows = tuple((cell(one.role), cell(one.name), cell(one.reach)) for one in kit.contacts)
    source = origin(kit.contacts_source, kit.zone)
    told = "never"
    if kit.drill:
        took = f"{kit.drill.minutes} min" if kit.drill.minutes is not None else "not timed"
        told = f"{kit.drill.name}, {when(kit.drill.source.at, kit.zone)}, {took}. {kit.drill.sentence}"
    notes = (("Notes", " ".join(kit.notes.split())),) if kit.notes else ()
    pairs = facts((("Last drill", told), *notes))
    return Section("Who is called", source, pairs, ("Role", "Name", "How"), rows, "Nobody is named.")
