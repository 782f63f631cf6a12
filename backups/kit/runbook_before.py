"""Stages 1 to 3: the old engine cannot run, the target host is ready, the archive is open."""

from __future__ import annotations

from backups.catalog.versions import restorable, version_of
from backups.kit.act import Act, Command, Missing, Stage, Value, command, joined, value
from backups.kit.content import Archive, Host, Kit, Place
from backups.kit.words import listed, plain, size, when

FOLDER = "/root/recovery"
_STATUS = ("timeout", "30", "hosted-engine", "--vm-status")


def target_of(kit: Kit) -> Host | None:
    """The host that was declared as the deployment's target, when exactly one was."""
    found = [host for host in kit.hosts if host.role == "target"]
    return found[0] if len(found) == 1 else None


def target_name(kit: Kit) -> str:
    """Its name, or words for the one that has to be chosen."""
    host = target_of(kit)
    return host.name if host else "the target host (not declared: choose one)"


def others(kit: Kit) -> list[Host]:
    """Every host but the target; all while none is declared."""
    chosen = target_of(kit)
    return [host for host in kit.hosts if chosen is None or host.name != chosen.name]


def opened(archive: Archive | None) -> Value:
    """Where the opened archive lies on the target host."""
    name = value(archive.name if archive else "", "no archive is proven; choose one in the catalog, or at its places")
    return joined(f"{FOLDER}/", name if isinstance(name, Missing) else name.rpartition("/")[2])


def survivors(kit: Kit) -> Stage:
    """The old engine must not run beside the new one: two engines must not manage the same hosts."""
    names = [host.name for host in kit.hosts] or ["every host that still answers"]
    running = listed(
        (f"{vm.name} on {vm.host}" for vm in kit.vms.rows if vm.host), "not known, write down what you see"
    )
    acts = [
        Act(
            listed(names),
            "look at the hosted engine",
            (command(*_STATUS),),
            'which hosts answer. A host whose "Status up-to-date" is False shows old values: do not believe its state.',
        ),
        Act(
            "one host that answers",
            "stop HA from starting the old engine VM",
            (command("hosted-engine", "--set-maintenance", "--mode=global"),),
            "nothing is printed. Wait 20 s, then run --vm-status on another host: it shows GLOBAL MAINTENANCE.",
            "exit code 0 is no proof. If the old engine's LUN is lost, the command fails: then run"
            " `systemctl stop ovirt-ha-agent ovirt-ha-broker` on every host that answers.",
        ),
        Act(
            listed(names),
            "see whether the engine VM or any other VM runs, and write it down",
            (command("virsh", "-r", "list"),),
            f"no HostedEngine. The databases keep running without an engine. As last seen: {running}.",
            "on a host that does not answer, look at its console or BMC: switch it off if HostedEngine may run there.",
        ),
        Act(
            "the host that shows HostedEngine, if one does",
            "end the engine VM",
            (command("hosted-engine", "--vm-shutdown"), command("hosted-engine", "--vm-poweroff")),
            "virsh no longer lists it. Give the shutdown 120 s before the second command.",
        ),
    ]
    return Stage("The old engine cannot run", tuple(acts), "Begin only when nobody can bring the engine VM back.")


def target(kit: Kit) -> Stage:
    """A fresh host, or one of two that is evacuated and reinstalled."""
    host = target_of(kit)
    keeper = [one.name for one in kit.hosts if one.role == "keeps the databases"]
    moved = f"{listed(keeper)} keeps the databases" if keeper else "choose the host that keeps the databases"
    release = host.release if host and host.release else "the release of the other hosts"
    packages = ("ovirt-hosted-engine-setup", "ovirt-engine-appliance", "tmux")
    versions = [f"{one.name} {one.version}" for one in (host.packages if host else ())]
    acts = (
        Act(
            target_name(kit),
            "evacuate it and install its system anew",
            (),
            f"{release}, the same networks and FC zoning as before; {moved}.",
            "a host that is not in the archive is best. A host of the archive loses its row in the restored engine, and"
            " the state of the VMs on it: no VM may run there.",
        ),
        Act(
            target_name(kit),
            "install what the deployment needs",
            (
                command("dnf", "install", *packages),
                command("rpm", "-q", *packages[:2], "ovirt-ansible-collection", "vdsm"),
            ),
            f"as it was: {listed(versions, 'not known, take the versions of the other hosts')}.",
        ),
        Act(
            target_name(kit),
            "compare the engine inside the appliance with the archive's",
            (command("grep", "-rhE", "^ovirt-engine-[0-9]", "/usr/share/doc/ovirt-engine-appliance"),),
            _appliance(kit, host),
            "an archive that is newer than the appliance stops the restore in the middle of the deployment.",
        ),
        Act(
            target_name(kit),
            "check that the engine's name leads to its address",
            (command("getent", "hosts", value(kit.engine.fqdn, "the engine's FQDN; it also stands in the archive")),),
            f"{kit.engine.address or 'an address that is not known; ask the network people'}.",
        ),
    )
    return Stage("The target host is ready", acts)


