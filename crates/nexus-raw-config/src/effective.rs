use std::fmt;

use figment::Figment;
use figment::value::Value;

use crate::key::Key;
use crate::keys;
use crate::leaves::origin;
use crate::sections::catalog;

/// What holds, as text without secrets.
#[derive(Debug, Clone)]
pub(crate) struct Effective(Vec<Line>);

#[derive(Debug, Clone)]
struct Line {
    key: &'static Key,
    value: Option<String>,
    origin: Option<String>,
}

impl Effective {
    pub(crate) fn of(figment: &Figment) -> Self {
        let line = |key: &'static Key| Line {
            key,
            value: figment
                .find_value(key.name)
                .ok()
                .map(|value| shown(key, value)),
            origin: origin(figment, key.name),
        };
        Self(keys::all().map(line).collect())
    }
}

fn shown(key: &Key, value: Value) -> String {
    let value = if key.name == "catalog.url" {
        toml::Value::from(catalog::shown(value.as_str().unwrap_or_default()))
    } else if key.secret {
        toml::Value::from("[redacted]")
    } else {
        as_toml(value)
    };
    value.to_string()
}

/// The kinds that keys have; the rest cannot come out of a checked configuration.
fn as_toml(value: Value) -> toml::Value {
    match value {
        Value::Bool(_, flag) => flag.into(),
        Value::Array(_, items) => items.into_iter().map(as_toml).collect::<Vec<_>>().into(),
        Value::Num(_, number) => {
            let whole = number.to_i128().and_then(|whole| i64::try_from(whole).ok());
            whole.unwrap_or_default().into()
        }
        other => other.into_string().unwrap_or_default().into(),
    }
}

impl fmt::Display for Effective {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = "";
        for Line { key, value, origin } in &self.0 {
            let (section, leaf) = key.parts();
            if section != table {
                let gap = if table.is_empty() { "" } else { "\n" };
                writeln!(out, "{gap}[{section}]")?;
                table = section;
            }
            match value {
                Some(value) => writeln!(
                    out,
                    "{leaf} = {value} # {}",
                    origin.as_deref().unwrap_or("default")
                )?,
                None => writeln!(out, "# {leaf} is not set")?,
            }
        }
        Ok(())
    }
}
