use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    time::Duration,
};

use actix_web::http::{Method, StatusCode};
use nexus_raw::{
    event::DatasetEvent,
    ports::{CatalogError, Clock, Delivery, MockDatasetEventSink, SinkError},
};
use nexus_raw_catalog_sql::GroupAttempt;
use nexus_raw_testkit::{Exposition, FakeCatalog, FakeStore, FixedClock, RecordingSink, sample};
use uuid::Uuid;

use super::*;

const OPERATIONS: &str = include_str!("../../../../docs/OPERATIONS.md");

fn fixed() -> Arc<dyn Clock> {
    Arc::new(FixedClock::at(sample::now()))
}

fn metrics() -> Metrics {
    Metrics::new(&fixed())
}

fn read(metrics: &Metrics) -> Exposition {
    Exposition::parse(&metrics.render().unwrap()).unwrap()
}

/// Has every metric have a series.
async fn all_used() -> (Metrics, Vec<Described>) {
    let (metrics, described) = Metrics::describe(&fixed());
    let (catalog, clock) = (
        Arc::new(FakeCatalog::new()),
        Arc::new(FixedClock::at(sample::now())),
    );
    let store = Arc::new(FakeStore::new(
        sample::bucket(),
        Arc::clone(&clock) as Arc<dyn Clock>,
    ));
    metrics.storage(store).ready().await.unwrap();
    metrics
        .catalog(Arc::clone(&catalog) as _)
        .ready()
        .await
        .unwrap();
    let sink = metrics.sink(Arc::new(RecordingSink::new(sample::sink_name())));
    sink.deliver(&[]).await.unwrap();
    let took = Duration::from_millis(3);
    metrics.group_observer()(GroupAttempt {
        calls: 2,
        took,
        committed: true,
    });
    let requests = metrics.requests();
    requests.answered(&Method::GET, "/healthz", StatusCode::OK, took);
    let sampler = sampler(&metrics, &catalog, &clock);
    sampler.sample().await.unwrap();
    (metrics, described)
}

fn sampler(metrics: &Metrics, catalog: &Arc<FakeCatalog>, clock: &Arc<FixedClock>) -> Sampler {
    Sampler {
        metrics: metrics.clone(),
        census: Arc::clone(catalog) as _,
        outbox: Arc::clone(catalog) as _,
        sinks: vec![sample::sink_name()],
        clock: Arc::clone(clock) as _,
    }
}

/// Name, kind and labels of each row of the table of metrics.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let section = OPERATIONS.split("\n## Metrics\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let mut cells = row.split('|').map(str::trim);
        let name = cells.next().unwrap().trim_end_matches('`');
        let kind = cells.next().unwrap();
        let labels = cells
            .next()
            .unwrap()
            .split(", ")
            .map(|it| it.trim_matches('`'));
        let labels = labels.filter(|it| !it.is_empty()).map(str::to_owned);
        (name.to_owned(), (kind.to_owned(), labels.collect()))
    })
    .collect()
}

#[tokio::test]
async fn the_table_of_the_document_has_every_metric_with_its_kind_and_labels() {
    let (metrics, described) = all_used().await;
    let text = read(&metrics);
    let served: BTreeMap<_, _> = described
        .into_iter()
        .map(|(name, kind)| {
            assert_eq!(
                text.kinds().get(&name).map(String::as_str),
                Some(kind),
                "{name}"
            );
            let labels = text.label_names(&name);
            (name, (kind.to_owned(), labels))
        })
        .collect();
    assert_eq!(served, documented());
}

#[test]
fn the_alarms_of_the_document_are_of_metrics_that_there_are() {
    let (_, rules) = OPERATIONS.split_once("\n```yaml\ngroups:\n").unwrap();
    let (rules, _) = rules.split_once("\n```\n").unwrap();
    let known = documented();
    let words = rules.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    let used: BTreeSet<_> = words
        .filter(|word| word.starts_with("nexus_raw_") || word.starts_with("process_"))
        .collect();
    assert!(used.len() >= 8, "{used:?}");
    for name in used {
        let metric = ["_bucket", "_count", "_sum"]
            .iter()
            .find_map(|ending| name.strip_suffix(ending))
            .filter(|metric| {
                known
                    .get(*metric)
                    .is_some_and(|(kind, _)| kind == "histogram")
            });
        assert!(known.contains_key(metric.unwrap_or(name)), "{name}");
    }
}

#[test]
fn nothing_used_is_readable_too_and_says_what_process_it_is() {
    let text = read(&metrics());
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    assert_eq!(text.value("nexus_raw_build_info", &version), Some(1.0));
    let began = text.value("process_start_time_seconds", &[]);
    assert_eq!(began, Some(1_795_482_000.0));
    assert_eq!(text.value("nexus_raw_relay_leader", &[]), Some(0.0));
}

