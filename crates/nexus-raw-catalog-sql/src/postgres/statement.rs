//! Statements, each with its settings in one query string. Behind a pooler in transaction mode the
//! next statement may go to another session, without the settings and prepared statements of this
//! one.

use std::fmt::{Display, Write};

use sqlx::{AssertSqlSafe, PgConnection, postgres::PgRow};

/// The statements of one simple query are one transaction, so these settings end with it.
pub(super) const TO_READ: &str =
    "SET LOCAL transaction_read_only = on; SET LOCAL statement_timeout = '2s'; ";
const TO_WRITE: &str = "SET LOCAL transaction_isolation = 'read committed'; \
    SET LOCAL statement_timeout = '2s'; SET LOCAL lock_timeout = '1s'; ";

/// A value that is formatted as an SQL literal.
pub(super) trait Argument: Sync {
    fn write(&self, out: &mut String);
}

/// The meaning of an `E''` literal does not depend on settings.
impl Argument for str {
    fn write(&self, out: &mut String) {
        out.push_str("E'");
        for character in self.chars() {
            match character {
                '\'' => out.push_str("''"),
                '\\' => out.push_str("\\\\"),
                // PostgreSQL reports an error for the escape; the raw byte would end the query
                // string
                '\0' => out.push_str("\\000"),
                other => out.push(other),
            }
        }
        out.push('\'');
    }
}

impl Argument for String {
    fn write(&self, out: &mut String) {
        self.as_str().write(out);
    }
}

impl Argument for i64 {
    fn write(&self, out: &mut String) {
        display(out, self);
    }
}

impl Argument for bool {
    fn write(&self, out: &mut String) {
        display(out, self);
    }
}

impl<T: Argument> Argument for Option<T> {
    fn write(&self, out: &mut String) {
        match self {
            Some(value) => value.write(out),
            None => out.push_str("NULL"),
        }
    }
}

impl<T: Argument + ?Sized> Argument for &T {
    fn write(&self, out: &mut String) {
        T::write(self, out);
    }
}

fn display(out: &mut String, value: &impl Display) {
    // writing to a String cannot fail
    let _ = write!(out, "{value}");
}

/// Formats a function call.
pub(super) fn call(select: &str, arguments: &[&dyn Argument]) -> String {
    let mut text = select.to_owned();
    text.push('(');
    for (index, argument) in arguments.iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        argument.write(&mut text);
    }
    text.push(')');
    text
}

/// Runs a read-only query.
pub(super) async fn read(
    connection: &mut PgConnection,
    query: &str,
) -> Result<Vec<PgRow>, sqlx::Error> {
    rows(connection, format!("{TO_READ}{query}")).await
}

/// Runs a statement that writes.
pub(super) async fn write(
    connection: &mut PgConnection,
    statement: &str,
) -> Result<Vec<PgRow>, sqlx::Error> {
    rows(connection, format!("{TO_WRITE}{statement}")).await
}

/// Runs a statement without settings.
pub(super) async fn rows(
    connection: &mut PgConnection,
    text: String,
) -> Result<Vec<PgRow>, sqlx::Error> {
    // all values in it were escaped by `Argument`
    sqlx::raw_sql(AssertSqlSafe(text))
        .fetch_all(connection)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_one_literal_for_any_content() {
        for (text, literal) in [
            ("", "E''"),
            ("a", "E'a'"),
            ("'); DROP TABLE asset; --", "E'''); DROP TABLE asset; --'"),
            ("\\'", "E'\\\\'''"),
            ("a\\", "E'a\\\\'"),
            ("a\0b", "E'a\\000b'"),
            ("ä\n€", "E'ä\n€'"),
        ] {
            assert_eq!(call("f", &[&text]), format!("f({literal})"));
        }
        assert_eq!(
            call("SELECT f", &[&1_i64, &None::<i64>, &Some("x"), &true]),
            "SELECT f(1, NULL, E'x', true)"
        );
        assert_eq!(call("f", &[&-1_i64]), "f(-1)");
        assert_eq!(call("f", &[]), "f()");
    }
}
