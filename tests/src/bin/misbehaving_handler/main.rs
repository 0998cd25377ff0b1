//! A handler that speaks the Runtime API by hand and does what its event tells it: `[{"do": …}]`. What it does with the
//! records of a stream is told by a file (`records`), or by the records themselves (`obedience`).
//!
//! What it does before its first invocation is told by the environment variable `INIT`, or by that file.

mod obedience;
mod records;
mod runtime_client;

use runtime_client::{Connection, Invocation};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, ExitCode, Stdio};

const ANOTHER_ID: &str = "00000000-0000-4000-8000-000000000000";
const TOO_LARGE_BYTES: usize = 7 * 1024 * 1024;
const ERROR_BYTES: usize = 20 * 1024 * 1024;
const CONNECTIONS: usize = 900;

fn main() -> ExitCode {
    let init =
        std::env::var("INIT").ok().or_else(|| records::behavior().strip_prefix("init ").map(str::to_owned));
    match init.as_deref() {
        Some("hang") => hang(),
        Some("exit") => return ExitCode::from(7),
        Some("print") => println!("before the first invocation"),
        Some("leave_children") => leave_children(),
        Some("error") => {
            let error = json!({"errorType": "Init.Broken", "errorMessage": "no database"}).to_string();
            Connection::open().post("init/error", &[], error.as_bytes());
            return ExitCode::FAILURE;
        }
        Some(_) | None => {}
    }
    let mut connection = Connection::open();
    loop {
        let invocation = connection.next();
        let order = match records::has_records(&invocation.event) {
            true => records::order(&invocation.event),
            false => invocation.event[0].clone(),
        };
        let answer = match order["do"].as_str().unwrap_or_default() {
            "hang" => hang(),
            "exit" => std::process::exit(i32::try_from(order["status"].as_i64().unwrap_or(0)).unwrap_or(1)),
            "abort" => std::process::abort(),
            "error" => {
                let error = json!({"errorType": "Exception", "errorMessage": "Handler fails"}).to_string();
                connection.post(&invocation.path("error"), &[], error.as_bytes());
                continue;
            }
            "error_too_large" => {
                let error = json!({"errorMessage": "x".repeat(ERROR_BYTES)}).to_string();
                let header = [("Lambda-Runtime-Function-Error-Type", "Verbose")];
                let status = connection.post(&invocation.path("error"), &header, error.as_bytes()).status;
                println!("status {status}");
                continue;
            }
            "connect_often" => {
                let mut connections: Vec<Connection> = (0..CONNECTIONS).map(|_| Connection::open()).collect();
                let refusal = connections.last_mut().map(Connection::receive).expect("there are connections");
                json!({"status": refusal.status, "header_names": refusal.header_names})
            }
            "answer_too_large" => {
                let status =
                    connection.post(&invocation.path("response"), &[], &vec![b'x'; TOO_LARGE_BYTES]).status;
                println!("status {status}");
                continue;
            }
            "answer_for_another" => {
                let path = format!("invocation/{ANOTHER_ID}/response");
                let refusal = connection.post(&path, &[], b"1");
                json!({"status": refusal.status, "body": refusal.json()})
            }
            "answer_another_attempt" => {
                let echo = [("lambda-runtime-invocation-id", ANOTHER_ID)];
                let refusal = connection.post(&invocation.path("response"), &echo, b"1");
                json!({"status": refusal.status, "body": refusal.json()})
            }
            "echo_the_attempt" => {
                let echo =
                    [("lambda-runtime-invocation-id", &*invocation.headers["lambda-runtime-invocation-id"])];
                connection.post(&invocation.path("response"), &echo, b"\"echoed\"");
                continue;
            }
            "ask_twice" => {
                println!("status {}", Connection::open().get("invocation/next").status);
                hang()
            }
            "ask_for_restore" => {
                let next = connection.get("restore/next").status;
                let error = connection.post("restore/error", &[], b"{}").status;
                json!([next, error, connection.get("nonsense").status])
            }
            "flood" => {
                flood(order["lines"].as_u64().unwrap_or_default());
                json!("flooded")
            }
            "print_its_id" => {
                print_its_id(&invocation, order["lines"].as_u64().unwrap_or_default());
                json!("printed")
            }
            "print_its_id_for_ever" => {
                print_its_id(&invocation, u64::MAX);
                hang()
            }
            "print_what_moves_the_cursor" => {
                println!("half\rwhole \x1b[2J\x1b[1;1H\x1b[31mred\x1b[0m\x08\u{9b}2J end");
                json!("printed")
            }
            "print" => {
                println!("to standard output");
                eprintln!("to standard error");
                json!("printed")
            }
            "leave_children_and_hang" => {
                leave_children();
                hang()
            }
            "leave_children_and_exit" => {
                leave_children();
                return ExitCode::SUCCESS;
            }
            "leave_children" => {
                leave_children();
                json!("left")
            }
            "stream" => {
                connection.stream(&invocation, &["\"one", " two", " three\""], &[]);
                continue;
            }
            "stream_an_error" => {
                // {"errorType":"Midstream","errorMessage":"out of ink"}
                let body = "eyJlcnJvclR5cGUiOiJNaWRzdHJlYW0iLCJlcnJvck1lc3NhZ2UiOiJvdXQgb2YgaW5rIn0=";
                let trailers = [
                    ("Lambda-Runtime-Function-Error-Type", "Unhandled"),
                    ("Lambda-Runtime-Function-Error-Body", body),
                ];
                connection.stream(&invocation, &["\"one"], &trailers);
                continue;
            }
            "break_off" => {
                connection.break_off(&invocation);
                connection = Connection::open();
                continue;
            }
            "answer_and_exit" => {
                connection.post(&invocation.path("response"), &[], b"\"last\"");
                return ExitCode::SUCCESS;
            }
            "tell_headers" => json!(invocation.headers),
            "tell_header_names" => {
                let refusal = connection.get("nonsense");
                json!({"invocation": invocation.header_names, "refusal": refusal.header_names})
            }
            "tell_environment" => environment(),
            "answer" => order["answer"].clone(),
            "keep" => records::keep(&invocation.event, &order),
            "lie" => json!({"state": {}, "batchItemFailures": [{"itemIdentifier": "1"}]}),
            _ => json!(std::process::id()),
        };
        connection.post(&invocation.path("response"), &[], answer.to_string().as_bytes());
    }
}

