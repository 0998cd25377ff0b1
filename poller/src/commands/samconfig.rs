//! `samconfig.toml`: what SAM's own commands take for the same template.
//!
//! In: the file beside the template, and the name of an environment. Out: parameters, region and stack name, as `sam deploy`
//! would take them: from `[ENVIRONMENT.deploy.parameters]`, then from `[ENVIRONMENT.global.parameters]`. What both leave out is
//! taken from `[ENVIRONMENT.local_invoke.parameters]`. Everything else in the file is passed over.

mod overrides;

use super::options::{REGION_FORM, STACK_NAME_FORM, is_region, is_stack_name};
use pelton_template::suggest;
use std::io;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The file's name.
const FILE_NAME: &str = "samconfig.toml";

/// The environment that is read if none is named.
const ENVIRONMENT_DEFAULT: &str = "default";

/// The commands whose parameters count, the first that has one.
const COMMANDS: [&str; 3] = ["deploy", "global", "local_invoke"];

/// What environments, commands and their parameters are.
const TABLE: &str = "a table";

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SamConfig {
    /// The file; `None` if there is none, or nothing in it counts.
    pub(super) file: Option<PathBuf>,
    /// `parameter_overrides`; of two for the same parameter, the later counts.
    pub(super) overrides: Vec<(String, String)>,
    /// What they stand under, such as `default.deploy.parameters.parameter_overrides`.
    pub(super) overrides_key: String,
    /// `region`
    pub(super) region: Option<String>,
    /// `stack_name`
    pub(super) stack_name: Option<String>,
}

/// Why it cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum SamConfigError {
    /// It is there.
    #[error("{} cannot be read", .file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    /// Not TOML.
    #[error("{}:{line}: {message}", .file.display())]
    Syntax { file: PathBuf, line: usize, message: String },
    /// A value of the wrong kind.
    #[error("{}: `{key}` must be {allowed}", .file.display())]
    WrongType { file: PathBuf, key: String, allowed: &'static str },
    /// A value that is not allowed.
    #[error("{}: `{key}` is `{value}`: expected {allowed}", .file.display())]
    Invalid { file: PathBuf, key: String, value: String, allowed: &'static str },
    /// `parameter_overrides` that cannot be taken apart.
    #[error("{}: `{key}` has `{part}`: expected KEY=VALUE or ParameterKey=KEY,ParameterValue=VALUE", .file.display())]
    Override { file: PathBuf, key: String, part: String },
    /// The environment was named, and is not there.
    #[error("{} has no environment `{name}`: {known}", .file.display())]
    NoEnvironment { file: PathBuf, name: String, known: String },
}

/// Where it is, if it is there.
pub(super) fn file_beside(template: &Path) -> PathBuf {
    template.with_file_name(FILE_NAME)
}

/// Reads the file beside the template. It need not be there unless an environment is named.
pub(super) fn read(template: &Path, environment: Option<&str>) -> Result<SamConfig, SamConfigError> {
    let file = file_beside(template);
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && environment.is_none() => {
            return Ok(SamConfig::default());
        }
        Err(source) => return Err(SamConfigError::Unreadable { file, source }),
    };
    parse(file, &text, environment)
}

