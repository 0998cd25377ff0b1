//! A value that a parameter of the template is given, and by whom.

/// A value for a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenParameter {
    /// The parameter.
    pub name: String,
    /// What it is to be.
    pub value: String,
    /// Who gives it.
    pub origin: ParameterOrigin,
}

/// Who gives a value. Of several for one parameter, that of the greatest origin counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParameterOrigin {
    /// The command itself. The template need not declare the parameter.
    Command,
    /// `samconfig.toml`. Pelton warns of a parameter that the template does not declare.
    SamConfig {
        /// What the value stands under there.
        key: String,
    },
    /// `--parameter KEY=VALUE`. The template must declare the parameter.
    CommandLine,
}

/// The value that counts for a parameter. Of two of the same origin, that is the later.
pub(crate) fn value_of<'a>(given: &'a [GivenParameter], name: &str) -> Option<&'a GivenParameter> {
    given.iter().filter(|given| given.name == name).max_by(|one, other| one.origin.cmp(&other.origin))
}
