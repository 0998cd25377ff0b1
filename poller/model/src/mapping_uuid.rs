//! The UUID of a mapping. AWS makes one up; here it is made of names, so that it stays the same from one start to the next, and
//! everybody can tell it.

use super::mapping::MappingId;
use sha1::{Digest as _, Sha1};
use uuid::{Builder, Uuid};

/// UUIDv5, namespace URL, of `SOURCE#LOGICAL_ID`. The source is the ARN of the stream, or what stands for a topic.
#[must_use]
pub fn mapping_uuid(source: &str, mapping: &MappingId) -> Uuid {
    uuid_v5(Uuid::NAMESPACE_URL, &format!("{source}#{mapping}"))
}

/// RFC 9562, section 5.5. (The crate's own would build every crate anew that knows a UUID.)
fn uuid_v5(namespace: Uuid, name: &str) -> Uuid {
    let digest = Sha1::new().chain_update(namespace.as_bytes()).chain_update(name.as_bytes()).finalize();
    let (bytes, _) = digest.split_first_chunk().expect("SHA-1 has 20 bytes");
    Builder::from_sha1_bytes(*bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_made_of_a_name_is_that_of_the_standard() {
        // Appendix A.4 of RFC 9562.
        let uuid = uuid_v5(Uuid::NAMESPACE_DNS, "www.example.com");
        assert_eq!(uuid.to_string(), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    }
}
