//! Stands before LocalStack and leaves shards out when a stream's shards are listed, as Kinesis does with those that left the
//! retention, which nobody waits for in a test. Everything else goes through untouched.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use pelton_tests::http;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// A server that forwards what it is asked, until the test ends.
pub(super) struct Forgetful {
    /// Where it listens, such as `http://127.0.0.1:4567`.
    pub(super) endpoint: String,
    shared: Arc<Shared>,
}

struct Shared {
    /// `HOST:PORT` of LocalStack.
    behind: String,
    forgotten: Mutex<BTreeSet<String>>,
}

impl Forgetful {
    pub(super) async fn before(endpoint: &str) -> Self {
        let behind =
            endpoint.strip_prefix("http://").expect("LocalStack is spoken to without TLS").to_owned();
        let shared = Arc::new(Shared { behind, forgotten: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let router = Router::new().fallback(forward).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint: format!("http://{address}"), shared }
    }

    /// From now on the shard is not listed.
    pub(super) fn forget(&self, shard: &str) {
        self.shared.forgotten.lock().expect("nobody panics with it").insert(shard.to_owned());
    }
}

async fn forward(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let is_list =
        head.headers.get("x-amz-target").is_some_and(|target| target == "Kinesis_20131202.ListShards");
    let body = body.collect().await.expect("the poller sends whole requests").to_bytes();
    let asked = Request::from_parts(head, Full::new(body));
    let (mut head, body) = http::ask(&shared.behind, asked).await.expect("LocalStack answers").into_parts();
    if !is_list {
        return Response::from_parts(head, Body::from(body));
    }
    let body = shared.without_forgotten(&body);
    head.headers.insert("content-length", body.len().into());
    Response::from_parts(head, Body::from(body))
}

impl Shared {
    fn without_forgotten(&self, answer: &Bytes) -> String {
        let mut answer: Value = serde_json::from_slice(answer).expect("the answer is JSON");
        let forgotten = self.forgotten.lock().expect("nobody panics with it");
        if let Some(shards) = answer["Shards"].as_array_mut() {
            shards.retain(|shard| !shard["ShardId"].as_str().is_some_and(|id| forgotten.contains(id)));
        }
        answer.to_string()
    }
}
