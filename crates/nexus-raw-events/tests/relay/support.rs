//! A scripted sink, a clock that follows tokio's, and a log to inspect.

use std::{
    collections::BTreeMap,
    future::pending,
    io,
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{AssetCatalog, Clock, DatasetEventSink, Delivery, EventOutbox, SinkError, SinkName},
    tenancy::Scope,
    time::Timestamp,
};
use nexus_raw_events::{Relay, RelaySettings, SharedOutput};
use nexus_raw_testkit::{FakeCatalog, sample};
use slog::{Drain, Logger, PushFnValue, Record, o};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use uuid::Uuid;

/// What a sink does with a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reaction {
    /// Takes everything.
    Take,
    /// Takes at most so many and says so.
    TakeOnly(usize),
    /// Takes at most so many, then fails.
    Fail(usize),
    /// Takes at most so many, then fails on the next.
    Stumble(usize),
    /// Takes at most so many, then refuses the next.
    Refuse(usize),
    /// Takes at most so many and never answers.
    Hang(usize),
    /// Takes everything after so long.
    TakeAfter(Duration),
    /// Takes the scopes side by side: everything but the events of `t_b`.
    Apart,
}

type Script = Box<dyn Fn(&[DatasetEvent]) -> Reaction + Send + Sync>;

pub(crate) struct ScriptedSink {
    name: SinkName,
    script: Script,
    taken: watch::Sender<Vec<DatasetEvent>>,
}

impl std::fmt::Debug for ScriptedSink {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "ScriptedSink({})", self.name)
    }
}

impl ScriptedSink {
    pub(crate) fn new(
        name: &str,
        script: impl Fn(&[DatasetEvent]) -> Reaction + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            name: SinkName::parse(name).unwrap(),
            script: Box::new(script),
            taken: watch::Sender::new(Vec::new()),
        })
    }

    pub(crate) fn willing(name: &str) -> Arc<Self> {
        Self::new(name, |_| Reaction::Take)
    }

    /// Reacts by the list, one a call, and takes everything once it has ended.
    pub(crate) fn reacting(name: &str, reactions: Vec<Reaction>) -> Arc<Self> {
        let reactions = Mutex::new(reactions.into_iter());
        Self::new(name, move |_| {
            reactions.lock().unwrap().next().unwrap_or(Reaction::Take)
        })
    }

    /// Returns once `count` events were taken, repeats included.
    pub(crate) async fn has_taken(&self, count: usize) {
        let mut taken = self.taken.subscribe();
        taken
            .wait_for(|events| events.len() >= count)
            .await
            .unwrap();
    }

    /// The sequences that were taken of a scope, in order of taking, repeats included.
    pub(crate) fn sequences(&self, scope: &Scope) -> Vec<u64> {
        let taken = self.taken.borrow();
        let of_scope = taken.iter().filter(|event| event.body.scope() == *scope);
        of_scope.map(|event| event.sequence).collect()
    }
}

impl ScriptedSink {
    fn take_all_but_one_scope(&self, events: &[DatasetEvent]) -> Result<Delivery, SinkError> {
        let mut scopes = BTreeMap::<Scope, Vec<DatasetEvent>>::new();
        for event in events {
            scopes
                .entry(event.body.scope())
                .or_default()
                .push(event.clone());
        }
        let answers = scopes.into_iter().map(|(scope, events)| {
            let answer = if scope.tenant.as_str() == "t_b" {
                Err(SinkError::Unavailable {
                    taken: 0,
                    source: "no right".into(),
                })
            } else {
                let taken = events.len();
                self.taken.send_modify(|all| all.extend(events));
                Ok(Delivery { taken })
            };
            (scope, answer)
        });
        Err(SinkError::ByScope(answers.collect()))
    }
}

#[async_trait]
impl DatasetEventSink for ScriptedSink {
    fn name(&self) -> &SinkName {
        &self.name
    }

