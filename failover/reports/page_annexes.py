"""The annexes: commands, output, spans, files, evidence."""

from __future__ import annotations

from failover.reports.content import Report, Seal, StepTold
from failover.reports.layout import Block, Cell, Section, fewer, heads, said
from failover.reports.words import Times, face, grouped

MOST = 60  # lines of a step's output on paper
ENDS = MOST // 2


def sections(report: Report) -> tuple[Section, ...]:
    """A: what was run and what would take it back. B: output. C: spans. D: files."""
    return (_commands(report), _output(report), _spans(report), _files(report))


def _commands(report: Report) -> Section:
    blocks = tuple(
        Block(f"Step {one.position}, {one.title}{_on(one)}", _lines(one)) for one in report.steps if one.acts
    )
    return Section("Commands, and what takes them back", blocks=blocks, none="Nothing was sent.", number="Annex A")


def _on(one: StepTold) -> str:
    return f", on {one.place}" if one.place else ""


def _lines(one: StepTold) -> tuple[str, ...]:
    return (*one.acts, *(f"undo: {undo}" for undo in one.undos))


def _output(report: Report) -> Section:
    blocks = tuple(
        Block(f"Step {one.position}, {one.title}", shortened(one.lines), f"sha256 {grouped(one.output)}")
        for one in report.steps
        if one.lines
    )
    return Section("Output of the hosts", blocks=blocks, none="No host printed anything.", number="Annex B")


def shortened(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The first and the last lines, and how many are left out between them."""
    if len(lines) <= MOST:
        return lines
    left = len(lines) - MOST
    return (*lines[:ENDS], f"[{left:,} lines are left out here; the JSON form holds them]", *lines[-ENDS:])


def _spans(report: Report) -> Section:
    said_of = {True: "answers", False: "away", None: "not known"}
    rows, note = fewer(
        tuple(
            (
                Cell(one.service, wide=True),
                Cell(_face(one.began), right=True),
                Cell(_face(one.last), right=True),
                Cell(said_of[one.up]),
                said(one.why, "none"),
            )
            for one in report.measured.spans
        )
    )
    return Section(
        "What the prober saw",
        heads=heads("Service", ">From", ">To", "State", "Why"),
        rows=rows,
        note=note,
        none="No service was asked.",
        number="Annex C",
    )


def _face(seconds: float) -> str:
    return face(seconds) if seconds >= 0 else f"-{face(-seconds)}"


def _files(report: Report) -> Section:
    """What people attached, by name, size and hash. The files themselves are in the vault."""
    held = [(one, one.file) for one in report.prompts if one.file is not None]
    return Section(
        "Files attached by people",
        heads=heads("File", "Kind", ">Bytes", "By", "To the question"),
        rows=tuple(
            (
                Cell(file.name, wide=True, more=f"sha256 {grouped(file.sha256)}"),
                Cell(file.kind),
                Cell(f"{file.size:,}", right=True),
                said(one.by, "nobody"),
                Cell(one.question, wide=True),
            )
            for one, file in held
        ),
        note="Each hash stands in the record drill.prompt_answered of its answer." if held else "",
        none="No file was attached.",
        number="Annex D",
    )


def evidence(report: Report, seal: Seal, times: Times) -> Section:
    """E: which record holds this report, and what was hashed."""
    return Section(
        "Evidence",
        facts=(
            ("Hashed", Cell("the member `content` of the JSON form of this report, in canonical JSON", wide=True)),
            ("SHA-256 of it", Cell(grouped(seal.sha256), wide=True, mono=True)),
            ("Held by", Cell(f"record {seal.number:,}, report.made, {times.full(seal.at)}", wide=True)),
            ("Chain's head then", Cell(grouped(seal.head), wide=True, mono=True)),
            ("Key", Cell(grouped(seal.key), wide=True, mono=True) if seal.key else said("", "none: not signed")),
            ("Approved plan", Cell(grouped(report.frame.digest), wide=True, mono=True)),
        ),
        number="Annex E",
    )
