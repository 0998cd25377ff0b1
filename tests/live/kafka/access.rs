//! Every way to get in (specification 14), right and wrong. What is wrong is reported with the broker, the step and what to do.

use pelton_tests::kafka::{Cluster, Poller, Topic};
use pelton_tests::site::{POLLING, Site, assert_refused};
use serde_json::{Value, json};

/// What no line may show.
const PASSWORDS: [&str; 4] = ["pelton-secret", "stranger-secret", "key-secret", "wrong-secret"];

/// A mapping's entries, each with its secret.
struct Entries<'a>(Vec<(&'a str, Value)>);

impl<'a> Entries<'a> {
    fn none() -> Self {
        Self(Vec::new())
    }

    fn of(kind: &'a str, secret: Value) -> Self {
        Self(vec![(kind, secret)])
    }

    fn and(mut self, kind: &'a str, secret: Value) -> Self {
        self.0.push((kind, secret));
        self
    }
}

fn login(username: &str, password: &str) -> Value {
    json!({ "username": username, "password": password })
}

/// A file of the folder of the certificates.
fn pem(cluster: &Cluster, name: &str) -> String {
    let path = std::path::Path::new(&cluster.listener("certificates")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn authority(cluster: &Cluster, name: &str) -> Value {
    json!({ "certificate": pem(cluster, name) })
}

/// The broker's authority, beside this entry.
fn trusting<'a>(cluster: &Cluster, kind: &'a str, secret: Value) -> Entries<'a> {
    Entries::of(kind, secret).and("SERVER_ROOT_CA_CERTIFICATE", authority(cluster, "ca.pem"))
}

fn client(cluster: &Cluster, certificate: &str, key: &str, password: Option<&str>) -> Value {
    let mut secret = json!({ "certificate": pem(cluster, certificate), "privateKey": pem(cluster, key) });
    if let Some(password) = password {
        secret["privateKeyPassword"] = password.into();
    }
    secret
}

fn oauth(endpoint: &str, secret: &str) -> Value {
    json!({ "oauthTokenEndpointUrl": endpoint, "oauthClientId": "pelton", "oauthClientSecret": secret })
}

/// A folder for a member of the topic's group that gets in at this address with these entries.
fn site(topic: &Topic, address: &str, entries: &Entries<'_>) -> Site {
    let shown: Vec<_> =
        entries.0.iter().map(|(kind, _)| format!("{{Type: {kind}, URI: 'file:{kind}.json'}}")).collect();
    let mut settings = "StartingPosition: TRIM_HORIZON\nMaximumBatchingWindowInSeconds: 0".to_owned();
    if !shown.is_empty() {
        settings.push_str(&format!("\nSourceAccessConfigurations: [{}]", shown.join(", ")));
    }
    let site = Poller::site(topic, &settings);
    let template = std::fs::read_to_string(site.path().join("template.yaml")).unwrap();
    site.write("template.yaml", &template.replace(topic.cluster().servers(), address));
    for (kind, secret) in &entries.0 {
        site.write(&format!("{kind}.json"), &secret.to_string());
    }
    site
}

/// Asserts that who gets in like this reads and commits.
async fn gets_in(cluster: &Cluster, listener: &str, entries: Entries<'_>) {
    let topic = cluster.topic(1).await;
    topic.put_numbers(0, 0..3).await;
    let poller = Poller::start_in(site(&topic, &cluster.listener(listener), &entries)).await;
    poller.until_ended(3).await;
    poller.until_committed(&topic, &[(0, 3)].into()).await;
    let (_, exit) = poller.stop().await;
    shows_no_secret(&exit.printed.to_string());
    topic.delete().await;
}

/// Asserts that who tries to get in like this is refused, and told this.
async fn is_refused(topic: &Topic, address: &str, entries: Entries<'_>, said: &[&str]) {
    let site = site(topic, address, &entries);
    let exit = Poller::program().run(&site.folder).await;
    let printed = exit.printed.to_string();
    assert_refused(&site, &exit, &[&["ClicksTopic", address], said].concat());
    shows_no_secret(&printed);
}

#[track_caller]
fn shows_no_secret(printed: &str) {
    for password in PASSWORDS {
        assert!(!printed.contains(password), "{password} is shown:\n{printed}");
    }
    assert!(!printed.contains("PRIVATE KEY"), "a key is shown:\n{printed}");
}

#[tokio::test]
async fn a_private_authority_alone_gets_in_over_tls() {
    let cluster = Cluster::shared().await;
    let ca = authority(&cluster, "ca.pem");
    gets_in(&cluster, "ssl", Entries::of("SERVER_ROOT_CA_CERTIFICATE", ca)).await;
}

#[tokio::test]
async fn users_get_in_by_plain_and_by_scram() {
    let cluster = Cluster::shared().await;
    for kind in ["BASIC_AUTH", "SASL_SCRAM_256_AUTH", "SASL_SCRAM_512_AUTH"] {
        gets_in(&cluster, "sasl_ssl", trusting(&cluster, kind, login("pelton", "pelton-secret"))).await;
    }
}

#[tokio::test]
async fn the_user_of_azure_event_hubs_gets_in() {
    let cluster = Cluster::shared().await;
    let connection_string = "Endpoint=sb://pelton.servicebus.example/;SharedAccessKeyName=pelton;\
                             SharedAccessKey=cGVsdG9uLXNlY3JldA==";
    let secret = login("$ConnectionString", connection_string);
    gets_in(&cluster, "sasl_ssl", trusting(&cluster, "BASIC_AUTH", secret)).await;
}

#[tokio::test]
async fn client_certificates_get_in_with_keys_that_are_encrypted_by_pbes1_and_pbes2_too() {
    let cluster = Cluster::shared().await;
    for (certificate, key, password) in [
        ("client.pem", "client.key", None),
        ("client.pem", "client-pbes1.key", Some("key-secret")),
        ("client.pem", "client-pbes2.key", Some("key-secret")),
        ("client-chain.pem", "client-chain.key", None),
    ] {
        let secret = client(&cluster, certificate, key, password);
        gets_in(&cluster, "mtls", trusting(&cluster, "CLIENT_CERTIFICATE_TLS_AUTH", secret)).await;
    }
}

#[tokio::test]
async fn a_client_gets_in_by_tokens_that_an_endpoint_issues() {
    let cluster = Cluster::shared().await;
    let secret = oauth(&cluster.listener("token_endpoint"), "pelton-secret");
    gets_in(&cluster, "sasl_ssl", trusting(&cluster, "OAUTHBEARER_AUTH", secret)).await;
}

