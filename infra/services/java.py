"""Java, and programs that are made of jars from Maven's registry.

In: a name, a version, and the artifacts it is made of. Out: a folder of jars, made once for all of the clone. One that was left
half made, or was made of other artifacts, is made again.
"""

import hashlib
import re
import shutil
import subprocess
from xml.sax.saxutils import escape

from . import installing, state
from .report import Missing

VERSION_MIN = 17

POM = """<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pelton</groupId>
  <artifactId>{name}</artifactId>
  <version>1</version>
  <dependencies>
{dependencies}
  </dependencies>
</project>
"""


def find():
    """The path of a Java that is new enough."""
    needed = f"Java {VERSION_MIN} or newer is needed: apt-get install openjdk-{VERSION_MIN}-jre-headless"
    java = shutil.which("java")
    if not java:
        raise Missing(f"{needed} (there is no java on the PATH)")
    told = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
    version = re.search(r'version "(\d+)', told)
    if not version or int(version[1]) < VERSION_MIN:
        raise Missing(f"{needed} ({java} is {told.splitlines()[0] if told else 'no Java'})")
    return java


def dependency(artifact, without=()):
    """One dependency of a pom. `artifact` is group:name:version or group:name:version:type:classifier."""
    names = ("groupId", "artifactId", "version", "type", "classifier")
    lines = [f"<{name}>{escape(part)}</{name}>" for name, part in zip(names, artifact.split(":"))]
    exclusions = [group_and_name.split(":") for group_and_name in without]
    lines += ["<exclusions>"] * bool(exclusions)
    lines += [f"<exclusion><groupId>{group}</groupId><artifactId>{name}</artifactId></exclusion>" for group, name in exclusions]
    lines += ["</exclusions>"] * bool(exclusions)
    return "<dependency>" + "".join(lines) + "</dependency>"


def home(name, version):
    """The folder of a program, whether it is installed or not."""
    return state.TOOLS / f"{name}-{version}"


def install(name, version, dependencies, what, goal="copy-dependencies"):
    """Fetches the jars of a program into the folder `lib` of its home, unless they are there. `what` is said before it begins.
    With the goal `unpack-dependencies`, it unpacks archives there instead."""
    # The services of several folders share the jars.
    with state.lock(state.TOOLS):
        _install(name, home(name, version), dependencies, what, goal)


def _install(name, folder, dependencies, what, goal):
    pom = POM.format(name=name, dependencies="\n".join(dependencies))
    marker = folder / ".made-of"
    made_of = hashlib.sha256(pom.encode()).hexdigest()
    if marker.exists() and marker.read_text() == made_of:
        return
    find()
    if not shutil.which("mvn"):
        raise Missing(f"{name}: its jars are fetched by Maven: apt-get install maven")
    with installing.steps(what, folder.with_name(f"{folder.name}.log")) as run:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "pom.xml").write_text(pom)
        to = ["-DincludeScope=runtime", f"-DoutputDirectory={folder / 'lib'}"]
        run(["mvn", "--batch-mode", "--file", str(folder / "pom.xml"), f"dependency:{goal}", *to])
    marker.write_text(made_of)
