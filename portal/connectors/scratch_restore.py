"""Brings dumps back into a scratch server while the archive is being read, and counts what came back.

One object is a reader of dumps (backups.catalog.ports.Dumps): whoever reads an archive through it restores it in the
same reading. pg_restore is a confined child that logs in as the owner of one database; indexes of one database are
built while the next one is read. `--full decode` of a dump is not run beside: a restore that ended with 0 and in
silence has decoded all of it; after any other the caller reads once more (`all_clean`)."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

import psycopg
from psycopg import sql

from portal.connectors.pg_restore import CHUNK, Child, Confined, PgRestore, rights
from portal.connectors.scratch import Scratch
from portal.connectors.scratch_folder import ScratchFailed
from portal.connectors.scratch_text import Head, NoDump, Text
from portal.connectors.scratch_words import doubt_of, error_of, read_list, without_public
from portal.kernel.output import Output

# Made by the superuser for a dump that asks; whatever else it asks for it must be able to make as its owner. Beside the
# engine's own those that a DBA puts into a database to look at it: engine-backup's restore passes over them
# (facts/engine-backup.md 3).
EXTENSIONS = frozenset(
    {
        "plpgsql", "uuid-ossp",
        "pg_stat_statements", "pg_buffercache", "pg_freespacemap", "pg_visibility", "pgrowlocks", "pgstattuple",
    }
)  # fmt: skip
Read = Callable[[int], bytes]
_LISTING = 64 * 1024 * 1024  # bytes before the end of a list of contents; an engine's has 3 MB
_TABLES_AT_ONCE = 400
_NOTICE = 1.0  # seconds in which the keeper notices that its server is gone
_TABLES = """
select n.nspname, c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1, 2"""


@dataclass(frozen=True)
class Back:
    """What came back of one dump. rows: "schema.table" -> counted rows. problem: it did not come back whole. doubt: it
    could not be found out here. answers: question -> the server's answer as text, None when it has none; refused:
    question -> why. extensions: made beforehand; roles: named by the dump and not restored. seconds: of all of it."""

    form: str
    problem: str = ""
    doubt: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)
    answers: Mapping[str, str | None] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    server: str = ""
    extensions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    granted: bool = False
    warnings: str = ""
    seconds: float = 0.0


class _Doubt(Exception):
    """It cannot be found out here; says why."""


class _Begun:
    """One dump on its way: what is known of it so far."""

    def __init__(self, part: str, form: str) -> None:
        self.part, self.database = part, name_of(part)
        self.began = time.monotonic()
        self.back = Back(form)

    def over(self, **changes: Any) -> Back:
        self.back = replace(self.back, seconds=time.monotonic() - self.began, **changes)
        return self.back


def name_of(part: str) -> str:
    """The name of a part's database, and of its owner."""
    return f"dump_{part}"


