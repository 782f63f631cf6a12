"""Why `hosted-engine --vm-status` gave no status: each shape of facts/hosted-engine.md 1 and 2.6, with what to do."""

from __future__ import annotations

import re

from inventory.probes.reading.vm_status import NoStatus
from portal.kernel.output import Output

_TOO_NEW = re.compile(r"Metadata version (\d+) from host (\d+) too new")

# (kind, words that stdout or stderr holds, sentence). The first that fits speaks. Traceback layouts and line numbers
# differ between Python versions, so only oVirt's own words and exception names are looked for.
_SHAPES: tuple[tuple[str, str, str], ...] = (
    (
        "not_deployed",
        "You must run deploy first",
        "Hosted engine is not deployed on this host: stop asking it, or deploy it from the engine.",
    ),
    (
        "deploy_failed",
        "previous attempt to deploy hosted-engine failed",
        "A hosted-engine deployment on this host failed or is still running: finish or clean it up.",
    ),
    (
        "config_missing",
        "ensure that ovirt-ha-agent service is running",
        "The HA agent does not run, so vm.conf was not fetched from shared storage: start ovirt-ha-agent on this host.",
    ),
    (  # before 4.4 one text said both
        "config_missing",
        "ensure that ovirt-ha-agent is running and the storage server is reachable",
        "vm.conf was not fetched from shared storage: see that ovirt-ha-agent runs on this host and that it reaches "
        "the hosted-engine storage domain.",
    ),
    (
        "config_missing",
        "configuration has not been retrieved from shared storage",
        "The HA agent runs, but could not fetch vm.conf from shared storage: see `sanlock client status` and the "
        "hosted-engine storage domain.",
    ),
    (
        "broker_down",
        "Connection refused",
        "The HA broker's socket is there, but nobody listens: restart ovirt-ha-broker on this host, read broker.log.",
    ),
    (
        "broker_down",
        "Cannot connect to the HA daemon",
        "The HA broker is down: start ovirt-ha-broker on this host and read broker.log.",
    ),
    (
        "broker_down",
        "Unable to connect the HA Broker",
        "The HA broker is down: start ovirt-ha-broker on this host and read broker.log.",
    ),
    (
        "broker_down",
        "make sure your storage is reachable",
        "The HA broker broke off while it was asked: see the hosted-engine storage domain on this host and broker.log.",
    ),
    (
        "broker_down",
        "JSONDecodeError",
        "The HA broker does not answer: see `systemctl status ovirt-ha-broker` on this host and read broker.log.",
    ),
    (
        "denied",
        "sudo:",
        "sudo refuses the portal's account: allow `timeout -k 2 15 hosted-engine --vm-status --json`, word for word, "
        "with NOPASSWD and !requiretty in sudoers on this host.",
    ),
)


def refusal(output: Output) -> NoStatus | None:
    """The reason why an output is no status, None when it may be one. Only exit code 0 may be one."""
    if output.exit_code is None:
        why = output.error_line() or "The connection broke."
        return NoStatus("failed", f"The end of `hosted-engine --vm-status` was never seen. {why}")
    if output.timed_out:
        return NoStatus(
            "timeout",
            "`hosted-engine --vm-status` did not answer within its time limit: the HA broker hangs. See "
            "ovirt-ha-broker and the hosted-engine storage on this host.",
        )
    if output.exit_code == 0:
        return None
    return _by_words(output) or _by_code(output)


def _by_words(output: Output) -> NoStatus | None:
    words = output.stdout.decode("utf-8", "replace") + "\n" + output.stderr.decode("utf-8", "replace")
    too_new = _TOO_NEW.search(words)
    if too_new:
        return NoStatus(
            "newer_metadata",
            f"The record of host id {too_new[2]} has metadata version {too_new[1]}, which this host's agent cannot "
            "read: bring ovirt-hosted-engine-ha to one version on all hosts.",
        )
    for kind, sign, sentence in _SHAPES:
        if sign in words:
            return NoStatus(kind, sentence)
    return None


def _by_code(output: Output) -> NoStatus:
    if output.exit_code == 127:
        return NoStatus("missing", "The command `hosted-engine` is not installed on this host.")
    said = output.error_line()
    tail = f": {said}" if said else " and said nothing"
    return NoStatus("failed", f"`hosted-engine --vm-status` ended with exit code {output.exit_code}{tail}.")
