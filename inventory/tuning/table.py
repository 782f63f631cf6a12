"""The tuning of an Oracle VM as data: what each parameter must be, how it is read, how bad it is when it is not,
and who says so (facts/luns-and-tuning.md 4.2). What depends on the declared SGA is in hugepages.py and kernel_rows.py.

Sources: P = oracle-database-preinstall-19c and the 19c install guide, T = tuned's profile `oracle`, both from published
copies; K = general knowledge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["least", "most", "equal", "one_of", "span"]
Severity = Literal["fail", "warn", "info"]


@dataclass(frozen=True)
class Rule:
    """One parameter of /proc/sys. wanted: numbers, as many as the parameter has fields. least and most: each field at
    least or at most that; one_of: any of them; span: low field at most, high field at least. own: values that a kernel
    has by itself, so that no file needs to set them. tuned: the profile `oracle` sets it at every boot."""

    parameter: str
    kind: Kind
    wanted: tuple[int, ...]
    severity: Severity
    source: str
    why: str
    own: tuple[str, ...] = ()
    tuned: bool = False

    @property
    def path(self) -> str:
        """Its file."""
        return f"/proc/sys/{self.parameter.replace('.', '/')}"

    @property
    def expected(self) -> str:
        """The rule in words."""
        numbers = " ".join(str(one) for one in self.wanted)
        if self.kind == "span":
            return f"{self.wanted[0]} or lower, {self.wanted[1]} or higher"
        if self.kind == "one_of":
            many = len(self.wanted) > 2
            return f"{self.wanted[0]} to {self.wanted[-1]}" if many else " or ".join(str(one) for one in self.wanted)
        words = {"least": "or more", "most": "or less", "equal": ""}[self.kind]
        return f"{numbers} {words}".strip()

    def holds(self, fields: tuple[int, ...]) -> bool:
        """Whether running values keep the rule; another number of fields never does."""
        if self.kind == "one_of":
            return len(fields) == 1 and fields[0] in self.wanted
        if len(fields) != len(self.wanted):
            return False
        if self.kind == "span":
            return fields[0] <= self.wanted[0] and fields[1] >= self.wanted[1]
        pairs = zip(fields, self.wanted, strict=True)
        if self.kind == "least":
            return all(have >= want for have, want in pairs)
        if self.kind == "most":
            return all(have <= want for have, want in pairs)
        return fields == self.wanted


_HUGE = "18446744073692774399"  # the kernel's own shmmax and shmall: unsigned 64 bits less a page's worth

RULES: tuple[Rule, ...] = (
    Rule("kernel.sem", "least", (250, 32000, 100, 128), "fail", "P, T", "instances cannot start", tuned=True),
    Rule("kernel.shmmni", "least", (4096,), "warn", "P, T", "segments run out", own=("4096",), tuned=True),
    Rule(
        "fs.file-max",
        "least",
        (6815744,),
        "warn",
        "P, T",
        "open files run out",
        own=("9223372036854775807",),
        tuned=True,
    ),
    Rule("fs.aio-max-nr", "least", (1048576,), "fail", "P, T", "asynchronous I/O fails with ORA-27090", tuned=True),
    Rule("net.core.rmem_default", "least", (262144,), "warn", "P, T", "packets are dropped", tuned=True),
    Rule("net.core.rmem_max", "least", (4194304,), "warn", "P, T", "packets are dropped", tuned=True),
    Rule("net.core.wmem_default", "least", (262144,), "warn", "P, T", "packets are dropped", tuned=True),
    Rule("net.core.wmem_max", "least", (1048576,), "warn", "P, T", "packets are dropped", tuned=True),
    Rule("net.ipv4.ip_local_port_range", "span", (9000, 65499), "warn", "P, T", "client ports run out", tuned=True),
    Rule("net.ipv4.conf.all.rp_filter", "one_of", (0, 2), "warn", "P", "RAC interconnects lose packets", own=("0",)),
    Rule(
        "net.ipv4.conf.default.rp_filter", "one_of", (0, 2), "warn", "P", "RAC interconnects lose packets", own=("0",)
    ),
    Rule("kernel.panic_on_oops", "equal", (1,), "warn", "P, T", "a damaged kernel runs on", own=("1",), tuned=True),
    Rule("kernel.numa_balancing", "equal", (0,), "warn", "T", "memory is moved under the SGA", own=("0",), tuned=True),
    Rule("vm.swappiness", "one_of", tuple(range(1, 11)), "warn", "T", "the kernel swaps Oracle's memory", tuned=True),
    Rule("vm.dirty_background_ratio", "most", (3,), "info", "T", "write-back comes in bursts", tuned=True),
    Rule("vm.dirty_ratio", "most", (40,), "info", "T", "write-back comes in bursts", tuned=True),
)


@dataclass(frozen=True)
class LimitRule:
    """A limit of the running instance. soft, hard: at least, in the unit of /proc/PID/limits (bytes for memory)."""

    parameter: str
    name: str  # of the line in /proc/PID/limits
    item: str  # of limits.conf
    soft: int
    hard: int
    severity: Severity
    source: str


LIMITS: tuple[LimitRule, ...] = (
    LimitRule("limit nofile", "Max open files", "nofile", 1024, 65536, "warn", "P"),
    LimitRule("limit nproc", "Max processes", "nproc", 16384, 16384, "warn", "P"),
    LimitRule("limit stack", "Max stack size", "stack", 10240 * 1024, 32768 * 1024, "warn", "P"),
)

SCHEDULERS = ("none", "mq-deadline", "noop", "deadline")
CLOCKS = ("kvm-clock", "tsc")
AIO_SHARE = 0.8  # of fs.aio-max-nr in use
SWAP_USED = 0.1  # of the swap space
