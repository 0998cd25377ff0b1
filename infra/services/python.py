"""A Python of a certain version, and virtual environments of it.

In: a version such as 3.13, packages, constraints. Out: a folder with exactly those, made once. One that was left half
made, or was made of other packages, is made again.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from . import installing
from .report import Missing


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
    with installing.steps(what, home.with_suffix(".log")) as run:
        shutil.rmtree(home, ignore_errors=True)
        run([base, "-m", "venv", str(home)])
        install = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        run([*install, *packages, "--constraint", str(constraints)])
    marker.write_text(made_of)
    return python
