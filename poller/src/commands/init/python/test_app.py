"""Hands the handler batches as Lambda does."""

import base64
import json
import unittest

from function import app


def batch(*orders):
    """The event of a batch of these orders."""
    encode = lambda order: base64.b64encode(json.dumps(order).encode()).decode()
    records = [
        {"kinesis": {"data": encode(order), "partitionKey": "key", "sequenceNumber": str(number)}}
        for number, order in enumerate(orders)
    ]
    return {"Records": records}


class Handler(unittest.TestCase):
    def test_a_batch_of_orders_succeeds(self):
        app.handler(batch({"amount": 1999}, {"amount": 5}), None)

    def test_the_first_record_that_fails_fails_the_batch(self):
        with self.assertRaisesRegex(ValueError, "the amount -1 is negative"):
            app.handler(batch({"amount": 1999}, {"amount": -1}, {"amount": 5}), None)
