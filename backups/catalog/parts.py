"""The parts that engine-backup saves, each under the names that its output, its scope and its archive give it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """One thing that an engine may have and a backup must then hold."""

    FILES = "files"
    ENGINE = "engine"
    DWH = "dwh"
    KEYCLOAK = "keycloak"
    GRAFANA = "grafana"
    CINDERLIB = "cinderlib"
    MANAGEDBLOCK = "managedblock"


@dataclass(frozen=True)
class Names:
    """printed: how the section line begins after "- "; scope: its --scope word; member: its place in the archive."""

    printed: str
    scope: str
    member: str


# facts/engine-backup.md 1 (scopes), 2 (lines, layout). The managed block storage member: inferred.
NAMES = {
    Part.FILES: Names("Files", "files", "files"),
    Part.ENGINE: Names("Engine database ", "db", "db/engine_backup.db"),
    Part.DWH: Names("DWH database ", "dwhdb", "db/dwh_backup.db"),
    Part.KEYCLOAK: Names("KEYCLOAK database ", "keycloakdb", "db/keycloak_backup.db"),
    Part.GRAFANA: Names("Grafana database ", "grafanadb", "db/grafana.db"),
    Part.CINDERLIB: Names("CINDERLIB database ", "cinderlibdb", "db/cinderlib_backup.db"),
    Part.MANAGEDBLOCK: Names("MANAGEDBLOCK database ", "managedblockdb", "db/managedblock_backup.db"),
}
PART_OF_MEMBER = {names.member: part for part, names in NAMES.items()}
LABELS = {
    Part.FILES: "the files of the engine",
    Part.ENGINE: "the engine database",
    Part.DWH: "the DWH database",
    Part.KEYCLOAK: "the Keycloak database",
    Part.GRAFANA: "the Grafana database",
    Part.CINDERLIB: "the Cinderlib database",
    Part.MANAGEDBLOCK: "the managed block storage database",
}


def asked(scope: tuple[str, ...]) -> frozenset[Part]:
    """The parts that words of --scope ask for; no word asks for all."""
    return frozenset(part for part, names in NAMES.items() if not scope or "all" in scope or names.scope in scope)


def spoken(parts: frozenset[Part]) -> str:
    """Parts in a sentence, always in the same order."""
    labels = [LABELS[part] for part in Part if part in parts]
    return labels[0] if len(labels) == 1 else ", ".join(labels[:-1]) + " and " + labels[-1]
