"""What infra/ can start, without Docker. One module a service; `lifecycle` starts and stops any of them."""

from .dynamodb import DynamoDb
from .localstack import LocalStack

ALL = {"localstack": LocalStack, "dynamodb": DynamoDb}


def named(parser, names):
    """The services of these names, or all of them for none. Ends the program for a name that is none."""
    unknown = [name for name in names if name not in ALL]
    if unknown:
        parser.error(f"there is no service {', '.join(unknown)}; there is {', '.join(ALL)}")
    return [ALL[name]() for name in names or ALL]
