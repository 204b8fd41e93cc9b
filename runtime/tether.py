"""Runs a command that dies with the process that started it: `tether.py PARENT SIGNAL ACCOUNT COMMAND…`.

A program of its own, not a `preexec_fn`: that one may deadlock beside the threads of Temporal's core, and a change
of user clears the tie, so the user is changed first. Where the kernel has no such tie the command runs without it,
and the next start clears what is left.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys

_PR_SET_PDEATHSIG = 1


def become(account: str) -> None:
    """Give up root for good; `account` is empty where there is nothing to give up."""
    if account:
        entry = pwd.getpwnam(account)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)


def tie(parent: int, signal_number: int) -> None:
    """Ask the kernel for a signal when the parent dies; leave at once if it already has."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)


def main() -> None:
    """Change the user, tie, and turn into the command."""
    parent, signal_number, account, *command = sys.argv[1:]
    os.umask(0o077)  # whatever a server writes is for its own account
    become(account)
    tie(int(parent), int(signal_number))
    os.execv(command[0], command)  # noqa: S606 -- replacing ourselves is the point


if __name__ == "__main__":
    main()