    async fn deliver(&self, events: &[DatasetEvent]) -> Result<Delivery, SinkError> {
        let reaction = (self.script)(events);
        if let Reaction::TakeAfter(wait) = reaction {
            sleep(wait).await;
        }
        if matches!(reaction, Reaction::Apart) {
            return self.take_all_but_one_scope(events);
        }
        let (Reaction::TakeOnly(most)
        | Reaction::Fail(most)
        | Reaction::Stumble(most)
        | Reaction::Refuse(most)
        | Reaction::Hang(most)) = reaction
        else {
            self.taken
                .send_modify(|taken| taken.extend_from_slice(events));
            return Ok(Delivery {
                taken: events.len(),
            });
        };
        let taken = most.min(events.len());
        self.taken
            .send_modify(|all| all.extend_from_slice(&events[..taken]));
        match reaction {
            Reaction::Take | Reaction::TakeAfter(_) | Reaction::TakeOnly(_) | Reaction::Apart => {
                Ok(Delivery { taken })
            }
            Reaction::Fail(_) => Err(SinkError::Unavailable {
                taken,
                source: "no connection".into(),
            }),
            Reaction::Stumble(_) => Err(SinkError::Failed {
                taken,
                source: "no luck".into(),
            }),
            Reaction::Refuse(_) => Err(SinkError::Refused {
                taken,
                source: "too large".into(),
            }),
            Reaction::Hang(_) => pending().await,
        }
    }
}

/// Shows the time that tokio's clock, paused or not, has come to.
#[derive(Debug)]
pub(crate) struct TokioClock(Instant);

impl TokioClock {
    pub(crate) fn start() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        sample::now().saturating_add(self.0.elapsed())
    }
}

/// The scope of most tests.
pub(crate) fn scope() -> Scope {
    sample::scope("t_a", "dev")
}

/// Commits one event for each number.
pub(crate) async fn commit(catalog: &FakeCatalog, scope: &Scope, numbers: Range<u64>) {
    for number in numbers {
        let intent = sample::intent(scope, sample::asset_id(number));
        let event = sample::presigned(&intent);
        catalog.record_intent(intent, event).await.unwrap();
    }
}

/// Returns once nothing lies after the sink's cursors.
pub(crate) async fn is_drained(catalog: &FakeCatalog, sink: &ScriptedSink) {
    while catalog
        .oldest_undelivered(sink.name())
        .await
        .ok()
        .is_none_or(|oldest| oldest.is_some())
    {
        // paused time: passes at once, as soon as nobody else has anything to do
        sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn relay(
    catalog: &FakeCatalog,
    sinks: &[&Arc<ScriptedSink>],
    clock: &Arc<TokioClock>,
    owner: u128,
) -> Relay {
    with_settings(catalog, sinks, clock, owner, RelaySettings::default())
}

pub(crate) fn with_settings(
    catalog: &FakeCatalog,
    sinks: &[&Arc<ScriptedSink>],
    clock: &Arc<TokioClock>,
    owner: u128,
    settings: RelaySettings,
) -> Relay {
    let sinks = sinks
        .iter()
        .map(|sink| Arc::clone(sink) as Arc<dyn DatasetEventSink>);
    Relay::new(
        Arc::new(catalog.clone()),
        sinks.collect(),
        Arc::clone(clock) as Arc<dyn Clock>,
        Uuid::from_u128(owner),
        settings,
    )
    .unwrap()
}

/// The lines of a log.
#[derive(Clone, Default)]
pub(crate) struct LogLines(Arc<Mutex<Vec<u8>>>);

impl LogLines {
    pub(crate) fn logger(&self) -> Logger {
        let lines = SharedOutput::new(self.clone()).lines();
        let drain = slog_json::Json::new(lines)
            .set_flush(true)
            .add_key_value(o!("msg" => PushFnValue(|record: &Record<'_>, to| to.emit(record.msg()))))
            .add_key_value(o!("level" => PushFnValue(|record: &Record<'_>, to| to.emit(record.level().as_str()))))
            .build();
        Logger::root(Mutex::new(drain).fuse(), o!())
    }

    /// What was written, but for the lines about the lease.
    pub(crate) fn lines(&self) -> Vec<serde_json::Value> {
        let written = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = written
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines
            .filter(|line: &serde_json::Value| line.get("epoch").is_none())
            .collect()
    }
}

impl io::Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
