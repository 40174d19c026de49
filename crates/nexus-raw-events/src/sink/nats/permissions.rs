use std::collections::VecDeque;

use async_nats::{Event, ServerError};
use tokio::sync::watch;

/// How many denials are kept, the latest ones.
const MAX_DENIALS: usize = 256;

/// The permissions that the server has denied on one connection.
///
/// NATS does not answer a request for which the user has no permission: it sends a separate error
/// that names the subject, and the request would time out.
#[derive(Clone, Default)]
pub(super) struct DeniedPermissions {
    refused: watch::Sender<VecDeque<String>>,
}

impl DeniedPermissions {
    /// Records a denial among the server's errors.
    pub(super) fn record(&self, event: Event) {
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
            if refused.len() == MAX_DENIALS {
                refused.pop_front();
            }
            refused.push_back(text);
        });
    }

    /// Removes the denials of a subject, before it is retried.
    pub(super) fn forget(&self, subject: &str) {
        self.refused.send_if_modified(|refused| {
            let before = refused.len();
            refused.retain(|text| !names(text, subject));
            refused.len() < before
        });
    }

    /// Resolves to the server's error once it denies what publishing to `subject` takes: the
    /// subject itself, or the subscription to answers.
    pub(super) async fn denied(&self, subject: &str) -> String {
        self.first(|text| names(text, subject) || !is_of_publish(text))
            .await
    }

    /// Resolves to the server's error once it denies anything.
    pub(super) async fn denied_any(&self) -> String {
        self.first(|_| true).await
    }

    async fn first(&self, is_meant: impl Fn(&str) -> bool) -> String {
        let mut denials = self.refused.subscribe();
        loop {
            let text = {
                let refused = denials.borrow_and_update();
                refused.iter().find(|text| is_meant(text)).cloned()
            };
            if let Some(text) = text {
                return format!("permission is missing: {text}");
            }
            // it cannot fail: the sender lives as long as `self`
            let _ = denials.changed().await;
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
        let permissions = DeniedPermissions::default();
        let refused = |subject: &str| permissions.denied(subject).now_or_never();
        permissions.record(other("Maximum Connections Exceeded"));
        permissions.record(Event::Disconnected);
        assert_eq!(refused("nexus.raw.t_a.dev.x"), None);
        let text = "Permissions Violation for Publish to \"nexus.raw.t_a.dev.x\"";
        permissions.record(other(text));
        let denials = format!("permission is missing: {text}");
        assert_eq!(refused("nexus.raw.t_a.dev.x"), Some(denials));
        assert_eq!(refused("nexus.raw.t_a.dev"), None);
        permissions.forget("nexus.raw.t_a.dev.x");
        assert_eq!(refused("nexus.raw.t_a.dev.x"), None);
        let text = "Permissions Violation for Subscription to \"_INBOX.x.*\"";
        permissions.record(other(text));
        let denials = format!("permission is missing: {text}");
        assert_eq!(refused("nexus.raw.t_b.dev.x"), Some(denials));
    }

    #[test]
    fn only_so_many_refusals_are_remembered() {
        let permissions = DeniedPermissions::default();
        for number in 0..1000 {
            permissions.record(other(&format!(
                "Permissions Violation for Publish to \"s.{number}\""
            )));
        }
        assert_eq!(permissions.refused.borrow().len(), MAX_DENIALS);
        assert!(permissions.denied("s.999").now_or_never().is_some());
    }
}
