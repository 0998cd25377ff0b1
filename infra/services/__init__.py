"""What infra/ can start, without Docker. One module a service; `lifecycle` starts and stops any of them."""

from .localstack import LocalStack

ALL = {"localstack": LocalStack}
