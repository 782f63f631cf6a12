"""The lab's command line: run it, and talk to a running one."""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from lab import estate, run, smtp, syslog, webhook

PORT, ENGINE_PORT, SSH_PORT = 8090, 8443, 2222


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description="The embedded estate behind real protocols.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    start = verbs.add_parser("run", help="play the estate until Ctrl-C")
    start.add_argument("--speed", type=float, default=5.0, help="lab seconds per real second (5)")
    start.add_argument("--port", type=int, default=PORT, help=f"control port ({PORT})")
    start.add_argument("--engine-port", type=int, default=ENGINE_PORT, help=f"engine's HTTPS port ({ENGINE_PORT})")
    start.add_argument("--ssh-port", type=int, default=SSH_PORT, help=f"SSH port of every host ({SSH_PORT})")
    start.add_argument("--hosts", type=int, default=2)
    start.add_argument("--he-hosts", type=int, default=2, help="hosts that run the HA services, at most 7")
    start.add_argument("--vms", type=int, default=7)
    start.add_argument("--luns", type=int, default=8)
    start.add_argument("--san", choices=("plain", "isl"), default="plain", help="isl: two switches per fabric")
    start.add_argument("--state-dir", type=Path, default=Path("var/lab"))
    start.add_argument("--backup-mib", type=int, default=8, help="about the size of an archive of engine-backup (8)")
    start.add_argument("--quick", action="store_true", help="commands answer at once")
    _sinks(verbs)
    fault = verbs.add_parser("fault", help="put a fault in force")
    fault.add_argument("name")
    fault.add_argument("words", nargs="*", metavar="TARGET | key=value")
    clear = verbs.add_parser("clear", help="undo faults: all, or those of a name and target")
    clear.add_argument("name", nargs="?", default="")
    clear.add_argument("target", nargs="?", default="")
    listed = [verbs.add_parser(name, help=text) for name, text in _READS.items()]
    for verb in (fault, clear, *listed):
        verb.add_argument("--port", type=int, default=PORT, help=f"the running lab's control port ({PORT})")
    return parser


def _sinks(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Who can be told of alerts."""
    mail = verbs.add_parser("mail", help="a mail server that prints what it gets, until Ctrl-C")
    mail.add_argument("--port", type=int, default=2525, help="SMTP port (2525)")
    mail.add_argument("--fault", choices=smtp.FAULTS, default="", help="what it does wrong")
    mail.add_argument("--folder", type=Path, help="keep each message there as a file, and print one line of it")
    hook = verbs.add_parser("webhook", help="a listener that prints what it is told, until Ctrl-C")
    hook.add_argument("--port", type=int, default=8095, help="HTTP port (8095)")
    hook.add_argument("--fault", choices=webhook.FAULTS, default="", help="what it does wrong")
    log = verbs.add_parser("syslog", help="a syslog server that prints what it gets, until Ctrl-C")
    log.add_argument("--port", type=int, default=6514, help="port (6514)")
    log.add_argument("--transport", choices=("tcp", "udp"), default="tcp")
    log.add_argument("--fault", choices=syslog.FAULTS, default="", help="what it does wrong")


_READS = {"faults": "the faults in force", "truth": "what is really so", "ledger": "every command that ran"}


def _ask(port: int, method: str, path: str, body: dict[str, str] | None = None) -> int:
    """Sends one request to the running lab and prints the answer. Returns the exit code."""
    raw = None if body is None else json.dumps(body).encode()
    url = f"http://127.0.0.1:{port}{path}"
    request = urllib.request.Request(url, raw, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            print(json.dumps(json.load(answer), indent=2))
            return 0
    except urllib.error.HTTPError as error:
        print(f"lab: {error.read().decode('utf-8', 'replace').strip()}", file=sys.stderr)
    except OSError as error:
        print(f"lab: nobody answers on port {port} ({error}). Start it with: lab run --port {port}", file=sys.stderr)
    return 1


def main(words: list[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    given = _parser().parse_args(words)
    if given.verb == "run":
        return run.main(_options(given))
    if given.verb == "mail":
        return smtp.main(given.port, given.fault, given.folder)
    if given.verb == "webhook":
        return webhook.main(given.port, given.fault)
    if given.verb == "syslog":
        return syslog.main(given.port, given.transport, given.fault)
    if given.verb == "fault":
        body = dict(word.split("=", 1) for word in given.words if "=" in word)
        targets = [word for word in given.words if "=" not in word]
        return _ask(given.port, "POST", "/faults", {**body, "name": given.name, "target": " ".join(targets)})
    if given.verb == "clear":
        query = urllib.parse.urlencode({"name": given.name, "target": given.target})
        return _ask(given.port, "DELETE", f"/faults?{query}")
    return _ask(given.port, "GET", f"/{given.verb}")


def _options(given: argparse.Namespace) -> run.Options:
    return run.Options(
        state_dir=given.state_dir,
        size=estate.Size(
            hosts=given.hosts, vms=given.vms, luns=given.luns, he_hosts=given.he_hosts, isl=given.san == "isl"
        ),
        speed=given.speed,
        port=given.port,
        engine_port=given.engine_port,
        ssh_port=given.ssh_port,
        quick=given.quick,
        backup_mib=given.backup_mib,
    )


if __name__ == "__main__":
    sys.exit(main())
