"""Two questions to a Kafka broker, as bytes: enough to know whether it is ready, without starting a Java for each look.

In: the address of a plaintext listener. Out: what the broker answers. The versions of the requests are old ones, which are short.
"""

import socket
import struct

ANSWER_WAIT_MAX_S = 5

METADATA = (3, 2)
CREATE_ACLS = (30, 1)

# As the protocol numbers them.
TOPIC, GROUP = 2, 3
READ = 3
LITERAL, ALLOW = 3, 3
# The broker has no authorizer, so everything is allowed.
SECURITY_DISABLED = 54


def cluster_of(address):
    """The id of the broker's cluster, and the numbers of the brokers that it sees. OSError if it does not answer."""
    answer = _Answer(_ask(address, METADATA, struct.pack(">i", 0)))
    brokers = set()
    for _ in range(answer.number(">i")):
        brokers.add(answer.number(">i"))
        answer.text()  # its host
        answer.number(">i")  # its port
        answer.text()  # its rack
    return answer.text(), brokers


def allow(address, acls):
    """Creates access rules: triples of a principal, a type of resource and an operation, each for all resources of the type."""
    creations = [
        struct.pack(">b", resource) + _text("*") + struct.pack(">b", LITERAL) + _text(principal) + _text("*")
        + struct.pack(">bb", operation, ALLOW)
        for principal, resource, operation in acls
    ]  # fmt: skip
    answer = _Answer(_ask(address, CREATE_ACLS, struct.pack(">i", len(creations)) + b"".join(creations)))
    answer.number(">i")  # how long it was throttled
    for _ in range(answer.number(">i")):
        code, message = answer.number(">h"), answer.text()
        if code not in (0, SECURITY_DISABLED):
            raise ValueError(f"{address} refuses an access rule: {message} (error {code})")


def _ask(address, request, body):
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), ANSWER_WAIT_MAX_S) as connection:
        message = struct.pack(">hhi", *request, 1) + _text("infra") + body
        connection.sendall(struct.pack(">i", len(message)) + message)
        length = struct.unpack(">i", _receive(connection, 4))[0]
        if not 4 <= length < 1 << 20:
            raise OSError(f"{address} does not speak Kafka's protocol")
        return _receive(connection, length)[4:]


def _receive(connection, length):
    received = b""
    while len(received) < length:
        more = connection.recv(length - len(received))
        if not more:
            raise OSError("the connection was closed")
        received += more
    return received


def _text(text):
    return struct.pack(">h", len(text.encode())) + text.encode()


class _Answer:
    """The fields of an answer, one after the other."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def number(self, form):
        try:
            number = struct.unpack_from(form, self.data, self.at)[0]
        except struct.error:
            raise OSError("the answer is too short") from None
        self.at += struct.calcsize(form)
        return number

    def text(self):
        """A string, or None."""
        length = self.number(">h")
        if length < 0:
            return None
        self.at += length
        return self.data[self.at - length : self.at].decode(errors="replace")
