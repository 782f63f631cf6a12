"""The house rules that no linter knows: file sizes, no stray rooms."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

TOP = Path(__file__).resolve().parent.parent
PACKAGES = ("portal", "inventory", "backups", "failover", "lab", "bench", "deploy")
STRAY = {"utils.py", "helpers.py", "common.py", "misc.py", "manager.py", "handlers.py"}


def sources():
    return [path for package in PACKAGES for path in (TOP / package).rglob("*.py") if "migrations" not in path.parts]


def test_no_file_is_longer_than_400_lines():
    long = {str(p.relative_to(TOP)): n for p in sources() if (n := len(p.read_text("utf-8").splitlines())) > 400}
    assert long == {}


def test_no_stray_room():
    assert [str(p.relative_to(TOP)) for p in sources() if p.name in STRAY] == []


WHOLE = ("{% extends", "<!DOCTYPE html>")


def test_fragments_start_with_an_underscore():
    """A template that extends nothing and is no whole document is a fragment, and says so by its name."""
    wrong = [
        str(path.relative_to(TOP))
        for path in (TOP / "templates").rglob("*.html")
        if not path.name.startswith("_") and not any(mark in path.read_text("utf-8") for mark in WHOLE)
    ]
    assert wrong == []


def test_every_probe_has_good_bad_and_unreadable_samples():
    """A parser starts from captured output. A case's `expected` says what it must come to."""
    from inventory.probes import PROBES

    missing = {}
    for name in PROBES:
        cases = [case for case in (TOP / "tests" / "samples" / sample_folder(name)).glob("*") if case.is_dir()]
        if len(cases) < 3 or not all((case / "origin").exists() for case in cases):
            missing[name] = len(cases)
    assert missing == {}


def sample_folder(probe):
    """Where a probe's samples lie; host_facts reads standard files and shares its folder with nobody."""
    return {"multipath_text": "multipath"}.get(probe, probe)


# words that change a host, whatever program they are given to
ACTING = frozenset(
    "start stop restart reload enable disable mask kill reconfigure add remove del fail reinstate resize "
    "suspend resume switchgroup rm mv cp tee dd mkdir touch chmod sed -f -F -r --force --set-maintenance "
    "--vm-start --vm-shutdown "
    "--vm-poweroff --clean-metadata --reinitialize-lockspace --deploy --console --add-console-password "
    "--set-shared-config rescan-scsi-bus.sh".split()
)
ONLY_LOOKS = frozenset(
    "cat date df dmsetup grep hosted-engine multipath multipathd nproc rpm sh systemctl tail uname".split()
)


def test_probes_never_write():
    """A check that creates, restarts or switches is no check (smell 2). uname -r is the kernel's release."""
    from inventory.probes import PROBES

    wrong = []
    for probe in PROBES.values():
        for command in probe.commands.values():
            program, *words = command.argv
            script = " ".join(words)
            acts = ACTING & set(words) - ({"-r"} if program == "uname" else set())
            if (
                program not in ONLY_LOOKS
                or acts
                or (program == "sh" and (">" in re.sub(r"2>(/dev/null|&1)", "", script)))
            ):
                wrong.append(command.argv)
    assert wrong == []


def test_every_step_stands_in_a_plan():
    """A step that no plan names is dead code."""
    import importlib
    import pkgutil

    from portal.kernel.step import Step
    from portal.runs.registry import plans

    named = {id(step) for plan in plans().values() for step in plan.steps}
    loose = []
    for app in ("inventory", "backups", "failover"):
        folder = TOP / app / "steps"
        for module in pkgutil.iter_modules([str(folder)]):
            loaded = importlib.import_module(f"{app}.steps.{module.name}")
            steps = [value for value in vars(loaded).values() if isinstance(value, Step)]
            if not steps or not all(id(step) in named for step in steps):
                loose.append(module.name)
    assert loose == []


def test_no_address_of_a_package_registry_and_no_download():
    """Locks are by hash alone."""
    for lock in (TOP / "requirements").glob("*.txt"):
        text = lock.read_text("utf-8")
        assert "://" not in text, lock.name
        assert "--hash=sha256:" in text, lock.name


def test_no_module_imports_itself_by_a_detour():
    """Such a circle holds or breaks by which module a process happens to import first."""
    graph = grimp.build_graph("portal", "inventory", "backups", "failover", "lab", exclude_type_checking_imports=True)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle
