//! SourceAccessConfigurations: each type, and which go together (specification 14.1).

use super::super::super::kafka::{
    Authentication, ClusterKind, KafkaAccess, OAuthBearer, SecretSource, SourceAccessType, Transport,
};
use super::super::super::problem::AccessProblem::{Second, Without};
use super::super::super::problem::ProblemKind::{
    Access, Conflict, Missing, TooMany, Unsupported, ValueNotOfCluster,
};
use super::*;

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:kafka";

fn entries(entries: &[(&str, Option<&str>)]) -> impl FnOnce(&mut MappingSettings) {
    let entry =
        |(kind, uri): &(&str, Option<&str>)| AccessSetting { kind: some(kind), uri: uri.map(str::to_owned) };
    let access = entries.iter().map(entry).collect();
    move |settings| settings.access = access
}

fn secret() -> SecretSource {
    SecretSource::named(ARN).unwrap()
}

#[track_caller]
fn check(source: fn() -> ReadsFrom, given: &[(&str, Option<&str>)], authentication: Authentication) {
    let expected = KafkaAccess { authentication, server_root_ca: None };
    assert_eq!(accepted_kafka(source(), entries(given)).access, expected);
}

#[track_caller]
fn check_not(given: &[(&str, Option<&str>)], expected: &[(Parameter, ProblemKind)]) {
    check_refused(self_managed(), entries(given), expected);
}

#[test]
fn a_mapping_authenticates_in_one_of_the_ways_that_its_kind_of_cluster_has() {
    let arn = Some(ARN);
    check(self_managed, &[("BASIC_AUTH", arn)], Authentication::Plain(secret()));
    check(self_managed, &[("SASL_SCRAM_256_AUTH", arn)], Authentication::Scram256(secret()));
    for source in [self_managed, msk] {
        check(source, &[("SASL_SCRAM_512_AUTH", arn)], Authentication::Scram512(secret()));
        let certificate = Authentication::ClientCertificate(secret());
        check(source, &[("CLIENT_CERTIFICATE_TLS_AUTH", arn)], certificate);
        check(source, &[], Authentication::None);
        let network = [("VPC_SUBNET", Some("subnet:subnet-1")), ("VPC_SECURITY_GROUP", None)];
        check(source, &network, Authentication::None);
    }
    check(self_managed, &[("IAM_AUTH", None)], Authentication::Iam);
    let file = SecretSource::File("oauth.json".into());
    let alone =
        OAuthBearer { secret: file, scope: None, audience: None, logical_cluster: None, identity_pool: None };
    let oauth = ("OAUTHBEARER_AUTH", Some("file:oauth.json"));
    check(self_managed, &[oauth], Authentication::OAuthBearer(alone.clone()));
    let all = [
        ("OAUTHBEARER_SCOPE", Some("kafka")),
        oauth,
        ("OAUTHBEARER_AUDIENCE", Some("brokers")),
        ("OAUTHBEARER_LOGICAL_CLUSTER", Some("lkc-1")),
        ("OAUTHBEARER_IDENTITY_POOL", Some("pool-1")),
    ];
    let with_all = OAuthBearer {
        scope: some("kafka"),
        audience: some("brokers"),
        logical_cluster: some("lkc-1"),
        identity_pool: some("pool-1"),
        ..alone
    };
    check(self_managed, &all, Authentication::OAuthBearer(with_all));
}

#[test]
fn the_entries_are_shown_as_they_were_given() {
    let given = [
        ("OAUTHBEARER_AUTH", Some("env:OAUTH")),
        ("OAUTHBEARER_SCOPE", Some("kafka")),
        ("SERVER_ROOT_CA_CERTIFICATE", Some("file:ca.json")),
    ];
    let shown = accepted_kafka(self_managed(), entries(&given)).access.entries();
    let shown: Vec<(&str, Option<&str>)> =
        shown.iter().map(|(kind, uri)| (kind.word(), uri.as_deref())).collect();
    assert_eq!(shown, given);
}

#[test]
fn a_sasl_type_or_a_root_certificate_alone_is_tls_and_nothing_is_plaintext() {
    let transport =
        |given: &[(&str, Option<&str>)]| accepted_kafka(self_managed(), entries(given)).access.transport();
    assert_eq!(transport(&[]), Transport::Plaintext);
    assert_eq!(transport(&[("VPC_SUBNET", Some("subnet:subnet-1"))]), Transport::Plaintext);
    assert_eq!(transport(&[("BASIC_AUTH", Some(ARN))]), Transport::Tls);
    assert_eq!(transport(&[("SERVER_ROOT_CA_CERTIFICATE", Some(ARN))]), Transport::Tls);
    assert_eq!(transport(&[("IAM_AUTH", None)]), Transport::Tls);
    let ca = accepted_kafka(
        self_managed(),
        entries(&[("SERVER_ROOT_CA_CERTIFICATE", Some("file:ca.json")), ("BASIC_AUTH", Some(ARN))]),
    );
    assert_eq!(ca.access.server_root_ca, Some(SecretSource::File("ca.json".into())));
    assert_eq!(ca.access.authentication, Authentication::Plain(secret()));
}

