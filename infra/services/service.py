"""What `lifecycle` asks of a service. The answers here are those of a single process that listens on a single port.

A service defines `name`, `version`, `start_wait_max_s`, `port`, `install()`, `command(port)`, `environment(port)` and
`answers(endpoint)`. One that has more processes or ports answers the other questions itself.
"""

from dataclasses import dataclass, field
from pathlib import Path

from . import state


@dataclass
class Process:
    """A process to start. Its folder is its mark, and holds its log."""

    folder: Path
    command: list
    environment: dict = field(default_factory=dict)

    @property
    def log(self):
        return self.folder / "log"


class Service:
    @property
    def folder(self):
        return state.folder(self.name)

    @property
    def port_setting(self):
        """The name of the setting that chooses the port, or the first of the ports."""
        return f"{self.name.upper().replace('-', '_')}_PORT"

    def ports(self):
        """The ports that it listens on, by name, as infra/.env has them."""
        return {self.name: self.port}

    def endpoint(self, ports):
        """Where clients reach it."""
        return f"http://127.0.0.1:{ports[self.name]}"

    def listeners(self, ports):
        """Where else clients reach it, and where the files are that they need, by name."""
        return {}

    def folders(self):
        """The folders of its processes."""
        return [self.folder]

    def prepare(self, ports):
        """Makes ready, from nothing, what the processes find when they start."""

    def processes(self, ports):
        """The processes to start, in this order."""
        return [Process(self.folder, self.command(ports[self.name]), self.environment(ports[self.name]))]

    def warm_up(self, endpoint):
        """What is left to do once it answers."""