impl Invocation {
    fn path(&self, answer: &str) -> String {
        format!("invocation/{}/{answer}", self.headers["lambda-runtime-aws-request-id"])
    }
}

fn environment() -> Value {
    let variables: BTreeMap<String, String> = std::env::vars().collect();
    json!({"variables": variables, "folder": std::env::current_dir().expect("a working directory")})
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

/// Lines that say whose they are; the last one has no end.
fn print_its_id(invocation: &Invocation, lines: u64) {
    let id = &invocation.headers["lambda-runtime-aws-request-id"];
    for number in 0..lines {
        println!("line {number} of {id}");
    }
    print!("the last line of {id}");
    std::io::stdout().flush().expect("Pelton reads everything");
}

fn flood(lines: u64) {
    for number in 0..lines {
        println!("line {number} of a flood that nobody can read");
    }
}

/// A child, a child of a child, which both hold on to this process's standard error, and a daemon: in a session of its
/// own, without a parent, and without a word of this process's environment.
#[expect(clippy::zombie_processes, reason = "it is for Pelton to clear away")]
fn leave_children() {
    let daemon = "env -i PATH=\"$PATH\" setsid sh -c 'echo pid $$; exec sleep 1000'";
    let child = Command::new("sh")
        .args(["-c", &format!("sleep 1000 & echo pid $!; ({daemon} &); exec sleep 1000")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    println!("pid {}", std::process::id());
    println!("pid {}", child.id());
    for line in BufReader::new(child.stdout.expect("a pipe")).lines().take(2) {
        println!("{}", line.expect("the shells say their numbers"));
    }
}
