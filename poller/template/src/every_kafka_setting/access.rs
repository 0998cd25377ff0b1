//! How a mapping of Kafka gets into its cluster, and its schema registry.

use super::*;

#[test]
fn a_mapping_without_source_access_configurations_is_plaintext_and_aws_refuses_it() {
    let warning = "warning missing: the mapping `FM` has no `SourceAccessConfigurations` | Pelton connects without TLS and \
                   credentials; AWS refuses the mapping";
    for nothing in ["SourceAccessConfigurations: []", "SourceAccessConfigurations: !Ref AWS::NoValue"] {
        let loaded = load(&self_managed(nothing));
        check_problem(&loaded, warning);
        assert_eq!(loaded.application.expect("a warning is no error").mappings.len(), 1);
    }
    let vpc = "SourceAccessConfigurations: [{Type: VPC_SUBNET, URI: !ImportValue subnet}]";
    check_self_managed(vpc, |_, settings| settings.access.authentication == Authentication::None);
    check_problem(
        &load(&event("MSK", "Stream: !Ref Cluster, Topics: [t], StartingPosition: LATEST", CLUSTERS)),
        "",
    );
}

#[test]
fn entries_of_access_are_read_one_by_one() {
    let access = |entries: &str| format!("SourceAccessConfigurations: [{entries}]");
    let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:kafka";
    let expected = Authentication::Scram256(SecretSource::named(secret).unwrap());
    let text = self_managed(&access("!Ref AWS::NoValue, {Type: SASL_SCRAM_256_AUTH, URI: !Ref S}"));
    let text = text.replace(
        "Resources:",
        "Resources:\n  S: {Type: AWS::SecretsManager::Secret, Properties: {Name: kafka}}",
    );
    assert_eq!(mapping(load(&text)).1.access.authentication, expected);
    check_self_managed(&access("{Type: BASIC_AUTH, URI: 'file:secrets/kafka.json'}"), |_, settings| {
        let file = SecretSource::File("/app/secrets/kafka.json".into());
        settings.access.authentication == Authentication::Plain(file)
    });
    for (entries, expected) in [
        ("{Type: BASIC_AUTH}", "an entry has no `URI`"),
        ("{URI: x}", "an entry has no `Type`"),
        (
            "{Type: BASIC_AUTH, URI: 'user:password'}",
            "`URI` does not name a secret | must be the ARN of a secret in Secrets Manager",
        ),
        ("{Type: BASIC, URI: 'env:A'}", "`Type` is `BASIC` | must be one of `BASIC_AUTH`"),
        ("{Type: VIRTUAL_HOST, URI: x}", "`Type` is `VIRTUAL_HOST` | must be one of `BASIC_AUTH`"),
        ("{Type: BASIC_AUTH, URI: 'env:A', Uri: x}", "an entry has no property `Uri`"),
        ("{Type: BASIC_AUTH, URI: !ImportValue x}", "error unsupported: `Fn::ImportValue`"),
        ("BASIC_AUTH", "this is a single value | must be a map with `Type` and `URI`"),
        (
            "{Type: BASIC_AUTH, URI: 'env:A'}, {Type: IAM_AUTH}",
            "`IAM_AUTH` and `BASIC_AUTH` are two ways to authenticate | only one is allowed",
        ),
        (
            "{Type: OAUTHBEARER_SCOPE, URI: x}",
            "`OAUTHBEARER_SCOPE` needs an entry of type `OAUTHBEARER_AUTH`",
        ),
        ("{Type: IAM_AUTH, URI: 'env:A'}", "`IAM_AUTH` has no `URI`"),
        (
            "{Type: IAM_OAUTHBEARER_AUTH}",
            "error unsupported: `Type: IAM_OAUTHBEARER_AUTH` is not supported by Pelton",
        ),
    ] {
        check_refused(&access(entries), expected);
    }
    let msk = format!("Stream: !Ref Cluster, Topics: [t], StartingPosition: LATEST, {ACCESS}");
    check_problem(
        &load(&event("MSK", &msk, CLUSTERS)),
        "an MSK cluster does not support `Type: BASIC_AUTH` | must be one of `SASL_SCRAM_512_AUTH`, `CLIENT_CERTIFICATE_TLS_AUTH`",
    );
}

