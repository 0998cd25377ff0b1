//! What went wrong on the way to a broker: in which step, with whom, and why, in one line.
//!
//! In: an error of librdkafka, as it words it: `sasl_ssl://host:port/bootstrap: reason`. Out: a line for people. "Connection error"
//! without a reason is what users of AWS complain about most.

use rdkafka::error::RDKafkaErrorCode as Code;

/// The line for an error of this code, worded so, of a client of these bootstrap servers.
pub(crate) fn failure(code: Option<Code>, words: &str, servers: &str) -> String {
    let (broker, reason) = split(words);
    let broker = broker.unwrap_or_else(|| servers.to_owned());
    let reason = shortened(reason);
    let (step, help) = step(code, &reason);
    match help {
        Some(help) => format!("{broker}: {step}: {reason}: {help}"),
        None => format!("{broker}: {step}: {reason}"),
    }
}

/// Which step it is, and what to do.
fn step(code: Option<Code>, reason: &str) -> (&'static str, Option<&'static str>) {
    let says = |part: &str| reason.to_lowercase().contains(part);
    match code {
        Some(Code::Resolve) => ("DNS", Some("check the name of the broker")),
        _ if says("failed to resolve") => ("DNS", Some("check the name of the broker")),
        Some(Code::SaslAuthenticationFailed | Code::Authentication) if says("ssl handshake") => tls(reason),
        Some(Code::SaslAuthenticationFailed | Code::Authentication | Code::UnsupportedSASLMechanism) => {
            sasl(reason)
        }
        Some(Code::IllegalSASLState) => sasl(reason),
        Some(Code::TopicAuthorizationFailed) => {
            ("ACL", Some("the user needs Describe and Read on the topic"))
        }
        Some(Code::GroupAuthorizationFailed) => {
            ("ACL", Some("the user needs Describe and Read on the consumer group"))
        }
        Some(Code::ClusterAuthorizationFailed) => ("ACL", Some("the user lacks a right on the cluster")),
        Some(Code::SSL) => tls(reason),
        _ if says("ssl handshake") || says("ssl:") || says("certificate") => tls(reason),
        _ if says("sasl") => sasl(reason),
        Some(Code::InconsistentGroupProtocol) => (
            "group",
            Some(
                "another member of the group uses another protocol: give the mapping a ConsumerGroupId of its own",
            ),
        ),
        Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => {
            ("topic", Some("create the topic, or check its name"))
        }
        Some(
            Code::RebalanceInProgress
            | Code::UnknownMemberId
            | Code::IllegalGeneration
            | Code::InvalidGroupId
            | Code::GroupMaxSizeReached
            | Code::FencedInstanceId
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::CoordinatorLoadInProgress
            | Code::PollExceeded,
        ) => ("group", None),
        _ if says("broker transport failure") => {
            ("TCP", Some("the broker ends the connection: it may expect TLS or SASL on this port"))
        }
        _ if says("connection refused") => ("TCP", Some("is a broker there?")),
        _ if says("disconnected") && says("after") => {
            ("TCP", Some("the broker ends the connection: does it expect TLS or SASL on this port?"))
        }
        _ => ("TCP", None),
    }
}

fn tls(reason: &str) -> (&'static str, Option<&'static str>) {
    let says = |part: &str| reason.to_lowercase().contains(part);
    let help = if says("hostname mismatch") || says("ip address mismatch") || says("does not match") {
        "the broker's certificate is for another name than the one that is called"
    } else if says("certificate verify failed")
        || says("unable to get")
        || says("self-signed")
        || says("self signed")
    {
        "the broker's certificate is for another name than the one that is called, or nobody who is trusted signed it: \
         SERVER_ROOT_CA_CERTIFICATE names a private authority"
    } else if says("certificate required") || says("bad certificate") || says("unknown ca") || says("alert") {
        "the broker does not take the client's certificate: check CLIENT_CERTIFICATE_TLS_AUTH"
    } else if says("wrong version number")
        || says("unexpected message")
        || says("plaintext")
        || says("disconnected")
    {
        "does the broker speak TLS on this port?"
    } else if says("pem") || says("private key") || says("decrypt") {
        "check the PEM of certificate and privateKey, and privateKeyPassword"
    } else {
        return ("TLS", None);
    };
    ("TLS", Some(help))
}

fn sasl(reason: &str) -> (&'static str, Option<&'static str>) {
    let says = |part: &str| reason.to_lowercase().contains(part);
    let help = if says("require sasl") {
        "the broker wants to know who it is: add an entry to SourceAccessConfigurations"
    } else if says("not valid in current sasl state") {
        "the broker has no SASL on this port: check the port, or remove the user from SourceAccessConfigurations"
    } else if says("credential") || says("password") {
        "check username and password in the secret"
    } else if says("mechanism") {
        "the broker offers another mechanism: check the Type of SourceAccessConfigurations"
    } else if says("token") {
        "check oauthTokenEndpointUrl, oauthClientId and oauthClientSecret"
    } else {
        "check username and password in the secret"
    };
    ("SASL", Some(help))
}

