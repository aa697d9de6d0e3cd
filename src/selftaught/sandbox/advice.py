"""From what a failing jail says about itself to what a user can do about it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

SEE = "; see `selftaught doctor`"
"""Ends a refusal of which more can be told than fits."""
_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_CLONE = Path("/proc/sys/kernel/unprivileged_userns_clone")
_MOST = Path("/proc/sys/user/max_user_namespaces")


def _says(switch: Path, value: str) -> bool:
    return switch.exists() and switch.read_text().strip() == value


def contained() -> bool:
    """Whether this looks like the inside of a Docker or Podman container."""
    return any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv"))


def namespaces() -> str:
    """Why user namespaces may be denied on this machine and how to allow them; empty when nothing known stands out."""
    if _says(_APPARMOR, "1"):
        return (
            "Ubuntu's AppArmor keeps user namespaces from bubblewrap: give /usr/bin/bwrap an AppArmor profile with "
            "`flags=(unconfined) { userns, }`, or run `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`"
        )
    if _says(_CLONE, "0"):
        return "user namespaces are switched off: run `sudo sysctl -w kernel.unprivileged_userns_clone=1`"
    if _says(_MOST, "0"):
        return "the number of user namespaces is limited to none: run `sudo sysctl -w user.max_user_namespaces=15000`"
    if contained():
        return (
            "the container's system call filter denies namespaces: start it with `--security-opt seccomp=unconfined "
            "--security-opt apparmor=unconfined`, or make the container itself the sandbox with `--sandbox external`"
        )
    return ""


def files() -> str:
    """What to do where a jail may be made but nothing may be mounted within it."""
    if _says(_APPARMOR, "1"):
        return (
            "Ubuntu's AppArmor keeps what bubblewrap starts from mounting: give /usr/bin/bwrap an AppArmor profile with "
            "`flags=(unconfined) { userns, }` in place of `bwrap-userns-restrict`"
        )
    if contained():
        return (
            "the container keeps programs from mounting: start it with `--security-opt seccomp=unconfined "
            "--security-opt apparmor=unconfined`"
        )
    return "its kernel keeps programs from mounting in user namespaces: have a security module's rule for that lifted"


def mend(complaint: str) -> str:
    """What to do about a jail that could not be started and complained so; empty when that is not known."""
    if platform.system() != "Linux":
        return "the sandbox needs Linux: use a Linux machine, virtual machine or container"
    if any(words in complaint for words in ("namespace", "uid map", "RTM_NEWADDR", "nesting depth")):
        return namespaces() or "this kernel denies user namespaces: ask its administrator to allow them"
    if "unshare" in complaint or "mount" in complaint:
        return "root may not mount here (a container without CAP_SYS_ADMIN): start this program as an ordinary user"
    if "Permission denied" in complaint or "source path" in complaint:
        who = "the sandbox's user" if os.geteuid() == 0 else "you"
        return f"a file the sandbox needs cannot be reached by {who}: make it readable, with the folders above it"
    return ""
