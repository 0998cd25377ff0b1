"""A schema registry with Confluent's protocol: Apicurio Registry, which holds everything in memory, on 127.0.0.1 only."""

import json
import urllib.request

from . import java, state
from .service import Service

ANSWER_WAIT_MAX_S = 5
HEAP_MAX = "256m"


class SchemaRegistry(Service):
    name = "schema-registry"
    # From its start to the first answer.
    start_wait_max_s = 120

    def __init__(self):
        self.version = state.setting("APICURIO_VERSION")
        self.port = int(state.setting(self.port_setting))

    def install(self):
        """Fetches it, once."""
        # The archive has all that it needs.
        archive = java.dependency(f"io.apicurio:apicurio-registry-app:{self.version}:tar.gz:all", without=["*:*"])
        what = f"schema-registry: fetching Apicurio {self.version} by Maven (146 MB, 10 to 30 seconds)"
        java.install("apicurio-registry", self.version, [archive], what, "unpack-dependencies")

    def endpoint(self, ports):
        return f"http://127.0.0.1:{ports[self.name]}/apis/ccompat/v7"

    def command(self, port):
        options = ["-XX:+UseSerialGC", f"-Xmx{HEAP_MAX}", "-Djava.util.logging.manager=org.jboss.logmanager.LogManager"]
        options += ["-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={port}"]
        libraries = java.home("apicurio-registry", self.version) / "lib"
        return [java.find(), *options, "-cp", f"{libraries}/*:{libraries}/lib/*", "io.quarkus.runner.GeneratedMain"]

    def environment(self, port):
        return {}

    def answers(self, endpoint):
        """Whether it serves there: its version, or None."""
        about = endpoint.replace("/ccompat/v7", "/registry/v2/system/info")
        try:
            with urllib.request.urlopen(about, timeout=ANSWER_WAIT_MAX_S) as answer:
                return json.load(answer).get("version")
        except (OSError, ValueError):
            return None