def _appliance(kit: Kit, host: Host | None) -> str:
    archive = kit.archives.latest
    if archive is None or not archive.engine_version:
        return "Not known: the archive's version; read the file `version` in it (tar -xOf ARCHIVE ./version)."
    told = f"ovirt-engine {archive.engine_version} or newer, below the next minor release"
    seen = host.appliance_engine if host else ""
    inside, taken = version_of(seen), version_of(archive.engine_version)
    if not inside or not taken:
        return f"{told}."
    return f"{told}. Last seen here: {seen}, which {'fits' if restorable(taken, inside) else 'is too old'}."


def archive(kit: Kit) -> Stage:
    """Fetch, check, open, check again. The previous one stands ready."""
    latest, previous = kit.archives.latest, kit.archives.previous
    acts = [
        Act(target_name(kit), "make a folder that only root reads", (command("install", "-d", "-m", "0700", FOLDER),)),
        *_fetch(kit, latest),
        *_open(kit, latest),
    ]
    other = "There is no previous proven archive."
    if previous:
        spot = listed(
            (f"{place.site} {place.where}/{place.name}" for place in previous.places), "a place that is not known"
        )
        other = f"If it does not restore: {previous.name}, taken {when(previous.taken, kit.zone)}, lies at {spot}."
    return Stage("The archive is open", tuple(acts), other)


def _fetch(kit: Kit, latest: Archive | None) -> list[Act]:
    places = latest.places if latest else ()
    title = "bring the archive there"
    if not places:
        todo = "where an archive lies; look at the vault, the engine VM's folder and the DR site"
        return [Act(target_name(kit), title, (command(Missing(todo)),))]
    ordered = sorted(places, key=lambda place: place.holds is not True)
    first = ordered[0]
    spots = listed(f"{place.site} {place.where}/{place.name}{_checked(place, kit)}" for place in ordered)
    file = joined(f"{FOLDER}/", value(first.name.rpartition("/")[2], "the file's name at that place"))
    digest = value(first.sha256, "the SHA-256 of the file there; check the opened archive instead")
    check = command("echo", joined(digest, "  ", file), "|", "sha256sum", "-c", "-")
    return [
        Act(
            target_name(kit),
            title,
            tuple(_copy(place) for place in ordered if place.where.startswith("sftp://")),
            f"{size(first.size)} from one of these: {spots}.",
        ),
        Act(target_name(kit), "check that it is whole", (check,), f"{first.name.rpartition('/')[2]}: OK"),
    ]


def _copy(place: Place) -> Command:
    """scp from an sftp:// place. Other kinds have no command that is surely installed."""
    address, _, folder = place.where.removeprefix("sftp://").partition("/")
    login, _, port = address.partition(":")
    words = ("-P", port) if port.isdigit() else ()
    return command("scp", "-p", *words, f"{login}:/{plain(folder).strip('/')}/{plain(place.name)}", f"{FOLDER}/")


def _checked(place: Place, kit: Kit) -> str:
    if place.holds is None:
        return " (never re-hashed there)"
    return f" ({'whole' if place.holds else 'DAMAGED'} at {when(place.checked, kit.zone)})"


def _open(kit: Kit, latest: Archive | None) -> list[Act]:
    out = opened(latest)
    digest = value(latest.sha256 if latest else "", "the archive's SHA-256; the restore checks its members itself")
    check = command("echo", joined(digest, "  ", out), "|", "sha256sum", "-c", "-")
    done = Act(target_name(kit), "check the opened archive", (command("chmod", "0600", out), check), "OK")
    if latest is None or not latest.encryption:
        return [done]
    name = latest.places[0].name.rpartition("/")[2] if latest.places else ""
    file = joined(f"{FOLDER}/", value(name, "the encrypted file's name"))
    able = [one for one in kit.archives.recipients if one.name in latest.recipients]
    people = listed(
        (f"{one.custodian or one.name} ({one.custody or 'where it lies is not known'})" for one in able),
        "not known; ask who received the private key when the recipients were set",
    )
    ask = Command('read -r -p "File with the private key: " KEY')
    age = command("age", "-d", "-i", '"$KEY"', "-o", out, file)
    expect = f"nothing is printed. The private key is brought by: {people}."
    return [Act(target_name(kit), "open it", (ask, age), expect, "take the key away again when it is open."), done]
