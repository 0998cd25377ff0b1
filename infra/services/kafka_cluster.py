"""Apache Kafka: three nodes, each a broker and controller, with plaintext listeners. For brokers that go away and come back.

Every `up` makes it from nothing. infra/kafka-node stops and starts one node, which keeps what it stored.
"""

from . import kafka_node, state
from .service import Service

NODES = (1, 2, 3)


class KafkaCluster(Service):
    name = "kafka-cluster"
    # From its start to the first answer.
    start_wait_max_s = 120

    def __init__(self):
        self.version = kafka_node.version()
        self.nodes = [kafka_node.Node(self.name, number) for number in NODES]

    def ports(self):
        first = int(state.setting(self.port_setting))
        names = [*map(str, NODES), *(f"controller {number}" for number in NODES)]
        return {name: first + offset for offset, name in enumerate(names)}

    def endpoint(self, ports):
        return ",".join(f"127.0.0.1:{ports[str(number)]}" for number in NODES)

    def folders(self):
        return [node.folder for node in self.nodes]

    def install(self):
        kafka_node.install()

    def prepare(self, ports):
        for node in self.nodes:
            node.write(self._settings(node, ports))
        kafka_node.formatted([node.formatting() for node in self.nodes])

    def processes(self, ports):
        return [self.node_process(node) for node in self.nodes]

    def node_process(self, node):
        """The process of a node, also after it was stopped."""
        return node.process()

    def answers(self, endpoint):
        """Whether all of its nodes serve: their version, or None."""
        versions = {kafka_node.version_at(self.name, address, set(NODES)) for address in endpoint.split(",")}
        return versions.pop() if len(versions) == 1 else None

    def _settings(self, node, ports):
        address = f"PLAINTEXT://127.0.0.1:{ports[str(node.number)]}"
        controllers = {number: f"127.0.0.1:{ports[f'controller {number}']}" for number in NODES}
        return {
            "listeners": f"{address},CONTROLLER://{controllers[node.number]}",
            "advertised.listeners": address,
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": ",".join(f"{number}@{where}" for number, where in controllers.items()),
            **kafka_node.copies(len(NODES)),
        }
