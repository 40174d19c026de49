//! Completions and aborts of multipart uploads.

use std::thread;

use super::bench::{Bench, CONTENT, OTHER, or, status_and_code};
use super::multipart_parts::begin;
use crate::s3::{Answer, MultipartClient, PartName, base64_sha256, composite_sha256};

/// The size of every part but the last one.
const PART_BYTES: usize = 5 * 1024 * 1024;
/// Pairs of completions at once; SeaweedFS lets both of about every second pair win.
const RACES: usize = 16;
const ONCE: (&str, &str) = ("if-none-match", "*");

fn large_part() -> Vec<u8> {
    (0..PART_BYTES).map(|at| at.to_le_bytes()[1]).collect()
}

/// Begins an upload of one part, [`CONTENT`].
fn one_part(bench: &Bench) -> (MultipartClient, Vec<PartName>) {
    let upload = begin(bench);
    let part = upload.place(1, CONTENT);
    (upload, vec![part])
}

/// Begins an upload of two parts, and returns their content, too.
fn two_parts(bench: &Bench) -> (MultipartClient, Vec<PartName>, Vec<u8>) {
    let (upload, large) = (begin(bench), large_part());
    let parts = vec![upload.place(1, &large), upload.place(2, CONTENT)];
    (upload, parts, large)
}

/// Completes an upload of [`CONTENT`] with changed parts.
fn with_other_parts(bench: &Bench, change: impl FnOnce(&mut Vec<PartName>)) -> String {
    let (upload, mut parts) = one_part(bench);
    change(&mut parts);
    bench.outcome(&upload.path, &upload.complete(&parts, &[ONCE]))
}

/// Completes an upload of [`CONTENT`] with one more header.
fn with_header(bench: &Bench, name: &str, value: &str) -> String {
    let (upload, parts) = one_part(bench);
    let completed = upload.complete(&parts, &[ONCE, (name, value)]);
    bench.outcome(&upload.path, &completed)
}

pub fn a_completion_makes_one_object(bench: &Bench) -> String {
    let (upload, parts, large) = two_parts(bench);
    let completed = upload.complete(&parts, &[ONCE]);
    let got = bench.signed("GET", &upload.path, &[], b"").body;
    let is_whole = got == [&large, CONTENT].concat();
    let range = [("range", "bytes=5242878-5242882")];
    let range = bench.signed("GET", &upload.path, &range, b"");
    let is_part = range.body == [&large[PART_BYTES - 2..], &CONTENT[..3]].concat();
    format!(
        "{}, {}, {} {}",
        status_and_code(&completed),
        or(is_whole, "other bytes"),
        range.status,
        or(is_part, "other bytes"),
    )
}

pub fn a_composite_checksum_is_that_of_the_parts(bench: &Bench) -> String {
    let (upload, parts, large) = two_parts(bench);
    let completed = upload.complete(&parts, &[ONCE]);
    let answered = completed.texts("ChecksumSHA256").concat();
    let mode = [("x-amz-checksum-mode", "ENABLED")];
    let head = bench.signed("HEAD", &upload.path, &mode, b"");
    let kept = head.header("x-amz-checksum-sha256").unwrap_or("nothing");
    let expected = composite_sha256(&[&large, CONTENT]);
    format!(
        "{}, {} {}",
        or(answered == expected, &answered),
        or(kept == expected, kept),
        head.header("x-amz-checksum-type").unwrap_or("of no type")
    )
}

/// The tag is the MD5 of the MD5s, which for this content was computed by other means.
pub fn the_tag_of_an_object_in_parts_names_their_number(bench: &Bench) -> String {
    let (upload, parts) = one_part(bench);
    let completed = upload.complete(&parts, &[ONCE]).texts("ETag").concat();
    let head = bench.signed("HEAD", &upload.path, &[], b"");
    let kept = head.header("etag").unwrap_or_default();
    let expected = "\"c7dc24205f51fbbdb696ccad0d24c2a3-1\"";
    format!(
        "{}, {}",
        or(completed == expected, &completed),
        or(kept == expected, kept)
    )
}

pub fn an_object_in_parts_has_the_type_and_metadata_of_its_begin(bench: &Bench) -> String {
    let headers = [("content-type", "image/jpeg"), ("x-amz-meta-a", "one")];
    let upload = MultipartClient::begin(&bench.endpoint, &bench.path("k"), &headers);
    let parts = [upload.place(1, CONTENT)];
    assert_eq!(upload.complete(&parts, &[ONCE]).status, 200);
    let head = bench.signed("HEAD", &upload.path, &[], b"");
    headers
        .map(|(name, value)| {
            let kept = head.header(name).unwrap_or("nothing");
            or(kept == value, kept)
        })
        .join(", ")
}

pub fn a_part_that_was_replaced_counts_as_its_last_upload(bench: &Bench) -> String {
    let (upload, old) = one_part(bench);
    let new = [upload.place(1, OTHER)];
    let stale = upload.complete(&old, &[ONCE]);
    let completed = upload.complete(&new, &[ONCE]);
    let got = bench.signed("GET", &upload.path, &[], b"").body;
    format!(
        "{}, then {} {}",
        status_and_code(&stale),
        status_and_code(&completed),
        String::from_utf8_lossy(&got)
    )
}

pub fn a_completion_without_parts_is_refused(bench: &Bench) -> String {
    with_other_parts(bench, Vec::clear)
}

