// A handler that is written with the batch processor of AWS Powertools for TypeScript.
//
// In: records of Kinesis with a payload such as {"name":"c","fails":2}. Each fails as often as it says. Out: the processor's
// answer. Every batch goes to the file `journal` first.

import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { appendFileSync } from 'node:fs';

const processor = new BatchProcessor(EventType.KinesisDataStreams);
const failures = new Map();

const handle = async (record) => {
  const { name, fails } = JSON.parse(Buffer.from(record.kinesis.data, 'base64').toString());
  const failed = failures.get(name) ?? 0;
  if (failed < fails) {
    failures.set(name, failed + 1);
    throw new Error(`${name} fails`);
  }
};

export const handler = async (event, context) => {
  appendFileSync('journal', `${JSON.stringify({ step: 'began', event })}\n`);
  return processPartialResponse(event, handle, processor, { context });
};
