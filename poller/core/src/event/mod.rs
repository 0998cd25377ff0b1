//! How records look inside an invocation event: the only place that knows the shape.

pub mod kinesis;
pub mod window;

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
