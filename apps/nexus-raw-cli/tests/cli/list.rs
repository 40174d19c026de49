use serde_json::{Value, json};

use crate::{
    run::{ID, Ran, command_for, record, run},
    stub::{Answer, Stub},
};

fn page(count: usize, next: Option<&str>) -> Answer {
    let assets: Vec<Value> = (0..count)
        .map(|_| serde_json::from_str(&record()).unwrap())
        .collect();
    Answer::json(
        200,
        json!({"assets": assets, "next_cursor": next}).to_string(),
    )
}

#[test]
fn a_list_is_a_table_of_all_pages_an_empty_one_included() {
    let stub = Stub::start(|_, before| match before {
        0 => page(1, Some("a+b/=")),
        1 => page(0, Some("c")),
        _ => page(1, None),
    });
    let row = format!(
        "{ID}  2026-11-24T01:00:07.123456Z         161713  {:24}  DSCN0010.jpg\n",
        "image/jpeg"
    );
    let head = format!(
        "{:36}  {:27}  {:>13}  {:24}  FILE\n",
        "ASSET", "IMPORTED", "BYTES", "TYPE"
    );
    let expected = Ran {
        exit: 0,
        out: format!("{head}{row}{row}"),
        err: String::new(),
    };
    assert_eq!(run(&mut command_for(&stub.url), ["ls"]), expected);
    let cursors = ["", "&cursor=a%2Bb%2F%3D", "&cursor=c"];
    let lines = cursors.map(|it| format!("GET /nexus/raw?limit=1000{it}"));
    assert_eq!(stub.lines(), lines);
}

#[test]
fn every_filter_is_sent_and_the_limit_is_of_all_pages() {
    let digest = "0f".repeat(32);
    let stub = Stub::start(|request, _| {
        let first = !request.target.contains("cursor=");
        page(
            if first { 1000 } else { 500 },
            Some(if first { "c" } else { "d" }),
        )
    });
    let upper = ID.to_uppercase();
    let args = [
        "ls",
        "--json",
        "--limit",
        "1500",
        "--sha256",
        &digest,
        "--size-bytes",
        "7",
        "--content-type",
        "image/*",
        "--filename",
        "a b&c",
        "--filename-prefix",
        "a",
        "--registered-by",
        "u+1",
        "--label",
        "camera=x=y",
        "--label",
        "empty=",
        "--captured-from",
        "2008-10-22T16:28:39+02:00",
        "--captured-to",
        "2009-01-01T00:00:00Z",
        "--imported-from",
        "2026-01-01T00:00:00Z",
        "--imported-to",
        "2027-01-01T00:00:00Z",
        "--derived-from",
        &upper,
        "--pii-flag",
        "face",
        "--train-ok",
        "true",
        "--train-ok-effective",
        "false",
    ];
    let ran = run(&mut command_for(&stub.url), args);
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    assert_eq!(ran.out.lines().count(), 1500);
    for line in ran.out.lines() {
        let record: Value = serde_json::from_str(&record()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(line).unwrap(), record);
    }
    let query = format!(
        "sha256={digest}&size_bytes=7&content_type=image%2F*&filename=a+b%26c&filename_prefix=a\
         &registered_by=u%2B1&captured_from=2008-10-22T16%3A28%3A39%2B02%3A00\
         &captured_to=2009-01-01T00%3A00%3A00Z&imported_from=2026-01-01T00%3A00%3A00Z\
         &imported_to=2027-01-01T00%3A00%3A00Z&derived_from={ID}&pii_flag=face\
         &train_ok=true&train_ok_effective=false&label.camera=x%3Dy&label.empty="
    );
    let pages = ["&limit=1000", "&limit=500&cursor=c"];
    assert_eq!(
        stub.lines(),
        pages.map(|it| format!("GET /nexus/raw?{query}{it}"))
    );
}

#[test]
fn a_list_that_does_not_go_on_is_not_followed_for_ever() {
    let stub = Stub::start(|_, _| page(1, Some("same")));
    let ran = run(&mut command_for(&stub.url), ["ls"]);
    assert_eq!((ran.exit, stub.lines().len()), (1, 2), "{}", ran.err);
}
