//! What the document for those who run the service says of the metrics.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use actix_web::http::{Method, StatusCode};
use nexus_raw_catalog_sql::{CatalogObserver, GroupAttempt};
use nexus_raw_testkit::{FakeStore, RecordingSink};

use super::*;

const RULES: &str = include_str!("../../../../../docs/prometheus/nexus-raw.rules.yaml");
const OPERATIONS: &str = include_str!("../../../../../docs/OPERATIONS.md");

/// Has every metric have a series.
async fn all_used() -> (Metrics, Vec<NameAndHelp>) {
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
    let sink = metrics.sink(Arc::new(RecordingSink::new(sample::sink_name())));
    sink.deliver(&[]).await.unwrap();
    let took = Duration::from_millis(3);
    metrics.called("ready", took, Some(Ok(())));
    metrics.attempted(GroupAttempt {
        calls: 2,
        took,
        committed: true,
    });
    let requests = metrics.requests();
    requests.answered(&Method::GET, "/healthz", StatusCode::OK, took);
    metrics.listener("api").unreadable(400);
    let sampler = sampler(&metrics, &catalog, &clock);
    sampler.sample().await.unwrap();
    (metrics, described)
}

/// Name, kind and labels of each row of the table of metrics.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let section = OPERATIONS.split("\n## Metrics\n").nth(1).unwrap();
    let section = section.split("\n### ").next().unwrap();
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
fn the_alarms_are_of_metrics_that_there_are() {
    let known = documented();
    let words = RULES.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
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
