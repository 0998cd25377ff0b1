"""A Python of a certain version, and virtual environments of it.

In: a version such as 3.13, packages, constraints. Out: a folder with exactly those, made once. One that was left half
made, or was made of other packages, is made again.
"""

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

from .report import Missing, Progress, Trouble

# How long packages may take to install on a slow network.
INSTALL_WAIT_MAX_S = 1800
LOOK_EVERY_S = 0.25
LOG_TAIL_LINES = 20


def find(version):
    """The path of a Python of this version."""
    for candidate in _candidates(version):
        path = _path_if_it_is(candidate, version)
        if path:
            return path
    raise Missing(
        f"Python {version} is needed, and there is none on the PATH, from pyenv or from uv. Any of these installs it:\n"
        f"  pyenv install {version}\n"
        f"  uv python install {version}\n"
        f"  apt-get install python{version}-venv   (on Ubuntu from the PPA deadsnakes: add-apt-repository ppa:deadsnakes/ppa)"
    )


def _candidates(version):
    yield f"python{version}"
    yield "python3"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"), reverse=True))
    if shutil.which("uv"):
        found = subprocess.run(["uv", "python", "find", version], capture_output=True, text=True)
        if found.returncode == 0:
            yield found.stdout.strip()


def _path_if_it_is(candidate, version):
    question = "import sys; print(sys.executable, *sys.version_info[:2], sep='\\n')"
    try:
        answer = subprocess.run([candidate, "-c", question], capture_output=True, text=True)
    except OSError:
        return None
    if answer.returncode != 0:
        return None  # A shim of pyenv, for a version that is there but not chosen.
    path, *parts = answer.stdout.split("\n")
    return path if ".".join(parts[:2]) == version else None


def environment(home, version, packages, constraints, what):
    """Makes a virtual environment in `home` unless it is there; returns its Python. `what` is said before it begins."""
    made_of = hashlib.sha256("\n".join([version, *packages, constraints.read_text()]).encode()).hexdigest()
    marker = home / ".made-of"
    python = home / "bin" / "python"
    if python.exists() and marker.exists() and marker.read_text() == made_of:
        return python
    base = find(version)
    log = home.with_suffix(".log")
    progress = Progress(what)
    try:
        shutil.rmtree(home, ignore_errors=True)
        with open(log, "wb") as output:
            _run([base, "-m", "venv", str(home)], output, progress)
            install = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
            _run([*install, *packages, "--constraint", str(constraints)], output, progress)
    except Trouble as trouble:
        raise Trouble(f"{trouble}\n{tail(log, LOG_TAIL_LINES)}\n(all of it is in {log})") from None
    finally:
        progress.done()
    marker.write_text(made_of)
    return python


def tail(log, lines):
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _run(command, output, progress):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + INSTALL_WAIT_MAX_S
    try:
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise Trouble(f"it takes longer than {INSTALL_WAIT_MAX_S} s: {' '.join(command[:4])} …")
            progress.tick()
            time.sleep(LOOK_EVERY_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise Trouble(f"failed: {' '.join(command[:4])} …")
