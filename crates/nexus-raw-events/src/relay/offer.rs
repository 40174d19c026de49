use std::collections::{BTreeMap, BTreeSet};

use nexus_raw::{
    ErrorChain,
    event::DatasetEvent,
    ports::{Delivery, SinkError},
    tenancy::Scope,
};
use tokio::time::error::Elapsed;

use super::held::HeldScopes;

/// The outcome of offering a batch to a sink.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome<'a> {
    /// For each scope, the sequence up to which the sink has taken its events.
    pub(super) cursors: BTreeMap<Scope, u64>,
    /// The first event of each scope that was not taken, and why.
    pub(super) failures: Vec<(&'a DatasetEvent, Failure)>,
    /// Why the sink takes nothing more now, of any scope.
    pub(super) outage: Option<String>,
}

/// Why an event was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The sink is unavailable to its scope.
    Unavailable(String),
    /// The sink failed on this event and may take it later.
    Failed(String),
    /// The sink will never take this event.
    Refused(String),
}

impl<'a> Outcome<'a> {
    /// Reads a sink's answer or timeout. An answer about more events than the batch has counts for
    /// those in the batch.
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
                // without scopes, the answer is about the whole sink
                if let Some((_, Failure::Unavailable(reason))) = offer.failures.last() {
                    offer.outage = Some(reason.clone());
                    offer.failures.clear();
                }
            }
            Err(_elapsed) => {
                offer.outage = Some("sink did not answer in time".to_owned());
            }
        }
        let is_nothing = offer.cursors.is_empty() && offer.failures.is_empty();
        if is_nothing && offer.outage.is_none() {
            // otherwise a sink that does nothing would be retried without a delay, for ever
            offer.outage = Some("sink accepted no events".to_owned());
        }
        offer
    }

    /// Returns whether the sink took all.
    pub(super) fn is_whole(&self, events: &[DatasetEvent]) -> bool {
        let last = |it: &DatasetEvent| self.cursors.get(&it.body.scope()) == Some(&it.sequence);
        self.outage.is_none() && self.failures.is_empty() && events.last().is_some_and(last)
    }

    fn read_part(&mut self, events: &[&'a DatasetEvent], answer: Result<Delivery, SinkError>) {
        let (taken, stop) = match answer {
            Ok(Delivery { taken }) => (taken, None),
            Err(SinkError::Refused { taken, source }) => (
                taken,
                Some(Failure::Refused(ErrorChain(&*source).to_string())),
            ),
            Err(SinkError::Failed { taken, source }) => (
                taken,
                Some(Failure::Failed(ErrorChain(&*source).to_string())),
            ),
            Err(SinkError::Unavailable { taken, source }) => (
                taken,
                Some(Failure::Unavailable(ErrorChain(&*source).to_string())),
            ),
            // an unknown kind of failure parks nothing
            Err(other) => (
                0,
                Some(Failure::Unavailable(ErrorChain(&other).to_string())),
            ),
        };
        for event in events.iter().take(taken) {
            self.cursors.insert(event.body.scope(), event.sequence);
        }
        match (events.get(taken), stop) {
            (Some(event), Some(stop)) => self.failures.push((event, stop)),
            (
                None,
                Some(
                    Failure::Unavailable(reason)
                    | Failure::Failed(reason)
                    | Failure::Refused(reason),
                ),
            ) => self.outage = Some(reason),
            (_, None) => {}
        }
    }

    /// Separates an outage of the sink from failures of single scopes.
    ///
    /// If the batch has only scopes to which the sink was unavailable before while it took
    /// others, an outage is theirs. It is the sink's if it was unavailable to every scope of the
    /// batch, or if more scopes than [`HeldScopes`] allows would be held.
    pub(super) fn separate_outage(&mut self, events: &'a [DatasetEvent], held: &HeldScopes) {
        let mut first = BTreeMap::new();
        for event in events {
            let scope = event.body.scope();
            let cursor = self.cursors.get(&scope).copied().unwrap_or(0);
            if event.sequence > cursor {
                first.entry(scope).or_insert(event);
            }
        }
        let scopes: BTreeSet<Scope> = events.iter().map(|event| event.body.scope()).collect();
        if scopes.iter().all(|scope| held.is_unavailable(scope)) {
            if let Some(reason) = self.outage.take() {
                let stop = Failure::Unavailable(reason);
                self.failures = first.into_values().map(|it| (it, stop.clone())).collect();
            }
            return;
        }
        let reasons = self.failures.iter().filter_map(|(_, stop)| match stop {
            Failure::Unavailable(reason) => Some(reason),
            Failure::Failed(_) | Failure::Refused(_) => None,
        });
        if reasons.clone().count() == scopes.len() {
            self.outage = reasons.min().cloned();
            self.failures.clear();
        }
        let mut room = held.room();
        self.failures.retain(|(event, stop)| match stop {
            Failure::Refused(_) => true,
            _ if held.has(&event.body.scope()) => true,
            Failure::Unavailable(_) | Failure::Failed(_) if room > 0 => {
                room -= 1;
                true
            }
            Failure::Unavailable(reason) | Failure::Failed(reason) => {
                self.outage = Some(reason.clone());
                false
            }
        });
    }
}

#[cfg(test)]
mod tests;
