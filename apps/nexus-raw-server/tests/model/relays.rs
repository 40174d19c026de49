//! Relays that can be stopped before and after each call that they make.

mod ledger;

use std::{
    collections::VecDeque,
    future::pending,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{
        Backlog, CatalogError, Clock, DatasetEventSink, Delivery, EventOutbox, Lease, Progress,
        ProgressChange, SinkError, SinkName,
    },
    tenancy::Scope,
    time::Timestamp,
};
use nexus_raw_events::{Backoff, Relay, RelaySettings};
use tokio::sync::Notify;
use uuid::Uuid;

use self::ledger::{Ledger, Tenure};
use crate::{promises::LEASE_TTL, words::Reaction};

/// Why a relay was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Halt {
    /// It has made as many calls as it was allowed.
    Spent,
    /// All is delivered.
    Drained,
    /// Another has the lease.
    Denied,
}

/// The other ports, as one relay meets them.
#[derive(Debug)]
struct Gate {
    owner: Uuid,
    outbox: Arc<dyn EventOutbox>,
    name: SinkName,
    ledger: Arc<Mutex<Ledger>>,
    control: Mutex<Control>,
    halted: Notify,
    /// That events may have been committed.
    ring: Notify,
}

#[derive(Debug)]
struct Control {
    /// How many more times a gate opens; `None`: always.
    budget: Option<u32>,
    halt: Option<Halt>,
    sink: VecDeque<Reaction>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gate {
    fn halt(&self, why: Halt) {
        lock(&self.control).halt = Some(why);
        self.halted.notify_one();
    }

    /// Passes while there is budget; then waits.
    async fn pass(&self) {
        let spent = {
            let control = &mut *lock(&self.control);
            let spent = control.budget == Some(0);
            control.budget = control.budget.map(|left| left.saturating_sub(1));
            spent
        };
        if spent {
            self.halt(Halt::Spent);
        }
        while lock(&self.control).halt.is_some() {
            // nobody polls a halted relay until it is let go on, and then this is looked at again
            tokio::task::yield_now().await;
        }
    }

    fn take(&self, events: &[DatasetEvent]) {
        for event in events {
            self.ledger().on_taken(self.owner, event);
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }
}

#[async_trait]
impl EventOutbox for Gate {
    async fn lease(
        &self,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, CatalogError> {
        self.pass().await;
        let answer = self.outbox.lease(owner, now, ttl).await?;
        self.ledger().on_lease(owner, now, ttl, answer);
        if answer.is_none() {
            self.halt(Halt::Denied);
        }
        Ok(answer)
    }

    async fn undelivered(
        &self,
        sink: &SinkName,
        limit: u32,
        held: &[Scope],
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        self.pass().await;
        let events = self.outbox.undelivered(sink, limit, held).await?;
        self.ledger().on_undelivered(limit, &events);
        if events.is_empty() {
            self.halt(Halt::Drained);
        }
        self.pass().await;
        Ok(events)
    }

    async fn advance(&self, progress: Progress) -> Result<bool, CatalogError> {
        self.pass().await;
        let epoch = progress.epoch;
        let answer = self.outbox.advance(progress.clone()).await?;
        match &progress.change {
            ProgressChange::Delivered(cursors) => {
                self.ledger().on_progress(cursors, epoch, answer);
            }
            ProgressChange::Parked(parked) => self.ledger().on_park(parked, epoch, answer),
            ProgressChange::Retried { .. } => {}
        }
        self.pass().await;
        Ok(answer)
    }

    async fn retries(
        &self,
        sink: &SinkName,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        self.outbox.retries(sink, limit).await
    }

    async fn backlog(&self, sink: &SinkName) -> Result<Backlog, CatalogError> {
        self.outbox.backlog(sink).await
    }

    async fn oldest_undelivered(&self, sink: &SinkName) -> Result<Option<Timestamp>, CatalogError> {
        self.outbox.oldest_undelivered(sink).await
    }

    async fn committed(&self, _patience: Duration) {
        self.ring.notified().await;
    }
}

#[async_trait]
impl DatasetEventSink for Gate {
    fn name(&self) -> &SinkName {
        &self.name
    }

    async fn deliver(&self, events: &[DatasetEvent]) -> Result<Delivery, SinkError> {
        self.pass().await;
        let reaction = lock(&self.control).sink.pop_front();
        let reaction = reaction.unwrap_or(Reaction::Take);
        let (Reaction::TakeOnly(most) | Reaction::Fail(most) | Reaction::Refuse(most)) = reaction
        else {
            self.take(events);
            self.pass().await;
            return Ok(Delivery {
                taken: events.len(),
            });
        };
        let taken = most.min(events.len());
        self.take(&events[..taken]);
        if taken > 0 {
            self.pass().await;
        }
        match reaction {
            Reaction::Fail(_) => Err(SinkError::Unavailable {
                taken,
                source: "no connection".into(),
            }),
            Reaction::Refuse(_) => Err(SinkError::Refused {
                taken,
                source: "too large".into(),
            }),
            Reaction::Take | Reaction::TakeOnly(_) => Ok(Delivery { taken }),
        }
    }
}

/// A relay that lives, and waits unless it is driven.
struct Living {
    gate: Arc<Gate>,
    work: Pin<Box<dyn Future<Output = ()>>>,
}

/// Two places where a relay may live, over one outbox.
pub(crate) struct Relays {
    outbox: Arc<dyn EventOutbox>,
    clock: Arc<dyn Clock>,
    pub(crate) ledger: Arc<Mutex<Ledger>>,
    slots: [Option<Living>; 2],
    started: u128,
}

/// How long a relay may take to come to a halt.
const PATIENCE: Duration = Duration::from_mins(1);

impl Relays {
    pub(crate) fn new(outbox: Arc<dyn EventOutbox>, clock: Arc<dyn Clock>) -> Self {
        Self {
            outbox,
            clock,
            ledger: Arc::default(),
            slots: [None, None],
            started: 0,
        }
    }

    pub(crate) fn kill(&mut self, slot: usize) {
        self.slots[slot] = None;
    }

    /// Has the relay of a slot, or a new one, work until it halts.
    pub(crate) async fn work(
        &mut self,
        slot: usize,
        batch: u32,
        sink: Vec<Reaction>,
        halt: Option<u32>,
    ) {
        let mut sink = VecDeque::from(sink);
        let mut relay = match self.slots[slot].take() {
            None => self.start(batch),
            Some(living) => {
                let drained = lock(&living.gate.control).halt == Some(Halt::Drained);
                let tenure = lock(&self.ledger).tenure(living.gate.owner, self.clock.now());
                match tenure {
                    Tenure::Good => living,
                    // it still has an answer to write down, and must not be let
                    Tenure::TakenOver if !drained => {
                        sink.clear();
                        living
                    }
                    // it would not go on before a third of its lease has passed on the machine's
                    // clock, which is stopped here: another process replaces it
                    Tenure::TakenOver | Tenure::Over => self.start(batch),
                }
            }
        };
        *lock(&relay.gate.control) = Control {
            budget: halt,
            halt: None,
            sink,
        };
        relay.gate.ring.notify_one();
        let gate = Arc::clone(&relay.gate);
        tokio::select! {
            biased;
            () = gate.halted.notified() => {}
            () = &mut relay.work => panic!("the relay has ended by itself"),
            () = tokio::time::sleep(PATIENCE) => panic!("the relay hangs"),
        }
        let why = lock(&gate.control).halt;
        if why == Some(Halt::Spent) {
            lock(&self.ledger).count("relay stopped at a call");
        }
        if why != Some(Halt::Denied) {
            self.slots[slot] = Some(relay);
        }
    }

    /// Brings everything to a willing sink, and asserts that nothing is missing.
    pub(crate) async fn drain(&mut self) {
        self.slots = [None, None];
        self.work(0, 100, Vec::new(), None).await;
        lock(&self.ledger).assert_whole();
    }

    fn start(&mut self, batch: u32) -> Living {
        self.started += 1;
        let owner = Uuid::from_u128(self.started);
        let gate = Arc::new(Gate {
            owner,
            outbox: Arc::clone(&self.outbox),
            name: SinkName::new("log"),
            ledger: Arc::clone(&self.ledger),
            control: Mutex::new(Control {
                budget: None,
                halt: None,
                sink: VecDeque::new(),
            }),
            halted: Notify::new(),
            ring: Notify::new(),
        });
        let settings = RelaySettings {
            batch,
            lease_ttl: Duration::from_secs(LEASE_TTL),
            poll_interval: Duration::from_secs(1),
            deadline: PATIENCE,
            backoff: Backoff {
                first: Duration::from_millis(1),
                most: Duration::from_millis(1),
            },
            ..RelaySettings::default()
        };
        let relay = Relay::new(
            Arc::clone(&gate) as Arc<dyn EventOutbox>,
            vec![Arc::clone(&gate) as Arc<dyn DatasetEventSink>],
            Arc::clone(&self.clock),
            owner,
            settings,
        );
        let relay = relay.unwrap();
        Living {
            gate,
            work: Box::pin(async move { relay.run(pending()).await }),
        }
    }
}
