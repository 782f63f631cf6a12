"""Every virtual command of a lab host by its name."""

from __future__ import annotations

from lab import ip_cli, multipath_cli, programs_files, programs_sys, programs_system, programs_virt, rpm, scsi_state
from lab.command import Program
from lab.he_cli import hosted_engine

PROGRAMS: dict[str, Program] = {
    "hosted-engine": hosted_engine,
    "rpm": rpm.rpm,
    **programs_files.PROGRAMS,
    **programs_system.PROGRAMS,
    **programs_virt.PROGRAMS,
    **multipath_cli.PROGRAMS,
    **ip_cli.PROGRAMS,
    **scsi_state.PROGRAMS,
    **programs_sys.PROGRAMS,
}
