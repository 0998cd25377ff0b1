"""The steps of an installation: commands that take a while, with a log and a sign of life.

In: commands. Out: all of them succeeded, or a Trouble that shows the end of the log.
"""

import contextlib
import subprocess
import time

from .report import Progress, Trouble

# How long one step may take on a slow network or machine.
STEP_WAIT_MAX_S = 1800
LOOK_EVERY_S = 0.25
LOG_TAIL_LINES = 20


@contextlib.contextmanager
def steps(what, log):
    """Says `what` is done and hands out a function that runs a command, in a folder if one is named."""
    log.parent.mkdir(parents=True, exist_ok=True)
    progress = Progress(what)
    try:
        with open(log, "wb") as output:
            yield lambda command, cwd=None: _run(command, cwd, output, progress)
    except Trouble as trouble:
        raise Trouble(f"{trouble}\n{tail(log, LOG_TAIL_LINES)}\n(all of it is in {log})") from None
    finally:
        progress.done()


def tail(log, lines):
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _run(command, cwd, output, progress):
    process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + STEP_WAIT_MAX_S
    try:
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise Trouble(f"it takes longer than {STEP_WAIT_MAX_S} s: {' '.join(command[:4])} …")
            progress.tick()
            time.sleep(LOOK_EVERY_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise Trouble(f"failed: {' '.join(command[:4])} …")
