//! Handles the records of the stream `{{name}}` in order, one by one.

use aws_lambda_events::event::kinesis::KinesisEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use serde::Deserialize;

/// The payload of a record.
#[derive(Deserialize)]
struct Order {
    amount: i64,
}

/// What is to happen with one record. An error fails its batch.
fn handle(order: &Order) -> Result<(), Error> {
    if order.amount < 0 {
        return Err(format!("the amount {} is negative", order.amount).into());
    }
    println!("an order of {}", order.amount);
    Ok(())
}

/// Stops at the first record that fails, and fails the batch: it comes again from its first record on. So no record is lost or
/// passed over, and a record may come more than once.
async fn handler(event: LambdaEvent<KinesisEvent>) -> Result<(), Error> {
    for record in &event.payload.records {
        let outcome = serde_json::from_slice(&record.kinesis.data)
            .map_err(Error::from)
            .and_then(|order| handle(&order));
        if let Err(error) = outcome {
            return Err(format!("record {}: {error}", record.kinesis.sequence_number).into());
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    run(service_fn(handler)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_runtime::Context;
    use serde_json::json;

    /// Hands the handler a batch of these payloads, in base64.
    async fn handle_batch(payloads: &[&str]) -> Result<(), Error> {
        let records = payloads.iter().enumerate().map(|(number, data)| {
            json!({"kinesis": {
                "data": data,
                "partitionKey": "key",
                "sequenceNumber": number.to_string(),
                "approximateArrivalTimestamp": 1_767_225_600.0,
                "kinesisSchemaVersion": "1.0",
            }})
        });
        let event = json!({"Records": records.collect::<Vec<_>>()});
        handler(LambdaEvent::new(serde_json::from_value(event)?, Context::default())).await
    }

    /// `{"amount":1999}`
    const GOOD: &str = "eyJhbW91bnQiOjE5OTl9";
    /// `{"amount":-1}`
    const NEGATIVE: &str = "eyJhbW91bnQiOi0xfQ==";

    #[tokio::test]
    async fn a_batch_of_orders_succeeds() {
        handle_batch(&[GOOD, GOOD]).await.unwrap();
    }

    #[tokio::test]
    async fn the_first_record_that_fails_fails_the_batch() {
        let error = handle_batch(&[GOOD, NEGATIVE, GOOD]).await.unwrap_err();
        assert_eq!(error.to_string(), "record 1: the amount -1 is negative");
    }
}
