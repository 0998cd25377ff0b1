"""Apache Kafka from its jars, and one node of it: a broker and controller in one process, on 127.0.0.1 only.

In: a folder, a number, settings. Out: formatted storage and the process to start. A node that was stopped is started again with the
storage that it left.
"""

import shutil
import subprocess

from . import java, state, wire
from .report import Trouble
from .service import Process

# Its tools for Kafka Connect, which is not used here, bring as much as Kafka itself.
WITHOUT = ("org.apache.kafka:connect-api", "org.apache.kafka:connect-json", "org.apache.kafka:connect-runtime")

# Each test makes its topics and groups anew, kills brokers and consumers, and waits for what a broker does now and then.
SETTINGS = {
    "auto.create.topics.enable": "false",
    # Records of any age are kept, until a topic says otherwise.
    "log.retention.ms": "-1",
    "log.retention.check.interval.ms": "1000",
    "log.initial.task.delay.ms": "1000",
    "log.segment.delete.delay.ms": "1000",
    "log.cleaner.backoff.ms": "1000",
    "log.cleaner.dedupe.buffer.size": "16777216",
    # More than a function's payload may have.
    "message.max.bytes": "16777216",
    "replica.fetch.max.bytes": "16777216",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "2000",
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    "offsets.topic.num.partitions": "6",
    "transaction.state.log.num.partitions": "2",
    "share.coordinator.state.topic.num.partitions": "2",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
}

# Of every topic that Kafka makes for itself: how many copies there are, and how many must be up to write.
INTERNAL_TOPICS = ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")
HEAP_MAX = "256m"
# A program that ends soon is not worth the better compiler.
SHORT_LIVED = ("-XX:TieredStopAtLevel=1",)
FORMAT_WAIT_MAX_S = 120


def version():
    return state.setting("KAFKA_VERSION")


def install():
    """Fetches the jars, once."""
    kafka, log4j = version(), state.setting("KAFKA_LOG4J_VERSION")
    dependencies = [
        java.dependency(f"org.apache.kafka:kafka_2.13:{kafka}", WITHOUT),
        java.dependency(f"org.apache.kafka:kafka-tools:{kafka}", WITHOUT),
        java.dependency(f"org.apache.logging.log4j:log4j-slf4j-impl:{log4j}"),
    ]
    java.install("kafka", kafka, dependencies, f"kafka: fetching the jars of {kafka} by Maven (45 MB, 10 to 30 seconds)")


def command(main, *arguments, options=(), properties=()):
    """A command that runs one of Kafka's programs: a server, or with the options SHORT_LIVED a tool."""
    logging = ("log4j2.configurationFile", (state.INFRA / "services" / "log4j2.properties").as_uri())
    defined = [f"-D{name}={value}" for name, value in [logging, *properties]]
    jars = ["-cp", str(java.home("kafka", version()) / "lib" / "*")]
    return [java.find(), "-XX:+UseSerialGC", f"-Xmx{HEAP_MAX}", *options, *defined, *jars, main, *map(str, arguments)]


def cluster_id(service):
    """Tells what `up` started from other clusters, and one version from another."""
    return f"pelton-{service}-{version()}"


def version_at(service, address, brokers):
    """The version of the service's cluster, if a broker of it answers there and sees all of these brokers; else None."""
    try:
        cluster, seen = wire.cluster_of(address)
    except (OSError, ValueError):
        return None
    of_the_service = f"pelton-{service}-"
    is_whole = (cluster or "").startswith(of_the_service) and seen == brokers
    return cluster.removeprefix(of_the_service) if is_whole else None


def copies(count):
    """The settings that say how often everything is stored."""
    settings = {"default.replication.factor": count, "min.insync.replicas": max(1, count - 1)}
    for topic in INTERNAL_TOPICS:
        settings[f"{topic}.replication.factor"] = count
        settings[f"{topic}.min.isr"] = max(1, count - 1)
    del settings["offsets.topic.min.isr"]  # That one has no such setting.
    return settings


class Node:
    def __init__(self, service, number):
        self.service = service
        self.number = number
        self.folder = state.STATE / service / str(number)
        self.properties = self.folder / "server.properties"

    def write(self, settings):
        """Writes its settings into an empty folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        of_the_node = {"process.roles": "broker,controller", "node.id": self.number, "log.dirs": self.folder / "data"}
        lines = [f"{name}={value}\n" for name, value in {**SETTINGS, **of_the_node, **settings}.items()]
        self.properties.write_text("".join(lines))

    def formatting(self, arguments=()):
        """Starts to format its storage; `formatted` waits for the end."""
        of_the_cluster = ["--cluster-id", cluster_id(self.service), "--config", self.properties]
        format_it = command("kafka.tools.StorageTool", "format", *of_the_cluster, *arguments, options=SHORT_LIVED)
        return subprocess.Popen(
            format_it, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def process(self, properties=()):
        properties = [("pelton.log", "INFO"), *properties]
        return Process(self.folder, command("kafka.Kafka", self.properties, properties=properties))

    def answers(self, endpoint):
        """Whether one of the brokers at the endpoint is this one, and ready."""
        address = endpoint.split(",")[self.number - 1]
        try:
            return self.number in wire.cluster_of(address)[1]
        except OSError:
            return False


def formatted(formatting):
    """Waits for the end of some nodes' formatting."""
    for process in formatting:
        try:
            output, _ = process.communicate(timeout=FORMAT_WAIT_MAX_S)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
        if process.returncode != 0:
            raise Trouble(f"the storage of Kafka cannot be formatted:\n{output}".rstrip())
