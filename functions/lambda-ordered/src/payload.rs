//! What a handler gets of a record: its payload, decoded.
//!
//! A handler names what it wants as its `Payload`: [`Json`], [`Image`], `()` for nothing, or a type of its own that
//! implements [`Decode`]. `Result<P, Undecodable>` never fails: the handler sees for itself what could not be decoded.

use crate::source::{DynamoDb, Kafka, Kinesis, Source};
use aws_lambda_events::dynamodb::EventRecord;
use aws_lambda_events::kafka::KafkaRecord;
use aws_lambda_events::kinesis::KinesisEventRecord;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use std::error::Error;

/// Something that the records of a source can be decoded into.
pub trait Decode<S: Source>: Sized {
    /// Decodes one record.
    fn decode(record: &S::Record) -> Result<Self, Undecodable>;
}

/// A payload that is JSON. What has no payload (a Kafka tombstone) is `null`: an `Option` takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// The item after the change: the `NewImage` of a DynamoDB record. What has none (the item was removed, or the stream's
/// view type leaves it out) is `null`: an `Option` takes it. The other images are in the raw record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image<T>(pub T);

/// Why a payload could not be decoded. The words tell where, not what: a payload is nobody else's business.
#[derive(Debug, thiserror::Error)]
pub enum Undecodable {
    /// It is no JSON, or not of the shape that the handler wants.
    #[error("the payload is not the JSON that the handler takes, see line {} column {}", .0.line(), .0.column())]
    Json(#[source] serde_json::Error),
    /// The item is not of the shape that the handler wants.
    #[error("the item is not what the handler takes")]
    Image(#[source] serde_dynamo::Error),
    /// The event says base64, and it is none.
    #[error("the payload is no base64")]
    Base64(#[source] base64::DecodeError),
    /// What a `Decode` of the author's own says.
    #[error("the payload cannot be decoded")]
    Other(#[source] Box<dyn Error + Send + Sync>),
}

impl Undecodable {
    /// What exactly is wrong. This may quote the payload.
    #[must_use]
    pub fn detail(&self) -> String {
        self.source().map_or_else(|| self.to_string(), ToString::to_string)
    }
}

/// Nothing is decoded: everything is in the raw record.
impl<S: Source> Decode<S> for () {
    fn decode(_record: &S::Record) -> Result<Self, Undecodable> {
        Ok(())
    }
}

impl<S: Source, P: Decode<S>> Decode<S> for Result<P, Undecodable> {
    fn decode(record: &S::Record) -> Result<Self, Undecodable> {
        Ok(P::decode(record))
    }
}

impl<T: DeserializeOwned> Decode<Kinesis> for Json<T> {
    fn decode(record: &KinesisEventRecord) -> Result<Self, Undecodable> {
        json(&record.kinesis.data)
    }
}

impl<T: DeserializeOwned> Decode<Kafka> for Json<T> {
    fn decode(record: &KafkaRecord) -> Result<Self, Undecodable> {
        let value = record.value.as_deref().map(|value| STANDARD.decode(value)).transpose();
        json(value.map_err(Undecodable::Base64)?.as_deref().unwrap_or(b"null"))
    }
}

impl<T: DeserializeOwned> Decode<DynamoDb> for Image<T> {
    fn decode(record: &EventRecord) -> Result<Self, Undecodable> {
        let image = &record.change.new_image;
        let value = if image.is_empty() {
            serde_dynamo::from_attribute_value(serde_dynamo::AttributeValue::Null(true))
        } else {
            serde_dynamo::from_item(image.clone())
        };
        value.map(Image).map_err(Undecodable::Image)
    }
}

fn json<T: DeserializeOwned>(payload: &[u8]) -> Result<Json<T>, Undecodable> {
    serde_json::from_slice(payload).map(Json).map_err(Undecodable::Json)
}
