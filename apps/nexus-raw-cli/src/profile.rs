//! The profile: a file with the settings that a user would otherwise repeat in every command.

use std::{
    env,
    fs::File,
    io::{self, ErrorKind, Read as _},
    path::{Path, PathBuf},
};

use nexus_raw::tenancy::{Environment, TenantId};
use toml::de::{DeTable, DeValue};
use url::Url;

use crate::{
    address,
    option_faults::{OptionFault, OptionFaults},
};

/// A profile has four short lines.
const MAX_BYTES: u64 = 64 * 1024;

/// A setting, and the line of the file that it is in.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    pub(crate) value: T,
    pub(crate) line: usize,
}

/// The settings of a file; none if there is no file.
#[derive(Debug, Default)]
pub(crate) struct Profile {
    pub(crate) server: Option<Entry<Url>>,
    pub(crate) tenant: Option<Entry<TenantId>>,
    pub(crate) env: Option<Entry<Environment>>,
    pub(crate) token_file: Option<Entry<PathBuf>>,
}

impl Profile {
    /// Reads a file; one that is not there is a fault only if it `is_required`.
    pub(crate) fn read(path: &Path, is_required: bool) -> Result<Self, Vec<OptionFault>> {
        let text = match text_of(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound && !is_required => {
                return Ok(Self::default());
            }
            Err(error) => {
                let mut faults = OptionFaults::default();
                let rule = format!("cannot be read: {error}");
                return faults_of(&mut faults, path.display(), rule);
            }
        };
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Vec<OptionFault>> {
        let mut faults = OptionFaults::default();
        let table = match DeTable::parse(text) {
            Ok(table) => table.into_inner(),
            // without its quote of the line, which may contain a secret
            Err(error) => {
                let line = error.span().map_or(1, |span| line(text, span.start));
                let rule = format!("is not valid TOML: {}", error.message());
                return faults_of(&mut faults, place(path, line), rule);
            }
        };
        let mut profile = Self::default();
        let mut entries: Vec<_> = table.iter().collect();
        // in the order of the file
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let line = line(text, key.span().start);
            let place = format!("{}, {}", place(path, line), key.get_ref());
            profile.set(
                path,
                key.get_ref(),
                value.get_ref(),
                line,
                &place,
                &mut faults,
            );
        }
        faults.finish(Some(profile))
    }

    fn set(
        &mut self,
        path: &Path,
        key: &str,
        value: &DeValue<'_>,
        line: usize,
        place: &str,
        faults: &mut OptionFaults,
    ) {
        if !matches!(key, "server" | "tenant" | "env" | "token_file") {
            faults.check(place, Err::<(), _>(not_a_key(key)));
            return;
        }
        let value = value.as_str().ok_or("must be a text in quotes");
        let Some(value) = faults.check(place, value) else {
            return;
        };
        match key {
            "server" => {
                let url = faults.check(place, address::parse(value));
                self.server = url.map(|value| Entry { value, line });
            }
            "tenant" => {
                let tenant = faults.check(place, TenantId::parse(value));
                self.tenant = tenant.map(|value| Entry { value, line });
            }
            "env" => {
                let env = faults.check(place, Environment::parse(value));
                self.env = env.map(|value| Entry { value, line });
            }
            _ if value.is_empty() => {
                faults.check(place, Err::<(), _>("must be the path of a file"));
            }
            _ => {
                let directory = path.parent().unwrap_or(Path::new(""));
                let value = directory.join(value);
                self.token_file = Some(Entry { value, line });
            }
        }
    }
}

/// Returns the profile of the user, by the XDG Base Directory Specification: a relative directory
/// does not count.
#[expect(
    clippy::disallowed_methods,
    reason = "these variables are of the user's system, and no options stand for them"
)]
pub(crate) fn default_path() -> Option<PathBuf> {
    let directory = |name| env::var_os(name).map(PathBuf::from);
    let config = directory("XDG_CONFIG_HOME").filter(|it| it.is_absolute());
    let config = config.or_else(|| {
        let home = directory("HOME").filter(|it| it.is_absolute())?;
        Some(home.join(".config"))
    })?;
    Some(config.join("nexus-raw").join("config.toml"))
}

fn not_a_key(key: &str) -> &'static str {
    match key {
        "token" => {
            "a profile has no secret, since such files are shared and backed up; write the token into a file of its own, readable only by you, and set token_file to it"
        }
        _ => "is not a key of a profile; these are server, tenant, env and token_file",
    }
}

fn text_of(path: &Path) -> io::Result<String> {
    let metadata = path.metadata()?;
    // before it is opened, since a pipe without a writer would block for ever
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = String::new();
    File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        let reason = format!("it is longer than {MAX_BYTES} bytes");
        return Err(io::Error::other(reason));
    }
    Ok(text)
}

fn line(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|byte| **byte == b'\n').count() + 1
}

fn place(path: &Path, line: usize) -> String {
    format!("{}, line {line}", path.display())
}

fn faults_of<T>(
    faults: &mut OptionFaults,
    place: impl std::fmt::Display,
    rule: String,
) -> Result<T, Vec<OptionFault>> {
    faults.check(place, Err::<(), _>(rule));
    std::mem::take(faults).finish(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let faults = Profile::parse(Path::new("/a/config.toml"), text).unwrap_err();
        let faults = faults.iter();
        faults
            .map(|it| format!("{}: {}", it.option, it.rule))
            .collect()
    }

    #[test]
    fn a_relative_token_file_is_relative_to_the_profile() {
        for (file, expected) in [("t", "/a/t"), ("../t", "/a/../t"), ("/b/t", "/b/t")] {
            let text = format!("token_file = \"{file}\"");
            let profile = Profile::parse(Path::new("/a/config.toml"), &text).unwrap();
            let entry = profile.token_file.unwrap();
            assert_eq!((entry.value, entry.line), (PathBuf::from(expected), 1));
        }
    }

    #[test]
    fn every_fault_is_reported_with_its_line_in_the_order_of_the_file() {
        let text = "tenant = 7\n\nserver = \"localhost:80\"\nenv = \"Dev\"\ncolour = \"red\"\n\
                    token_file = \"\"\n[table]\ntoken = \"s\"\n";
        let line = |number, rest: &str| format!("/a/config.toml, line {number}, {rest}");
        let environment = Environment::parse("Dev").unwrap_err();
        let unknown = "is not a key of a profile; these are server, tenant, env and token_file";
        assert_eq!(
            faults(text),
            [
                line(1, "tenant: must be a text in quotes"),
                line(
                    3,
                    "server: must start with https:// or http://, such as http://localhost:80"
                ),
                line(4, &format!("env: {environment}")),
                line(5, &format!("colour: {unknown}")),
                line(6, "token_file: must be the path of a file"),
                line(7, &format!("table: {unknown}")),
            ]
        );
    }

    #[test]
    fn a_token_is_refused_and_not_repeated() {
        for text in [
            "token = \"se.cr.et\"",
            "\n\ntoken = se.cr.et",
            "token = \"se.cr.et",
        ] {
            let faults = faults(text);
            assert_eq!(faults.len(), 1);
            assert!(!faults[0].contains("se.cr"), "{faults:?}");
        }
        let faults = faults("\ntoken = \"se.cr.et\"");
        let start = "/a/config.toml, line 2, token: a profile has no secret";
        assert!(faults[0].starts_with(start), "{faults:?}");
    }
}
