"""An sshd on loopback that stands for every host of the estate: it answers on 127.0.0.0/8, and the address that was
called says which host it is. Instead of the portal's script it sends that host's prepared answer."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from bench.luns_answers import LANES, sections, stream
from bench.luns_estate import HOSTS
from portal.connectors.ssh import new_key
from portal.kernel import collector
from portal.kernel.command import Command

NONCE = "0123456789abcdef0123456789abcdef"
# What the account runs whatever it is asked: which lane the script is of, and its first line's own word go into the
# markers. Builtins of the shell, and one sed per visit.
ANSWER = r"""set -- $SSH_CONNECTION
n=${SSH_ORIGINAL_COMMAND#N=}
n=${n%%"
"*}
case $SSH_ORIGINAL_COMMAND in *"show maps json"*) f=paths k=PATHS;; *) f=minute k=MINUTE;; esac
i=0
while [ $i -lt $k ]; do printf '@@%s %s 1.00\n@@%s = 0\n' $n $i $n; i=$((i+1)); done >&2
printf '@@%s end 1.00\n' $n >&2
exec sed "s/^@@ /@@$n /" FOLDER/$3.$f
"""


def address(number: int) -> str:
    """Of a host."""
    return f"127.1.{1 + number // 200}.{1 + number % 200}"


class Rig:
    """The server, its key, and the answers in a folder. Ended by its pid."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sshd = shutil.which("sshd") or "/usr/sbin/sshd"
        if not Path(self.sshd).exists():
            raise SystemExit("bench luns needs OpenSSH's sshd. Install the package openssh-server.")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.private, self.host_key = "", ""
        self.bytes = {lane: 0 for lane in LANES}
        self._counts = {lane: 0 for lane in LANES}
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Writes keys and answers, starts sshd and waits until it listens."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        private, public = new_key()
        host_private, self.host_key = new_key()
        self.private = private.reveal()
        self._secret("key", self.private)
        self._secret("host", host_private.reveal())
        self._secret("authorized", public + "\n")
        self.answer()
        text = ANSWER.replace("FOLDER", str(self.folder))
        for lane, count in self._counts.items():
            text = text.replace(f"k={lane.upper()}", f"k={count}")
        (self.folder / "answer").write_text(text)
        (self.folder / "config").write_text(
            f"ListenAddress 0.0.0.0:{self.port}\nHostKey {self.folder}/host\n"
            f"AuthorizedKeysFile {self.folder}/authorized\nForceCommand exec sh {self.folder}/answer\n"
            "PidFile none\nUsePAM no\nStrictModes no\nMaxStartups 900\nPasswordAuthentication no\n"
            "PermitRootLogin prohibit-password\nLogLevel ERROR\n"
        )
        words = [self.sshd, "-D", "-f", str(self.folder / "config"), "-E", str(self.folder / "log")]
        self._server = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        self._await()

    def answer(self, *, lost: str = "") -> None:
        """Prepares what every host says. lost: a fabric that is gone."""
        for number in range(HOSTS):
            told = sections(number, lost=lost)
            for lane in LANES:
                text, self._counts[lane] = stream(told, lane)
                path = self.folder / f"{address(number)}.{lane}"
                path.write_bytes(text)
                self.bytes[lane] = len(text)

    def peers(self, commands: dict[str, Command], sweeps: int) -> Path:
        """The file that tells bench/peers_ssh.py what to do: the script of one lane on every host."""
        path = self.folder / "rig.json"
        size = self.bytes["paths"]
        rig = {
            "hosts": [(address(number), self.host_key) for number in range(HOSTS)],
            "port": self.port,
            "user": getpass.getuser(),
            "key": str(self.folder / "key"),
            "sweeps": sweeps,
            "line": collector.script(commands, NONCE, sudo=False),
            "sizes": [size * 9 // 10, size + 800],  # one peer gives lines without their ends
        }
        path.write_text(json.dumps(rig))
        return path

    def _secret(self, name: str, text: str) -> None:
        with open(os.open(self.folder / name, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text)

    def _await(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection((address(0), self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise SystemExit(f"sshd did not start: {(self.folder / 'log').read_text()[-400:]}")

    def stop(self) -> None:
        """Ends the server; its sessions end with the connections."""
        if self._server is None:
            return
        self._server.terminate()
        try:
            self._server.wait(5)
        except subprocess.TimeoutExpired:
            self._server.kill()
