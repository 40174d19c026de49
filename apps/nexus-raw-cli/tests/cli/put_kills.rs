//! The command is killed while it uploads, and repeated: it goes on where it was.

use std::{collections::BTreeSet, path::Path, process::Command};

use nexus_raw_testkit::{Fault, FaultRule, ProxyEntry, Random, env_number};

use crate::{
    run::Ran,
    site::{Site, of_output, ran, shared},
};

const MIB: u64 = 1024 * 1024;

/// The size of a part, which the service sets.
const PART: u64 = 8 * MIB;

/// How many parts the command uploads at once here.
const CONCURRENCY: u64 = 2;

/// The number of parts of the file: twenty parts show what is sent again.
fn parts() -> u64 {
    env_number("NEXUS_RAW_PUT_PARTS").unwrap_or(20)
}

const KILLS: u64 = 10;

fn put(site: &Site, file: &Path) -> Command {
    let concurrency = CONCURRENCY.to_string();
    let args = ["--part-threshold", "8MiB", "--concurrency", &concurrency];
    let put = ["put", file.to_str().unwrap(), "--json"];
    site.command(put.into_iter().chain(args))
}

/// A moment is a number of bytes that the store received in a run, so that none depends on how
/// fast the machine is. With zero bytes the file is still being hashed.
#[test]
fn an_upload_that_is_killed_at_random_moments_goes_on_and_sends_no_part_twice_that_is_up() {
    let mut random = Random::printed();
    let site = Site::start();
    let parts = parts();
    let file = site.file("large", parts * PART);
    for kill in 0..KILLS {
        // less than what is left, so that it does not end before
        let left = parts - parts_up(&site.store.log());
        let bytes = random.below(2 * left * PART / (KILLS - kill + 2));
        let until = site.store.body_bytes("PUT") + bytes;
        let mut child = put(&site, &file).spawn().unwrap();
        site.store.wait_until(|store| {
            store.body_bytes("PUT") >= until || child.try_wait().unwrap().is_some()
        });
        let _ = child.kill();
        let ran = of_output(child.wait_with_output().unwrap());
        assert_eq!(ran.exit, -1, "it ended before: {}{}", ran.out, ran.err);
    }
    let ran = ran(put(&site, &file));
    assert_eq!(ran.exit, 0, "{}", ran.err);
    site.assert_stored("killed", &ran.out, &file);

    let log = site.store.log();
    assert_eq!(sent_although_listed(&log), [""; 0], "{log:#?}");
    // what was under way is lost at each kill
    let sent = site.store.body_bytes("PUT");
    let at_most = (parts + KILLS * CONCURRENCY) * PART;
    assert!(sent <= at_most, "{sent} bytes");
}

/// Returns the part that a request is for.
fn part_of(entry: &ProxyEntry) -> Option<&str> {
    let (path, query) = entry.target.split_once('?')?;
    // the service's probe of the store has parts, too
    let mut parameters = query.split('&').filter(|_| path.ends_with("/large"));
    parameters.find(|it| it.starts_with("partNumber="))
}

/// Returns how many parts the store has received.
fn parts_up(log: &[ProxyEntry]) -> u64 {
    let received = log.iter().filter(|entry| entry.status == Some(200));
    let parts: BTreeSet<_> = received.filter_map(part_of).collect();
    parts.len() as u64
}

/// Returns the parts that were sent when the store had listed them.
fn sent_although_listed(log: &[ProxyEntry]) -> Vec<&str> {
    let (mut up, mut listed) = (Vec::new(), Vec::new());
    let mut again = Vec::new();
    for entry in log {
        match (&*entry.method, part_of(entry), entry.status) {
            ("PUT", Some(part), None) if listed.contains(&part) => again.push(part),
            ("PUT", Some(part), Some(200)) => up.push(part),
            // as many as the store has: there are fewer than fit on a page
            ("GET", None, None) if entry.target.contains("/large?x-id=ListParts&") => {
                listed.clone_from(&up);
            }
            _ => {}
        }
    }
    again
}