class Restoring:
    """Restores every dump that is read through it. questions: part -> name -> one SQL query that gives one value.
    parts: whose databases are made as soon as the server runs, in the order in which they are likely to be read."""

    def __init__(self, scratch: Scratch, questions: Mapping[str, Mapping[str, str]] | None = None,
                 parts: Iterable[str] = ()) -> None:  # fmt: skip
        self._scratch, self._questions = scratch, questions or {}
        self.confined = Confined(seconds=scratch.bounds.seconds)
        self.bare = PgRestore(scratch.programs.path("pg_restore"), self.confined)
        self._stack = contextlib.ExitStack()
        self._threads = ThreadPoolExecutor(4, "rehearsal")
        self._maker = ThreadPoolExecutor(1, "rehearsal-make")  # one database is made at a time anyway
        self._made = {part: self._maker.submit(self._make, part) for part in parts}
        self._begun: dict[str, _Begun] = {}
        self._waiting: dict[str, Future[Back]] = {}

    def __enter__(self) -> Restoring:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Ends every child; the threads that waited for them end with them."""
        self._stack.close()
        self._scratch.close()
        self._maker.shutdown(cancel_futures=True)
        self._threads.shutdown(cancel_futures=True)

    def dumps(self) -> PartDumps:
        """The reader that whoever reads the archive asks for each part's own."""
        return PartDumps(self, "")

    def begin(self, part: str, form: str) -> _Begun:
        """Notes that a dump is being read."""
        self._begun[part] = begun = _Begun(part, form)
        return begun

    def finish(self, told: Callable[[str, Back], None], check: Callable[[], None]) -> dict[str, Back]:
        """Waits for all restores. `told` hears of each as it ends; `check` is called twice a second and may raise. A
        dump whose reading stopped before its end has not come back."""
        parts = {future: part for part, future in self._waiting.items()}
        left = set(parts)
        while left:
            check()
            ended, left = wait_for(left, 0.5, FIRST_COMPLETED)
            for future in ended:
                told(parts[future], future.result())
        cut = "its reading stopped before its end"
        return {
            part: self._waiting[part].result() if part in self._waiting else begun.over(problem=cut)
            for part, begun in self._begun.items()
        }

    def take(self, begun: _Begun, work: Callable[[_Begun], Back]) -> None:
        """Hands the rest of one dump to a thread."""
        self._waiting[begun.part] = self._threads.submit(self._guarded, begun, work)

    def keep(self, begun: _Begun, **changes: Any) -> None:
        """The end of a dump of which all is known already."""
        begun.over(**changes)
        self.take(begun, lambda begun: begun.back)

    def _guarded(self, begun: _Begun, work: Callable[[_Begun], Back]) -> Back:
        try:
            return work(begun)
        except (psycopg.Error, ScratchFailed, OSError) as error:
            return begun.over(**self.judged(str(error)))

    def judged(self, text: str) -> dict[str, str]:
        """The field of Back that an error belongs to: the server's end and the lack of something here are doubts."""
        told = error_of(text)
        doubt = doubt_of(text)
        if gone := self._scratch.settled(_NOTICE) if doubt else self._scratch.ended():
            return {"doubt": gone}
        return {"doubt": f"It was not restored: {doubt} ({told})."} if doubt else {"problem": told or "no word of why"}

    def verdict_of(self, output: Output) -> dict[str, str]:
        """The field of Back that an end of pg_restore other than 0 belongs to."""
        text = output.stderr.decode("utf-8", "replace")
        if output.exit_code is None or output.exit_code < 0 or output.exit_code in (126, 127):
            return {"doubt": f"pg_restore did not run to an end ({error_of(text) or f'code {output.exit_code}'})."}
        return self.judged(text)

    def prepare(self, begun: _Begun, newest: int, extensions: tuple[str, ...]) -> None:
        """A database for one dump. Raises _Doubt when this server cannot restore it."""
        major = self._scratch.programs.major
        if newest > major:
            raise _Doubt(
                f"The dump is of PostgreSQL {newest}, and the newest server here is {major}. Install one as new."
            )
        wanted = tuple(name for name in extensions if name in EXTENSIONS)
        try:
            made = self._made.get(begun.part) or self._maker.submit(self._make, begun.part)
            made.result()
            self._scratch.extend(begun.database, wanted)
        except ScratchFailed as error:
            raise _Doubt(str(error)) from None
        except psycopg.Error as error:
            raise _Doubt(
                self.judged(str(error)).get("doubt") or f"No database was made: {error_of(str(error))}."
            ) from None
        begun.back = replace(begun.back, extensions=wanted)

    def _make(self, part: str) -> None:
        self._scratch.wait()
        self._scratch.make(name_of(part))

    def connect(self, begun: _Begun, *, autocommit: bool) -> psycopg.Connection[tuple[Any, ...]]:
        return self._scratch.connect(begun.database, autocommit=autocommit)

    def child(self, begun: _Begun, use: str) -> Child:
        """pg_restore into the database of one dump. use: the list of contents to restore by, "" for all of it."""
        argv = [
            self._scratch.programs.path("pg_restore"), "--no-owner", "--no-privileges", "--no-tablespaces",
            "--no-security-labels", "--no-publications", "--no-subscriptions", "--exit-on-error",
            "--single-transaction", "-w", "-h", str(self._scratch.folder), "-U", begun.database, "-d", begun.database,
        ]  # fmt: skip
        if use:
            chosen = self._scratch.folder / f"{begun.part}.list"
            chosen.write_text(use)
            chosen.chmod(0o644)
            argv += ["-L", str(chosen)]
        return Child(argv, self.confined, self._stack, rights())

    def lister(self) -> Child:
        """`pg_restore --list`."""
        return Child([self._scratch.programs.path("pg_restore"), "--list"], self.confined, self._stack, rights())

    def counted(self, begun: _Begun) -> Back:
        """Rows of every table and the answers to the questions, asked as the owner."""
        with self.connect(begun, autocommit=True) as session:
            rows = count(session)
            answers, refused = ask(session, self._questions.get(begun.part, {}))
        return begun.over(rows=rows, answers=answers, refused=refused)


