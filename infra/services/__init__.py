"""What infra/ can start, without Docker. One module a service; `lifecycle` starts and stops any of them."""

from .dynamodb import DynamoDb
from .kafka import Kafka
from .kafka_cluster import KafkaCluster
from .localstack import LocalStack
from .schema_registry import SchemaRegistry

ALL = {service.name: service for service in (LocalStack, DynamoDb, Kafka, KafkaCluster, SchemaRegistry)}
# The services that `up` starts if none is named. The others are for few tests, and take 700 and 260 MB of memory.
UNNAMED = ("localstack", "dynamodb", "kafka")


def named(parser, names, unnamed):
    """The services of these names, or those of `unnamed` for none. Ends the program for a name that is none."""
    unknown = [name for name in names if name not in ALL]
    if unknown:
        parser.error(f"there is no service {', '.join(unknown)}; there is {', '.join(ALL)}")
    return [ALL[name]() for name in names or unnamed]
