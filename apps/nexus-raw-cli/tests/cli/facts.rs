use serde_json::{Value, json};

use crate::{
    run::{ID, Ran, command_for, run},
    stub::{Answer, Stub},
};

const ANCESTOR: &str = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e00";

fn fact(sequence: u64, kind: &str, value: &Value) -> Value {
    json!({
        "sequence": sequence, "stated_at": "2026-11-24T01:03:00Z", "stated_by": "u_demo",
        "kind": kind, "value": value, "reason": null, "evidence_sha256": null,
    })
}

fn in_force() -> Value {
    json!({
        "train_ok": false, "train_ok_effective": false, "withheld_by": [ID, ANCESTOR],
        "pii_flags": ["face", "name"], "labels": {"camera": "x", "evil": "\u{1b}[2J"},
        "license": "CC-BY-4.0", "rights_holder": "Acme",
        "scan": {"scanner": "clamav", "verdict": "clean", "scanned_at": "2026-11-24T01:00:00Z"},
        "c2pa": {"state": "valid"},
    })
}

fn bare(train_ok: bool, train_ok_effective: bool) -> Value {
    json!({
        "train_ok": train_ok, "train_ok_effective": train_ok_effective, "withheld_by": [],
        "pii_flags": [], "labels": {}, "license": null, "rights_holder": null, "scan": null,
        "c2pa": null,
    })
}

fn done(out: impl Into<String>) -> Ran {
    Ran {
        exit: 0,
        out: out.into(),
        err: String::new(),
    }
}

#[test]
fn facts_are_a_table_of_all_pages_and_what_is_in_force_by_the_last() {
    let mut holder = fact(12, "rights_holder", &json!("Acme\n13  forged"));
    holder["reason"] = "a\u{1b}[2Jcontract".into();
    holder["evidence_sha256"] = "0f0f".into();
    let pages = [
        json!({"facts": [fact(5, "train_ok", &json!(false)), holder], "in_force": bare(true, true)}),
        json!({"facts": [fact(20, "of_a_later_version", &json!({"a": 1}))], "in_force": bare(true, true)}),
        json!({"facts": [], "in_force": in_force()}),
    ];
    let stub = Stub::start(move |_, before| Answer::json(200, pages[before].to_string()));
    let expected = format!(
        "\
SEQUENCE  STATED                BY      FACT                VALUE
5         2026-11-24T01:03:00Z  u_demo  train_ok            withheld
12        2026-11-24T01:03:00Z  u_demo  rights_holder       Acme\\u{{a}}13  forged
          reason    a\\u{{1b}}[2Jcontract
          evidence  sha256 0f0f
20        2026-11-24T01:03:00Z  u_demo  of_a_later_version  {{\"a\":1}}

in force
  training      withheld
  withheld by   {ID}, this asset
  withheld by   {ANCESTOR}
  personal data face, name
  label         camera=x
  label         evil=\\u{{1b}}[2J
  license       CC-BY-4.0
  rights holder Acme
  scan          clean at 2026-11-24T01:00:00Z by clamav
  c2pa          valid
"
    );
    assert_eq!(
        run(&mut command_for(&stub.url), ["facts", ID]),
        done(expected)
    );
    let line = |after| format!("GET /nexus/raw/{ID}/facts?after={after}&limit=1000");
    assert_eq!(stub.lines(), [0, 12, 20].map(line));
}

#[test]
fn without_facts_what_was_registered_is_in_force() {
    for (own, effective, words) in [
        (true, true, "allowed"),
        (true, false, "withheld by ancestor"),
        (false, false, "withheld"),
    ] {
        let page = json!({"facts": [], "in_force": bare(own, effective)}).to_string();
        let stub = Stub::start(move |_, _| Answer::json(200, page.clone()));
        let expected = format!("in force\n  training      {words}\n  personal data none stated\n");
        assert_eq!(
            run(&mut command_for(&stub.url), ["facts", ID]),
            done(expected)
        );
    }
}

#[test]
fn a_hundred_withholding_assets_may_not_be_all() {
    for (count, more) in [(99, 0), (100, 1)] {
        let mut in_force = bare(false, false);
        in_force["withheld_by"] = vec![json!(ANCESTOR); count].into();
        let page = json!({"facts": [], "in_force": in_force}).to_string();
        let stub = Stub::start(move |_, _| Answer::json(200, page.clone()));
        let ran = run(&mut command_for(&stub.url), ["facts", ID]);
        assert_eq!(ran.out.matches("… and maybe more").count(), more);
    }
}

#[test]
fn facts_as_json_are_one_answer_with_each_fact_byte_for_byte() {
    let facts = ["{ \"sequence\": 1, \"a\" : 1.0 }", "{\"sequence\":7}"];
    let last = "{ \"new\" : 1.0 }";
    let stub = Stub::start(move |_, before| {
        let page = match before {
            0 | 1 => format!("{{ \"facts\" : [{}], \"in_force\": {{}} }}", facts[before]),
            _ => format!("{{\"facts\":[],\"in_force\":{last}}}"),
        };
        Answer::json(200, page)
    });
    let expected = format!("{{\"facts\":[{}],\"in_force\":{last}}}\n", facts.join(","));
    assert_eq!(
        run(&mut command_for(&stub.url), ["facts", ID, "--json"]),
        done(expected)
    );
    let empty = "{\"facts\":[],\"in_force\":{}}";
    let stub = Stub::start(move |_, _| Answer::json(200, empty));
    let expected = done(format!("{empty}\n"));
    assert_eq!(
        run(&mut command_for(&stub.url), ["facts", ID, "--json"]),
        expected
    );
}

#[test]
fn facts_that_do_not_continue_are_not_followed_for_ever() {
    let page = json!({"facts": [fact(5, "train_ok", &json!(true))], "in_force": bare(true, true)});
    let stub = Stub::start(move |_, _| Answer::json(200, page.to_string()));
    let ran = run(&mut command_for(&stub.url), ["facts", ID]);
    assert_eq!(
        (ran.exit, ran.out.as_str(), stub.lines().len()),
        (1, "", 2),
        "{}",
        ran.err
    );
}
