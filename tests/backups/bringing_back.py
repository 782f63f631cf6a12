"""Dumps that are read for the ladder and restored for the rehearsal. Equal dumps are restored once: most defects lie
elsewhere in an archive."""

from __future__ import annotations

import hashlib
import io

from backups.catalog.parts import Part
from backups.catalog.rehearsal import Known, Restored, judge
from backups.catalog.rung import Rung
from backups.works.rehearsing import database_of
from portal.connectors.scratch_restore import Restoring
from tests.backups import make_archive as make


class BroughtBack:
    """backups.catalog.ports.Dumps over a reader for the ladder. `rungs` tells what came back since the last `fresh`."""

    def __init__(self, ladder, restoring: Restoring) -> None:
        self.ladder, self.restoring = ladder, restoring
        self.known: dict[tuple[str, str], str] = {}
        self.seen: dict[str, str | None] = {}
        self.part = ""

    def fresh(self) -> None:
        self.seen = {}

    def of(self, part):
        self.part, self.seen[part] = part, None
        return self

    def tool(self):
        return self.ladder.tool()

    def custom(self, read):
        return self.ladder.custom(self.restored("custom", read))

    def sqlite(self, read):
        return self.ladder.sqlite(self.restored("sqlite", read))

    def plain(self, read):
        return self.restored("plain", read)

    def restored(self, form, read):
        """All of a dump, restored, for whoever reads it next. A reading that breaks off brings nothing back."""
        raw = b"".join(iter(lambda: read(1 << 20), b""))
        key = (form, hashlib.sha256(raw).hexdigest())
        if key not in self.known:
            self.known[key] = f"n{len(self.known)}"
            reader, whole = self.restoring.dumps().of(self.known[key]), io.BytesIO(raw).read
            if form == "plain":
                passed = reader.plain(whole)
                while passed(1 << 20):
                    pass
            else:
                getattr(reader, form)(whole)
        self.seen[self.part] = self.known[key]
        return io.BytesIO(raw).read

    def rungs(self, parts) -> tuple[Rung, ...]:
        """The rungs "restored" and "counts" of the archive that was read last."""
        backs = self.restoring.finish(lambda part, back: None, lambda: None)
        databases = {}
        for part, name in self.seen.items():
            back = backs[name] if name else None
            if back:
                databases[Part(part)] = database_of(back)
        return judge(Restored(databases, "15"), Known(make.NOW, parts))[:2]