#[test]
fn two_ways_to_authenticate_and_a_type_twice_are_refused() {
    let second = |given: &'static str, first: usize, first_given: &'static str| {
        let first = Parameter::SourceAccessType(first);
        Access(Second { given, first, first_given })
    };
    check_not(
        &[("BASIC_AUTH", Some(ARN)), ("SASL_SCRAM_512_AUTH", Some(ARN))],
        &[(Parameter::SourceAccessType(1), second("SASL_SCRAM_512_AUTH", 0, "BASIC_AUTH"))],
    );
    check_not(
        &[("CLIENT_CERTIFICATE_TLS_AUTH", Some(ARN)), ("VPC_SUBNET", None), ("IAM_AUTH", None)],
        &[(Parameter::SourceAccessType(2), second("IAM_AUTH", 0, "CLIENT_CERTIFICATE_TLS_AUTH"))],
    );
    check_not(
        &[("SERVER_ROOT_CA_CERTIFICATE", Some(ARN)), ("SERVER_ROOT_CA_CERTIFICATE", Some(ARN))],
        &[(
            Parameter::SourceAccessType(1),
            second("SERVER_ROOT_CA_CERTIFICATE", 0, "SERVER_ROOT_CA_CERTIFICATE"),
        )],
    );
}

#[test]
fn what_belongs_to_a_token_needs_oauthbearer_auth() {
    for given in [
        "OAUTHBEARER_SCOPE",
        "OAUTHBEARER_AUDIENCE",
        "OAUTHBEARER_LOGICAL_CLUSTER",
        "OAUTHBEARER_IDENTITY_POOL",
    ] {
        let kind = Access(Without { given, needs: "OAUTHBEARER_AUTH" });
        check_not(&[(given, Some("x"))], &[(Parameter::SourceAccessType(0), kind)]);
    }
}

#[test]
fn a_web_identity_of_aws_is_not_supported() {
    let given = [("IAM_OAUTHBEARER_AUTH", None), ("OAUTHBEARER_AUDIENCE", Some("brokers"))];
    let problems = checked(self_managed(), entries(&given)).unwrap_err();
    let is_one = |problem: &Problem| {
        problem.parameter == Parameter::SourceAccessType(0) && matches!(problem.kind, Unsupported { .. })
    };
    assert!(problems.len() == 1 && is_one(&problems[0]), "{problems:#?}");
}

#[test]
fn a_type_that_the_cluster_does_not_take_is_refused_with_those_that_it_takes() {
    let of_msk = Allowed::OneOf(&["SASL_SCRAM_512_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH"]);
    for kind in
        ["BASIC_AUTH", "SASL_SCRAM_256_AUTH", "SERVER_ROOT_CA_CERTIFICATE", "OAUTHBEARER_AUTH", "IAM_AUTH"]
    {
        let given = kind.to_owned();
        let refused = ValueNotOfCluster { given, cluster: ClusterKind::Msk, allowed: of_msk.clone() };
        check_refused(msk(), entries(&[(kind, Some(ARN))]), &[(Parameter::SourceAccessType(0), refused)]);
    }
    for kind in ["VIRTUAL_HOST", "basic_auth", ""] {
        let problems = checked(self_managed(), entries(&[(kind, Some(ARN))])).unwrap_err();
        let [Problem { parameter: Parameter::SourceAccessType(0), kind: refused }] = &problems[..] else {
            panic!("{problems:#?}")
        };
        let NotAllowed { given, allowed: Allowed::OneOf(words) } = refused else { panic!("{refused:?}") };
        assert_eq!(given, kind);
        let unknown = ["IAM_OAUTHBEARER_AUTH", "VIRTUAL_HOST"];
        let known = SourceAccessType::ALL.map(SourceAccessType::word);
        let expected: Vec<&str> = known.into_iter().filter(|word| !unknown.contains(word)).collect();
        assert_eq!(words, &expected);
    }
}

#[test]
fn an_entry_has_a_type_and_a_uri_of_its_type() {
    let (kind, uri) = (Parameter::SourceAccessType(0), Parameter::SourceAccessUri(0));
    check_refused(
        self_managed(),
        |settings| settings.access = vec![AccessSetting { kind: None, uri: some(ARN) }],
        &[(kind, Missing)],
    );
    check_not(&[("BASIC_AUTH", None)], &[(uri, Missing)]);
    check_not(
        &[("BASIC_AUTH", Some("user:password"))],
        &[(uri, not_allowed("user:password", Allowed::Secret))],
    );
    check_not(&[("SERVER_ROOT_CA_CERTIFICATE", None)], &[(uri, Missing)]);
    check_not(&[("IAM_AUTH", Some(ARN))], &[(uri, Conflict { with: kind })]);
    let empty = [("OAUTHBEARER_AUTH", Some(ARN)), ("OAUTHBEARER_SCOPE", Some(""))];
    check_not(&empty, &[(Parameter::SourceAccessUri(1), Missing)]);
    let many = [("VPC_SUBNET", Some("subnet:subnet-1")); 24];
    check_not(&many, &[(Parameter::SourceAccessConfigurations, TooMany { count: 24, max: 23 })]);
    assert_eq!(accepted_kafka(self_managed(), entries(&many[1..])).access, KafkaAccess::default());
}
