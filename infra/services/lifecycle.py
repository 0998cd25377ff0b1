"""Starts and stops a service, and tells where it is.

In: a service. Out: it answers at the endpoint that the file `endpoint` in its folder holds, or nothing of it is left. A service
with several listeners has the others in the file `listeners`. What already is as wanted is left alone.
"""

import contextlib
import socket
import time

from . import processes
from .installing import tail
from .report import Missing, Trouble, say

LOOK_EVERY_S = 0.1
LOG_TAIL_LINES = 30


def up(service, takes_free_ports):
    """Makes the service answer. Leaves it running only if it does."""
    endpoint = running_at(service)
    if endpoint:
        return say(f"{service.name}: already runs at {endpoint}")
    if processes.alive(*service.folders()):
        say(f"{service.name}: runs, but does not answer; starting it again")
        down(service)
    ports = _free_ports(service.ports()) if takes_free_ports else service.ports()
    taken = [] if takes_free_ports else [port for port in ports.values() if _is_taken(port)]
    if taken:
        return _adopt(service, taken[0], service.endpoint(ports))
    service.install()
    begun = time.monotonic()
    service.prepare(ports)
    _start(service, ports)
    _write_down(service, service.endpoint(ports), service.listeners(ports))
    logs = " and ".join(str(process.log) for process in service.processes(ports))
    say(f"{service.name}: runs at {service.endpoint(ports)}, after {time.monotonic() - begun:.0f} s; it logs to {logs}")
    for name, where in listeners(service):
        say(f"  {name}: {where}")


def down(service):
    """Ends the service and everything that it started."""
    _endpoint_file(service).unlink(missing_ok=True)
    _listeners_file(service).unlink(missing_ok=True)
    if not processes.alive(*service.folders()):
        return say(f"{service.name}: does not run")
    if not processes.stop(*service.folders()):
        left = processes.alive(*service.folders())
        raise Trouble(f"{service.name}: these processes cannot be ended: {left}")
    say(f"{service.name}: stopped")


def running_at(service):
    """Where the service answers that `up` started, or took for its own; else None."""
    endpoint = told_endpoint(service)
    return endpoint if endpoint and service.answers(endpoint) else None


def told_endpoint(service):
    """Where `up` left the service, whether it answers or not; None if it does not run."""
    try:
        return _endpoint_file(service).read_text().strip()
    except FileNotFoundError:
        return None


def listeners(service):
    """The other listeners of a service that runs, and its files: pairs of a name and where it is."""
    try:
        lines = _listeners_file(service).read_text().splitlines()
    except FileNotFoundError:
        return []
    return [tuple(line.split("\t", 1)) for line in lines]


def start_node(service, node):
    """Starts a node that was stopped, and waits until it answers."""
    if processes.alive(node.folder):
        return say(f"{service.name}: node {node.number} already runs")
    process = service.node_process(node)
    running = processes.start(process)
    try:
        _await(lambda: node.answers(told_endpoint(service)), [(process, running)], service.start_wait_max_s)
    except Trouble as trouble:
        log = f"{tail(process.log, LOG_TAIL_LINES)}\n(all of it is in {process.log})"
        raise Trouble(f"node {node.number} of {service.name} does not start: {trouble}\n{log}") from None


def _start(service, ports):
    started = []
    try:
        for process in service.processes(ports):
            started.append((process, processes.start(process)))
        _await(lambda: service.answers(service.endpoint(ports)), started, service.start_wait_max_s)
        service.warm_up(service.endpoint(ports))
    except BaseException as error:
        processes.stop(*service.folders())
        if isinstance(error, (Trouble, OSError, ValueError, KeyError)):
            tails = [f"{tail(process.log, LOG_TAIL_LINES)}\n(all of it is in {process.log})" for process, _ in started]
            raise Trouble("\n".join([f"{service.name} does not start: {error}", *tails])) from None
        raise


def _adopt(service, port, endpoint):
    """Something listens on the port. If it is the same service, from Docker perhaps, it will do."""
    version = service.answers(endpoint)
    if version != service.version:
        found = f"{service.name} {version}" if version else "something else"
        raise Missing(
            f"{service.name}: port {port} is in use by {found}. End that, choose another port by "
            f"{service.port_setting}, or let infra/up --free-ports find one"
        )
    service.warm_up(endpoint)
    _write_down(service, endpoint, {})
    say(f"{service.name}: one that infra/up did not start is at {endpoint}; it is used, and infra/down leaves it alone")


def _await(answers, started, wait_max_s):
    deadline = time.monotonic() + wait_max_s
    while not answers():
        for process, running in started:
            if running.poll() is not None:
                raise Trouble(f"{process.command[0]} ended with {running.returncode}")
        if time.monotonic() > deadline:
            raise Trouble(f"it does not answer within {wait_max_s} s")
        time.sleep(LOOK_EVERY_S)


def _write_down(service, endpoint, listeners):
    """The endpoint last: where it is, all of it is."""
    if listeners:
        _listeners_file(service).write_text("".join(f"{name}\t{where}\n" for name, where in listeners.items()))
    _endpoint_file(service).write_text(f"{endpoint}\n")


def _endpoint_file(service):
    return service.folder / "endpoint"


def _listeners_file(service):
    return service.folder / "listeners"


def _is_taken(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _free_ports(names):
    """A port for each of the names. All are held until the last one is found, so that no two are the same."""
    with contextlib.ExitStack() as held:
        ports = {}
        for name in names:
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports[name] = probe.getsockname()[1]
        return ports
