//! Stub: lambda.
