//! The function of the benchmarks: does nothing, and tells through a file what it got and when.
//!
//! In: Kinesis events. Out: a tally, or the times of each record, as the environment says (`deliveries`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use pelton::clock::Clock;
use pelton_tests::measure::deliveries::{
    FOLDER_VARIABLE, SLEEP_VARIABLE, TIMES_VARIABLE, TallyFile, Times, TimesFile,
};
use pelton_tests::measure::now_ns;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::future::ready;
use std::path::PathBuf;
use std::time::Duration;

/// An event of which only the number of its records counts.
#[derive(Deserialize)]
struct Counted {
    #[serde(rename = "Records")]
    records: Vec<IgnoredAny>,
}

/// An event whose records say when they were put.
#[derive(Deserialize)]
struct Timed {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    kinesis: Payload,
}

#[derive(Deserialize)]
struct Payload {
    data: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let variable = |name| std::env::var(name).ok();
    let folder = PathBuf::from(variable(FOLDER_VARIABLE).ok_or("the folder of deliveries is not told")?);
    if variable(TIMES_VARIABLE).is_some() {
        let mut file = TimesFile::create(&folder)?;
        return run(service_fn(move |event: LambdaEvent<Timed>| {
            ready(keep_times(&mut file, &event.payload, now_ns()))
        }))
        .await;
    }
    let mut file = TallyFile::create(&folder)?;
    match variable(SLEEP_VARIABLE) {
        None => {
            run(service_fn(move |event: LambdaEvent<Counted>| {
                ready(file.add(now_ns(), event.payload.records.len() as u64))
            }))
            .await
        }
        Some(millis) => {
            let (clock, pause) = (Clock::start(), Duration::from_millis(millis.parse()?));
            run(service_fn(move |event: LambdaEvent<Counted>| {
                let kept = file.add(now_ns(), event.payload.records.len() as u64);
                let clock = clock.clone();
                async move {
                    clock.sleep(pause).await;
                    kept
                }
            }))
            .await
        }
    }
}

/// The data of a record is the moment at which it was put, in nanoseconds, as text.
fn keep_times(file: &mut TimesFile, event: &Timed, entry_ns: u64) -> Result<(), Error> {
    for record in &event.records {
        let data = String::from_utf8(STANDARD.decode(&record.kinesis.data)?)?;
        file.add(Times { put_ns: data.trim().parse()?, entry_ns })?;
    }
    Ok(())
}
