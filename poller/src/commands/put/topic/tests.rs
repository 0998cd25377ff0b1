//! Records of `pelton put` in a topic of librdkafka's own stand-in for brokers.

use super::*;
use crate::commands::put::PutArguments;
use crate::kafka_producer::tests::{brokers_with, messages_of};
use crate::logging::LogFormat;
use clap::Parser;

#[derive(clap::Parser)]
struct Program {
    #[command(flatten)]
    arguments: PutArguments,
}

async fn put_in(brokers: &Brokers, words: &[&str]) -> Result<PutSummary, PutError> {
    let PutArguments { put: args, topic, .. } = Program::parse_from(["put"].iter().chain(words)).arguments;
    let terminal = Terminal::stderr(LogFormat::Json);
    put(args, topic.headers, brokers.clone(), &terminal, &Clock::start(), std::future::pending()).await
}

#[tokio::test]
async fn records_go_into_a_topic_with_their_key_and_headers_or_without() {
    let (_mock, brokers) = brokers_with("clicks");
    let put = put_in(&brokers, &["clicks", "one", "--key", "anna", "--header", "a=1", "--header", "b=x=y"]);
    assert_eq!(put.await.unwrap().records, 1);
    put_in(&brokers, &["clicks", "two", "three"]).await.unwrap();
    let messages = messages_of(&brokers, "clicks", 3);
    let headers = vec![("a".to_owned(), b"1".to_vec()), ("b".to_owned(), b"x=y".to_vec())];
    assert_eq!(messages[0], Message { key: Some(b"anna".to_vec()), value: b"one".to_vec(), headers });
    assert_eq!(messages[1], Message { value: b"two".to_vec(), ..Message::default() });
    assert_eq!(messages[2], Message { value: b"three".to_vec(), ..Message::default() });
}

#[tokio::test]
async fn made_up_records_are_counted_as_the_brokers_take_them() {
    let (_mock, brokers) = brokers_with("clicks");
    let summary =
        put_in(&brokers, &["clicks", "--generate", "--count", "1200", "--size", "100"]).await.unwrap();
    assert_eq!((summary.records, summary.bytes, summary.is_interrupted), (1200, 120_000, false));
    assert_eq!(messages_of(&brokers, "clicks", 1200)[3].key.as_deref(), Some(&b"key-3"[..]));
}

#[tokio::test]
async fn a_topic_that_is_missing_takes_nothing() {
    let (_mock, brokers) = brokers_with("clicks");
    let error = put_in(&brokers, &["click", "one"]).await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let text = crate::errors::chain(&error);
    assert!(
        text.contains("cannot put into the topic click (put 0 records before): there is no topic"),
        "{text}"
    );
}
