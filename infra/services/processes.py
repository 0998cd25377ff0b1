"""The processes of a service: started in a session of their own, found and ended again.

Each bears a mark in its environment, the service's folder, and hands it on to what it starts. So they are found as long
as they are there, without a file that could be lost or name a process that is another one by now.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

MARK = "PELTON_INFRA"

# How long a service may take to end by itself, and how long the kernel to end it by force.
END_WAIT_MAX_S = 15
KILL_WAIT_MAX_S = 5
LOOK_EVERY_S = 0.05


def start(command, environment, log, folder):
    """Starts a process that outlives this one. Its output goes to the file `log`."""
    with open(log, "wb") as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment, MARK: str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def alive(folder):
    """The processes that bear the mark of this folder. Those that ended and wait for their parent do not count."""
    mark = f"{MARK}={folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            pass  # It ended meanwhile, or is somebody else's.
    return found


def stop(folder):
    """Ends all of them: politely, then by force. Returns whether none is left."""
    pids = alive(folder)
    _signal([pid for pid in pids if _parent(pid) not in pids], signal.SIGTERM)
    if _ended(folder, END_WAIT_MAX_S):
        return True
    _signal(alive(folder), signal.SIGKILL)
    return _ended(folder, KILL_WAIT_MAX_S)


def _signal(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def _parent(pid):
    try:
        # pid (name) state parent …; the name may hold anything.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _ended(folder, wait_max_s):
    deadline = time.monotonic() + wait_max_s
    while alive(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY_S)
    return True
