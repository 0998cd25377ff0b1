"""The processes of a service: started in a session of their own, found and ended again.

Each bears a mark in its environment, the service's folder, and hands it on to what it starts. So they are found as long
as they are there, without a file that could be lost or name a process that is another one by now.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

from .report import Trouble

MARK = "PELTON_INFRA"

# How long a service may take to end by itself, and how long the kernel to end it by force.
END_WAIT_MAX_S = 15
KILL_WAIT_MAX_S = 5
LOOK_EVERY_S = 0.05
# How long a short command may take.
FINISH_WAIT_MAX_S = 60


def start(process):
    """Starts a process that outlives this one. Its output goes to its log."""
    with open(process.log, "wb") as output:
        return subprocess.Popen(
            process.command,
            cwd=process.folder,
            env={**os.environ, **process.environment, MARK: str(process.folder)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def alive(*folders):
    """The processes that bear the mark of one of these folders. Those that ended and wait for their parent do not count."""
    marks = {f"{MARK}={folder}".encode() for folder in folders}
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if not marks.isdisjoint((entry / "environ").read_bytes().split(b"\0")):
                found.append(int(entry.name))
        except OSError:
            pass  # It ended meanwhile, or is somebody else's.
    return found


def stop(*folders):
    """Ends all of them: politely, then by force. Returns whether none is left."""
    pids = alive(*folders)
    _signal([pid for pid in pids if _parent(pid) not in pids], signal.SIGTERM)
    return _ended(folders, END_WAIT_MAX_S) or kill(*folders)


def kill(*folders):
    """Ends all of them by force. Returns whether none is left."""
    _signal(alive(*folders), signal.SIGKILL)
    return _ended(folders, KILL_WAIT_MAX_S)


def finish(command):
    """Runs a short command to its end, and returns what it prints."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=FINISH_WAIT_MAX_S
        )
    except subprocess.TimeoutExpired:
        raise Trouble(f"it takes longer than {FINISH_WAIT_MAX_S} s: {' '.join(map(str, command[:4]))} …") from None
    if done.returncode != 0:
        raise Trouble(f"failed: {' '.join(map(str, command[:4]))} …\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


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


def _ended(folders, wait_max_s):
    deadline = time.monotonic() + wait_max_s
    while alive(*folders):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY_S)
    return True