pub fn a_completion_with_a_missing_part_is_refused(bench: &Bench) -> String {
    let (upload, mut parts, _) = two_parts(bench);
    parts[1].number = 3;
    bench.outcome(&upload.path, &upload.complete(&parts, &[ONCE]))
}

pub fn a_completion_in_another_order_is_refused(bench: &Bench) -> String {
    let (upload, mut parts, _) = two_parts(bench);
    parts.reverse();
    bench.outcome(&upload.path, &upload.complete(&parts, &[ONCE]))
}

pub fn a_completion_with_a_part_twice_is_refused(bench: &Bench) -> String {
    with_other_parts(bench, |parts| parts.push(parts[0].clone()))
}

pub fn a_completion_with_another_tag_is_refused(bench: &Bench) -> String {
    with_other_parts(bench, |parts| {
        "\"00000000000000000000000000000000\"".clone_into(&mut parts[0].etag);
    })
}

pub fn a_completion_with_another_part_digest_is_refused(bench: &Bench) -> String {
    with_other_parts(bench, |parts| parts[0].sha256 = base64_sha256(OTHER))
}

pub fn a_completion_without_a_part_digest_is_refused(bench: &Bench) -> String {
    with_other_parts(bench, |parts| parts[0].sha256.clear())
}

pub fn a_completion_that_begins_with_part_2_is_refused(bench: &Bench) -> String {
    let upload = begin(bench);
    let parts = [upload.place(2, CONTENT)];
    bench.outcome(&upload.path, &upload.complete(&parts, &[ONCE]))
}

pub fn a_completion_with_a_small_part_before_the_last_is_refused(bench: &Bench) -> String {
    let upload = begin(bench);
    let parts = [upload.place(1, CONTENT), upload.place(2, CONTENT)];
    bench.outcome(&upload.path, &upload.complete(&parts, &[ONCE]))
}

pub fn a_completion_of_the_right_size_is_taken(bench: &Bench) -> String {
    with_header(bench, "x-amz-mp-object-size", "12")
}

pub fn a_completion_of_another_size_is_refused(bench: &Bench) -> String {
    with_header(bench, "x-amz-mp-object-size", "13")
}

pub fn a_completion_with_its_composite_is_taken(bench: &Bench) -> String {
    let composite = composite_sha256(&[CONTENT]);
    with_header(bench, "x-amz-checksum-sha256", &composite)
}

pub fn a_completion_with_another_composite_is_refused(bench: &Bench) -> String {
    let composite = composite_sha256(&[OTHER]);
    with_header(bench, "x-amz-checksum-sha256", &composite)
}

pub fn a_completion_refuses_an_existing_key(bench: &Bench) -> String {
    let (upload, parts) = one_part(bench);
    bench.place(&upload.path, &[], OTHER);
    let completed = upload.complete(&parts, &[ONCE]);
    let there = bench.signed("GET", &upload.path, &[], b"").body;
    let is_open = upload.list("").texts("PartNumber") == ["1"];
    status_and_code(&completed)
        + if there == OTHER { "" } else { ", overwritten" }
        + if is_open { "" } else { ", ended" }
}

pub fn a_completion_without_a_condition_replaces(bench: &Bench) -> String {
    let (upload, parts) = one_part(bench);
    bench.place(&upload.path, &[], OTHER);
    let completed = upload.complete(&parts, &[]);
    let there = bench.signed("GET", &upload.path, &[], b"").body;
    let there = String::from_utf8_lossy(&there).into_owned();
    format!("{} {there}", status_and_code(&completed))
}

/// AWS may also return 409 to a racing completion.
pub fn one_of_two_completions_at_once_wins(bench: &Bench) -> String {
    for race in 0..RACES {
        let path = bench.path(&format!("k{race}"));
        let uploads = [CONTENT, OTHER].map(|content| {
            let upload = MultipartClient::begin(&bench.endpoint, &path, &[]);
            let parts = [upload.place(1, content)];
            (upload, parts)
        });
        let answers: Vec<Answer> = thread::scope(|scope| {
            let completions = uploads
                .each_ref()
                .map(|(upload, parts)| scope.spawn(move || upload.complete(parts, &[ONCE])));
            completions.map(|it| it.join().unwrap()).into()
        });
        let won = answers.iter().filter(|it| it.status == 200).count();
        let refused = answers.iter().filter(|it| [409, 412].contains(&it.status));
        if won != 1 || refused.count() != 1 {
            return answers
                .iter()
                .map(status_and_code)
                .collect::<Vec<_>>()
                .join(" and ");
        }
    }
    "yes".to_owned()
}

pub fn a_repeated_completion_does_not_overwrite(bench: &Bench) -> String {
    let (upload, parts) = one_part(bench);
    let first = upload.complete(&parts, &[ONCE]);
    let again = upload.complete(&parts, &[ONCE]);
    format!(
        "{}, then {}",
        status_and_code(&first),
        status_and_code(&again)
    )
}

pub fn an_aborted_upload_cannot_be_completed(bench: &Bench) -> String {
    let (upload, parts) = one_part(bench);
    let aborted = upload.abort();
    let completed = upload.complete(&parts, &[ONCE]);
    let completed = bench.outcome(&upload.path, &completed);
    format!("{}, then {completed}", status_and_code(&aborted))
}

pub fn a_repeated_abort_is_refused(bench: &Bench) -> String {
    let (upload, _) = one_part(bench);
    let (first, again) = (upload.abort(), upload.abort());
    format!(
        "{}, then {}",
        status_and_code(&first),
        status_and_code(&again)
    )
}
