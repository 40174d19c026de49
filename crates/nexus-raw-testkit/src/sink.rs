use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{DatasetEventSink, Delivery, SinkError, SinkName},
};
use uuid::Uuid;

/// A sink that records its events, and fails on demand.
#[derive(Debug)]
pub struct RecordingSink {
    name: SinkName,
    state: Mutex<RecordingSinkState>,
}

#[derive(Debug)]
struct RecordingSinkState {
    received: Vec<DatasetEvent>,
    down: bool,
    room: usize,
    refused: BTreeSet<Uuid>,
}

/// The error of the sink.
#[derive(Debug, thiserror::Error)]
enum SimulatedFailure {
    #[error("the test has taken the sink down")]
    Down,
    #[error("the test has the sink refuse this event")]
    Refuse,
}

impl RecordingSink {
    /// Creates a sink that accepts everything.
    #[must_use]
    pub fn new(name: SinkName) -> Self {
        let state = RecordingSinkState {
            received: Vec::new(),
            down: false,
            room: usize::MAX,
            refused: BTreeSet::new(),
        };
        Self {
            name,
            state: Mutex::new(state),
        }
    }

    /// Returns all events accepted so far, in order, with repeats.
    #[must_use]
    pub fn received(&self) -> Vec<DatasetEvent> {
        self.state().received.clone()
    }

    /// Sets the availability.
    pub fn set_available(&self, available: bool) {
        self.state().down = !available;
    }

    /// Makes the sink unavailable after `events` more events.
    pub fn fail_after(&self, events: usize) {
        self.state().room = events;
    }

    /// Makes the sink refuse one event permanently.
    pub fn refuse(&self, event_id: Uuid) {
        self.state().refused.insert(event_id);
    }

    fn state(&self) -> MutexGuard<'_, RecordingSinkState> {
        // ignores the panics of other tests
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecordingSinkState {
    fn take(&mut self, event: &DatasetEvent) -> Result<(), SimulatedFailure> {
        if self.room == 0 {
            self.down = true;
            self.room = usize::MAX;
        }
        if self.down {
            return Err(SimulatedFailure::Down);
        }
        if self.refused.contains(&event.event_id) {
            return Err(SimulatedFailure::Refuse);
        }
        self.room -= 1;
        self.received.push(event.clone());
        Ok(())
    }
}

#[async_trait]
impl DatasetEventSink for RecordingSink {
    fn name(&self) -> &SinkName {
        &self.name
    }

    async fn deliver(&self, events: &[DatasetEvent]) -> Result<Delivery, SinkError> {
        tokio::task::yield_now().await;
        let mut state = self.state();
        for (taken, event) in events.iter().enumerate() {
            state.take(event).map_err(|fault| match fault {
                SimulatedFailure::Down => SinkError::Unavailable {
                    taken,
                    source: fault.into(),
                },
                SimulatedFailure::Refuse => SinkError::Refused {
                    taken,
                    source: fault.into(),
                },
            })?;
        }
        Ok(Delivery {
            taken: events.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    async fn deliver(sink: &RecordingSink, events: &[DatasetEvent]) -> (&'static str, usize) {
        match sink.deliver(events).await {
            Ok(Delivery { taken }) => ("ok", taken),
            Err(SinkError::Unavailable { taken, .. }) => ("unavailable", taken),
            Err(SinkError::Refused { taken, .. }) => ("refused", taken),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_fails_as_set_and_reports_how_many_it_accepted() {
        crate::contract::run(async {
            let scope = sample::scope("t_a", "dev");
            let events: Vec<_> = (1..=4).map(|n| sample::event(&scope, n)).collect();
            let sink = RecordingSink::new(sample::sink_name());
            sink.fail_after(1);
            assert_eq!(deliver(&sink, &events).await, ("unavailable", 1));
            assert_eq!(deliver(&sink, &events[1..]).await, ("unavailable", 0));
            sink.set_available(true);
            sink.refuse(events[2].event_id);
            assert_eq!(deliver(&sink, &events[1..]).await, ("refused", 1));
            assert_eq!(deliver(&sink, &events[3..]).await, ("ok", 1));
            assert_eq!(
                sink.received(),
                [events[0].clone(), events[1].clone(), events[3].clone()]
            );
        });
    }
}
