use nexus_raw::{
    event::DatasetEvent,
    ports::{Delivery, SinkError},
    tenancy::Scope,
};
use std::collections::BTreeMap;
use tokio::time::error::Elapsed;

use crate::error_chain::ErrorChain;

/// What a sink made of a batch.
pub(super) struct Offer<'a> {
    /// The events that it took.
    pub(super) taken: &'a [DatasetEvent],
    /// What it said of the next.
    pub(super) then: Then<'a>,
}

/// How an offer ended, after the events that were taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Then<'a> {
    /// The sink asks for more.
    More,
    /// The sink takes nothing more now.
    Unavailable(String),
    /// The sink failed on this event, which it may take later.
    Failed(&'a DatasetEvent, String),
    /// The sink will never take this event.
    Refused(&'a DatasetEvent, String),
}

impl<'a> Offer<'a> {
    /// Reads a sink's answer, or that it gave none in time. A sink that says it took more than it
    /// was offered, or refuses an event that was not there, is believed no further than the batch.
    pub(super) fn read(
        events: &'a [DatasetEvent],
        answer: Result<Result<Delivery, SinkError>, Elapsed>,
    ) -> Self {
        let (taken, then) = match answer {
            Ok(Ok(Delivery { taken: 0 })) => {
                // without this, a sink that does nothing would be asked again at once, for ever
                (
                    0,
                    Then::Unavailable("the event sink took nothing".to_owned()),
                )
            }
            Ok(Ok(Delivery { taken })) => (taken, Then::More),
            Ok(Err(SinkError::Refused { taken, source })) => {
                let reason = ErrorChain(&*source).to_string();
                match events.get(taken) {
                    Some(event) => (taken, Then::Refused(event, reason)),
                    None => (taken, Then::Unavailable(reason)),
                }
            }
            Ok(Err(SinkError::Failed { taken, source })) => {
                let reason = ErrorChain(&*source).to_string();
                match events.get(taken) {
                    Some(event) => (taken, Then::Failed(event, reason)),
                    None => (taken, Then::Unavailable(reason)),
                }
            }
            Ok(Err(SinkError::Unavailable { taken, source })) => {
                (taken, Then::Unavailable(ErrorChain(&*source).to_string()))
            }
            // a kind of failure that is not known yet parks nothing
            Ok(Err(other)) => (0, Then::Unavailable(ErrorChain(&other).to_string())),
            Err(_elapsed) => (
                0,
                Then::Unavailable("the event sink did not answer in time".to_owned()),
            ),
        };
        let taken = &events[..taken.min(events.len())];
        Self { taken, then }
    }

    /// For each scope, the sequence up to which the sink has taken its events.
    pub(super) fn cursors(&self) -> Vec<(Scope, u64)> {
        let mut cursors = BTreeMap::new();
        for event in self.taken {
            cursors.insert(event.body.scope(), event.sequence);
        }
        cursors.into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
