"""Run as root, on the host, just before the jail: gives up root, which bubblewrap would not do, then becomes the jail.

Whatever is bound into the jail is first bound to a place that the new user can reach, in a mount namespace of this
process alone: interpreters and environments often lie below a home that only root may enter.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import kernel

STAGE = "/tmp"
"""Covered by a file system of its own while the jail is made, in this process's sight only."""


def main() -> None:
    """Argument: JSON with `uid`, `binds` (paths to stage as /tmp/0, /tmp/1 ...) and `command`."""
    request = json.loads(sys.argv[1])
    if request["binds"]:
        kernel.unshare(kernel.NEWNS)
        kernel.mount("none", "/", None, kernel.MS_PRIVATE_REC)
        _stage(request["binds"])
    os.setgroups([])
    os.setresgid(request["uid"], request["uid"], request["uid"])
    os.setresuid(request["uid"], request["uid"], request["uid"])
    os.execv(request["command"][0], request["command"])


def _stage(binds: list[str]) -> None:
    sources = [(Path(path).is_dir(), os.open(path, os.O_PATH)) for path in binds]
    kernel.mount("none", STAGE, "tmpfs", kernel.MS_NOSUID_NODEV, "mode=755,size=1m")
    for number, (folder, fd) in enumerate(sources):
        place = Path(STAGE, str(number))
        place.mkdir() if folder else place.touch()
        kernel.mount(f"/proc/self/fd/{fd}", str(place), None, kernel.MS_BIND_REC)
        os.close(fd)


if __name__ == "__main__":
    main()
