//! SchemaRegistryConfig (specification 1.1).

use super::super::super::kafka::{
    EventRecordFormat, RegistryAuthentication, SchemaAttribute, SchemaRegistry, SecretSource,
};
use super::super::super::problem::AccessProblem::Second;
use super::super::super::problem::ProblemKind::{Access, Missing, TooMany, Unsupported};
use super::super::super::settings::SchemaRegistrySettings;
use super::*;

/// The least that is a registry.
fn registry() -> SchemaRegistrySettings {
    SchemaRegistrySettings {
        uri: some("http://registry:8081/"),
        event_record_format: some("JSON"),
        access: Vec::new(),
        validation: vec![some("VALUE")],
    }
}

fn given(registry: SchemaRegistrySettings) -> impl FnOnce(&mut MappingSettings) {
    move |settings| settings.schema_registry = Some(registry)
}

#[track_caller]
fn check_not(registry: SchemaRegistrySettings, expected: &[(Parameter, ProblemKind)]) {
    check_refused(self_managed(), given(registry), expected);
}

#[test]
fn a_registry_has_a_url_a_format_and_what_has_a_schema() {
    let expected = SchemaRegistry {
        uri: "http://registry:8081".to_owned(),
        event_record_format: EventRecordFormat::Json,
        authentication: RegistryAuthentication::None,
        server_root_ca: None,
        validates: vec![SchemaAttribute::Value],
    };
    for source in [msk, self_managed] {
        assert_eq!(accepted_kafka(source(), given(registry())).schema_registry, Some(expected.clone()));
        let nothing = SchemaRegistrySettings::default();
        assert_eq!(accepted_kafka(source(), given(nothing)).schema_registry, None);
    }
    let secret = |text: &str| SecretSource::named(text).unwrap();
    let full = SchemaRegistrySettings {
        uri: some("https://schemas.example.com/v1"),
        event_record_format: some("SOURCE"),
        access: vec![
            access("SERVER_ROOT_CA_CERTIFICATE", "file:ca.json"),
            access("BASIC_AUTH", "env:REGISTRY"),
        ],
        validation: vec![some("VALUE"), some("KEY"), some("VALUE")],
    };
    let expected = SchemaRegistry {
        uri: "https://schemas.example.com/v1".to_owned(),
        event_record_format: EventRecordFormat::Source,
        authentication: RegistryAuthentication::Basic(secret("env:REGISTRY")),
        server_root_ca: Some(secret("file:ca.json")),
        validates: vec![SchemaAttribute::Key, SchemaAttribute::Value],
    };
    let registry = accepted_kafka(self_managed(), given(full)).schema_registry.unwrap();
    assert_eq!(registry, expected);
    let shown = [
        ("BASIC_AUTH", "env:REGISTRY".to_owned()),
        ("SERVER_ROOT_CA_CERTIFICATE", "file:ca.json".to_owned()),
    ];
    assert_eq!(registry.entries(), shown);
}

#[test]
fn a_glue_registry_is_not_supported() {
    let uri = some("arn:aws:glue:eu-west-1:123456789012:registry/shop");
    let problems = checked(msk(), given(SchemaRegistrySettings { uri, ..registry() })).unwrap_err();
    let is_glue = |problem: &Problem| {
        problem.parameter == Parameter::SchemaRegistryUri
            && matches!(problem.kind, Unsupported { reason, .. } if reason.contains("Glue"))
    };
    assert!(problems.len() == 1 && is_glue(&problems[0]), "{problems:#?}");
}

#[test]
fn what_is_no_url_of_a_registry_is_refused_without_the_password_in_it() {
    for (uri, shown) in [
        ("registry:8081", "registry:8081"),
        ("ftp://registry", "ftp://registry"),
        ("https://", "https://"),
        ("https://registry/?a=b", "https://registry/?a=b"),
        ("https://user:password@registry", "registry"),
    ] {
        let refused = not_allowed(shown, Allowed::RegistryUrl);
        let wrong = SchemaRegistrySettings { uri: some(uri), ..registry() };
        check_not(wrong, &[(Parameter::SchemaRegistryUri, refused)]);
    }
}

#[test]
fn each_part_of_a_registry_is_required_and_checked() {
    let format = |format: Option<&str>| SchemaRegistrySettings {
        event_record_format: format.map(str::to_owned),
        ..registry()
    };
    let parameter = Parameter::EventRecordFormat;
    check_not(SchemaRegistrySettings { uri: None, ..registry() }, &[(Parameter::SchemaRegistryUri, Missing)]);
    check_not(format(None), &[(parameter, Missing)]);
    check_not(format(Some("AVRO")), &[(parameter, not_allowed("AVRO", Allowed::OneOf(&["JSON", "SOURCE"])))]);
    let validation = |validation| SchemaRegistrySettings { validation, ..registry() };
    check_not(validation(Vec::new()), &[(Parameter::SchemaValidationConfigs, Missing)]);
    check_not(
        validation(vec![None, some("HEADERS")]),
        &[
            (Parameter::SchemaValidationAttribute(0), Missing),
            (
                Parameter::SchemaValidationAttribute(1),
                not_allowed("HEADERS", Allowed::OneOf(&["KEY", "VALUE"])),
            ),
        ],
    );
}

#[test]
fn a_registry_knows_us_in_one_way() {
    let with = |access| SchemaRegistrySettings { access, ..registry() };
    let kinds = Allowed::OneOf(&["BASIC_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH", "SERVER_ROOT_CA_CERTIFICATE"]);
    check_not(
        with(vec![access("SASL_SCRAM_512_AUTH", "env:A"), access("BASIC_AUTH", "a secret")]),
        &[
            (Parameter::RegistryAccessType(0), not_allowed("SASL_SCRAM_512_AUTH", kinds)),
            (Parameter::RegistryAccessUri(1), not_allowed("a secret", Allowed::Secret)),
        ],
    );
    let second = Access(Second {
        given: "CLIENT_CERTIFICATE_TLS_AUTH",
        first: Parameter::RegistryAccessType(0),
        first_given: "BASIC_AUTH",
    });
    check_not(
        with(vec![access("BASIC_AUTH", "env:A"), access("CLIENT_CERTIFICATE_TLS_AUTH", "env:B")]),
        &[(Parameter::RegistryAccessType(1), second)],
    );
    check_not(
        with(vec![AccessSetting::default(), AccessSetting { kind: some("BASIC_AUTH"), uri: None }]),
        &[(Parameter::RegistryAccessType(0), Missing), (Parameter::RegistryAccessUri(1), Missing)],
    );
    let three = vec![
        access("BASIC_AUTH", "env:A"),
        access("SERVER_ROOT_CA_CERTIFICATE", "env:B"),
        access("SERVER_ROOT_CA_CERTIFICATE", "env:C"),
    ];
    let problems = checked(msk(), given(with(three))).unwrap_err();
    assert_eq!(problems[0].kind, TooMany { count: 3, max: 2 });
}
