"""Handles the records of the stream `{{name}}` in order, one by one."""

import base64
import json


def handle(order):
    """What is to happen with one record. An exception fails its batch."""
    if order["amount"] < 0:
        raise ValueError(f"the amount {order['amount']} is negative")
    print("an order of", order["amount"])


def handler(event, context):
    """Stops at the first record that fails, and fails the batch: it comes again from its first record on. So no record is lost
    or passed over, and a record may come more than once."""
    for record in event["Records"]:
        handle(json.loads(base64.b64decode(record["kinesis"]["data"])))
