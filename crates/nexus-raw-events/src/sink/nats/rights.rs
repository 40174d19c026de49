use std::collections::VecDeque;

use async_nats::{Event, ServerError};
use tokio::sync::watch;

/// How many refusals are remembered; the last ones.
const MOST: usize = 256;

/// The rights that the server has refused on one connection.
///
/// NATS does not answer what its user has no right to: it says so beside, by a text that names the
/// subject, and whoever waits for an answer waits in vain.
#[derive(Clone, Default)]
pub(super) struct Rights {
    refused: watch::Sender<VecDeque<String>>,
}

impl Rights {
    /// Takes note of what the server says beside its answers.
    pub(super) fn hear(&self, event: Event) {
        let Event::ServerError(ServerError::Other(text)) = event else {
            return;
        };
        if !text
            .to_ascii_lowercase()
            .starts_with("permissions violation")
        {
            return;
        }
        self.refused.send_modify(|refused| {
            if refused.len() == MOST {
                refused.pop_front();
            }
            refused.push_back(text);
        });
    }

    /// Forgets what was refused of a subject, before it is tried again.
    pub(super) fn forget(&self, subject: &str) {
        self.refused.send_if_modified(|refused| {
            let before = refused.len();
            refused.retain(|text| !names(text, subject));
            refused.len() < before
        });
    }

    /// Resolves once the server has refused what publishing to `subject` takes, with what it said:
    /// the subject itself, or to hear answers at all.
    pub(super) async fn refused(&self, subject: &str) -> String {
        self.first(|text| names(text, subject) || !is_of_publish(text))
            .await
    }

    /// The same of whatever the server has refused.
    pub(super) async fn refused_any(&self) -> String {
        self.first(|_| true).await
    }

    async fn first(&self, is_meant: impl Fn(&str) -> bool) -> String {
        let mut told = self.refused.subscribe();
        loop {
            let text = {
                let refused = told.borrow_and_update();
                refused.iter().find(|text| is_meant(text)).cloned()
            };
            if let Some(text) = text {
                return format!("a right is missing: {text}");
            }
            // it cannot be closed: this end is ours
            let _ = told.changed().await;
        }
    }
}

fn names(text: &str, subject: &str) -> bool {
    text.contains(&format!("\"{subject}\""))
}

fn is_of_publish(text: &str) -> bool {
    text.to_ascii_lowercase().contains("for publish")
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn other(text: &str) -> Event {
        Event::ServerError(ServerError::Other(text.to_owned()))
    }

    #[test]
    fn a_refusal_is_of_the_subject_that_it_names_or_of_all_that_wait_for_an_answer() {
        let rights = Rights::default();
        let refused = |subject: &str| rights.refused(subject).now_or_never();
        rights.hear(other("Maximum Connections Exceeded"));
        rights.hear(Event::Disconnected);
        assert_eq!(refused("nexus.raw.t_a.dev.x"), None);
        let text = "Permissions Violation for Publish to \"nexus.raw.t_a.dev.x\"";
        rights.hear(other(text));
        let told = format!("a right is missing: {text}");
        assert_eq!(refused("nexus.raw.t_a.dev.x"), Some(told));
        assert_eq!(refused("nexus.raw.t_a.dev"), None);
        rights.forget("nexus.raw.t_a.dev.x");
        assert_eq!(refused("nexus.raw.t_a.dev.x"), None);
        let text = "Permissions Violation for Subscription to \"_INBOX.x.*\"";
        rights.hear(other(text));
        let told = format!("a right is missing: {text}");
        assert_eq!(refused("nexus.raw.t_b.dev.x"), Some(told));
    }

    #[test]
    fn only_so_many_refusals_are_remembered() {
        let rights = Rights::default();
        for number in 0..1000 {
            rights.hear(other(&format!(
                "Permissions Violation for Publish to \"s.{number}\""
            )));
        }
        assert_eq!(rights.refused.borrow().len(), MOST);
        assert!(rights.refused("s.999").now_or_never().is_some());
    }
}
