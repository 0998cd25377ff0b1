"""A handler that is written with the batch processor of AWS Powertools for Python.

In: records of Kinesis with a payload such as {"name":"c","fails":2}. Each fails as often as it says. Out: the processor's answer.
Every batch goes to the file `journal` first, and every failure to `failures`: another process may get the next batch.
"""

import json
from pathlib import Path

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamRecord

processor = BatchProcessor(event_type=EventType.KinesisDataStreams)
failures = Path("failures")


def handle(record: KinesisStreamRecord):
    payload = record.kinesis.data_as_json()
    failed = failures.read_text().split() if failures.exists() else []
    if failed.count(payload["name"]) < payload["fails"]:
        with failures.open("a") as file:
            print(payload["name"], file=file)
        raise ValueError(f"{payload['name']} fails")


def handler(event, context):
    with open("journal", "a") as journal:
        print(json.dumps({"step": "began", "event": event}), file=journal)
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)
