"""A file over SFTP, in constant memory."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator

import paramiko

from portal.connectors.ssh_connection import Connection, Lost
from portal.kernel.output import LookFailed

PIECE = 32_768  # bytes per SFTP request; what every server must take
BATCH = 64  # requests under way at once: 2 MB, the most that is held in memory
SILENCE = 30.0  # seconds without a byte after which the link is given up


def read_file(connection: Connection, path: str, sink: Callable[[bytes], object], limit: int, offset: int) -> int:
    """Bytes of path from offset to its end go to sink; returns how many. Raises LookFailed or Lost."""
    name = connection.address.name
    channel = connection.channel(SILENCE)
    given = 0
    try:
        channel.settimeout(SILENCE)
        channel.invoke_subsystem("sftp")
        with paramiko.SFTPClient(channel) as client, client.open(path, "rb") as remote:
            size = _size(name, path, remote.stat(), limit)
            for chunks in _batches(offset, size):
                for (start, length), piece in zip(chunks, remote.readv(chunks), strict=True):
                    if len(piece) != length:
                        raise LookFailed(f"{path} on {name} became shorter while it was read (at byte {start}).")
                    sink(piece)
                    given += length
    except FileNotFoundError:
        raise LookFailed(f"{name} has no file {path}.") from None
    except PermissionError:
        raise LookFailed(f"{connection.address.user} may not read {path} on {name}.") from None
    except (TimeoutError, EOFError, paramiko.SSHException, OSError) as error:
        connection.wire.cut()
        raise Lost(f"{given} bytes of {path} came ({type(error).__name__})", sent=True) from None
    return given


def _size(name: str, path: str, found: paramiko.SFTPAttributes, limit: int) -> int:
    if found.st_size is None or (found.st_mode is not None and not stat.S_ISREG(found.st_mode)):
        raise LookFailed(f"{path} on {name} is not a plain file.")
    if found.st_size > limit:
        raise LookFailed(f"{path} on {name} holds {found.st_size} bytes; at most {limit} are fetched.")
    return found.st_size


def _batches(offset: int, size: int) -> Iterator[list[tuple[int, int]]]:
    for start in range(offset, size, PIECE * BATCH):
        end = min(size, start + PIECE * BATCH)
        yield [(at, min(PIECE, end - at)) for at in range(start, end, PIECE)]
