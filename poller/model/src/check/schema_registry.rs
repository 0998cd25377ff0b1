//! What a mapping of Kafka asks of a schema registry: SchemaRegistryConfig (specification 1.1).

use super::super::arn::service_of;
use super::super::kafka::{
    EventRecordFormat, RegistryAuthentication, SchemaAttribute, SchemaRegistry, SecretSource,
    SourceAccessType,
};
use super::super::limits::{REGISTRY_ACCESS_MAX, REGISTRY_URI_CHARS_MAX};
use super::super::problem::{AccessProblem, Allowed, ProblemKind};
use super::super::settings::{AccessSetting, Parameter, SchemaRegistrySettings};
use super::Check;
use SourceAccessType as Type;

const ACCESS: &[&str] =
    &[Type::BasicAuth.word(), Type::ClientCertificateTlsAuth.word(), Type::ServerRootCaCertificate.word()];
const FORMATS: &[&str] = &["JSON", "SOURCE"];
const ATTRIBUTES: &[&str] = &["KEY", "VALUE"];

const NO_GLUE: &str = "Pelton speaks the protocol of Confluent's schema registry, and does not read the AWS Glue Schema Registry";

impl Check {
    /// `None`: there is none, or what was given of it is wrong.
    pub(super) fn schema_registry(
        &mut self,
        given: Option<&SchemaRegistrySettings>,
    ) -> Option<SchemaRegistry> {
        let given = given.filter(|given| **given != SchemaRegistrySettings::default())?;
        let SchemaRegistrySettings { uri, event_record_format, access, validation } = given;
        let uri = self.registry_uri(uri.as_deref());
        let event_record_format = self.event_record_format(event_record_format.as_deref());
        let (authentication, server_root_ca) = self.registry_access(access);
        let validates = self.validates(validation);
        Some(SchemaRegistry {
            uri: uri?,
            event_record_format: event_record_format?,
            authentication,
            server_root_ca,
            validates,
        })
    }

    fn registry_uri(&mut self, given: Option<&str>) -> Option<String> {
        let parameter = Parameter::SchemaRegistryUri;
        let Some(text) = given else {
            self.report(parameter, ProblemKind::Missing);
            return None;
        };
        if service_of(text) == Some("glue") {
            let kind = ProblemKind::Unsupported { given: text.to_owned(), reason: NO_GLUE };
            self.report(parameter, kind);
            return None;
        }
        if !is_registry_url(text) {
            // What stands before an `@` may be a password.
            let shown = text.rsplit_once('@').map_or(text, |(_, host)| host);
            self.refuse(parameter, shown, Allowed::RegistryUrl);
            return None;
        }
        Some(text.trim_end_matches('/').to_owned())
    }

    fn event_record_format(&mut self, given: Option<&str>) -> Option<EventRecordFormat> {
        let parameter = Parameter::EventRecordFormat;
        match given {
            None => self.report(parameter, ProblemKind::Missing),
            Some("JSON") => return Some(EventRecordFormat::Json),
            Some("SOURCE") => return Some(EventRecordFormat::Source),
            Some(word) => self.refuse(parameter, word, Allowed::OneOf(FORMATS)),
        }
        None
    }

    fn registry_access(&mut self, given: &[AccessSetting]) -> (RegistryAuthentication, Option<SecretSource>) {
        let (count, max) = (given.len(), REGISTRY_ACCESS_MAX);
        if count > max {
            self.report(Parameter::AccessConfigs, ProblemKind::TooMany { count, max });
        }
        let (mut authentication, mut server_root_ca) = (None, None);
        for (index, AccessSetting { kind, uri }) in given.iter().enumerate() {
            let parameter = Parameter::RegistryAccessType(index);
            let Some(word) = kind.as_deref() else {
                self.report(parameter, ProblemKind::Missing);
                continue;
            };
            let Some(kind) = Type::named(word).filter(|kind| ACCESS.contains(&kind.word())) else {
                self.refuse(parameter, word, Allowed::OneOf(ACCESS));
                continue;
            };
            let seat =
                if kind == Type::ServerRootCaCertificate { &mut server_root_ca } else { &mut authentication };
            if let Some((first, first_kind, _)) = seat {
                let (first, first_given) = (Parameter::RegistryAccessType(*first), Type::word(*first_kind));
                let problem = AccessProblem::Second { given: kind.word(), first, first_given };
                self.report(parameter, ProblemKind::Access(problem));
                continue;
            }
            let secret = self.secret_of(Parameter::RegistryAccessUri(index), uri.as_deref());
            *seat = Some((index, kind, secret));
        }
        let authentication = match authentication {
            Some((_, Type::BasicAuth, Some(secret))) => RegistryAuthentication::Basic(secret),
            Some((_, _, Some(secret))) => RegistryAuthentication::ClientCertificate(secret),
            Some((_, _, None)) | None => RegistryAuthentication::None,
        };
        (authentication, server_root_ca.and_then(|(_, _, secret)| secret))
    }

    fn validates(&mut self, given: &[Option<String>]) -> Vec<SchemaAttribute> {
        if given.is_empty() {
            self.report(Parameter::SchemaValidationConfigs, ProblemKind::Missing);
        }
        let mut validates = Vec::new();
        for (index, word) in given.iter().enumerate() {
            let parameter = Parameter::SchemaValidationAttribute(index);
            match word.as_deref() {
                None => self.report(parameter, ProblemKind::Missing),
                Some("KEY") => validates.push(SchemaAttribute::Key),
                Some("VALUE") => validates.push(SchemaAttribute::Value),
                Some(word) => self.refuse(parameter, word, Allowed::OneOf(ATTRIBUTES)),
            }
        }
        validates.sort_unstable();
        validates.dedup();
        validates
    }
}

/// A URL of HTTP with a host, without a user, a query or a fragment: the paths of the registry are put behind it.
fn is_registry_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        let is_plain = !rest.contains(['@', '?', '#']) && !rest.contains(char::is_whitespace);
        !host.is_empty() && is_plain && text.chars().count() <= REGISTRY_URI_CHARS_MAX
    })
}
