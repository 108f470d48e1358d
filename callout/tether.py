"""How does a server die with the supervisor that started it, even when that one is killed with -9?

This file is run as a script in front of every child: it asks the kernel for a signal at the
parent's death, gives up root where it must, and becomes the server. It imports the standard
library only, so that it costs milliseconds. (Asking in the child and not in `preexec_fn` keeps
Python code out of a forked copy of a process that may hold threads.)
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAPBSET_READ = 23
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
#: Read and cross any folder; failing that (containers withhold it), ignore permissions.
_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE = 2, 1


def _prctl(*arguments: int) -> int:
    padded = (*arguments, 0, 0, 0, 0)[:5]
    result: int = ctypes.CDLL(None, use_errno=True).prctl(*(ctypes.c_ulong(a) for a in padded))
    return result


def _keep(capability: int) -> None:
    """Hold one capability as an ordinary user, and through the exec that follows."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    bits = 1 << capability
    data = (ctypes.c_uint32 * 6)(bits, bits, bits, 0, 0, 0)
    ctypes.CDLL(None, use_errno=True).capset(header, data)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


def become(uid: int, gid: int, *, crossing: bool) -> None:
    """Turn from root into an ordinary user, who may still cross closed folders if `crossing`."""
    if crossing:
        _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if crossing:
        may_read = _prctl(_PR_CAPBSET_READ, _CAP_DAC_READ_SEARCH) == 1
        _keep(_CAP_DAC_READ_SEARCH if may_read else _CAP_DAC_OVERRIDE)


def main(parent: int, signal: int, account: str, argv: list[str]) -> None:
    """Tie this process to `parent`, become `account` ("uid:gid:crossing" or "-") and run `argv`."""
    if account != "-":
        uid, gid, crossing = (int(part) for part in account.split(":"))
        become(uid, gid, crossing=bool(crossing))
    if sys.platform == "linux":
        # After the change of user, which clears it.
        _prctl(_PR_SET_PDEATHSIG, signal)
    if os.getppid() != parent:
        sys.exit("The parent died before its child began.")
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