class PartDumps:
    """The reader of one part's dump: backups.catalog.ports.Dumps."""

    def __init__(self, whole: Restoring, part: str) -> None:
        self._whole, self._part = whole, part

    def of(self, part: str) -> PartDumps:
        """The reader of one part's dump."""
        return PartDumps(self._whole, part)

    def tool(self) -> Output:
        """`pg_restore --version`."""
        return self._whole.bare.tool()

    def custom(self, read: Read) -> tuple[Output, Output]:
        """(list of contents, empty output): the restore has only begun; what comes of it stands in `finish`."""
        begun, whole = self._whole.begin(self._part, "custom"), Output(b"", b"", 0)
        try:
            lister = self._whole.lister()
        except OSError as error:
            self._whole.keep(begun, doubt=f"pg_restore does not start: {error.strerror}.")
            return Output(b"", str(error).encode(), None), whole
        head, size = [], 0
        while size < _LISTING and (piece := read(CHUNK)):
            head.append(piece)
            size += len(piece)
            if not lister.give(piece):
                break
        listing = lister.output_after_close()
        if listing.exit_code != 0:
            self._whole.keep(begun, **self._whole.verdict_of(listing))
        elif child := self._child(begun, listing.stdout.decode("utf-8", "replace")):
            self._feed(child, head, read)
            self._whole.take(begun, lambda begun: _ended(self._whole, begun, child))
        return listing, whole

    def _child(self, begun: _Begun, listing: str) -> Child | None:
        listed = read_list(listing)
        begun.back = replace(begun.back, server=listed.server, roles=listed.roles, granted=listed.granted)
        try:
            self._whole.prepare(begun, listed.newest, listed.extensions)
            return self._whole.child(begun, without_public(listing))
        except (_Doubt, OSError) as error:
            self._whole.keep(begun, doubt=str(error))
            return None

    def _feed(self, child: Child, head: list[bytes], read: Read) -> None:
        going = all([child.give(piece) for piece in head])
        head.clear()
        while going and (piece := read(CHUNK)):
            going = child.give(piece)
        child.close()

    def plain(self, read: Read) -> Read:
        """Passes a plain dump on to whoever judges it, and into the scratch server."""
        return _Plain(self._whole, self._whole.begin(self._part, "plain"), read).read

    def sqlite(self, read: Read) -> Output:
        """SQLite's own check, with counted rows."""
        begun = self._whole.begin(self._part, "sqlite")
        output = self._whole.bare.counted(read)
        said, _, counts = output.stdout.decode("utf-8", "replace").rstrip("\n").rpartition("\n")
        if output.exit_code != 0 or not counts:
            self._whole.keep(begun, doubt="The SQLite reader did not come to an end.")
        elif said != "ok" or counts == "null":
            self._whole.keep(begun, problem=f"SQLite says: {said.splitlines()[0][:200] if said else 'nothing'}")
        else:
            self._whole.keep(begun, rows=json.loads(counts))
        return replace(output, stdout=said.encode())


class _Plain:
    """The tee of one plain dump. What goes wrong in the scratch server stops the restore and not the reading."""

    def __init__(self, whole: Restoring, begun: _Begun, read: Read) -> None:
        self._whole, self._begun, self._read = whole, begun, read
        self._text: Text | None = Text(self._begin)

    def read(self, size: int) -> bytes:
        """The next piece; b"" at the end, when the restore has been given all of it."""
        piece = self._read(size)
        if text := self._text:
            try:
                text.feed(piece) if piece else text.close()
            except (psycopg.Error, _Doubt, NoDump, OSError) as error:
                self._failed(error)
            if not piece and self._text:
                self._whole.take(self._begun, self._whole.counted)
            if not piece:
                self._text = None
                text.end()
        return piece

    def _begin(self, head: Head) -> psycopg.Connection[tuple[Any, ...]]:
        self._begun.back = replace(self._begun.back, server=head.server)
        self._whole.prepare(self._begun, head.newest, head.extensions)
        return self._whole.connect(self._begun, autocommit=False)

    def _failed(self, error: Exception) -> None:
        told = {"problem": str(error)} if isinstance(error, NoDump) else {"doubt": str(error)}
        if isinstance(error, psycopg.Error | OSError):
            told = self._whole.judged(str(error))
        self._whole.keep(self._begun, **told)
        if self._text:
            self._text.end()
        self._text = None


def _ended(whole: Restoring, begun: _Begun, child: Child) -> Back:
    """Waits for pg_restore and counts what it restored."""
    output = child.output()
    if output.exit_code != 0:
        return begun.over(**whole.verdict_of(output))
    begun.back = replace(begun.back, warnings=error_of(output.stderr.decode("utf-8", "replace")))
    return whole.counted(begun)


def count(session: psycopg.Connection[tuple[Any, ...]]) -> dict[str, int]:
    """Rows of every table, really counted, in as few queries as the server takes well."""
    tables = [(str(schema), str(table)) for schema, table in session.execute(_TABLES)]
    found: dict[str, int] = {}
    for at in range(0, len(tables), _TABLES_AT_ONCE):
        some = tables[at : at + _TABLES_AT_ONCE]
        one = sql.SQL("select {}, count(*) from only {}")
        ones = [one.format(sql.Literal(".".join(table)), sql.Identifier(*table)) for table in some]
        found |= {str(name): int(rows) for name, rows in session.execute(sql.SQL(" union all ").join(ones))}
    return found


def ask(
    session: psycopg.Connection[tuple[Any, ...]], questions: Mapping[str, str]
) -> tuple[dict[str, str | None], dict[str, str]]:
    """(answers, refusals): each question is one query with one value. A missing table or column refuses one question
    and leaves the others."""
    answers: dict[str, str | None] = {}
    refused: dict[str, str] = {}
    for name, question in questions.items():
        try:
            row = session.execute(question.encode()).fetchone()
            answers[name] = None if row is None or row[0] is None else str(row[0])
        except psycopg.DatabaseError as error:
            refused[name] = error_of(str(error))
    return answers, refused


def all_clean(backs: Mapping[str, Back]) -> bool:
    """True when every dump came back in silence, so that the reading that restored them has also judged them."""
    return not any(back.problem or back.doubt or back.warnings for back in backs.values())
