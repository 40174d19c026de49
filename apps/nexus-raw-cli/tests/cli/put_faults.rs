//! Faults of the store while a file is uploaded: `put` succeeds as soon as the store does, leaves
//! one record of the file's own bytes, and sends little twice.

use nexus_raw_testkit::{Fault, FaultRule};
use serde_json::Value;

use crate::site::{Site, ran, shared};

const MIB: u64 = 1024 * 1024;

/// The size of a part, which the service sets.
const PART: u64 = 8 * MIB;

/// An error of S3, with a message that a store also gives.
fn error(status: u16, code: &str, message: &str) -> Fault {
    let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    Fault::answer(status, "content-type: application/xml\r\n", &body)
}

/// A response without a body that a client could understand.
fn bare(status: u16) -> Fault {
    Fault::answer(status, "", "")
}

/// Returns how many uploads the store has been asked for.
fn puts(site: &Site) -> usize {
    let log = site.store.log();
    let arrived = log.iter().filter(|it| it.status.is_none());
    arrived.filter(|it| it.method == "PUT").count()
}

/// The options of a run that meets this fault. Elsewhere a busy store is not to be taken for a silent
/// one.
fn patience(name: &str, seconds: &'static str) -> Vec<&'static str> {
    if name.contains("silence") {
        vec!["--silence-seconds", seconds]
    } else {
        vec![]
    }
}

/// What befalls a request and not its repetition.
fn passing() -> Vec<(&'static str, Fault)> {
    let Fault::Say(early) = error(503, "SlowDown", "Reduce your request rate.") else {
        unreachable!();
    };
    vec![
        (
            "the URL has ended",
            error(403, "AccessDenied", "Request has expired"),
        ),
        (
            "the service's credentials have ended",
            error(400, "ExpiredToken", "The provided token has expired."),
        ),
        ("500", error(500, "InternalError", "Try again.")),
        ("503", error(503, "SlowDown", "Reduce your request rate.")),
        ("503 before the body", Fault::SayEarly(early)),
        ("503 without a body", bare(503)),
        (
            "400 RequestTimeout",
            error(400, "RequestTimeout", "Idle for too long."),
        ),
        ("429", bare(429)),
        ("499", bare(499)),
        ("520", bare(520)),
        (
            "409, which means again",
            error(409, "ConditionalRequestConflict", "Try again."),
        ),
        (
            "412 without an object",
            error(412, "PreconditionFailed", "It is there."),
        ),
        ("cut before the body", Fault::CutRequest(0)),
        ("cut within the body", Fault::CutRequest(1_000_000)),
        ("cut after the body", Fault::Close),
        ("a lost response", Fault::Lose),
        ("half a response", Fault::Half),
        ("silence after the body", Fault::Hang),
        ("silence within the body", Fault::StopReading(100_000)),
    ]
}

#[test]
fn a_single_upload_survives_each_fault_and_is_sent_at_most_twice() {
    const SIZE: u64 = 2 * MIB;
    shared(passing(), |site, (name, fault)| {
        let file = site.file(name, SIZE);
        let before = site.store.body_bytes("PUT");
        site.store
            .follow([FaultRule::on("PUT").only(..=1).fault(fault)]);
        let ran = ran(site.put(&file, &patience(name, "8")));
        assert_eq!(ran.exit, 0, "{name}: {}", ran.err);
        site.store.mend();
        let sent = site.store.body_bytes("PUT") - before;
        assert!(sent <= 2 * SIZE, "{name}: {sent} bytes");
        site.assert_stored(name, &ran.out, &file);
    });
}

/// Several faults in one upload, each of another part: an upload of enough parts is long.
#[test]
fn an_upload_in_parts_survives_each_fault_and_sends_only_the_parts_again_that_it_befell() {
    const PARTS: u64 = 21;
    const TOGETHER: usize = 4;
    const SIZE: u64 = PARTS * PART;
    let faults = passing();
    let groups: Vec<_> = faults.chunks(TOGETHER).map(<[_]>::to_vec).collect();
    shared(groups, |site, group| {
        let names: Vec<_> = group.iter().map(|(name, _)| *name).collect();
        let name = &*names.join("; ");
        let file = site.file(name, SIZE);
        let before = site.store.body_bytes("PUT");
        // not those of the first moment alone
        let numbers = (2..).step_by(4);
        let rules = group.into_iter().zip(numbers);
        site.store.follow(
            rules.map(|((_, fault), number)| {
                FaultRule::on("PUT").only(number..=number).fault(fault)
            }),
        );
        let args = [vec!["--part-threshold", "8MiB"], patience(name, "15")].concat();
        let ran = ran(site.put(&file, &args));
        assert_eq!(ran.exit, 0, "{name}: {}", ran.err);
        site.store.mend();
        let sent = site.store.body_bytes("PUT") - before;
        assert!(sent * 10 <= SIZE * 12, "{name}: {sent} bytes");
        site.assert_stored(name, &ran.out, &file);
    });
}

/// A fault that does not pass ends the command, with a documented exit code.
#[test]
fn a_fault_that_stays_ends_the_upload_and_what_is_repeated_later_goes_on() {
    const RETRIES: usize = 1;
    let cases = [
        ("403", error(403, "AccessDenied", "Request has expired"), 4),
        ("400 BadDigest", error(400, "BadDigest", "Other bytes."), 5),
        (
            "503",
            error(503, "SlowDown", "Reduce your request rate."),
            5,
        ),
        ("500 without a body", bare(500), 5),
        ("cut", Fault::CutRequest(100_000), 5),
        ("silence", Fault::Hang, 5),
        ("silence within the body", Fault::StopReading(100_000), 5),
        ("refused connections", Fault::Refuse, 5),
    ];
    let cases: Vec<_> = cases
        .into_iter()
        .flat_map(|(name, fault, exit)| {
            let single = (format!("{name}, single"), 1, fault.clone(), exit);
            [single, (format!("{name}, parts"), 3, fault, exit)]
        })
        .collect();
    shared(cases, |site, (name, parts, fault, exit)| {
        let name = &*name;
        let size = if parts == 1 { 2 * MIB } else { parts * PART };
        let file = site.file(name, size);
        let args = [
            "--part-threshold",
            "8MiB",
            "--retries",
            "1",
            "--concurrency",
            "2",
        ];
        let before = puts(site);
        site.store.break_only("PUT", fault);
        let failed = ran(site.put(&file, &[&args[..], &patience(name, "1")].concat()));
        site.store.mend();
        assert_eq!(failed.exit, exit, "{name}: {}{}", failed.out, failed.err);
        let problem: Value = serde_json::from_str(&failed.out).unwrap();
        assert_eq!(problem["exit"], exit, "{name}: {problem}");
        // a URL that is refused is asked for once more
        let at_most = 2 * (RETRIES + 1) * parts.try_into().unwrap_or(usize::MAX);
        let sent = puts(site) - before;
        assert!(sent <= at_most, "{name}: {sent} requests");

        let ran = ran(site.put(&file, &args));
        assert_eq!(ran.exit, 0, "{name}: {}", ran.err);
        site.assert_stored(name, &ran.out, &file);
    });
}

#[test]
fn small_files_that_are_stored_together_survive_each_fault_of_one_of_them() {
    const FILES: usize = 5;
    shared(passing(), |site, (name, fault)| {
        let files: Vec<_> = (0..FILES)
            .map(|number| site.file(&format!("{number} {name}"), 300_000))
            .collect();
        site.store
            .follow([FaultRule::on("PUT").only(3..=3).fault(fault)]);
        let args = [vec!["put", "--json"], patience(name, "8")].concat();
        let paths = files.iter().map(|it| it.to_str().unwrap());
        let ran = ran(site.command(args.into_iter().chain(paths)));
        assert_eq!(ran.exit, 0, "{name}: {}", ran.err);
        site.store.mend();
        for file in &files {
            site.assert_one_of(name, &ran.out, file);
        }
    });
}

#[test]
fn a_part_that_is_refused_does_not_cut_off_those_under_way() {
    const PARTS: usize = 3;
    let refused = error(400, "InvalidArgument", "No such part.");
    shared(vec![refused], |site, refused| {
        let Fault::Say(refused) = refused else {
            unreachable!();
        };
        let file = site.file("parts", PARTS as u64 * PART);
        let before = puts(site);
        let rule = FaultRule::on("PUT").only(2..=2);
        site.store.follow([rule.fault(Fault::SayEarly(refused))]);
        let args = ["--part-threshold", "8MiB"];
        let failed = ran(site.put(&file, &args));
        assert_eq!(failed.exit, 4, "{}", failed.err);
        let ran = ran(site.put(&file, &args));
        assert_eq!(ran.exit, 0, "{}", ran.err);
        site.assert_stored("refused", &ran.out, &file);
        assert_eq!(puts(site) - before, PARTS + 1);
    });
}
