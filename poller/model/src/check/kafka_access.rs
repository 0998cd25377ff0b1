//! How a mapping of Kafka says who it is, and knows the brokers: which entries of SourceAccessConfigurations go together
//! (specification 14.1).

use super::super::kafka::{
    Authentication, ClusterKind, KafkaAccess, OAuthBearer, SecretSource, SourceAccessType,
};
use super::super::limits::SOURCE_ACCESS_MAX;
use super::super::problem::{AccessProblem, Allowed, ProblemKind};
use super::super::settings::{AccessSetting, Parameter};
use super::Check;
use SourceAccessType as Type;

/// What AWS takes of a cluster that somebody manages, as an error lists it.
const OF_SELF_MANAGED: &[&str] = &[
    Type::BasicAuth.word(),
    Type::SaslScram256Auth.word(),
    Type::SaslScram512Auth.word(),
    Type::ClientCertificateTlsAuth.word(),
    Type::ServerRootCaCertificate.word(),
    Type::OauthbearerAuth.word(),
    Type::OauthbearerScope.word(),
    Type::OauthbearerAudience.word(),
    Type::OauthbearerLogicalCluster.word(),
    Type::OauthbearerIdentityPool.word(),
    Type::IamAuth.word(),
    Type::VpcSubnet.word(),
    Type::VpcSecurityGroup.word(),
];

/// And of a cluster of MSK.
const OF_MSK: &[&str] = &[Type::SaslScram512Auth.word(), Type::ClientCertificateTlsAuth.word()];

const NO_WEB_IDENTITY: &str =
    "Pelton gets no web identity tokens of AWS: use `OAUTHBEARER_AUTH` or `IAM_AUTH`";

/// An entry with a type that the cluster takes.
#[derive(Clone, Copy)]
struct Entry<'s> {
    index: usize,
    kind: Type,
    uri: Option<&'s str>,
}

impl Check {
    pub(super) fn access(&mut self, given: &[AccessSetting], cluster: ClusterKind) -> KafkaAccess {
        let (count, max) = (given.len(), SOURCE_ACCESS_MAX);
        if count > max {
            self.report(Parameter::SourceAccessConfigurations, ProblemKind::TooMany { count, max });
        }
        let entries: Vec<Entry<'_>> =
            given.iter().enumerate().filter_map(|(index, entry)| self.entry(index, entry, cluster)).collect();
        self.each_says_something_of_its_own(&entries);
        let find = |wanted: Type| entries.iter().find(|entry| entry.kind == wanted).copied();
        let server_root_ca = find(Type::ServerRootCaCertificate).and_then(|entry| self.secret(entry));
        let authentication = entries.iter().find(|entry| authenticates(entry.kind)).copied();
        let authentication = authentication.map(|entry| self.authentication(entry, &entries));
        KafkaAccess { authentication: authentication.unwrap_or_default(), server_root_ca }
    }

