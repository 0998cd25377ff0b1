//! What can be wrong with the parameters of a mapping, as data: who shows it knows where the parameter was given, and how people are
//! told of it.

use super::kafka::ClusterKind;
use super::limits::{FOREVER, Whole};
use super::mapping::SourceKind;
use super::settings::Parameter;
use pelton_core::filter::PatternError;
use std::ops::RangeInclusive;

/// Something that AWS would not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is about.
    pub parameter: Parameter,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// What is wrong with a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// It is required.
    Missing,
    /// Its value is not allowed.
    NotAllowed {
        /// The value.
        given: String,
        /// What would be.
        allowed: Allowed,
    },
    /// The source does not take it, whatever its value.
    NotTaken {
        /// The source.
        by: SourceKind,
    },
    /// The source takes it with another kind of cluster only, whatever its value.
    NotOfCluster {
        /// The cluster.
        cluster: ClusterKind,
    },
    /// It is one of its values, and such a cluster does not take that.
    ValueNotOfCluster {
        /// The value.
        given: String,
        /// The cluster.
        cluster: ClusterKind,
        /// What it takes.
        allowed: Allowed,
    },
    /// AWS takes its value, and Pelton cannot do what it asks for.
    Unsupported {
        /// The value.
        given: String,
        /// Why it cannot, for people.
        reason: &'static str,
    },
    /// It does not go with the other entries beside it.
    Access(AccessProblem),
    /// It is one of its values, and the source does not take that.
    ValueNotTaken {
        /// The value.
        given: String,
        /// The source.
        by: SourceKind,
        /// What it takes.
        allowed: Allowed,
    },
    /// It does not go with another parameter as that is.
    Conflict {
        /// The other one.
        with: Parameter,
    },
    /// It needs another parameter with a value of its own.
    Needs {
        /// The other one.
        other: Parameter,
    },
    /// A list with too many items.
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// A text with too many characters.
    TooLong {
        /// How many there are.
        chars: usize,
        /// How many there may be.
        max: usize,
    },
    /// A time that is still to come.
    InTheFuture,
    /// A queue or topic that keeps an order: it takes no failed records.
    Fifo,
    /// A text that is no pattern of a filter.
    NoPattern(PatternError),
}

/// What is wrong with an entry among several that say how to be known to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessProblem {
    /// Another entry says the same thing, or says it in another way.
    Second {
        /// This entry's type.
        given: &'static str,
        /// `Type` of the other.
        first: Parameter,
        /// And its value.
        first_given: &'static str,
    },
    /// It means nothing without an entry of another type.
    Without {
        /// This entry's type.
        given: &'static str,
        /// The other.
        needs: &'static str,
    },
}

/// What a parameter may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// A whole number within a range.
    Whole(RangeInclusive<i64>),
    /// The same, or -1 for no limit.
    WholeOrForever(RangeInclusive<i64>),
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of at most one of these words.
    OneOrNoneOf(&'static [&'static str]),
    /// A list of these words.
    ListOf(&'static [&'static str]),
    /// A list of exactly one item.
    ListOfOne,
    /// A time.
    Time,
    /// A name with so many characters.
    Name(RangeInclusive<usize>),
    /// A destination of failed records that the source takes.
    Destination,
    /// `file:`, and the path of a file.
    File,
    /// `HOST:PORT` of a broker.
    BootstrapServer,
    /// The ARN of a secret, `env:` and the name of a variable, or `file:` and the path of a file.
    Secret,
    /// The URL of a schema registry, without a user in it.
    RegistryUrl,
}

impl Allowed {
    /// What a number of the tables may be.
    #[must_use]
    pub(super) fn whole(whole: &Whole) -> Self {
        debug_assert!(!whole.or_forever || !whole.range.contains(&FOREVER));
        match whole.or_forever {
            true => Self::WholeOrForever(whole.range.clone()),
            false => Self::Whole(whole.range.clone()),
        }
    }
}