#[test]
fn a_request_is_counted_by_route_method_and_status_and_never_by_what_callers_make_up() {
    let metrics = metrics();
    let requests = metrics.requests();
    let took = Duration::from_millis(30);
    for (method, status) in [("GET", 200), ("GET", 200), ("BREW", 405), ("get", 405)] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        requests.answered(&method, UNMATCHED, status, took);
    }
    let text = read(&metrics);
    let of = |method, status| {
        let labels = [
            ("method", method),
            ("route", "unmatched"),
            ("status", status),
        ];
        let total = text.value("nexus_raw_http_requests_total", &labels);
        let count = text.value("nexus_raw_http_request_duration_seconds_count", &labels);
        assert_eq!(total, count);
        total
    };
    assert_eq!([of("GET", "200"), of("other", "405")], [Some(2.0); 2]);
    assert_eq!(text.series("nexus_raw_http_requests_total").count(), 2);
    let labels = [
        ("le", "0.025"),
        ("method", "GET"),
        ("route", "unmatched"),
        ("status", "200"),
    ];
    let bucket = "nexus_raw_http_request_duration_seconds_bucket";
    assert_eq!(text.value(bucket, &labels), Some(0.0));
    let labels = [("le", "0.05"), labels[1], labels[2], labels[3]];
    assert_eq!(text.value(bucket, &labels), Some(2.0));
}

#[test]
fn a_request_is_in_flight_until_it_is_let_go() {
    let metrics = metrics();
    let flying = || read(&metrics).value("nexus_raw_http_requests_in_flight", &[]);
    let (one, two) = (metrics.requests().begin(), metrics.requests().begin());
    assert_eq!(flying(), Some(2.0));
    drop(one);
    drop(two);
    assert_eq!(flying(), Some(0.0));
}

#[tokio::test]
async fn calls_are_told_apart_by_what_came_of_them() {
    let metrics = metrics();
    let kept = FakeCatalog::new();
    let catalog = metrics.catalog(Arc::new(kept.clone()));
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    let event = sample::presigned(&intent);
    catalog
        .record_intent(intent.clone(), event.clone())
        .await
        .unwrap();
    catalog.record_intent(intent, event).await.unwrap_err();
    kept.set_available(false);
    catalog.ready().await.unwrap_err();
    // one that is dropped under way
    drop(futures_util::FutureExt::now_or_never(catalog.ready()));
    let corrupt = async { Err::<(), _>(CatalogError::Corrupt("a row".into())) };
    metrics
        .0
        .catalog
        .time("find_asset", corrupt)
        .await
        .unwrap_err();
    let text = read(&metrics);
    let count = |operation, outcome| {
        let labels = [("operation", operation), ("outcome", outcome)];
        text.value("nexus_raw_catalog_call_duration_seconds_count", &labels)
    };
    for (operation, outcome) in [
        ("record_intent", "ok"),
        ("record_intent", "already_exists"),
        ("ready", "unavailable"),
        ("ready", "dropped"),
        ("find_asset", "corrupt"),
    ] {
        assert_eq!(
            count(operation, outcome),
            Some(1.0),
            "{operation} {outcome}"
        );
    }
    let series = text.series("nexus_raw_catalog_call_duration_seconds_count");
    assert_eq!(series.count(), 5);
}

#[tokio::test]
async fn a_sink_s_events_and_failures_are_counted_by_what_it_said() {
    let metrics = metrics();
    let mut said = [
        Ok(Delivery { taken: 3 }),
        Err(SinkError::Unavailable {
            taken: 2,
            source: "away".into(),
        }),
        Err(SinkError::Refused {
            taken: 1,
            source: "never".into(),
        }),
    ]
    .into_iter();
    let mut sink = MockDatasetEventSink::new();
    sink.expect_name().return_const(sample::sink_name());
    sink.expect_deliver()
        .returning(move |_| said.next().unwrap());
    let sink = metrics.sink(Arc::new(sink));
    for _ in 0..3 {
        let _ = sink.deliver(&[]).await;
    }
    let hanging = metrics.sink(Arc::new(Hanging(sample::sink_name())));
    drop(futures_util::FutureExt::now_or_never(hanging.deliver(&[])));
    let text = read(&metrics);
    let name = sample::sink_name().to_string();
    let of_sink = [("sink", &*name)];
    assert_eq!(
        text.value("nexus_raw_sink_events_total", &of_sink),
        Some(6.0)
    );
    for reason in ["unavailable", "refused", "timeout"] {
        let labels = [("reason", reason), ("sink", &*name)];
        assert_eq!(
            text.value("nexus_raw_sink_failures_total", &labels),
            Some(1.0),
            "{reason}"
        );
    }
    let deliveries = text.value("nexus_raw_sink_delivery_duration_seconds_count", &of_sink);
    assert_eq!(deliveries, Some(4.0));
}

struct Hanging(SinkName);

#[async_trait::async_trait]
impl DatasetEventSink for Hanging {
    fn name(&self) -> &SinkName {
        &self.0
    }

    async fn deliver(&self, _: &[DatasetEvent]) -> Result<Delivery, SinkError> {
        pending().await
    }
}

