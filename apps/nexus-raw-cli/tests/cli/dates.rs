//! Dates and lists as values of options.

use crate::{
    run::{ID, command_for, record, run},
    stub::{Answer, Stub},
};

const MIDNIGHT: &str = "2008-10-22T00:00:00Z";

#[test]
fn a_date_is_sent_as_its_midnight_and_the_user_is_told() {
    let stub = Stub::start(|request, _| match request.method.as_str() {
        "GET" => Answer::json(200, r#"{"assets":[],"next_cursor":null}"#),
        _ => Answer::json(201, record()),
    });
    let register = ["register", ID, "--captured-at", "2008-10-22"];
    let ran = run(&mut command_for(&stub.url), register);
    let note = format!("note: --captured-at is sent as {MIDNIGHT}\n");
    assert_eq!((ran.exit, ran.err), (0, note));
    assert_eq!(stub.requests()[0].json()["captured_at"], MIDNIGHT);

    for option in [
        "--captured-from",
        "--captured-to",
        "--imported-from",
        "--imported-to",
    ] {
        let ran = run(&mut command_for(&stub.url), ["ls", option, "2008-10-22"]);
        let note = format!("note: {option} is sent as {MIDNIGHT}\n");
        assert_eq!((ran.exit, ran.err), (0, note));
        let parameter = option.trim_start_matches('-').replace('-', "_");
        let line = format!("GET /nexus/raw?{parameter}=2008-10-22T00%3A00%3A00Z&limit=1000");
        assert_eq!(stub.lines().last(), Some(&line));
    }
}

/// It prints no notes, as its help says.
#[test]
fn a_quiet_put_needs_no_note() {
    for (options, notes) in [(&[][..], 1), (&["--quiet"], 0)] {
        let args = ["put", "/no/such/file", "--captured-at", "2008-10-22"];
        let mut command = command_for("http://127.0.0.1:1");
        let ran = run(command.args(args), options);
        assert_eq!(ran.err.matches("note: ").count(), notes, "{}", ran.err);
    }
}

#[test]
fn a_date_of_a_scan_is_its_midnight_too() {
    let stub = Stub::start(|_, _| Answer::empty(404));
    let args = [
        "fact",
        ID,
        "--scan",
        "clamav=clean",
        "--scanned-at",
        "2008-10-22",
    ];
    let ran = run(&mut command_for(&stub.url), args);
    let note = format!("note: --scanned-at is sent as {MIDNIGHT}\n");
    assert!(ran.err.starts_with(&note), "{}", ran.err);
    assert_eq!(stub.requests()[0].json()["value"]["scanned_at"], MIDNIGHT);
}

#[test]
fn a_time_is_sent_as_written_and_needs_no_note() {
    let stub = Stub::start(|_, _| Answer::json(201, record()));
    let time = "2008-10-22T02:00:00+02:00";
    let ran = run(
        &mut command_for(&stub.url),
        ["register", ID, "--captured-at", time],
    );
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    assert_eq!(stub.requests()[0].json()["captured_at"], time);
}