    /// `None`: it has no such type, or says only which network the brokers are in.
    fn entry<'s>(
        &mut self,
        index: usize,
        entry: &'s AccessSetting,
        cluster: ClusterKind,
    ) -> Option<Entry<'s>> {
        let parameter = Parameter::SourceAccessType(index);
        let Some(word) = entry.kind.as_deref() else {
            self.report(parameter, ProblemKind::Missing);
            return None;
        };
        let taken = match cluster {
            ClusterKind::Msk => OF_MSK,
            ClusterKind::SelfManaged => OF_SELF_MANAGED,
        };
        let kind = Type::named(word);
        match kind {
            Some(Type::IamOauthbearerAuth) if cluster == ClusterKind::SelfManaged => {
                let kind = ProblemKind::Unsupported { given: word.to_owned(), reason: NO_WEB_IDENTITY };
                self.report(parameter, kind);
            }
            // Where the brokers are reached from matters nowhere else than on AWS.
            Some(kind) if kind.is_network() => return None,
            Some(_) if taken.contains(&word) => {}
            Some(kind) if OF_SELF_MANAGED.contains(&kind.word()) => {
                let (given, allowed) = (word.to_owned(), Allowed::OneOf(taken));
                self.report(parameter, ProblemKind::ValueNotOfCluster { given, cluster, allowed });
                return None;
            }
            Some(_) | None => {
                self.refuse(parameter, word, Allowed::OneOf(taken));
                return None;
            }
        }
        kind.map(|kind| Entry { index, kind, uri: entry.uri.as_deref() })
    }

    /// A mapping authenticates in one way, and says nothing twice.
    fn each_says_something_of_its_own(&mut self, entries: &[Entry<'_>]) {
        for (position, entry) in entries.iter().enumerate() {
            let is_rival = |first: &&Entry<'_>| {
                first.kind == entry.kind || (authenticates(first.kind) && authenticates(entry.kind))
            };
            if let Some(first) = entries[..position].iter().find(is_rival) {
                let problem = AccessProblem::Second {
                    given: entry.kind.word(),
                    first: Parameter::SourceAccessType(first.index),
                    first_given: first.kind.word(),
                };
                self.report(Parameter::SourceAccessType(entry.index), ProblemKind::Access(problem));
            }
            if !belongs_to_a_token(entry.kind) {
                continue;
            }
            let has = |wanted: Type| entries.iter().any(|entry| entry.kind == wanted);
            let is_of_aws = entry.kind == Type::OauthbearerAudience && has(Type::IamOauthbearerAuth);
            if !has(Type::OauthbearerAuth) && !is_of_aws {
                let (given, needs) = (entry.kind.word(), Type::OauthbearerAuth.word());
                let kind = ProblemKind::Access(AccessProblem::Without { given, needs });
                self.report(Parameter::SourceAccessType(entry.index), kind);
            }
        }
    }

    fn authentication(&mut self, entry: Entry<'_>, entries: &[Entry<'_>]) -> Authentication {
        let by: fn(SecretSource) -> Authentication = match entry.kind {
            Type::BasicAuth => Authentication::Plain,
            Type::SaslScram256Auth => Authentication::Scram256,
            Type::SaslScram512Auth => Authentication::Scram512,
            Type::ClientCertificateTlsAuth => Authentication::ClientCertificate,
            Type::IamAuth => {
                if entry.uri.is_some() {
                    let with = Parameter::SourceAccessType(entry.index);
                    self.report(Parameter::SourceAccessUri(entry.index), ProblemKind::Conflict { with });
                }
                return Authentication::Iam;
            }
            Type::OauthbearerAuth => {
                let mut literal = |wanted| {
                    let entry = entries.iter().find(|entry| entry.kind == wanted).copied();
                    entry.and_then(|entry| self.literal(entry))
                };
                let scope = literal(Type::OauthbearerScope);
                let audience = literal(Type::OauthbearerAudience);
                let logical_cluster = literal(Type::OauthbearerLogicalCluster);
                let identity_pool = literal(Type::OauthbearerIdentityPool);
                let secret = self.secret(entry);
                return secret.map_or_else(Authentication::default, |secret| {
                    let oauth = OAuthBearer { secret, scope, audience, logical_cluster, identity_pool };
                    Authentication::OAuthBearer(oauth)
                });
            }
            // The last of these was reported; the others do not authenticate.
            Type::ServerRootCaCertificate
            | Type::OauthbearerScope
            | Type::OauthbearerAudience
            | Type::OauthbearerLogicalCluster
            | Type::OauthbearerIdentityPool
            | Type::VpcSubnet
            | Type::VpcSecurityGroup
            | Type::VirtualHost
            | Type::IamOauthbearerAuth => return Authentication::default(),
        };
        self.secret(entry).map(by).unwrap_or_default()
    }

    fn secret(&mut self, entry: Entry<'_>) -> Option<SecretSource> {
        self.secret_of(Parameter::SourceAccessUri(entry.index), entry.uri)
    }

    pub(super) fn secret_of(&mut self, parameter: Parameter, uri: Option<&str>) -> Option<SecretSource> {
        let Some(text) = uri else {
            self.report(parameter, ProblemKind::Missing);
            return None;
        };
        let secret = SecretSource::named(text);
        if secret.is_none() {
            self.refuse(parameter, text, Allowed::Secret);
        }
        secret
    }

    /// The value itself.
    fn literal(&mut self, entry: Entry<'_>) -> Option<String> {
        let text = entry.uri.filter(|text| !text.is_empty());
        if text.is_none() {
            self.report(Parameter::SourceAccessUri(entry.index), ProblemKind::Missing);
        }
        text.map(str::to_owned)
    }
}

/// Whether an entry of this type says how the consumer says who it is.
fn authenticates(kind: Type) -> bool {
    matches!(
        kind,
        Type::BasicAuth
            | Type::SaslScram256Auth
            | Type::SaslScram512Auth
            | Type::ClientCertificateTlsAuth
            | Type::OauthbearerAuth
            | Type::IamAuth
            | Type::IamOauthbearerAuth
    )
}

/// Whether it is something that a token is asked for with, or that goes with it.
fn belongs_to_a_token(kind: Type) -> bool {
    matches!(
        kind,
        Type::OauthbearerScope
            | Type::OauthbearerAudience
            | Type::OauthbearerLogicalCluster
            | Type::OauthbearerIdentityPool
    )
}