/// Who receives the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    Service,
    Store,
}

/// How the run is ended at a request: before the server has seen it, or when it was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Before,
    After,
}

#[test]
fn an_upload_that_is_killed_at_any_of_its_requests_leaves_one_record() {
    let uploads = [("single", MIB, "1GiB"), ("parts", 2 * PART, "8MiB")];
    let ends = [Peer::Service, Peer::Store]
        .map(|peer| [(peer, Moment::Before), (peer, Moment::After)])
        .concat();
    let cases = uploads
        .iter()
        .flat_map(|upload| ends.iter().map(move |end| (*upload, *end)));
    shared(
        cases.collect(),
        |site, ((kind, size, threshold), (peer, moment))| {
            for number in 1.. {
                let name = format!("{kind}, killed {moment:?} request {number} to {peer:?}");
                let file = site.file(&name, size);
                // by its content alone nothing is found that is registered
                let args = [
                    "--again",
                    "--part-threshold",
                    threshold,
                    "--concurrency",
                    "1",
                ];
                let killed = killed_at(site, site.put(&file, &args), (peer, moment), number);
                if killed.exit == 0 {
                    assert!(number > 1, "{name}: no request");
                    break;
                }
                assert_eq!((killed.exit, &*killed.out), (-1, ""), "{name}");
                let ran = ran(site.put(&file, &args));
                assert_eq!(ran.exit, 0, "{name}: {}", ran.err);
                site.assert_stored(&name, &ran.out, &file);
            }
        },
    );
}

#[test]
fn small_files_that_are_stored_together_have_one_record_each_after_a_kill_at_any_request() {
    let ends = [Peer::Service, Peer::Store]
        .map(|peer| [(peer, Moment::Before), (peer, Moment::After)])
        .concat();
    shared(ends, |site, (peer, moment)| {
        for number in 1.. {
            let name = format!("killed {moment:?} request {number} to {peer:?}");
            let files = [1, 2, 3].map(|file| site.file(&format!("{file} {name}"), 4096));
            let paths = files.iter().map(|it| it.to_str().unwrap());
            let args: Vec<_> = ["put", "--json", "--concurrency", "1"]
                .into_iter()
                .chain(paths)
                .collect();
            let put = || site.command(args.iter().copied());
            let killed = killed_at(site, put(), (peer, moment), number);
            if killed.exit == 0 {
                assert!(number > 1, "{name}: no request");
                break;
            }
            let ran = ran(put());
            assert_eq!(ran.exit, 0, "{name}: {}", ran.err);
            for file in &files {
                site.assert_one_of(&name, &ran.out, file);
            }
        }
    });
}

/// Kills the command at its request of this number, if it has so many.
fn killed_at(
    site: &Site,
    mut command: Command,
    (peer, moment): (Peer, Moment),
    number: usize,
) -> Ran {
    let (proxy, rule, method) = match peer {
        Peer::Service => (&*site.service, FaultRule::every(), None),
        // the service sends the others
        Peer::Store => (&site.store, FaultRule::on("PUT"), Some("PUT")),
    };
    let fault = match moment {
        Moment::Before => Fault::Hang,
        Moment::After => Fault::Withhold,
    };
    let earlier = proxy.log().len();
    proxy.follow([rule.only(number..=number).fault(fault)]);
    let mut child = command.spawn().unwrap();
    proxy.wait_until(|proxy| {
        let log = proxy.log();
        let entries = log[earlier..].iter().filter(|entry| {
            let is_its = method.is_none_or(|only| entry.method == only);
            is_its && entry.status.is_some() == (moment == Moment::After)
        });
        entries.count() >= number || child.try_wait().unwrap().is_some()
    });
    let _ = child.kill();
    proxy.follow([]);
    of_output(child.wait_with_output().unwrap())
}
