//! How records look inside an invocation event: the only place that knows the shape.

pub mod kinesis;
