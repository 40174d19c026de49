//! The alarms for operators, tried by Prometheus itself on the real metrics of a server: each
//! fires on its fault, and none on a server that is well.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use serde_json::json;

use super::openapi_document::tool;
use crate::{
    caller::Caller,
    http::Request,
    machine::{Machine, Server},
};

const RULES: &str = include_str!("../../../../../docs/prometheus/nexus-raw.rules.yaml");
const OPERATIONS: &str = include_str!("../../../../../docs/OPERATIONS.md");

/// A replica, by the labels that Prometheus adds to all that it scrapes there.
const A: &str = r#"job="nexus-raw",instance="a:9464""#;
const B: &str = r#"job="nexus-raw",instance="b:9464""#;

/// Prometheus' notation of a series, a sample a minute: begin, step, and so many times.
const STEADY: &str = "x120";

/// Every series, by name and labels, with its samples.
type Samples = BTreeMap<String, String>;

/// The series `name{labels}` of a replica.
fn series(name: &str, labels: &str, replica: &str) -> String {
    let comma = if labels.is_empty() { "" } else { "," };
    format!("{name}{{{labels}{comma}{replica}}}")
}

/// What Prometheus has of a replica that goes on as it was when it was scraped.
fn steady(scraped: &str, replica: &str) -> Samples {
    let mut all: Samples = scraped
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = name.split_once('{').unwrap_or((name, "}"));
            let key = series(name, labels.trim_end_matches('}'), replica);
            (key, format!("{value}+0{STEADY}"))
        })
        .collect();
    // the time of such a test begins with 1970
    for (name, samples) in [
        ("up", "1"),
        ("process_start_time_seconds", "0"),
        ("nexus_raw_verified_assets_ratio", "1"),
        ("nexus_raw_sampled_timestamp_seconds", "0+60"),
    ] {
        all.insert(series(name, "", replica), format!("{samples}{STEADY}"));
    }
    all
}

/// A fault: the series that differ from those of a healthy server, and the alarms that must fire.
struct Fault {
    changed: Vec<(String, &'static str)>,
    fires: &'static [&'static str],
}

