"""DynamoDB with its streams: dynoxide, a program in Rust that holds everything in memory, on 127.0.0.1 only.

Its streams have one shard each, which never ends. Its ARNs name the region `dynoxide`. It is installed from source as a program of
its own: as a library, its SQLite and Pelton's cannot be linked into one binary.
"""

import shutil
import urllib.request

from . import installing, state
from .report import Missing
from .service import Service

ANSWER_WAIT_MAX_S = 5


class DynamoDb(Service):
    name = "dynamodb"
    # From its start to the first answer.
    start_wait_max_s = 20

    def __init__(self):
        # The version of the program, which it tells, and that of its crate are different things.
        self.version = state.setting("DYNOXIDE_VERSION")
        self.crate_version = state.setting("DYNOXIDE_CRATE_VERSION")
        self.port = int(state.setting("DYNAMODB_PORT"))
        self.home = state.TOOLS / f"dynoxide-rs-{self.crate_version}"
        self.program = self.home / "bin" / "dynoxide"

    def install(self):
        """Builds it, once."""
        if self.program.exists():
            return
        if not shutil.which("cargo"):
            raise Missing("dynamodb: dynoxide is built from source, which needs cargo: https://rustup.rs installs it")
        build = self.home / "build"
        what = f"dynamodb: building dynoxide {self.version} (crate {self.crate_version}; some minutes)"
        with installing.steps(what, self.home.parent / f"{self.home.name}.log") as run:
            package = ["dynoxide-rs", "--version", self.crate_version, "--locked"]
            features = ["--no-default-features", "--features", "native-sqlite,http-server,cli"]
            # Its own release profile optimizes the whole program for size, in one piece: that takes three times as long.
            profile = ["--config", "profile.release.lto=false", "--config", "profile.release.codegen-units=16"]
            folders = ["--root", str(self.home), "--target-dir", str(build)]
            run(["cargo", "install", *package, *features, *profile, *folders], cwd=state.INFRA)
        shutil.rmtree(build, ignore_errors=True)

    def command(self, port):
        return [str(self.program), "serve", "--host", "127.0.0.1", "--port", str(port)]

    def environment(self, port):
        return {}

    def answers(self, endpoint):
        """Whether it serves there: its version, or None."""
        try:
            with urllib.request.urlopen(endpoint, timeout=ANSWER_WAIT_MAX_S) as answer:
                return answer.headers.get("x-dynoxide-version")
        except (OSError, ValueError):
            return None
