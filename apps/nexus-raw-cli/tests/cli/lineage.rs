use serde_json::{Value, json};

use crate::{
    run::{Ran, command_for, run},
    stub::{Answer, Stub},
};

fn id(n: u8) -> String {
    format!("019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e{n:02x}")
}

fn node(n: u8, filename: &str, train_ok: bool, train_ok_effective: bool) -> Value {
    json!({
        "asset_id": id(n), "filename": filename, "content_type": "image/jpeg", "depth": 0,
        "train_ok": train_ok, "train_ok_effective": train_ok_effective,
    })
}

fn graph(nodes: &[Value], edges: &[(u8, u8)], truncated: bool) -> Value {
    let edges = edges
        .iter()
        .map(|(from, to)| json!({"from": id(*from), "to": id(*to)}));
    json!({
        "asset_id": id(1), "nodes": nodes, "edges": edges.collect::<Vec<_>>(), "truncated": truncated,
    })
}

fn lineage(graph: &Value, options: &[&str]) -> (Ran, Vec<String>) {
    let body = graph.to_string();
    let stub = Stub::start(move |_, _| Answer::json(200, body.clone()));
    let id = id(1);
    let mut command = command_for(&stub.url);
    let ran = run(command.args(["lineage", &id]), options);
    (ran, stub.lines())
}

/// A diamond above the asset, and a pair below it of which one comes from the other.
fn family() -> Value {
    let nodes = [
        node(1, "crop.jpg", true, false),
        node(2, "left.jpg", true, true),
        node(3, "right.jpg", true, false),
        node(4, "DSCN0010.jpg", false, false),
        node(5, "small.jpg", true, true),
        node(6, "smaller.jpg", true, false),
    ];
    // the last one comes from an ancestor, too, which is not its place below
    let edges = [
        (2, 1),
        (3, 1),
        (4, 2),
        (4, 3),
        (1, 5),
        (1, 6),
        (5, 6),
        (4, 6),
    ];
    graph(&nodes, &edges, true)
}

#[test]
fn a_lineage_is_a_tree_with_marks_in_which_each_asset_is_described_once() {
    let (ran, lines) = lineage(&family(), &["--direction", "both"]);
    let expected = format!(
        "\
{}  withheld by ancestor  crop.jpg
ancestors
├── {}  allowed               left.jpg
│   └── {}  withheld              DSCN0010.jpg
└── {}  withheld by ancestor  right.jpg
    └── {}  (see above)           DSCN0010.jpg
descendants
├── {}  allowed               small.jpg
│   └── {}  withheld by ancestor  smaller.jpg
└── {}  (see above)           smaller.jpg
… more than --depth and --limit allow
",
        id(1),
        id(2),
        id(4),
        id(3),
        id(4),
        id(5),
        id(6),
        id(6),
    );
    assert_eq!(
        ran,
        Ran {
            exit: 0,
            out: expected,
            err: String::new()
        }
    );
    let expected = format!("GET /nexus/raw/{}/lineage?direction=both", id(1));
    assert_eq!(lines, [expected]);
}

#[test]
fn one_direction_is_requested_and_shown_with_its_bounds() {
    let alone = graph(&[node(1, "a", true, true)], &[], false);
    for (options, query, section) in [
        (&[][..], "direction=ancestors", "ancestors"),
        (
            &[
                "--direction",
                "descendants",
                "--depth",
                "50",
                "--limit",
                "1000",
            ],
            "direction=descendants&depth=50&limit=1000",
            "descendants",
        ),
    ] {
        let (ran, lines) = lineage(&alone, options);
        let expected = format!("{}  allowed               a\n{section}: none\n", id(1));
        assert_eq!((ran.exit, ran.out, ran.err.as_str()), (0, expected, ""));
        assert_eq!(lines, [format!("GET /nexus/raw/{}/lineage?{query}", id(1))]);
    }
}

#[test]
fn a_file_name_writes_neither_control_sequences_nor_lines_of_its_own() {
    let hostile = "a\u{1b}[2J\n└── 019ab0c2  allowed  b\r\u{202e}gpj.exe";
    let nodes = [node(1, "a", true, true), node(2, hostile, true, false)];
    let (ran, _) = lineage(&graph(&nodes, &[(2, 1)], false), &[]);
    let line = format!(
        "└── {}  withheld by ancestor  \
         a\\u{{1b}}[2J\\u{{a}}└── 019ab0c2  allowed  b\\u{{d}}\\u{{202e}}gpj.exe",
        id(2)
    );
    assert_eq!((ran.exit, ran.out.lines().count()), (0, 3), "{}", ran.out);
    assert_eq!(ran.out.lines().last(), Some(&*line));
}

#[test]
fn a_cycle_ends() {
    let nodes = [node(1, "a", true, true), node(2, "b", true, true)];
    let (ran, _) = lineage(&graph(&nodes, &[(2, 1), (1, 2)], false), &[]);
    let expected = format!(
        "{}  allowed               a\nancestors\n└── {}  allowed               b\n    └── {}  (see above)           a\n",
        id(1),
        id(2),
        id(1)
    );
    assert_eq!((ran.exit, ran.out), (0, expected));
}

#[test]
fn a_diagram_and_json_are_printed_unchanged() {
    for (option, query, answer) in [
        (
            "--mermaid",
            "&format=mermaid",
            Answer::empty(200).with("content-type", "text/plain; charset=utf-8"),
        ),
        (
            "--dot",
            "&format=dot",
            Answer::empty(200).with("content-type", "text/plain; charset=utf-8"),
        ),
        ("--json", "", Answer::json(200, "")),
    ] {
        let answer = std::sync::Mutex::new(Some(answer.body("any { text ]")));
        let stub = Stub::start(move |_, _| answer.lock().unwrap().take().unwrap());
        let ran = run(&mut command_for(&stub.url), ["lineage", &id(1), option]);
        assert_eq!(
            (ran.exit, ran.out.as_str(), ran.err.as_str()),
            (0, "any { text ]\n", "")
        );
        let line = format!(
            "GET /nexus/raw/{}/lineage?direction=ancestors{query}",
            id(1)
        );
        assert_eq!(stub.lines(), [line]);
        let accept = if option == "--json" {
            "application/json"
        } else {
            "text/plain"
        };
        assert_eq!(stub.requests()[0].header("accept"), Some(accept));
    }
}

#[test]
fn an_answer_that_is_no_lineage_is_not_printed() {
    let one = [node(1, "a", true, true)];
    for answer in [
        json!({}),
        graph(&[], &[], false),
        graph(&[node(2, "a", true, true)], &[], false),
        graph(&one, &[(2, 1)], false),
        graph(&vec![one[0].clone(); 1001], &[], false),
    ] {
        let (ran, _) = lineage(&answer, &[]);
        assert_eq!((ran.exit, ran.out.as_str()), (1, ""), "{}", ran.err);
    }
    // JSON where a diagram was requested
    let (ran, _) = lineage(&graph(&one, &[], false), &["--dot"]);
    assert_eq!((ran.exit, ran.out.as_str()), (1, ""), "{}", ran.err);
}
