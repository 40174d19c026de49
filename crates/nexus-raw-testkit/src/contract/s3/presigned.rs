//! Presigned URLs: what they allow, for how long, and what they do not allow.

use super::bench::{Bench, CONTENT, OTHER, status_and_code};
use crate::s3::Presign;

pub fn a_presigned_put_stores_what_was_signed(bench: &Bench) -> String {
    bench.put(&bench.upload())
}

pub fn a_presigned_get_reads(bench: &Bench) -> String {
    let path = bench.path("k");
    bench.place(&path, &[], CONTENT);
    let target = bench.signer().presign(&Presign {
        method: "GET",
        path: &path,
        query: &[("response-content-type", "text/plain")],
        headers: &[],
        expires: 60,
    });
    let answer = bench.send("GET", &target, &[], b"");
    let kind = answer.header("content-type").unwrap_or_default();
    let content = String::from_utf8_lossy(&answer.body);
    format!("{} {kind}: {content}", answer.status)
}

pub fn a_presigned_put_to_another_key_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().at("/k?", "/other?"))
}

pub fn a_presigned_put_to_another_bucket_is_refused(bench: &Bench) -> String {
    let other = bench.new_bucket();
    let upload = bench.upload();
    let (first, _) = upload.path[1..].split_once('/').unwrap();
    bench.put(&upload.at(&format!("/{first}/"), &format!("{other}/")))
}

pub fn a_presigned_put_to_the_key_with_a_slash_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().at("/k?", "/k/?"))
}

pub fn a_presigned_put_by_another_host_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().with("host", "elsewhere.example"))
}

pub fn a_presigned_put_is_not_a_get(bench: &Bench) -> String {
    let upload = bench.upload();
    bench.place(&upload.path, &[], CONTENT);
    status_and_code(&bench.send("GET", &upload.target, &upload.headers, CONTENT))
}

pub fn a_presigned_put_is_not_a_delete(bench: &Bench) -> String {
    let upload = bench.upload();
    bench.place(&upload.path, &[], CONTENT);
    let answer = bench.send("DELETE", &upload.target, &upload.headers, CONTENT);
    let there = bench.signed("HEAD", &upload.path, &[], b"").status == 200;
    status_and_code(&answer) + if there { "" } else { ", deleted" }
}

pub fn an_added_parameter_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().at("?", "?x-amz-acl=public-read&"))
}

pub fn a_removed_algorithm_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().without_parameter("X-Amz-Algorithm"))
}

pub fn a_removed_credential_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().without_parameter("X-Amz-Credential"))
}

pub fn a_removed_date_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().without_parameter("X-Amz-Date"))
}

pub fn a_removed_end_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().without_parameter("X-Amz-Expires"))
}

pub fn a_removed_list_of_signed_headers_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().without_parameter("X-Amz-SignedHeaders"))
}

pub fn a_removed_signature_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().without_parameter("X-Amz-Signature"))
}

pub fn another_algorithm_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().at("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"))
}

pub fn another_key_id_is_refused(bench: &Bench) -> String {
    let id = format!("{}%2F", bench.endpoint.access_key_id);
    bench.put(&bench.upload().at(&id, "AKIDOTHER%2F"))
}

pub fn another_region_is_refused(bench: &Bench) -> String {
    let region = format!("%2F{}%2F", bench.endpoint.region);
    bench.put(&bench.upload().at(&region, "%2Fmoon-north-1%2F"))
}

pub fn a_signature_for_another_region_is_refused(bench: &Bench) -> String {
    let mut signer = bench.signer();
    signer.region = "moon-north-1".into();
    bench.put(&bench.upload_by(&signer, 600))
}

pub fn a_signature_for_another_service_is_refused(bench: &Bench) -> String {
    let mut signer = bench.signer();
    signer.service = "sts".into();
    bench.put(&bench.upload_by(&signer, 600))
}

pub fn another_date_is_refused(bench: &Bench) -> String {
    let upload = bench.upload();
    let later = bench.signer().signed_at(60).timestamp();
    let mut other = upload.without_parameter("X-Amz-Date");
    other.target = format!("{}&X-Amz-Date={later}", other.target);
    bench.put(&other)
}

pub fn another_end_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().at("Expires=600", "Expires=6000"))
}

pub fn a_shorter_list_of_signed_headers_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().at("%3Bif-none-match", ""))
}

pub fn another_signature_is_refused(bench: &Bench) -> String {
    let upload = bench.upload();
    let last = upload.target.chars().last().unwrap();
    let (from, other) = (last.to_string(), if last == '0' { "1" } else { "0" });
    let cut = upload.target.len() - from.len();
    let mut forged = upload.clone();
    forged.target.replace_range(cut.., other);
    bench.put(&forged)
}

pub fn a_url_works_five_seconds_before_its_end(bench: &Bench) -> String {
    bench.put(&bench.upload_by(&bench.signer().signed_at(-55), 60))
}

pub fn a_url_is_refused_a_second_after_its_end(bench: &Bench) -> String {
    bench.put(&bench.upload_by(&bench.signer().signed_at(-61), 60))
}

pub fn a_url_is_valid_for_seven_days(bench: &Bench) -> String {
    bench.put(&bench.upload_by(&bench.signer().signed_at(-604_000), 604_800))
}

pub fn a_url_is_not_valid_for_more_than_seven_days(bench: &Bench) -> String {
    bench.put(&bench.upload_by(&bench.signer(), 604_801))
}

pub fn a_url_with_no_lifetime_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload_by(&bench.signer(), 0))
}

pub fn a_url_of_the_future_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload_by(&bench.signer().signed_at(3_600), 60))
}

pub fn a_second_write_is_refused(bench: &Bench) -> String {
    let upload = bench.upload();
    assert_eq!(bench.put(&upload), "200");
    status_and_code(&bench.send("PUT", &upload.target, &upload.headers, CONTENT))
}

pub fn other_bytes_are_refused(bench: &Bench) -> String {
    let upload = bench.upload();
    let answer = bench.send("PUT", &upload.target, &upload.headers, OTHER);
    bench.outcome(&upload.path, &answer)
}

pub fn another_length_is_refused(bench: &Bench) -> String {
    let upload = bench.upload().with("content-length", "11");
    let answer = bench.send("PUT", &upload.target, &upload.headers, &CONTENT[1..]);
    bench.outcome(&upload.path, &answer)
}

pub fn two_signatures_at_once_are_refused(bench: &Bench) -> String {
    let upload = bench.upload();
    let more = bench
        .signer()
        .sign_header("PUT", &upload.path, &[], CONTENT);
    let authorization = more.iter().find(|(name, _)| name == "authorization");
    let (name, value) = authorization.unwrap();
    bench.put(&upload.with(name, value))
}
