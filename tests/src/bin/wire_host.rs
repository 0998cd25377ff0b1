//! Stands in for Pelton in wire tests: it has Pelton's hidden modes, and, called with the path of a handler, it runs
//! that handler until somebody kills it. What the handler writes goes to standard output.

use pelton::clock::Clock;
use pelton::lambda::{Code, FunctionLog, LocalFunction, Spawner, hidden_mode};
use pelton::ports::Invoker as _;
use pelton_core::{Batch, Envelope, Position, Record, Timestamp};
use pelton_model::Function;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

const EVENT: &[u8] = br#"{"do":"leave_children_and_hang"}"#;

struct Printed;

impl FunctionLog for Printed {
    fn output(&self, _function: &str, line: &str) {
        println!("{line}");
    }

    fn platform(&self, _function: &str, _line: &str) {}

    fn shows_platform(&self) -> bool {
        false
    }
}

fn main() -> ExitCode {
    if let Some(code) = hidden_mode(std::env::args_os()) {
        return code;
    }
    let handler = PathBuf::from(std::env::args_os().nth(1).expect("the path of a handler"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let outcome = runtime.block_on(async {
        let function = function();
        let code = Code::built(handler, &function);
        let spawner = Spawner::default();
        let function =
            LocalFunction::new(&function, code, "us-east-1", Clock::start(), spawner, Arc::new(Printed));
        function.invoke(Arc::new(batch())).await
    });
    println!("it was to be killed before this: {outcome:?}");
    ExitCode::FAILURE
}

fn function() -> Function {
    Function {
        logical_id: "Orders".to_owned(),
        name: "orders".to_owned(),
        code_uri: PathBuf::from("/"),
        handler: "bootstrap".to_owned(),
        runtime: Some("provided.al2023".to_owned()),
        build: None,
        timeout: Duration::from_secs(900),
        memory_size_mb: 128,
        environment: BTreeMap::new(),
        reserved_concurrency: None,
        role_arn: "arn:aws:iam::123456789012:role/orders".to_owned(),
    }
}

fn batch() -> Batch {
    let record = Record::new(Position::new("1"), Timestamp::default(), EVENT.into(), 0..EVENT.len());
    Batch::new(vec![record], Envelope::new("[", "]"))
}
