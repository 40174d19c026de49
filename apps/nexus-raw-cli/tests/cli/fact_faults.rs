use nexus_raw::asset::{CapturedAt, License, PiiFlag, Sha256Digest};

use crate::{
    fact::service,
    run::{ID, Ran, command_for, run},
};

/// Expects these faults of options, and no request.
fn assert_faults(options: &[&str], faults: &[String]) {
    let stub = service(201);
    let ran = run(command_for(&stub.url).args(["fact", ID]), options);
    let lines: Vec<_> = faults.iter().map(|it| format!("  {it}\n")).collect();
    let expected = Ran {
        exit: 2,
        out: String::new(),
        err: format!("error: the command line is wrong\n{}", lines.concat()),
    };
    assert_eq!(ran, expected, "{options:?}");
    assert_eq!(stub.lines().len(), 0);
}

fn text_rule(max_bytes: u16) -> String {
    format!(
        "must have 1 to {max_bytes} bytes of UTF-8, and no control, bidirectional-format or \
         zero-width character and no noncharacter"
    )
}

#[test]
fn a_faulty_value_is_reported_with_its_rule_before_any_request() {
    let holder = text_rule(256);
    let license = License::parse("CC BY").unwrap_err().to_string();
    for (option, value, rule) in [
        ("--train-ok", "yes", "must be true or false"),
        ("--license", "CC BY", &license),
        ("--rights-holder", "a\nb", &holder),
        ("--scan", "clamav", "must be SCANNER=VERDICT"),
        (
            "--c2pa",
            "maybe",
            "must be `absent`, `present`, `valid` or `invalid`",
        ),
    ] {
        assert_faults(&[option, value], &[format!("{option}: {rule}")]);
    }
}

#[test]
fn each_faulty_flag_and_label_is_reported() {
    let flag = PiiFlag::parse("shoe").unwrap_err();
    assert_faults(
        &["--pii-flag", "shoe,face,hat\u{1b}"],
        &[
            format!("--pii-flag shoe: {flag}"),
            format!("--pii-flag hat\\u{{1b}}: {flag}"),
        ],
    );
    assert_faults(&["--pii-flag", "face,"], &[format!("--pii-flag : {flag}")]);
    assert_faults(
        &["--pii-flag", "face,face"],
        &["--pii-flag face: repeats an earlier member".to_owned()],
    );
    let key = "must have keys of 1 to 63 of `a-z`, `0-9`, `.`, `_` and `-`, starting with a letter or digit";
    assert_faults(
        &["--label", "Upper=1", "--label", "none"],
        &[
            format!("--label Upper=1: {key}"),
            "--label none: must be KEY=VALUE".to_owned(),
        ],
    );
    assert_faults(
        &["--label", "a=1", "--label", "a=2"],
        &["--label: a is given twice".to_owned()],
    );
}

#[test]
fn the_faults_of_all_options_are_reported_at_once() {
    let long = "x".repeat(513);
    let scan = ["--scan", "=dirty", "--scanned-at", "yesterday"];
    let proof = ["--reason", &long, "--evidence-sha256", "00"];
    let time = CapturedAt::parse("yesterday").unwrap_err();
    let time = format!("{time}; or a date such as 2008-10-22, which is its midnight in UTC");
    let digest = Sha256Digest::parse("00").unwrap_err();
    assert_faults(
        &[scan, proof].concat(),
        &[
            format!("--scan, scanner: {}", text_rule(128)),
            "--scan, verdict: must be `clean`, `infected` or `unknown`".to_owned(),
            format!("--scanned-at: {time}"),
            format!("--reason: {}", text_rule(512)),
            format!("--evidence-sha256: {digest}"),
        ],
    );
    let stub = service(201);
    let args = ["fact", "no-id", "--c2pa", "maybe"];
    let ran = run(&mut command_for(&stub.url), args);
    let named = ["  ID: ", "  --c2pa: "].map(|it| ran.err.matches(it).count());
    assert_eq!((ran.exit, named), (2, [1, 1]), "{}", ran.err);
}