#[tokio::test]
async fn who_has_the_lease_leads_to_its_end_or_until_another_has_it() {
    let clock = Arc::new(FixedClock::at(sample::now()));
    let metrics = Metrics::new(&(Arc::clone(&clock) as Arc<dyn Clock>));
    let catalog = FakeCatalog::new();
    let outbox = metrics.outbox(Arc::new(catalog.clone()));
    let leads = || read(&metrics).value("nexus_raw_relay_leader", &[]).unwrap() > 0.0;
    let (us, them) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let ttl = Duration::from_secs(3);
    assert!(!leads());
    outbox.lease(us, clock.now(), ttl).await.unwrap();
    assert!(leads());
    // nobody answers, whether the call is told so or is dropped before
    clock.advance(Duration::from_secs(2));
    catalog.set_available(false);
    outbox.lease(us, clock.now(), ttl).await.unwrap_err();
    assert!(leads());
    clock.advance(Duration::from_secs(1));
    assert!(!leads());
    catalog.set_available(true);
    outbox.lease(us, clock.now(), ttl).await.unwrap();
    assert!(leads());
    // the clocks of two processes differ, and it is taken over
    let later = sample::seconds_after(60);
    catalog.lease(them, later, ttl).await.unwrap();
    assert_eq!(outbox.lease(us, later, ttl).await.unwrap(), None);
    assert!(!leads());
}

#[tokio::test]
async fn what_is_looked_up_stays_while_the_catalogue_is_away_and_says_of_when_it_is() {
    let metrics = metrics();
    let (catalog, clock) = (
        Arc::new(FakeCatalog::new()),
        Arc::new(FixedClock::at(sample::now())),
    );
    let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
    let event = sample::presigned(&intent);
    let occurred_at = event.occurred_at;
    catalog.record_intent(intent.clone(), event).await.unwrap();
    clock.set(sample::seconds_after(60));
    let sampler = sampler(&metrics, &catalog, &clock);
    let name = sample::sink_name().to_string();
    let looked_up = || {
        let text = read(&metrics);
        let of_sink = [("sink", &*name)];
        [
            text.value("nexus_raw_open_intents", &[]),
            text.value("nexus_raw_open_intents_bytes", &[]),
            text.value("nexus_raw_outbox_undelivered_events", &of_sink),
            text.value("nexus_raw_outbox_oldest_undelivered_age_seconds", &of_sink),
            text.value("nexus_raw_outbox_parked_events", &of_sink),
            text.value("nexus_raw_sampled_timestamp_seconds", &[]),
        ]
    };
    assert_eq!(
        looked_up(),
        [Some(0.0), Some(0.0), None, None, None, Some(0.0)]
    );
    sampler.sample().await.unwrap();
    let age = sample::seconds_after(60).since(occurred_at).as_secs_f64();
    let bytes = intent.facts.size_bytes.get();
    #[expect(clippy::cast_precision_loss, reason = "a few bytes")]
    let expected = [
        Some(1.0),
        Some(bytes as f64),
        Some(1.0),
        Some(age),
        Some(0.0),
        Some(1_795_482_060.0),
    ];
    assert_eq!(looked_up(), expected);

    catalog.set_available(false);
    clock.set(sample::seconds_after(600));
    sampler.sample().await.unwrap_err();
    assert_eq!(looked_up(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_catalogue_is_asked_every_five_seconds_until_the_end() {
    let metrics = metrics();
    let (catalog, clock) = (
        Arc::new(FakeCatalog::new()),
        Arc::new(FixedClock::at(sample::now())),
    );
    let mut sampler = sampler(&metrics, &catalog, &clock);
    sampler.outbox = metrics.outbox(Arc::clone(&catalog) as _);
    let asked = || {
        let labels = [("operation", "backlog"), ("outcome", "ok")];
        read(&metrics).value("nexus_raw_catalog_call_duration_seconds_count", &labels)
    };
    let end = tokio::time::sleep(Duration::from_millis(60_500));
    sampler.run(end).await;
    // one at once, then one each five seconds
    assert_eq!(asked(), Some(13.0));
}

#[test]
fn groups_are_told_by_their_size_once_they_are_committed() {
    let metrics = metrics();
    let observe = metrics.group_observer();
    for (calls, committed) in [(1, true), (5, true), (256, true), (100, false)] {
        let took = Duration::from_millis(2);
        observe(GroupAttempt {
            calls,
            took,
            committed,
        });
    }
    let text = read(&metrics);
    let bucket = |le| text.value("nexus_raw_catalog_group_calls_bucket", &[("le", le)]);
    let told = [
        bucket("1"),
        bucket("4"),
        bucket("8"),
        bucket("128"),
        bucket("256"),
    ];
    assert_eq!(
        told,
        [Some(1.0), Some(1.0), Some(2.0), Some(2.0), Some(3.0)]
    );
    let sum = text.value("nexus_raw_catalog_group_calls_sum", &[]);
    assert_eq!(sum, Some(262.0));
    for (outcome, count) in [("committed", 3.0), ("failed", 1.0)] {
        let name = "nexus_raw_catalog_group_duration_seconds_count";
        assert_eq!(text.value(name, &[("outcome", outcome)]), Some(count));
    }
}