#[tokio::test]
async fn records_go_on_across_the_ends_of_tokens() {
    let cluster = Cluster::shared().await;
    let topic = cluster.topic(1).await;
    let endpoint = format!("{}/5", cluster.listener("token_endpoint"));
    let entries = trusting(&cluster, "OAUTHBEARER_AUTH", oauth(&endpoint, "pelton-secret"));
    let poller = Poller::start_in(site(&topic, &cluster.listener("sasl_ssl"), &entries)).await;
    let clock = pelton::clock::Clock::start();
    for round in 0..4 {
        topic.put_numbers(0, round..round + 1).await;
        poller.until_ended(round + 1).await;
        clock.sleep(std::time::Duration::from_secs(4)).await;
    }
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn without_a_private_authority_those_count_that_the_machine_trusts() {
    let cluster = Cluster::shared().await;
    let topic = cluster.topic(1).await;
    topic.put_numbers(0, 0..3).await;
    let entries = Entries::of("BASIC_AUTH", login("pelton", "pelton-secret"));
    let site = site(&topic, &cluster.listener("sasl_ssl"), &entries);
    let ca = std::path::Path::new(&cluster.listener("certificates")).join("ca.pem");
    let running = Poller::program().env("SSL_CERT_FILE", ca).start(&site.folder);
    running.wait_for_line(POLLING).await;
    let poller = Poller { site, running };
    poller.until_ended(3).await;
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn a_login_that_the_broker_refuses_is_reported_as_sasl_with_what_to_check() {
    let cluster = Cluster::shared().await;
    let topic = cluster.topic(1).await;
    let address = cluster.listener("sasl_ssl");
    let check = "check username and password in the secret";
    for (kind, username, password) in [
        ("BASIC_AUTH", "pelton", "wrong-secret"),
        ("BASIC_AUTH", "nobody", "pelton-secret"),
        ("SASL_SCRAM_256_AUTH", "pelton", "wrong-secret"),
        ("SASL_SCRAM_512_AUTH", "nobody", "pelton-secret"),
        ("BASIC_AUTH", "$ConnectionString", "wrong-secret"),
    ] {
        let entries = trusting(&cluster, kind, login(username, password));
        is_refused(&topic, &address, entries, &["SASL:", check]).await;
    }
    topic.delete().await;
}

#[tokio::test]
async fn a_certificate_that_does_not_do_is_reported_as_tls_with_what_to_check() {
    let cluster = Cluster::shared().await;
    let topic = cluster.topic(1).await;
    let ca = |name| Entries::of("SERVER_ROOT_CA_CERTIFICATE", authority(&cluster, name));
    let unknown = "SERVER_ROOT_CA_CERTIFICATE names a private authority";
    is_refused(&topic, &cluster.listener("ssl"), ca("foreign-ca.pem"), &["TLS:", unknown]).await;
    let untrusted = Entries::of("BASIC_AUTH", login("pelton", "pelton-secret"));
    is_refused(&topic, &cluster.listener("sasl_ssl"), untrusted, &["TLS:", unknown]).await;
    let misnamed = "for another name than the one that is called";
    is_refused(&topic, &cluster.listener("misnamed"), ca("ca.pem"), &["TLS:", misnamed]).await;
    let check = "check CLIENT_CERTIFICATE_TLS_AUTH";
    let foreign = client(&cluster, "foreign-client.pem", "foreign-client.key", None);
    let foreign = trusting(&cluster, "CLIENT_CERTIFICATE_TLS_AUTH", foreign);
    is_refused(&topic, &cluster.listener("mtls"), foreign, &["TLS:", check]).await;
    is_refused(&topic, &cluster.listener("mtls"), ca("ca.pem"), &["TLS:", check]).await;
    topic.delete().await;
}

#[tokio::test]
async fn a_port_that_speaks_something_else_is_reported_with_what_it_may_expect() {
    let cluster = Cluster::shared().await;
    let topic = cluster.topic(1).await;
    let servers = cluster.servers();
    let ca = Entries::of("SERVER_ROOT_CA_CERTIFICATE", authority(&cluster, "ca.pem"));
    is_refused(&topic, servers, ca, &["TLS:", "does the broker speak TLS on this port?"]).await;
    let login_there = trusting(&cluster, "BASIC_AUTH", login("pelton", "pelton-secret"));
    is_refused(&topic, &cluster.listener("ssl"), login_there, &["SASL:", "no SASL on this port"]).await;
    let expects = "expect TLS or SASL on this port";
    is_refused(&topic, &cluster.listener("ssl"), Entries::none(), &["TCP:", expects]).await;
    let ca = Entries::of("SERVER_ROOT_CA_CERTIFICATE", authority(&cluster, "ca.pem"));
    // The broker ends the connection without a word.
    is_refused(&topic, &cluster.listener("sasl_ssl"), ca, &["TCP:", expects]).await;
    topic.delete().await;
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_reported_as_dns_or_tcp() {
    let cluster = Cluster::shared().await;
    let topic = cluster.no_topic();
    let ca = || Entries::of("SERVER_ROOT_CA_CERTIFICATE", authority(&cluster, "ca.pem"));
    let said = ["DNS:", "check the name of the broker"];
    is_refused(&topic, "no-such-host.invalid:9094", ca(), &said).await;
    is_refused(&topic, "127.0.0.1:1", ca(), &["TCP:", "Connection refused", "is a broker there?"]).await;
}

#[tokio::test]
async fn a_missing_right_is_reported_as_acl_with_the_right_that_is_missing() {
    let cluster = Cluster::shared().await;
    let topic = cluster.topic(1).await;
    let address = cluster.listener("sasl_ssl");
    let user = |name: &str| trusting(&cluster, "SASL_SCRAM_512_AUTH", login(name, &format!("{name}-secret")));
    let on_topic = ["ACL:", "the user needs Describe and Read on the topic"];
    is_refused(&topic, &address, user("no-topics"), &on_topic).await;
    is_refused(&topic, &address, user("stranger"), &on_topic).await;
    let poller = Poller::begin(site(&topic, &address, &user("no-groups")));
    let line = poller.running.wait_for_line("the user needs Describe and Read on the consumer group").await;
    assert!(line.contains("ACL:"), "{line}");
    topic.delete().await;
}

#[tokio::test]
async fn a_token_that_is_not_issued_is_reported_as_sasl_with_the_endpoint() {
    let cluster = Cluster::shared().await;
    let topic = cluster.topic(1).await;
    let address = cluster.listener("sasl_ssl");
    let endpoint = cluster.listener("token_endpoint");
    let refused = trusting(&cluster, "OAUTHBEARER_AUTH", oauth(&endpoint, "wrong-secret"));
    let check = "check oauthTokenEndpointUrl, oauthClientId and oauthClientSecret";
    is_refused(&topic, &address, refused, &["SASL:", &endpoint, "status 401", check]).await;
    let away = trusting(&cluster, "OAUTHBEARER_AUTH", oauth("http://127.0.0.1:1/token", "pelton-secret"));
    is_refused(&topic, &address, away, &["SASL:", "http://127.0.0.1:1/token", check]).await;
    topic.delete().await;
}