fn parse(file: PathBuf, text: &str, environment: Option<&str>) -> Result<SamConfig, SamConfigError> {
    let config: Table = text.parse().map_err(|error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.as_bytes()[..start.min(text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1;
        SamConfigError::Syntax { file: file.clone(), line, message: error.message().replace('\n', ": ") }
    })?;
    let name = environment.unwrap_or(ENVIRONMENT_DEFAULT);
    let commands = match (config.get(name), environment) {
        (Some(Value::Table(commands)), _) => commands,
        (None, None) => return Ok(SamConfig::default()),
        (Some(_), None) => return Err(wrong_type(&file, name.to_owned(), TABLE)),
        (_, Some(name)) => {
            let tables = config.iter().filter(|(_, value)| value.is_table());
            let environments: Vec<&str> = tables.map(|(name, _)| name.as_str()).collect();
            let known = suggest::did_you_mean(name, environments, "environments");
            return Err(SamConfigError::NoEnvironment { file, name: name.to_owned(), known });
        }
    };
    let parameters = Parameters::read(&file, name, commands)?;
    let (overrides_key, overrides) = match parameters.get("parameter_overrides") {
        Some((key, value)) => {
            let overrides = overrides::read(value).map_err(|error| error.in_file(&file, key.clone()))?;
            (key, overrides)
        }
        None => Default::default(),
    };
    let region = parameters.text("region", is_region, REGION_FORM)?;
    let stack_name = parameters.text("stack_name", is_stack_name, STACK_NAME_FORM)?;
    let is_used = !overrides.is_empty() || region.is_some() || stack_name.is_some();
    Ok(SamConfig { file: is_used.then_some(file), overrides, overrides_key, region, stack_name })
}

fn wrong_type(file: &Path, key: String, allowed: &'static str) -> SamConfigError {
    SamConfigError::WrongType { file: file.to_owned(), key, allowed }
}

/// The tables of one environment that count, each with its full name, the first that has a value first.
struct Parameters<'a> {
    file: &'a Path,
    tables: Vec<(String, &'a Table)>,
}

impl<'a> Parameters<'a> {
    fn read(file: &'a Path, environment: &str, commands: &'a Table) -> Result<Self, SamConfigError> {
        let mut tables = Vec::new();
        for command in COMMANDS {
            let name = format!("{environment}.{command}");
            let Some(sections) = commands.get(command) else { continue };
            let sections = sections.as_table().ok_or_else(|| wrong_type(file, name.clone(), TABLE))?;
            let name = format!("{name}.parameters");
            let Some(parameters) = sections.get("parameters") else { continue };
            let parameters = parameters.as_table().ok_or_else(|| wrong_type(file, name.clone(), TABLE))?;
            tables.push((name, parameters));
        }
        Ok(Self { file, tables })
    }

    /// The value that counts, with its full name.
    fn get(&self, key: &str) -> Option<(String, &'a Value)> {
        self.tables.iter().find_map(|(name, table)| Some((format!("{name}.{key}"), table.get(key)?)))
    }

    fn text(
        &self,
        key: &str,
        is_allowed: impl FnOnce(&str) -> bool,
        allowed: &'static str,
    ) -> Result<Option<String>, SamConfigError> {
        let Some((key, value)) = self.get(key) else { return Ok(None) };
        match value.as_str() {
            Some(text) if is_allowed(text) => Ok(Some(text.to_owned())),
            Some(text) => {
                let (file, value) = (self.file.to_owned(), text.to_owned());
                Err(SamConfigError::Invalid { file, key, value, allowed })
            }
            None => Err(wrong_type(self.file, key, "a text")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: Option<&str>) -> Result<SamConfig, String> {
        parse(PathBuf::from("samconfig.toml"), text, environment).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check(text: &str, overrides: &[(&str, &str)], region: Option<&str>, stack_name: Option<&str>) {
        let config = read(text, None).unwrap();
        let pairs: Vec<(&str, &str)> =
            config.overrides.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            (pairs.as_slice(), config.region.as_deref(), config.stack_name.as_deref()),
            (overrides, region, stack_name)
        );
    }

    #[track_caller]
    fn check_refused(text: &str, environment: Option<&str>, expected: &str) {
        let error = read(text, environment).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn what_sam_deploy_would_take_counts_then_what_sam_local_invoke_would() {
        check(
            "version = 0.1\n[default.deploy.parameters]\nstack_name = \"orders\"\nregion = \"eu-west-1\"\nparameter_overrides = \"Stage=prod\"\n",
            &[("Stage", "prod")],
            Some("eu-west-1"),
            Some("orders"),
        );
        check(
            "[default.global.parameters]\nregion = \"eu-west-1\"\nstack_name = \"all\"\n[default.deploy.parameters]\nregion = \"us-west-2\"\n",
            &[],
            Some("us-west-2"),
            Some("all"),
        );
        check(
            "[default.local_invoke.parameters]\nparameter_overrides = \"A=1\"\nregion = \"x\"\n[default.global.parameters]\nregion = \"y\"\n",
            &[("A", "1")],
            Some("y"),
            None,
        );
        check(
            "[default.build.parameters]\nregion = \"x\"\n[prod.deploy.parameters]\nregion = \"y\"\n",
            &[],
            None,
            None,
        );
    }

    #[test]
    fn an_environment_may_be_named_and_must_then_be_there() {
        let text = "version = 0.1\n[default.deploy.parameters]\n[prod.deploy.parameters]\nregion = \"y\"\n";
        assert_eq!(read(text, Some("prod")).unwrap().region.as_deref(), Some("y"));
        check_refused(text, Some("prd"), "has no environment `prd`: did you mean `prod`?");
        check_refused(text, Some("version"), "has no environment `version`: environments: `default`, `prod`");
        let error = super::read(Path::new("/nowhere/template.yaml"), Some("prod")).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/samconfig.toml cannot be read");
        assert_eq!(super::read(Path::new("/nowhere/template.yaml"), None).unwrap(), SamConfig::default());
    }

    #[test]
    fn what_is_no_toml_is_refused_with_its_line() {
        check_refused(
            "version = 0.1\n[default.deploy.parameters]\nregion = eu-west-1\n",
            None,
            "samconfig.toml:3: ",
        );
        check_refused("[default\n", None, "samconfig.toml:1: ");
    }

    #[test]
    fn a_name_that_aws_would_not_take_is_refused_with_its_place() {
        let with = |setting: &str| format!("[default.global.parameters]\n{setting}\n");
        check_refused(
            &with("region = \"eu central\""),
            None,
            "samconfig.toml: `default.global.parameters.region` is `eu central`: expected letters, digits",
        );
        check_refused(
            &with("stack_name = \"2nd\""),
            None,
            "parameters.stack_name` is `2nd`: expected a letter",
        );
    }

    #[test]
    fn overrides_come_with_the_key_that_they_stand_under() {
        let of = |table: &str, overrides: &str| {
            let text = format!("[default.{table}.parameters]\nparameter_overrides = {overrides}\n");
            let config = read(&text, None).unwrap();
            (config.overrides, config.overrides_key)
        };
        for overrides in ["\"A=1\"", "[\"A=1\"]", "{ A = 1 }", "[{ A = \"1\" }]"] {
            for table in ["deploy", "global", "local_invoke"] {
                let (found, key) = of(table, overrides);
                assert_eq!(found, [("A".to_owned(), "1".to_owned())], "{overrides}");
                assert_eq!(key, format!("default.{table}.parameters.parameter_overrides"));
            }
        }
    }

    #[test]
    fn what_has_the_wrong_type_is_refused_with_its_name() {
        let with = |setting: &str| format!("[default.deploy.parameters]\n{setting}\n");
        check_refused(&with("region = 1"), None, "`default.deploy.parameters.region` must be a text");
        check_refused(
            &with("parameter_overrides = 1"),
            None,
            "`default.deploy.parameters.parameter_overrides` must be",
        );
        check_refused(&with("parameter_overrides = \"Stage\""), None, "has `Stage`: expected KEY=VALUE");
        check_refused(
            &with("parameter_overrides = [\"A=1\", 2]"),
            None,
            "parameter_overrides` must be a text",
        );
        check_refused("default = 1", None, "`default` must be a table");
        check_refused("[default]\ndeploy = \"x\"", None, "`default.deploy` must be a table");
        check_refused(
            "[default.global]\nparameters = []",
            None,
            "`default.global.parameters` must be a table",
        );
        check_refused(
            "[[default.deploy.parameters]]\nregion = \"x\"",
            None,
            "`default.deploy.parameters` must be a table",
        );
    }
}
