use std::{
    io::{BufRead as _, BufReader, pipe},
    process::Stdio,
    sync::{Mutex, mpsc::channel},
    time::Duration,
};

use serde_json::json;

use crate::{
    run::{ID, Ran, command_for, process_for, run},
    stub::{Answer, Stub},
};

const FEED_HEAD: &str = "SEQUENCE  TIME                         EVENT                         ASSET                                 USER          DETAIL";

fn event(sequence: u64) -> String {
    let kind = if sequence % 2 == 1 {
        "raw_asset_presigned"
    } else {
        "raw_asset_registered"
    };
    format!(
        r#"{{"event_id":"e","event_type":"{kind}","sequence":{sequence},"occurred_at":"2026-11-24T01:00:07.123456Z","asset_id":"{ID}","user_id":"u_\u001b[2J","a_new_member":1.0}}"#
    )
}

fn page(sequences: impl IntoIterator<Item = u64>) -> Answer {
    let events: Vec<_> = sequences.into_iter().map(event).collect();
    Answer::json(200, format!(r#"{{"events":[{}]}}"#, events.join(",")))
}

fn line(after: u64, wait: u8) -> String {
    format!("GET /nexus/raw/events?after={after}&limit=1000&wait_seconds={wait}")
}

#[test]
fn events_of_all_assets_are_printed_from_a_place_on_to_their_end() {
    let stub = Stub::start(|_, before| match before {
        0 => page(3..=4),
        _ => page([]),
    });
    let ran = run(&mut command_for(&stub.url), ["events", "--after", "2"]);
    let expected = "\
SEQUENCE  TIME                         EVENT                         ASSET                                 USER          DETAIL
3         2026-11-24T01:00:07.123456Z  raw_asset_presigned           019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11  u_\\u{1b}[2J
4         2026-11-24T01:00:07.123456Z  raw_asset_registered          019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11  u_\\u{1b}[2J
";
    assert_eq!(
        (ran.exit, ran.out.as_str(), ran.err.as_str()),
        (0, expected, "")
    );
    assert_eq!(stub.lines(), [line(2, 0), line(4, 0)]);
}

#[test]
fn a_stated_fact_or_a_verdict_is_in_the_last_column_and_cannot_move_the_cursor() {
    let fact = json!({"kind": "rights_holder", "value": "A\u{1b}[2J\nB", "reason": null});
    let verification = |verdict| json!({"verdict": verdict, "sha256": null, "a_new_member": 1.0});
    for (kind, member, value, words) in [
        (
            "raw_asset_fact_stated",
            "fact",
            fact,
            "rights_holder: A\\u{1b}[2J\\u{a}B\n",
        ),
        (
            "raw_asset_verified",
            "verification",
            verification("intact"),
            "verdict: intact\n",
        ),
        (
            "raw_asset_corrupt",
            "verification",
            verification("of a later \u{1b}version"),
            "verdict: of a later \\u{1b}version\n",
        ),
    ] {
        let event = json!({
            "event_type": kind, "sequence": 1, "occurred_at": "2026-11-24T01:00:07Z",
            "asset_id": ID, "user_id": "u_demo", "trace_id": "t", member: value,
        });
        let body = json!({"events": [event]}).to_string();
        let stub = Stub::start(move |_, before| match before % 2 {
            0 => Answer::json(200, body.clone()),
            _ => page([]),
        });
        let ran = run(&mut command_for(&stub.url), ["events", "--after", "0"]);
        let row = format!(
            "1         {:27}  {kind:28}  {ID}  {:12}  {words}",
            "2026-11-24T01:00:07Z", "u_demo"
        );
        assert_eq!(
            (ran.exit, ran.out.split_once('\n')),
            (0, Some((FEED_HEAD, &*row)))
        );
        let ran = run(&mut command_for(&stub.url), ["events", ID]);
        let width = kind.len();
        let expected = format!(
            "SEQUENCE  TIME                  {:width$}  USER    TRACE  DETAIL\n\
             1         2026-11-24T01:00:07Z  {kind}  u_demo  t      {words}",
            "EVENT"
        );
        assert_eq!((ran.exit, ran.out), (0, expected));
    }
}

#[test]
fn a_page_is_followed_by_the_next_until_one_is_empty_and_json_is_one_event_a_line_as_it_was_answered()
 {
    let stub = Stub::start(|_, before| match before {
        0 => page(1..=1000),
        // it may be shorter than requested, and not the last
        1 => page(1001..=1002),
        2 => page(1003..=1003),
        _ => page([]),
    });
    let args = ["events", "--after", "0", "--json"];
    let ran = run(&mut command_for(&stub.url), args);
    let lines: Vec<_> = ran.out.lines().collect();
    assert_eq!((ran.exit, lines.len()), (0, 1003), "{}", ran.err);
    assert_eq!((lines[0], lines[1002]), (&*event(1), &*event(1003)));
    let expected = [0, 1000, 1002, 1003].map(|after| line(after, 0));
    assert_eq!(stub.lines(), expected);
}

#[test]
fn a_follower_polls_until_it_is_refused() {
    let denied = json!({
        "status": 401, "code": "unauthenticated", "title": "Not authenticated",
    });
    let stub = Stub::start(move |_, before| match before {
        0 => page(1..=2),
        1 => page([]),
        2 => page(3..=3),
        _ => Answer::problem(401, &denied),
    });
    let args = ["events", "--follow", "--json"];
    let ran = run(&mut command_for(&stub.url), args);
    let expected = format!("{}\n{}\n{}\n", event(1), event(2), event(3));
    assert_eq!((ran.exit, ran.out), (6, expected));
    assert_eq!(
        stub.lines(),
        [line(0, 20), line(2, 20), line(2, 20), line(3, 20)]
    );
}

/// As `head -3` does, and there may be no other event for hours.
#[test]
fn a_follower_ends_quietly_when_its_reader_does_although_no_event_comes() {
    let (end, ended) = channel::<()>();
    let ended = Mutex::new(ended);
    let denied = json!({
        "status": 401, "code": "unauthenticated", "title": "Not authenticated",
    });
    let stub = Stub::start(move |_, before| {
        if before == 0 {
            return page(1..=2);
        }
        // one that does not end is refused at last
        let _ = ended.lock().unwrap().recv_timeout(Duration::from_mins(1));
        Answer::problem(401, &denied)
    });
    let (reader, writer) = pipe().unwrap();
    let mut command = process_for(&stub.url);
    let command = command.args(["events", "--follow"]).stdout(writer);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(reader).lines().take(3);
    let lines: Vec<_> = lines.map(Result::unwrap).collect();
    let output = child.wait_with_output().unwrap();
    drop(end);
    assert_eq!((lines.len(), &*lines[0]), (3, FEED_HEAD));
    assert_eq!(
        (
            output.status.code(),
            &*String::from_utf8_lossy(&output.stderr)
        ),
        (Some(0), "")
    );
}

#[test]
fn a_gap_ends_it_and_nothing_beyond_is_printed() {
    for (sequences, next) in [([1, 3], 3), ([1, 1], 1)] {
        let stub = Stub::start(move |_, _| page(sequences));
        let args = ["events", "--after", "0", "--json"];
        assert_eq!(
            run(&mut command_for(&stub.url), args),
            Ran {
                exit: 1,
                out: format!("{}\n", event(1)),
                err: format!(
                    "error: event sequence has a gap: {next} after 1\n\
                     hint: was the catalogue restored from a backup, or is --server another one? \
                     Events printed before may be invalid\n"
                ),
            }
        );
    }
}

#[test]
fn an_answer_that_is_no_page_is_not_printed() {
    for body in ["{}", r#"{"events":[{}]}"#, r#"{"events":"none"}"#, "[]"] {
        let stub = Stub::start(move |_, _| Answer::json(200, body));
        for args in [
            &["events", "--follow"][..],
            &["events", "--follow", "--json"],
        ] {
            let ran = run(&mut command_for(&stub.url), args);
            assert_eq!((ran.exit, ran.out.as_str()), (1, ""), "{body}: {}", ran.err);
        }
    }
}
