//! Statements, each with what it needs in one text: behind a pooler that shares sessions the next
//! statement may go to another one, which knows neither settings nor prepared statements of the one
//! before.

use std::fmt::{Display, Write};

use sqlx::{AssertSqlSafe, PgConnection, postgres::PgRow};

/// Statements of one text are one transaction, and so what is said here ends with it.
pub(super) const TO_READ: &str =
    "SET LOCAL transaction_read_only = on; SET LOCAL statement_timeout = '2s'; ";
const TO_WRITE: &str = "SET LOCAL transaction_isolation = 'read committed'; \
    SET LOCAL statement_timeout = '2s'; SET LOCAL lock_timeout = '1s'; ";

/// A value as it stands in a statement.
pub(super) trait Argument: Sync {
    fn write(&self, out: &mut String);
}

/// Whatever the settings are, an `E''` is read in one way.
impl Argument for str {
    fn write(&self, out: &mut String) {
        out.push_str("E'");
        for character in self.chars() {
            match character {
                '\'' => out.push_str("''"),
                '\\' => out.push_str("\\\\"),
                // PostgreSQL keeps none, and says so; as it is it would end the statement
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

/// A call of one of our functions, up to its arguments.
pub(super) fn call(select: &str, arguments: &[&dyn Argument]) -> String {
    let mut text = select.to_owned();
    text.push('(');
    for (place, argument) in arguments.iter().enumerate() {
        if place > 0 {
            text.push_str(", ");
        }
        argument.write(&mut text);
    }
    text.push(')');
    text
}

/// The rows that a question has for an answer.
pub(super) async fn read(
    connection: &mut PgConnection,
    question: &str,
) -> Result<Vec<PgRow>, sqlx::Error> {
    rows(connection, format!("{TO_READ}{question}")).await
}

/// The rows of a statement that writes.
pub(super) async fn write(
    connection: &mut PgConnection,
    statement: &str,
) -> Result<Vec<PgRow>, sqlx::Error> {
    rows(connection, format!("{TO_WRITE}{statement}")).await
}

/// The rows of a statement that is as it is.
pub(super) async fn rows(
    connection: &mut PgConnection,
    text: String,
) -> Result<Vec<PgRow>, sqlx::Error> {
    // whatever stands in it was written by `Argument`
    sqlx::raw_sql(AssertSqlSafe(text))
        .fetch_all(connection)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_one_literal_whatever_it_holds() {
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