fn fault<const N: usize>(
    changed: [(&str, &str, &'static str); N],
    fires: &'static [&'static str],
) -> Fault {
    let changed = changed.map(|(name, labels, samples)| (series(name, labels, A), samples));
    Fault {
        changed: changed.into(),
        fires,
    }
}

const REGISTER: &str = r#"method="POST",route="/nexus/raw/register""#;
const STAT: &str = r#"operation="stat",outcome="ok""#;

/// What is wrong with one replica while all else is well, and what that is not yet.
fn faults() -> Vec<Fault> {
    let requests = |ok, failed, fires| {
        let [good, bad] = [200, 503].map(|status| format!("{REGISTER},status=\"{status}\""));
        let name = "nexus_raw_http_requests_total";
        fault([(name, &good, ok), (name, &bad, failed)], fires)
    };
    let bucket = |name, labels: &str, bound, samples| {
        let labels = format!("{labels},le=\"{bound}\"");
        (series(name, &labels, A), samples)
    };
    let slow = |name, labels: &str, fires| Fault {
        changed: vec![
            bucket(name, labels, "1.0", "0+0x120"),
            bucket(name, labels, "2.5", "0+0x120"),
            bucket(name, labels, "5.0", "0+60x120"),
            bucket(name, labels, "10.0", "0+60x120"),
            bucket(name, labels, "+Inf", "0+60x120"),
        ],
        fires,
    };
    let http = "nexus_raw_http_request_duration_seconds_bucket";
    let store = "nexus_raw_storage_call_duration_seconds";
    let away = r#"operation="stat",outcome="unavailable""#;
    let offset = |samples, fires| fault([("nexus_raw_clock_offset_seconds", "", samples)], fires);
    let sink = r#"sink="log""#;
    vec![
        requests("0+600x120", "0+12x120", &["NexusRawFails"]),
        requests("0+600x120", "0+3x120", &[]),
        slow(
            http,
            &format!("{REGISTER},status=\"200\""),
            &["NexusRawIsSlow"],
        ),
        // the caller requested to wait for events
        slow(
            http,
            r#"method="GET",route="/nexus/raw/events",status="200""#,
            &[],
        ),
        slow(&format!("{store}_bucket"), STAT, &["NexusRawStorageIsSlow"]),
        fault(
            [(&format!("{store}_count"), away, "0+30x120")],
            &["NexusRawStorageIsAway"],
        ),
        fault(
            [(
                "nexus_raw_outbox_oldest_undelivered_age_seconds",
                sink,
                "0+60x120",
            )],
            &["NexusRawEventsAreHeldUp"],
        ),
        fault(
            [("nexus_raw_outbox_parked_events", sink, "1x120")],
            &["NexusRawEventsAreParked"],
        ),
        fault(
            [("nexus_raw_relay_leader", "", "0x120")],
            &["NexusRawNobodyRelays"],
        ),
        fault(
            [("nexus_raw_open_intents", "", "100001x120")],
            &["NexusRawIntentsPileUp"],
        ),
        fault(
            [("nexus_raw_corrupt_assets", "", "1x120")],
            &["NexusRawAssetsAreCorrupt"],
        ),
        fault(
            [("nexus_raw_verified_assets_ratio", "", "0.89x120")],
            &["NexusRawAssetsAreUnverified"],
        ),
        fault([("nexus_raw_verified_assets_ratio", "", "0.9x120")], &[]),
        offset("61x120", &["NexusRawClockIsOff"]),
        offset("-61x120", &["NexusRawClockIsOff"]),
        offset("60x120", &[]),
        fault(
            [
                ("nexus_raw_sampled_timestamp_seconds", "", "0x120"),
                ("process_start_time_seconds", "", "0x120"),
            ],
            &["NexusRawCatalogIsAway", "NexusRawCatalogIsAwayFromOne"],
        ),
        // it restarts every ten minutes
        fault(
            [(
                "process_start_time_seconds",
                "",
                "0x9 600x9 1200x9 1800x9 2400x9 3000x9 3600x9 4200x9 4800x9 5400x9 6000x9 6600x9",
            )],
            &["NexusRawRestarts"],
        ),
        // and it was replaced once
        fault([("process_start_time_seconds", "", "0x60 3600x60")], &[]),
    ]
}

/// A test of promtool: after so many minutes exactly these alarms fire.
fn group(all: &Samples, minutes: u8, fires: &[&str]) -> String {
    let series = all
        .iter()
        .map(|(series, samples)| format!("      - {{series: '{series}', values: '{samples}'}}"))
        .collect::<Vec<_>>()
        .join("\n");
    let fires: Vec<_> = fires
        .iter()
        .map(|alarm| format!("          - {{labels: '{{alertname=\"{alarm}\"}}', value: 1}}"))
        .collect();
    let fires = fires.join("\n");
    format!(
        "  - interval: 1m
    input_series:
{series}
    promql_expr_test:
      - eval_time: {minutes}m
        expr: group by (alertname) (ALERTS{{alertstate=\"firing\"}})
        exp_samples:
{fires}
"
    )
}

/// Has promtool run the tests against the rules; what it says where one fails.
fn run(rules: &str, groups: &[String]) -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    let tests = format!(
        "rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n{}",
        groups.concat()
    );
    fs::write(directory.path().join("rules.yaml"), rules).unwrap();
    fs::write(directory.path().join("tests.yaml"), tests).unwrap();
    let promtool = |arguments: &[&str]| {
        let mut command = Command::new(tool("promtool"));
        let run = command.args(arguments).current_dir(&directory);
        let output = run.output().unwrap();
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
        }
    };
    promtool(&["check", "rules", "rules.yaml"])?;
    promtool(&["test", "rules", "tests.yaml"])
}

/// The metrics of a server that has done its work.
async fn scraped(machine: &Machine, server: &Server) -> String {
    let caller = Caller::owner_of("t_demo", machine, server);
    let record = caller.put("DSCN0010.jpg", b"a photograph").await.json();
    caller.register(&json!({"asset_id": "no-id"})).await;
    let path = format!("/nexus/raw/{}", record["asset_id"].as_str().unwrap());
    assert_eq!(caller.get(&path).await.status, 200);
    // all is delivered by then
    server.events(2);
    let answer = Request::new(server.metrics, "GET", "/metrics").send().await;
    String::from_utf8(answer.body).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_alarm_fires_on_its_fault_and_none_on_a_server_that_is_well() {
    let machine = Machine::new();
    let server = machine.start();
    let text = scraped(&machine, &server).await;
    let mut healthy = steady(&text, A);
    // it has just begun to relay, and may not have been sampled yet
    healthy.insert(series("nexus_raw_relay_leader", "", A), "1x120".to_owned());

    let mut groups: Vec<String> = [5, 60, 110]
        .map(|minutes| group(&healthy, minutes, &[]))
        .into();
    let faults = faults();
    let mut fired: BTreeSet<&str> = faults.iter().flat_map(|it| it.fires).copied().collect();
    for Fault { changed, fires } in faults {
        let mut ill = healthy.clone();
        ill.extend(
            changed
                .into_iter()
                .map(|(key, samples)| (key, samples.to_owned())),
        );
        groups.push(group(&ill, 110, fires));
    }

    let standby = || {
        let mut all = steady(&text, B);
        all.insert(series("nexus_raw_relay_leader", "", B), "0x120".to_owned());
        all
    };
    let with = |other: Samples| -> Samples { healthy.clone().into_iter().chain(other).collect() };
    let down = |replica: &str| Samples::from([(series("up", "", replica), "0x120".to_owned())]);
    let forgetful = {
        let mut all = standby();
        let key = series("nexus_raw_sampled_timestamp_seconds", "", B);
        all.insert(key, "0x120".to_owned());
        all
    };
    for (all, fires) in [
        // two that are well, one that is gone, one that alone does not reach the catalogue
        (with(standby()), &[][..]),
        (with(down(B)), &["NexusRawReplicaIsDown"][..]),
        (with(forgetful), &["NexusRawCatalogIsAwayFromOne"]),
        // no replica is left, be they known or not
        (
            down(A).into_iter().chain(down(B)).collect(),
            &["NexusRawIsDown", "NexusRawReplicaIsDown"],
        ),
        (
            Samples::from([("up{job=\"another\"}".to_owned(), "1x120".to_owned())]),
            &["NexusRawIsDown"],
        ),
    ] {
        fired.extend(fires);
        groups.push(group(&all, 110, fires));
    }
    if let Err(output) = run(RULES, &groups) {
        panic!("{output}");
    }

    let alarms: BTreeSet<&str> = RULES
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    assert_eq!(fired, alarms, "each alarm must have been seen to fire");
}

/// The test above can fail: without its rule, a fault fires nothing.
#[test]
fn a_rule_that_is_missing_is_noticed() {
    let at = |alarm: &str| RULES.find(&format!("      - alert: {alarm}\n")).unwrap();
    let without = format!(
        "{}{}",
        &RULES[..at("NexusRawIsDown")],
        &RULES[at("NexusRawReplicaIsDown")..]
    );
    let nobody = Samples::from([("up{job=\"another\"}".to_owned(), "1x120".to_owned())]);
    let groups = [group(&nobody, 110, &["NexusRawIsDown"])];
    assert_eq!(run(RULES, &groups), Ok(()));
    let output = run(&without, &groups).unwrap_err();
    assert!(output.contains("NexusRawIsDown"), "{output}");
}

#[test]
fn the_document_for_operators_leads_to_the_rules_and_names_each() {
    let link = "prometheus/nexus-raw.rules.yaml";
    assert!(OPERATIONS.contains(&format!("]({link})")), "no {link}");
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    assert!(docs.join(link).exists());
    let (_, section) = OPERATIONS.split_once("\n### Alarms\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    for line in RULES.lines() {
        if let Some(alarm) = line.trim().strip_prefix("- alert: ") {
            assert!(section.contains(&format!("\n| `{alarm}` |")), "{alarm}");
        }
    }
}
