// A handler that is written with the batch processor of AWS Powertools for TypeScript.
//
// In: records of Kinesis with a payload such as {"name":"c","fails":2}. Each fails as often as it says. Out: the processor's
// answer. Every batch goes to the file `journal` first, and every failure to `failures`: another process may get the next batch.

import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

const processor = new BatchProcessor(EventType.KinesisDataStreams);

const handle = async (record) => {
  const { name, fails } = JSON.parse(Buffer.from(record.kinesis.data, 'base64').toString());
  const failed = existsSync('failures') ? readFileSync('failures', 'utf8').split('\n') : [];
  if (failed.filter((other) => other === name).length < fails) {
    appendFileSync('failures', `${name}\n`);
    throw new Error(`${name} fails`);
  }
};

export const handler = async (event, context) => {
  appendFileSync('journal', `${JSON.stringify({ step: 'began', event })}\n`);
  return processPartialResponse(event, handle, processor, { context });
};
