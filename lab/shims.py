"""The virtual commands: compiles the shim, answers it over a Unix socket, and keeps the ledger of what ran."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab import ledger, life, transient
from lab.backup import tools
from lab.command import Program, Real, Reply
from lab.corrupt import spoil
from lab.engine_vm_programs import PROGRAMS as VM_PROGRAMS
from lab.oracle_vm_programs import PROGRAMS as ORACLE_PROGRAMS
from lab.programs import PROGRAMS
from lab.runtime import SYSTEM_PATH, Lab
from lab.world import ENGINE, Host

SOURCE = Path(__file__).with_name("shim.c")


def install(lab: Lab) -> None:
    """Compiles the shim and links every virtual command to it. Raises RuntimeError when there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("The lab needs a C compiler (cc) and finds none. Install gcc.")
    lab.bin.mkdir(parents=True, exist_ok=True)
    program = lab.bin / ".shim"
    subprocess.run([compiler, "-O2", "-o", f"{program}.new", str(SOURCE)], check=True)
    os.replace(f"{program}.new", program)
    lab.oracle_bin.mkdir(parents=True, exist_ok=True)
    _link(lab.oracle_bin, program, (*ORACLE_PROGRAMS, "sh"))
    _link(lab.bin, program, (*PROGRAMS, "systemd-run", "sh"))
    tools.install(lab.vm_tools, compiler)
    _link(lab.vm_tools / "bin", program, (*VM_PROGRAMS, "systemd-run", tools.ENDED))


def _link(folder: Path, program: Path, names: Sequence[str]) -> None:
    for old in folder.iterdir():
        if old.is_symlink():
            old.unlink()
    for name in names:
        (folder / name).symlink_to(program)


async def serve(lab: Lab) -> asyncio.Server:
    """Answers shims until the server is closed."""
    lab.socket.unlink(missing_ok=True)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                await _answer(lab, reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_unix_server(answer, path=str(lab.socket), limit=1 << 24, backlog=512)
    lab.socket.chmod(0o600)
    return server


async def _answer(lab: Lab, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    words = (await reader.read(-1)).decode("utf-8", "surrogateescape").split("\0")[:-1]
    host, cwd, argv = lab.world.machine(words[0]), words[1], words[2:]
    if argv[0] == tools.ENDED:
        tools.ended(lab.world, argv)
        await _send(writer, b"x", b"\0")
        return
    entry = ledger.enter(lab.world, host.name, argv, "command")
    if argv[0] in host.hang:
        await _until_gone(writer)
        return
    reply = _run(lab, host, argv)
    if isinstance(reply, Real) and reply.database:
        reply = await _with_database(lab, reply)
    if isinstance(reply, Real) and not reply.files:
        await _instead(lab, writer, reply, entry)
        return
    out, err, rc, took = await _result(lab, host, cwd, reply)
    if took:
        await asyncio.sleep(took)
    out = spoil(out, host.corrupt[argv[0]]) if argv[0] in host.corrupt else out
    await _send(writer, b"o", out)
    await _send(writer, b"e", err)
    await _send(writer, b"x", bytes([rc & 0xFF]))
    ledger.close(lab.world, entry, rc)


async def _with_database(lab: Lab, real: Real) -> Real | Reply:
    try:
        await lab.cluster.ready()
    except (RuntimeError, OSError) as error:
        return Reply(err=f"{error}\n", rc=127)
    return real


async def _instead(lab: Lab, writer: asyncio.StreamWriter, real: Real, entry: dict[str, object]) -> None:
    """The shim becomes the real program. One that reports keeps its entry open until it does, or is killed."""
    entry["real"] = True
    argv, env = _real_argv(real, real.argv), dict(real.env)
    if real.reports:
        env["LAB_RUN"] = str(entry["n"])
        task = asyncio.create_task(tools.watch(lab.world, entry, tools.client(writer)))
        lab.tasks.add(task)
        task.add_done_callback(lab.tasks.discard)
    else:
        ledger.close(lab.world, entry, None)
    words = ["env", *(f"{key}={value}" for key, value in env.items()), *argv] if env else argv
    await _send(writer, b"r", b"".join(_bytes(word) + b"\0" for word in words))


async def _until_gone(writer: asyncio.StreamWriter) -> None:
    """A hanging command: nothing is sent; ends when the client was killed (its socket is then closed)."""
    while not writer.transport.is_closing():
        await asyncio.sleep(1.0)
        writer.write(b"o\0\0\0\0")  # an empty piece of stdout: prints nothing, fails once nobody is there


def _run(lab: Lab, host: Host, argv: list[str]) -> Reply | Real:
    life.tick(lab.world)
    if any(" ".join(argv).startswith(words) for words in host.idle):
        return Reply()
    if argv[0] == "systemd-run":
        return transient.run(lab, host, argv)
    try:
        return _programs(lab, host)[argv[0]](lab.world, host, argv)
    finally:
        life.act(lab.world)


def _programs(lab: Lab, host: Host) -> Mapping[str, Program]:
    if host.name in lab.world.oracle_machines:
        return ORACLE_PROGRAMS
    return VM_PROGRAMS if host.name == ENGINE else PROGRAMS


def _real_argv(real: Real, argv: Sequence[str]) -> list[str]:
    """The argv with its program looked up behind the lab's own names, unless it is to be looked up on PATH."""
    found = None if real.on_path else shutil.which(argv[0], path=SYSTEM_PATH)
    return [found or argv[0], *argv[1:]]


async def _result(lab: Lab, host: Host, cwd: str, reply: Reply | Real) -> tuple[bytes, bytes, int, float]:
    if isinstance(reply, Reply):
        return _bytes(reply.out), _bytes(reply.err), reply.rc, reply.took
    return await _run_over_files(lab, host, cwd, reply)


async def _run_over_files(lab: Lab, host: Host, cwd: str, real: Real) -> tuple[bytes, bytes, int, float]:
    """Runs the real tool over copies of the host's virtual files, and takes the copies' place out of what it prints."""
    root = lab.state_dir / "roots" / host.name
    for path, content in real.files.items():
        copy = root / path.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
    argv = _real_argv(real, [*real.argv[:1], *(word for given in real.argv[1:] for word in _inside(root, given))])
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=cwd,
        env={**lab.environment(host), "PATH": SYSTEM_PATH, "LC_ALL": "C"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    lab.children.add(process.pid)
    out, err = await process.communicate()
    lab.children.discard(process.pid)
    place = str(root).encode()
    return out.replace(place, b""), err.replace(place, b""), process.returncode or 0, 0.0


def _inside(root: Path, word: str) -> list[str]:
    """An absolute path or pattern as it lies among the copies; anything else as it is."""
    if not word.startswith("/") or not (root / word.lstrip("/").split("*")[0].rpartition("/")[0]).is_dir():
        return [word]
    if any(mark in word for mark in "*?["):
        return sorted(str(path) for path in root.glob(word.lstrip("/"))) or [word]
    return [f"{root}{word}"]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


async def _send(writer: asyncio.StreamWriter, kind: bytes, payload: bytes) -> None:
    writer.write(kind + struct.pack(">I", len(payload)) + payload)
    await writer.drain()