#[test]
fn what_pelton_does_not_honour_is_refused_with_the_reason_or_leaves_the_mapping_out() {
    let glue = "SchemaRegistryConfig: {SchemaRegistryURI: 'arn:aws:glue:eu-west-1:123456789012:registry/r', EventRecordFormat: JSON, SchemaValidationConfigs: [{Attribute: KEY}]}";
    for (setting, reason) in [
        (
            "ConsumptionMode: Queue",
            "`ConsumptionMode: Queue` is not supported by Pelton | Pelton reads each partition in its order",
        ),
        (glue, "is not supported by Pelton | Pelton speaks the protocol of Confluent's schema registry"),
    ] {
        check_refused(setting, reason);
        let other = "  N:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref F, EventSourceArn: 'arn:aws:kinesis:eu-west-1:123456789012:stream/s', StartingPosition: LATEST}";
        let text = format!("{}{other}\n", self_managed(setting));
        let loaded = load_with(&text, &LoadOptions { unsupported: Unsupported::Warn, ..options() });
        let lines = lines(&loaded.diagnostics);
        assert!(
            lines.iter().any(|line| line.starts_with("warning unsupported") && line.contains(reason)),
            "{lines:#?}"
        );
        let mappings = loaded.application.unwrap_or_else(|| panic!("{lines:#?}")).mappings;
        assert_eq!(mappings.iter().map(|mapping| mapping.id.0.as_str()).collect::<Vec<_>>(), ["N"]);
    }
}

#[test]
fn a_schema_registry_is_read_part_by_part() {
    let registry = |parts: &str| format!("SchemaRegistryConfig: {{{parts}}}");
    let least = "SchemaRegistryURI: 'http://r:8081', EventRecordFormat: SOURCE, SchemaValidationConfigs: [{Attribute: VALUE}]";
    check_self_managed(&registry(least), |_, settings| settings.schema_registry.is_some());
    for (parts, expected) in [
        (
            "EventRecordFormat: JSON, SchemaValidationConfigs: [{Attribute: KEY}]",
            "has no `SchemaRegistryConfig.SchemaRegistryURI`",
        ),
        (
            "SchemaRegistryURI: 'http://r', SchemaValidationConfigs: [{Attribute: KEY}]",
            "has no `SchemaRegistryConfig.EventRecordFormat`",
        ),
        (
            "SchemaRegistryURI: 'http://r', EventRecordFormat: JSON",
            "has no `SchemaRegistryConfig.SchemaValidationConfigs`",
        ),
        (
            "SchemaRegistryURI: 'http://r', EventRecordFormat: JSON, SchemaValidationConfigs: [{}]",
            "an entry has no `Attribute`",
        ),
        (
            "SchemaRegistryURI: 'http://r', EventRecordFormat: JSON, SchemaValidationConfigs: [{Attribute: HEADERS}]",
            "must be one of `KEY`, `VALUE`",
        ),
        (
            "SchemaRegistryURI: 'http://r', EventRecordFormat: AVRO, SchemaValidationConfigs: [{Attribute: KEY}]",
            "must be one of `JSON`, `SOURCE`",
        ),
        (
            "SchemaRegistryURI: 'https://u:secret@r', EventRecordFormat: JSON, SchemaValidationConfigs: [{Attribute: KEY}]",
            "`SchemaRegistryURI` is `r` | must be `https://HOST:PORT`",
        ),
        ("SchemaRegistryURL: 'http://r'", "has no property `SchemaRegistryURL`"),
    ] {
        let loaded = load(&self_managed(&registry(parts)));
        let lines = lines(&loaded.diagnostics);
        assert!(lines[0].contains(expected), "{lines:#?}");
        assert!(!lines.iter().any(|line| line.contains("secret@")), "{lines:#?}");
    }
    let access = format!("{least}, AccessConfigs: [{{Type: SASL_SCRAM_512_AUTH, URI: 'env:A'}}]");
    check_refused(
        &registry(&access),
        "must be one of `BASIC_AUTH`, `CLIENT_CERTIFICATE_TLS_AUTH`, `SERVER_ROOT_CA_CERTIFICATE`",
    );
}
