use std::sync::Arc;

use crate::text::validated_text;

/// A stage of the platform, as `X-Env` names it: `^[a-z][a-z0-9-]{0,31}$`.
///
/// Which environments exist is configuration: see [`Environments`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Environment(Arc<str>);

/// Why a text is no [`Environment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must start with `a-z` and go on with up to 31 of `a-z`, `0-9` and `-`")]
#[non_exhaustive]
pub struct EnvironmentError;

impl Environment {
    fn check(text: &str) -> Result<(), EnvironmentError> {
        let mut bytes = text.bytes();
        let first = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
        let rest = bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if first && rest && text.len() <= 32 {
            Ok(())
        } else {
            Err(EnvironmentError)
        }
    }
}

validated_text!(Environment, EnvironmentError);

/// The environments that this installation serves: 1 to 16, each once.
///
/// There is no alias and no default: a caller names one of them exactly, or is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environments(Vec<Environment>);

/// Why a list is no [`Environments`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentsError {
    /// The list is empty or longer than 16.
    #[error("must list 1 to 16 environments")]
    Count,
    /// The list names an environment twice.
    #[error("lists `{0}` twice")]
    Repeated(Environment),
}

impl Environments {
    /// Takes the configured list.
    ///
    /// # Errors
    /// When the list is empty, longer than 16, or names an environment twice.
    pub fn new(list: Vec<Environment>) -> Result<Self, EnvironmentsError> {
        if list.is_empty() || list.len() > 16 {
            return Err(EnvironmentsError::Count);
        }
        for (at, environment) in list.iter().enumerate() {
            if list[..at].contains(environment) {
                return Err(EnvironmentsError::Repeated(environment.clone()));
            }
        }
        Ok(Self(list))
    }

    /// The configured environment of exactly this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Environment> {
        self.0
            .iter()
            .find(|environment| environment.as_str() == name)
    }

    /// All of them, in configured order.
    pub fn iter(&self) -> impl Iterator<Item = &Environment> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Environment {
        Environment::parse(name).unwrap()
    }

    #[test]
    fn an_environment_is_lower_case_letters_digits_and_hyphens() {
        let longest = "a".repeat(32);
        for good in ["dev", "a", "eu-west-1", longest.as_str()] {
            assert!(Environment::parse(good).is_ok(), "{good:?}");
        }
        let too_long = "a".repeat(33);
        for bad in [
            "",
            "Dev",
            "1dev",
            "-dev",
            "de v",
            "dev_1",
            "dev ",
            "dev\u{0}",
            too_long.as_str(),
        ] {
            assert_eq!(Environment::parse(bad), Err(EnvironmentError), "{bad:?}");
        }
    }

    #[test]
    fn an_environment_is_found_by_its_exact_name_only() {
        let all = Environments::new(vec![environment("dev"), environment("prod")]).unwrap();
        assert_eq!(all.find("prod"), Some(&environment("prod")));
        for other in ["production", "Prod", "pro", "", "staging"] {
            assert_eq!(all.find(other), None, "{other:?}");
        }
    }

    #[test]
    fn the_list_has_one_to_sixteen_distinct_members() {
        assert_eq!(Environments::new(vec![]), Err(EnvironmentsError::Count));
        let many = (0..17).map(|n| environment(&format!("e{n}"))).collect();
        assert_eq!(Environments::new(many), Err(EnvironmentsError::Count));
        let twice = vec![environment("dev"), environment("prod"), environment("dev")];
        assert_eq!(
            Environments::new(twice),
            Err(EnvironmentsError::Repeated(environment("dev")))
        );
    }
}
