//! Creates tables of a template where they do not exist yet.
//!
//! In: an endpoint of DynamoDB, and a table. Out: a table with a stream that can be read. A table that exists stays as it is.

use super::client::{Api, DynamoDbStreamsClient};
use super::finding::find_stream_of_table;
use crate::aws::{AwsOptions, ConnectError, Connection, Endpoint};
use crate::clock::Clock;
use crate::ports::{Cause, SourceError};
use crate::source::api_error::{ApiError, ApiErrorKind};
use aws_smithy_types::body::SdkBody;
use pelton_model::Table;
use serde_json::{Value, json};
use std::time::Duration;

/// The call, as the API names it.
const TARGET: &str = "DynamoDB_20120810.CreateTable";
const CREATE: &str = "CreateTable";

/// How long the stream of a new table may take to appear. AWS takes some seconds.
const STREAM_AFTER_MAX: Duration = Duration::from_secs(60);
/// From one look for it to the next.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Speaks the one call of the API of tables that Pelton makes.
#[derive(Clone, Debug)]
pub struct TablesClient {
    /// Of the streams' API, at the endpoint of tables: a crate for the API of tables would lengthen each first build for one call. Both
    /// APIs share protocol, signature and errors.
    sdk: aws_sdk_dynamodbstreams::Client,
    endpoint: Endpoint,
}

/// Why a table is not there.
#[derive(Debug, thiserror::Error)]
pub enum CreateTableError {
    /// The template does not say what is needed.
    #[error(
        "cannot create the table {table}: the template does not tell its KeySchema and AttributeDefinitions"
    )]
    NoSchema {
        /// The table's name.
        table: String,
    },
    /// The endpoint refused or could not be reached.
    #[error("cannot create the table {table} at {endpoint}")]
    Refused {
        /// The table's name.
        table: String,
        /// Who was asked.
        endpoint: Endpoint,
        /// What the endpoint said.
        source: Cause,
    },
    /// Its stream cannot be looked for.
    #[error("cannot find the stream of the table {table}")]
    Source {
        /// The table's name.
        table: String,
        /// What went wrong.
        source: SourceError,
    },
    /// It exists, and has no stream; or it was created, and its stream does not appear.
    #[error("the table {table} at {endpoint} has no stream")]
    NoStream {
        /// The table's name.
        table: String,
        /// Where it is.
        endpoint: Endpoint,
    },
}

impl CreateTableError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            CreateTableError::NoSchema { .. } => {
                "give the table KeySchema and AttributeDefinitions with values that do not depend on AWS, or create it first"
            }
            CreateTableError::Refused { .. } | CreateTableError::Source { .. } => {
                "is the local DynamoDB up? AWS_ENDPOINT_URL_DYNAMODB names it, and AWS_ENDPOINT_URL_DYNAMODB_STREAMS its streams if \
                 they are elsewhere"
            }
            CreateTableError::NoStream { .. } => {
                "enable the stream of the table, or delete the table: `pelton dev` then creates it with its stream"
            }
        }
    }
}

impl TablesClient {
    /// A client as the options, the environment and the profile say.
    ///
    /// # Errors
    /// If an endpoint that is named cannot be one, and without a region or credentials.
    pub async fn connect(options: &AwsOptions) -> Result<Self, ConnectError> {
        let Connection { config, endpoint, region: _ } = Api::Tables.connect(options).await?;
        let config = aws_sdk_dynamodbstreams::config::Builder::from(&config).endpoint_url(endpoint.as_str());
        Ok(Self { sdk: aws_sdk_dynamodbstreams::Client::from_conf(config.build()), endpoint })
    }

    /// Who is asked.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Creates the table unless it exists, and waits until it has a stream. Whether it is new. Cancelling leaves what was created.
    ///
    /// # Errors
    /// If the endpoint refuses, or the table gets no stream.
    pub async fn create(
        &self,
        table: &Table,
        streams: &DynamoDbStreamsClient,
        clock: &Clock,
    ) -> Result<bool, CreateTableError> {
        let is_new = match self.create_unless_it_exists(table).await {
            Ok(is_new) => is_new,
            // Without a schema a table that exists serves as well.
            Err(CreateTableError::NoSchema { .. }) if self.has_stream(table, streams, clock).await? => false,
            Err(error) => return Err(error),
        };
        let deadline = clock.now().after(STREAM_AFTER_MAX);
        while !self.has_stream(table, streams, clock).await? {
            if !is_new || clock.now() >= deadline {
                let (table, endpoint) = (table.name.clone(), self.endpoint.clone());
                return Err(CreateTableError::NoStream { table, endpoint });
            }
            clock.sleep(LOOK_INTERVAL).await;
        }
        Ok(is_new)
    }

    async fn create_unless_it_exists(&self, table: &Table) -> Result<bool, CreateTableError> {
        let Some(request) = request(table) else {
            return Err(CreateTableError::NoSchema { table: table.name.clone() });
        };
        let body = request.to_string();
        let call = self.sdk.list_streams().customize().mutate_request(move |request| {
            let headers = request.headers_mut();
            headers.insert("x-amz-target", TARGET);
            headers.insert("content-length", body.len().to_string());
            *request.body_mut() = SdkBody::from(body.as_str());
        });
        match Box::pin(call.send()).await.map_err(|error| ApiError::new(CREATE, error)) {
            Ok(_) => Ok(true),
            Err(refusal) if refusal.kind == ApiErrorKind::InUse => Ok(false),
            Err(refusal) => {
                let (table, endpoint) = (table.name.clone(), self.endpoint.clone());
                Err(CreateTableError::Refused { table, endpoint, source: refusal.cause })
            }
        }
    }

    async fn has_stream(
        &self,
        table: &Table,
        streams: &DynamoDbStreamsClient,
        clock: &Clock,
    ) -> Result<bool, CreateTableError> {
        let found = find_stream_of_table(streams, &table.name, clock).await;
        let found = found.map_err(|source| CreateTableError::Source { table: table.name.clone(), source });
        found.map(|stream| stream.is_some())
    }
}

/// What CreateTable is asked for; `None`: the template does not tell it.
fn request(table: &Table) -> Option<Value> {
    let mut request = Value::Object(table.schema.clone()?);
    request["TableName"] = table.name.clone().into();
    request["BillingMode"] = "PAY_PER_REQUEST".into();
    request["StreamSpecification"] = json!({"StreamEnabled": true, "StreamViewType": table.stream_view_type});
    Some(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_created_on_demand_and_with_its_stream() {
        let schema = json!({"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]});
        let table = Table {
            logical_id: "Users".to_owned(),
            name: "users".to_owned(),
            stream_view_type: "KEYS_ONLY",
            schema: schema.as_object().cloned(),
        };
        let expected = json!({
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "TableName": "users",
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"},
        });
        assert_eq!(request(&table), Some(expected));
        assert_eq!(request(&Table { schema: None, ..table }), None);
    }
}
