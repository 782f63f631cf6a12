"""The faults of engine-backup: what each does to the VM's files and to the next runs (facts/engine-backup.md 3, 9).

Here they are only named and told to the program; `settle` makes the VM's files and its PostgreSQL agree with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.world import World

SECTION = 0.6  # lab seconds that a section takes beside its real work
SLOW = 3.0  # real seconds more that a section takes when it is slow
# fault -> the word that the program knows it by
TOLD = {
    "backup-target-full": "target-full",
    "backup-file-changed": "file-changed",
    "backup-kill": "kill",
    "backup-corrupt-after": "corrupt-after",
    "backup-dwh-truncated": "dwh-truncated",
}
TITLES = {
    "backup-db-down": "Stop the engine VM's PostgreSQL",
    "backup-wrong-password": "Let a database password in the engine's configuration be wrong",
    "backup-tmp-full": "Fill the backup's temporary folder half way",
    "backup-target-full": "Fill the backup's target while it packs",
    "backup-flags-lost": "Lose the engine's setup flags, so that no database is saved",
    "backup-setup-db-conf-lost": "Lose 10-setup-database.conf",
    "backup-file-changed": "Let a file change under the next backup, once",
    "backup-hang": "Hold a lock that dumps of the engine wait for",
    "backup-kill": "Let engine-backup be killed in its longest part",
    "backup-corrupt-after": "Let bytes of the engine's dump rot before they are hashed",
    "backup-slow": "Slow engine-backup down",
    "backup-dwh-truncated": "Cut the DWH dump in half before it is hashed",
    "backup-key-mismatch": "Put a foreign key beside the engine's certificate",
}
# fault -> argument -> values; the first is what holds when it is not given
CHOICES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "backup-wrong-password": {"which": ("engine", "dwh", "keycloak")},
    "backup-tmp-full": {"when": ("late", "early")},
    "backup-flags-lost": {"how": ("file", "unread")},
    "backup-slow": {"seconds": ("3", "1", "0.5", "10", "60")},
}


def step(world: World) -> float:
    """Real seconds that each section of a run takes beside its work; nothing when the lab is quick."""
    pace = 0.0 if world.quick else world.clock.real(SECTION)
    slow = next((fault for fault in world.faults if fault.name == "backup-slow"), None)
    return pace + (float(slow.args.get("seconds") or SLOW) if slow else 0.0)


def told(world: World, argv: Sequence[str]) -> list[str]:
    """The words of the faults that befall this run of engine-backup. A transient one is over with it."""
    words = []
    for fault in list(world.faults):
        if fault.name == "backup-tmp-full":
            words.append("tmp-full-early" if fault.args.get("when") == "early" else "tmp-full")
        if fault.name == "backup-flags-lost" and fault.args.get("how") == "unread":
            words.append("flags-unread")
        if fault.name in TOLD:
            words.append(TOLD[fault.name])
        if fault.name == "backup-file-changed" and _saves_files(argv):
            world.faults.remove(fault)
    return words


def _saves_files(argv: Sequence[str]) -> bool:
    """True for a backup with the scope files; only that reads what changes."""
    modes = [word for word in argv if word.startswith("--mode=")]
    scopes = {word.partition("=")[2] for word in argv if word.startswith("--scope=")}
    return modes[-1:] in ([], ["--mode=backup"]) and (not scopes or bool(scopes & {"all", "files"}))
