use std::{error::Error, fmt, iter};

/// Displays an error and what caused it, outermost first, on one line.
///
/// An error should not have its cause in its own text; some libraries' do. What such a text ends
/// with is not repeated.
#[derive(Debug)]
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = self.0.to_string();
        out.write_str(&before)?;
        for cause in iter::successors(self.0.source(), |&error| error.source()) {
            let text = cause.to_string();
            if !ends_with_words(&before, &text) {
                write!(out, ": {text}")?;
            }
            before = text;
        }
        Ok(())
    }
}

/// Whether `text` ends with `words`, and not within one of its own.
fn ends_with_words(text: &str, words: &str) -> bool {
    text.strip_suffix(words)
        .is_some_and(|rest| !rest.ends_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);

    impl fmt::Display for Layer {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|it| it as _)
        }
    }

    fn chain(texts: &[&'static str]) -> String {
        let error = texts
            .iter()
            .rev()
            .fold(None, |cause, &text| Some(Box::new(Layer(text, cause))));
        ErrorChain(&*error.unwrap()).to_string()
    }

    #[test]
    fn each_cause_is_named_once_outermost_first() {
        assert_eq!(chain(&["outer", "middle", "inner"]), "outer: middle: inner");
        assert_eq!(chain(&["alone"]), "alone");
    }

    #[test]
    fn a_cause_already_in_the_text_of_its_effect_is_not_repeated() {
        // as sqlx reports errors of PostgreSQL, and async-nats those of its parts
        for texts in [
            &[
                "not ready",
                "error returned from database: no such table",
                "no such table",
            ][..],
            &["not ready: a: b", "a: b", "b"],
            &["not ready", "not ready", "not ready"],
            &["a: b", "b", "c"],
        ] {
            let line = chain(texts);
            for text in texts {
                assert_eq!(line.matches(text).count(), 1, "{line:?}");
            }
        }
        assert_eq!(chain(&["it cannot", "not"]), "it cannot: not");
    }
}
