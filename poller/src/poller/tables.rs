//! The streams of tables: who speaks to them, which one a mapping reads, and the tables that `dev` creates.
//!
//! In: mappings, and which AWS. Out: clients, and mappings whose streams have their ARN. Nothing is created at AWS itself.

use crate::aws::{AwsOptions, EndpointKind};
use crate::clock::Clock;
use crate::errors::chain;
use crate::source::StreamsAt;
use crate::source::dynamodb::{CreateTableError, DynamoDbStreamsClient, TablesClient, find_stream_of_table};
use crate::starting::StartError;
use crate::user_error::UserError;
use pelton_model::{Application, EventSource, Mapping, MappingId, StreamArn, Table};
use std::collections::BTreeMap;
use tracing::info;

/// What to do about a local DynamoDB that nobody named.
const NAME_IT: &str =
    "start a local DynamoDB, and name it: AWS_ENDPOINT_URL_DYNAMODB_STREAMS=http://127.0.0.1:PORT";

/// Who speaks to the streams of tables, by the region of their ARNs.
pub(crate) type Clients = BTreeMap<String, DynamoDbStreamsClient>;

/// Makes the clients that these mappings need. A mapping that names only the table is given the ARN of the stream that the table
/// has. What is wrong is told of each mapping: it has no client, or no ARN.
pub(crate) async fn find_streams(
    mappings: impl Iterator<Item = &mut Mapping>,
    streams_at: StreamsAt,
    aws: &AwsOptions,
    clock: &Clock,
) -> (Clients, BTreeMap<MappingId, UserError>) {
    let (mut clients, mut errors) = (Clients::new(), BTreeMap::new());
    for mapping in mappings {
        let EventSource::DynamoDb { stream, .. } = &mut mapping.source else { continue };
        match find_stream(&mut clients, &mapping.id, stream, streams_at, aws, clock).await {
            Ok(arn) => *stream = arn,
            Err(error) => drop(errors.insert(mapping.id.clone(), error)),
        }
    }
    (clients, errors)
}

/// The ARN of a mapping's stream.
async fn find_stream(
    clients: &mut Clients,
    mapping: &MappingId,
    stream: &StreamArn,
    streams_at: StreamsAt,
    aws: &AwsOptions,
    clock: &Clock,
) -> Result<StreamArn, UserError> {
    let client = match clients.get(&stream.region) {
        Some(client) => client.clone(),
        None => client_of(stream, &mapping.0, streams_at, aws, clock).await?,
    };
    clients.entry(stream.region.clone()).or_insert_with(|| client.clone());
    if !stream.is_to_be_found() {
        return Ok(stream.clone());
    }
    let arn = match find_stream_of_table(&client, &stream.name, clock).await {
        Ok(Some(arn)) => arn,
        Ok(None) => return Err(no_stream(&mapping.0, stream, &client)),
        Err(source) => {
            let (mapping, stream) = (mapping.clone(), stream.to_string());
            let error = StartError::Source { mapping, stream, source };
            return Err(UserError::bad_input_because(&error).help(error.help()));
        }
    };
    info!(%mapping, stream = %arn, "found the stream of the table");
    // A server on a developer's machine may have a region of its own.
    clients.entry(arn.region.clone()).or_insert(client);
    Ok(arn)
}

/// Where the Kinesis streams are embedded, their endpoint is not that of tables, and AWS itself is nobody's guess.
async fn client_of(
    stream: &StreamArn,
    mapping: &str,
    streams_at: StreamsAt,
    aws: &AwsOptions,
    clock: &Clock,
) -> Result<DynamoDbStreamsClient, UserError> {
    let options = options_for(streams_at, aws, &stream.region);
    let bad_input = |error| UserError::bad_input_because(&error);
    let named = DynamoDbStreamsClient::endpoint_named(&options).await.map_err(bad_input)?;
    let is_aws = named.is_none_or(|endpoint| endpoint.kind() == EndpointKind::Aws);
    if streams_at != StreamsAt::Service && is_aws {
        let problem = format!("{mapping} reads {stream}, and no endpoint for it is named");
        return Err(UserError::bad_input(problem).help(NAME_IT));
    }
    DynamoDbStreamsClient::connect(&options, clock.clone()).await.map_err(bad_input)
}

fn options_for(streams_at: StreamsAt, aws: &AwsOptions, region: &str) -> AwsOptions {
    let endpoint_url = aws.endpoint_url.clone().filter(|_| streams_at == StreamsAt::Service);
    AwsOptions { endpoint_url, region: Some(region.to_owned()) }
}

fn no_stream(mapping: &str, stream: &StreamArn, client: &DynamoDbStreamsClient) -> UserError {
    let (table, endpoint) = (&stream.name, client.endpoint());
    UserError::bad_input(format!("{mapping} cannot read the stream of the table {table}: {endpoint} lists none"))
        .help(
            "create the table with its StreamSpecification, or check its name, the region and the endpoint; `pelton dev` creates \
             the tables whose streams the template's mappings read, unless the endpoint is AWS",
        )
}

/// Creates the tables of the template whose streams its mappings read, where they do not exist: at a local DynamoDB, never at AWS.
/// Cancelling leaves those that were created.
pub(crate) async fn create(
    application: &Application,
    streams_at: StreamsAt,
    aws: &AwsOptions,
    clock: &Clock,
) -> Result<(), UserError> {
    for (table, mapping, stream) in tables_read(application) {
        let streams = client_of(stream, &mapping.id.0, streams_at, aws, clock).await?;
        if streams.endpoint().kind() == EndpointKind::Aws {
            info!(table = table.name, endpoint = %streams.endpoint(), "not creating a table at AWS");
            continue;
        }
        let tables = TablesClient::connect(&options_for(streams_at, aws, &stream.region)).await;
        let tables = tables.map_err(|error| UserError::bad_input_because(&error))?;
        if tables.endpoint().kind() == EndpointKind::Aws {
            info!(table = table.name, endpoint = %tables.endpoint(), "not creating a table at AWS");
            continue;
        }
        match tables.create(table, &streams, clock).await {
            Ok(true) => info!(table = table.name, endpoint = %tables.endpoint(), "table created"),
            Ok(false) => {}
            Err(error) => return Err(not_created(&error)),
        }
    }
    Ok(())
}

/// The tables whose streams enabled mappings read, each with the first of them and its stream.
fn tables_read(application: &Application) -> impl Iterator<Item = (&Table, &Mapping, &StreamArn)> {
    application.tables.values().filter_map(|table| {
        application.enabled().find_map(|mapping| {
            let stream = mapping.source.stream().filter(|stream| stream.is_to_be_found())?;
            (stream.name == table.name).then_some((table, mapping, stream))
        })
    })
}

fn not_created(error: &CreateTableError) -> UserError {
    UserError::bad_input(chain(error)).help(error.help())
}