/// `sasl_ssl://127.0.0.1:9093/bootstrap: reason` or `127.0.0.1:9092/1: reason`, in its parts.
fn split(words: &str) -> (Option<String>, &str) {
    let words = words.trim();
    // A thread's name stands before it in some lines.
    let words = match words.strip_prefix('[') {
        Some(rest) => rest.split_once("]: ").map_or(words, |(_, rest)| rest),
        None => words,
    };
    let Some((place, reason)) = words.split_once(": ") else { return (None, words) };
    let is_place = place.contains(':') && !place.contains(' ');
    if !is_place {
        return (None, words);
    }
    // `GroupCoordinator: host:port: reason`
    let place = place.rsplit_once('/').map_or(place, |(place, _)| place).trim_end_matches('/');
    (Some(place.to_owned()), reason)
}

/// Without what librdkafka adds of its own state.
fn shortened(reason: &str) -> String {
    let reason = reason.split(" (after ").next().unwrap_or(reason);
    let reason = reason.split(" (connect to").next().unwrap_or(reason);
    reason.trim().trim_end_matches(':').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What librdkafka 2.12 says, and the beginning and the end of the line that becomes of it.
    #[track_caller]
    fn check(code: Option<Code>, words: &str, begins: &str, ends: &str) {
        let line = failure(code, words, "b-1:9093,b-2:9093");
        assert!(line.starts_with(begins), "{line}");
        assert!(line.ends_with(ends), "{line}");
    }

    #[test]
    fn what_the_broker_says_of_who_asks_is_told_with_what_to_do() {
        check(
            Some(Code::Authentication),
            "sasl_ssl://127.0.0.1:9093/bootstrap: SASL authentication error: Authentication failed: Invalid username or password \
             (after 307ms in state AUTH_REQ)",
            "sasl_ssl://127.0.0.1:9093: SASL: SASL authentication error: Authentication failed: Invalid username or password: ",
            "check username and password in the secret",
        );
        check(
            Some(Code::Authentication),
            "sasl_ssl://127.0.0.1:9093/bootstrap: SASL authentication error: Authentication failed during authentication due to \
             invalid credentials with SASL mechanism SCRAM-SHA-512",
            "sasl_ssl://127.0.0.1:9093: SASL: ",
            "check username and password in the secret",
        );
        check(
            Some(Code::Authentication),
            "sasl_ssl://127.0.0.1:9094/bootstrap: SASL PLAIN mechanism handshake failed: Broker: Request not valid in current SASL \
             state: broker's supported mechanisms: ",
            "sasl_ssl://127.0.0.1:9094: SASL: SASL PLAIN mechanism handshake failed: ",
            "the broker has no SASL on this port: check the port, or remove the user from SourceAccessConfigurations",
        );
        check(
            Some(Code::GroupAuthorizationFailed),
            "FindCoordinator response error: Group authorization failed.",
            "b-1:9093,b-2:9093: ACL: ",
            "the user needs Describe and Read on the consumer group",
        );
        check(
            Some(Code::TopicAuthorizationFailed),
            "Metadata: Broker: Topic authorization failed",
            "b-1:9093,b-2:9093: ACL: ",
            "the user needs Describe and Read on the topic",
        );
        check(
            None,
            "[thrd:ssl://127.0.0.1:9093/bootstrap]: ssl://127.0.0.1:9093/bootstrap: Disconnected: verify that security.protocol is \
             correctly configured, broker might require SASL authentication (after 305ms in state UP)",
            "ssl://127.0.0.1:9093: SASL: Disconnected",
            "add an entry to SourceAccessConfigurations",
        );
    }

    #[test]
    fn what_the_way_to_the_broker_lacks_is_told_with_what_to_do() {
        check(
            Some(Code::SSL),
            "ssl://127.0.0.1:9094/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker \
             certificate could not be verified",
            "ssl://127.0.0.1:9094: TLS: SSL handshake failed: ",
            "SERVER_ROOT_CA_CERTIFICATE names a private authority",
        );
        check(
            Some(Code::SSL),
            "ssl://127.0.0.1:9095/bootstrap: Receive failed: error:0A000412:SSL routines::ssl/tls alert bad certificate",
            "ssl://127.0.0.1:9095: TLS: ",
            "check CLIENT_CERTIFICATE_TLS_AUTH",
        );
        check(
            Some(Code::Resolve),
            "sasl_ssl://no-such-host.invalid:9093/bootstrap: Failed to resolve 'no-such-host.invalid:9093': Name or service not known",
            "sasl_ssl://no-such-host.invalid:9093: DNS: ",
            "check the name of the broker",
        );
        check(
            Some(Code::BrokerTransportFailure),
            "127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)",
            "127.0.0.1:1: TCP: Connect to ipv4#127.0.0.1:1 failed: Connection refused: ",
            "is a broker there?",
        );
    }
}
