"""Starts and stops a service, and says where it is.

In: a service. Out: it answers at the endpoint that the file `endpoint` in its folder holds, or nothing of it is left. What
already is as wanted is left alone.
"""

import socket
import time

from . import processes
from .installing import tail
from .report import Missing, Trouble, say

LOOK_EVERY_S = 0.1
LOG_TAIL_LINES = 30


def up(service, takes_free_port):
    """Makes the service answer. Leaves it running only if it does."""
    endpoint = running_at(service)
    if endpoint:
        return say(f"{service.name}: already runs at {endpoint}")
    if processes.alive(service.folder):
        say(f"{service.name}: runs, but does not answer; starting it again")
        down(service)
    port = _free_port() if takes_free_port else service.port
    endpoint = f"http://127.0.0.1:{port}"
    if not takes_free_port and _is_taken(port):
        return _adopt(service, port, endpoint)
    service.install()
    begun = time.monotonic()
    log = service.folder / "log"
    process = processes.start(service.command(port), service.environment(port), log, service.folder)
    try:
        _await_answer(service, process, endpoint)
        service.warm_up(endpoint)
    except BaseException as error:
        processes.stop(service.folder)
        if isinstance(error, (Trouble, OSError, ValueError, KeyError)):
            raise Trouble(
                f"{service.name} does not start: {error}\n{tail(log, LOG_TAIL_LINES)}\n(all of it is in {log})"
            ) from None
        raise
    _endpoint_file(service).write_text(f"{endpoint}\n")
    say(f"{service.name}: runs at {endpoint}, after {time.monotonic() - begun:.0f} s; its log is {log}")


def down(service):
    """Ends the service and everything that it started."""
    _endpoint_file(service).unlink(missing_ok=True)
    if not processes.alive(service.folder):
        return say(f"{service.name}: does not run")
    if not processes.stop(service.folder):
        raise Trouble(f"{service.name}: these processes cannot be ended: {processes.alive(service.folder)}")
    say(f"{service.name}: stopped")


def running_at(service):
    """Where the service answers that `up` started, or took for its own; else None."""
    try:
        endpoint = _endpoint_file(service).read_text().strip()
    except FileNotFoundError:
        return None
    return endpoint if service.answers(endpoint) else None


def _adopt(service, port, endpoint):
    """Somebody listens on the port. If it is the same service, from Docker perhaps, it will do."""
    version = service.answers(endpoint)
    if version != service.version:
        found = f"{service.name} {version}" if version else "something else"
        raise Missing(
            f"{service.name}: port {port} is in use by {found}. End that, choose another port by "
            f"{service.name.upper()}_PORT, or let infra/up --free-ports find one"
        )
    service.warm_up(endpoint)
    _endpoint_file(service).write_text(f"{endpoint}\n")
    say(f"{service.name}: one that infra/up did not start is at {endpoint}; it is used, and infra/down leaves it alone")


def _await_answer(service, process, endpoint):
    deadline = time.monotonic() + service.start_wait_max_s
    while not service.answers(endpoint):
        if process.poll() is not None:
            raise Trouble(f"it ended with {process.returncode}")
        if time.monotonic() > deadline:
            raise Trouble(f"it does not answer within {service.start_wait_max_s} s")
        time.sleep(LOOK_EVERY_S)


def _endpoint_file(service):
    return service.folder / "endpoint"


def _is_taken(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
