"""Where the services live: `infra/.state`, or the folder that PELTON_INFRA_STATE names. Git ignores the one, and
`cargo clean` leaves it alone.

In: nothing. Out: folders, the settings of infra/.env, and a lock, so that two at once do not disturb each other.
"""

import contextlib
import fcntl
import os
import time
from pathlib import Path

from .report import Trouble, say

INFRA = Path(__file__).resolve().parent.parent
# Programs that are built or installed once for all of the clone, as tests/tool does it.
TOOLS = INFRA.parent / "target" / "tools"
STATE = Path(os.environ.get("PELTON_INFRA_STATE") or INFRA / ".state").resolve()

# How long somebody else may hold the lock: an installation on a slow network.
LOCK_WAIT_MAX_S = 1200
LOCK_LOOK_EVERY_S = 0.2


def folder(service):
    """The folder of one service, made if need be."""
    path = STATE / service
    path.mkdir(parents=True, exist_ok=True)
    return path


def setting(name):
    """A line of infra/.env, or the environment variable of that name."""
    lines = (INFRA / ".env").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return os.environ.get(name) or settings[name]


@contextlib.contextmanager
def lock(folder=STATE):
    """Holds the lock of a folder, that of the services if none is named, having waited for whoever holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as file:
        deadline = time.monotonic() + LOCK_WAIT_MAX_S
        is_said = False
        while not _take(file):
            if not is_said:
                say("another infra/up or infra/down is at work here; waiting for it")
                is_said = True
            if time.monotonic() > deadline:
                raise Trouble(f"it is still at work after {LOCK_WAIT_MAX_S} s; is it hanging?")
            time.sleep(LOCK_LOOK_EVERY_S)
        yield


def _take(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
