"""What the files of one backup are called on the engine VM, and where its log is. `ident`: YYYYmmddThhmmss."""

from __future__ import annotations

import posixpath
import re

PREFIX = "holdfast-"
IDENT = re.compile(r"\d{8}T\d{6}(-\d{1,3})?")
_ABSOLUTE = re.compile(r"/[A-Za-z0-9._/-]*")


def archive(directory: str, ident: str) -> str:
    """The archive once it is whole."""
    return posixpath.join(directory, f"{PREFIX}{ident}.backup")


def partial(directory: str, ident: str) -> str:
    """The name under which engine-backup writes: it makes the file before it has anything to put into it."""
    return posixpath.join(directory, f".{PREFIX}{ident}.partial")


def log(directory: str, ident: str, mode: str = "backup") -> str:
    """The log of one run. A log is appended to, so each run has its own."""
    return posixpath.join(directory, f"{PREFIX}{ident}.{mode}.log")


def copy(engine: str, ident: str) -> str:
    """The name of the encrypted copy at every destination."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", engine).strip("-.") or "engine"
    return f"{plain}-{ident}.backup.age"


def ident_problem(ident: str) -> str:
    """ "" or why it is none."""
    return "" if IDENT.fullmatch(ident) else f"{ident!r} does not name a backup: YYYYmmddThhmmss does."


def directory_problem(path: str) -> str:
    """ "" or why a folder on the engine VM is not taken."""
    if not path:
        return "A folder on the engine VM must be named."
    if not _ABSOLUTE.fullmatch(path) or ".." in path.split("/") or not path.strip("/"):
        return f"{path!r} is no folder that can be used: an absolute path of letters, digits, '.', '_' and '-'."
    return ""
