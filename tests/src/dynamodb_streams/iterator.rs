//! Shard iterators: opaque to clients, and sealed, so that none is accepted that was not handed out here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

/// What a shard iterator stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ShardIterator {
    pub(super) arn: String,
    pub(super) shard: String,
    /// The read begins with the first record that has this number or a higher one.
    pub(super) from: u128,
    pub(super) made: Duration,
}

impl ShardIterator {
    /// As clients see it.
    pub(super) fn seal(&self, secret: u64) -> String {
        let content = serde_json::to_string(self).expect("JSON can be written");
        let sealed = format!("{:016x}{content}", digest(secret, &content));
        format!("{}|1|{}", self.arn, STANDARD.encode(sealed))
    }

    /// What a client's iterator stands for; `None` if it was not handed out here.
    pub(super) fn open(text: &str, secret: u64) -> Option<Self> {
        let sealed = STANDARD.decode(text.rsplit('|').next()?).ok()?;
        let sealed = String::from_utf8(sealed).ok()?;
        let (seal, content) = sealed.split_at_checked(16)?;
        let is_ours = seal == format!("{:016x}", digest(secret, content));
        is_ours.then(|| serde_json::from_str(content).ok())?
    }
}

fn digest(secret: u64, content: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (secret, content).hash(&mut hasher);
    hasher.finish()
}
