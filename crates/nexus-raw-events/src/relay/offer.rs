use std::collections::{BTreeMap, BTreeSet};

use nexus_raw::{
    ErrorChain,
    event::DatasetEvent,
    ports::{Delivery, SinkError},
    tenancy::Scope,
};
use tokio::time::error::Elapsed;

use super::held::Held;

/// What a sink made of a batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Offer<'a> {
    /// For each scope, the sequence up to which the sink has taken its events.
    pub(super) cursors: BTreeMap<Scope, u64>,
    /// Events that were not taken, the next one of its scope each, and why.
    pub(super) stops: Vec<(&'a DatasetEvent, Untaken)>,
    /// Why the sink takes nothing more now, of whatever scope.
    pub(super) outage: Option<String>,
}

/// Why an event was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Untaken {
    /// The sink takes nothing of its scope now.
    Unavailable(String),
    /// The sink failed on this event, which it may take later.
    Failed(String),
    /// The sink will never take this event.
    Refused(String),
}

impl<'a> Offer<'a> {
    /// Reads a sink's answer, or that it gave none in time. A sink that says it took more than it
    /// was offered, or refuses an event that was not there, is believed no further than the batch.
    pub(super) fn read(
        events: &'a [DatasetEvent],
        answer: Result<Result<Delivery, SinkError>, Elapsed>,
    ) -> Self {
        let mut offer = Self::default();
        let all = || events.iter().collect::<Vec<_>>();
        match answer {
            Ok(Err(SinkError::ByScope(answers))) => {
                for (scope, answer) in answers {
                    let of_scope = all().into_iter();
                    let of_scope = of_scope.filter(|event| event.body.scope() == scope);
                    offer.read_part(&of_scope.collect::<Vec<_>>(), answer);
                }
            }
            Ok(answer) => {
                offer.read_part(&all(), answer);
                // without scopes, it is said of the whole sink
                if let Some((_, Untaken::Unavailable(reason))) = offer.stops.last() {
                    offer.outage = Some(reason.clone());
                    offer.stops.clear();
                }
            }
            Err(_elapsed) => {
                offer.outage = Some("the event sink did not answer in time".to_owned());
            }
        }
        let is_nothing = offer.cursors.is_empty() && offer.stops.is_empty();
        if is_nothing && offer.outage.is_none() {
            // without this, a sink that does nothing would be asked again at once, for ever
            offer.outage = Some("the event sink took nothing".to_owned());
        }
        offer
    }

    fn read_part(&mut self, events: &[&'a DatasetEvent], answer: Result<Delivery, SinkError>) {
        let (taken, stop) = match answer {
            Ok(Delivery { taken }) => (taken, None),
            Err(SinkError::Refused { taken, source }) => (
                taken,
                Some(Untaken::Refused(ErrorChain(&*source).to_string())),
            ),
            Err(SinkError::Failed { taken, source }) => (
                taken,
                Some(Untaken::Failed(ErrorChain(&*source).to_string())),
            ),
            Err(SinkError::Unavailable { taken, source }) => (
                taken,
                Some(Untaken::Unavailable(ErrorChain(&*source).to_string())),
            ),
            // a kind of failure that is not known yet parks nothing
            Err(other) => (
                0,
                Some(Untaken::Unavailable(ErrorChain(&other).to_string())),
            ),
        };
        for event in events.iter().take(taken) {
            self.cursors.insert(event.body.scope(), event.sequence);
        }
        match (events.get(taken), stop) {
            (Some(event), Some(stop)) => self.stops.push((event, stop)),
            (
                None,
                Some(
                    Untaken::Unavailable(reason)
                    | Untaken::Failed(reason)
                    | Untaken::Refused(reason),
                ),
            ) => self.outage = Some(reason),
            (_, None) => {}
        }
    }

    /// Tells an outage of the sink from the trouble of some scopes, by what is known of them.
    ///
    /// Where only scopes were offered that the sink did not take before while it took others, an
    /// outage is theirs. It is the sink's where it took of no scope all that was offered, and
    /// where more scopes would have to wait by themselves than can.
    pub(super) fn weigh(&mut self, events: &'a [DatasetEvent], held: &Held) {
        let mut first = BTreeMap::new();
        for event in events {
            let scope = event.body.scope();
            let cursor = self.cursors.get(&scope).copied().unwrap_or(0);
            if event.sequence > cursor {
                first.entry(scope).or_insert(event);
            }
        }
        let scopes: BTreeSet<Scope> = events.iter().map(|event| event.body.scope()).collect();
        if scopes.iter().all(|scope| held.is_apart(scope)) {
            if let Some(reason) = self.outage.take() {
                let stop = Untaken::Unavailable(reason);
                self.stops = first.into_values().map(|it| (it, stop.clone())).collect();
            }
            return;
        }
        let reasons = self.stops.iter().filter_map(|(_, stop)| match stop {
            Untaken::Unavailable(reason) => Some(reason),
            Untaken::Failed(_) | Untaken::Refused(_) => None,
        });
        if reasons.clone().count() == scopes.len() {
            self.outage = reasons.min().cloned();
            self.stops.clear();
        }
        let mut room = held.room();
        self.stops.retain(|(event, stop)| match stop {
            Untaken::Refused(_) => true,
            _ if held.has(&event.body.scope()) => true,
            Untaken::Unavailable(_) | Untaken::Failed(_) if room > 0 => {
                room -= 1;
                true
            }
            Untaken::Unavailable(reason) | Untaken::Failed(reason) => {
                self.outage = Some(reason.clone());
                false
            }
        });
    }
}

#[cfg(test)]
mod tests;
