//! The contract of S3, rule by rule, tested over the wire with own signatures.
//!
//! A rule is a function that does one thing to a store and says in a few words what came of it.
//! What it must say of each store that is tested stands in [`TABLE`], which `docs/S3-SERVERS.md`
//! shows: a store that changes, for better or worse, fails a test until the table is changed too.

#![expect(
    missing_docs,
    clippy::must_use_candidate,
    reason = "the name of a rule is its documentation, and what it does to the store is its use"
)]

mod authorization;
mod bench;
mod conditions;
mod cors;
mod digests;
mod keys;
mod objects;
mod presigned;
mod signed_headers;
mod table;

pub use self::{
    authorization::*,
    bench::Bench,
    conditions::*,
    cors::*,
    digests::*,
    keys::*,
    objects::*,
    presigned::*,
    signed_headers::*,
    table::{Row, Server, TABLE, documented, markdown, outcome_of},
};
use crate::s3::Endpoint;

/// Sees that a rule says of a server what [`TABLE`] says that it does.
///
/// # Panics
/// Where it does not.
pub fn hold(server: Server, rule: &str, outcome: &str) {
    assert_eq!(outcome, outcome_of(server, rule), "{rule} on {server:?}");
}

/// Hands the names of all rules to a macro of this crate, after one argument of its own.
#[doc(hidden)]
#[macro_export]
macro_rules! s3_rules {
    ($then:ident, $harness:expr) => {
        $crate::$then! {
            $harness,
            [
                a_presigned_put_stores_what_was_signed,
                a_presigned_get_reads,
                a_presigned_put_to_another_key_is_refused,
                a_presigned_put_to_another_bucket_is_refused,
                a_presigned_put_to_the_key_with_a_slash_is_refused,
                a_presigned_put_by_another_host_is_refused,
                a_presigned_put_is_no_get,
                a_presigned_put_is_no_delete,
                an_added_parameter_is_refused,
                a_removed_algorithm_is_refused,
                a_removed_credential_is_refused,
                a_removed_date_is_refused,
                a_removed_end_is_refused,
                a_removed_list_of_signed_headers_is_refused,
                a_removed_signature_is_refused,
                another_algorithm_is_refused,
                another_key_id_is_refused,
                another_region_is_refused,
                a_signature_for_another_region_is_refused,
                a_signature_for_another_service_is_refused,
                another_date_is_refused,
                another_end_is_refused,
                a_shorter_list_of_signed_headers_is_refused,
                another_signature_is_refused,
                a_url_works_five_seconds_before_its_end,
                a_url_is_refused_a_second_after_its_end,
                a_url_lives_for_seven_days,
                a_url_does_not_live_longer_than_seven_days,
                a_url_without_life_is_refused,
                a_url_of_the_future_is_refused,
                a_second_write_is_refused,
                other_bytes_are_refused,
                another_length_is_refused,
                two_signatures_at_once_are_refused,
                another_content_type_is_refused,
                no_content_type_is_refused,
                no_create_once_is_refused,
                another_condition_is_refused,
                no_checksum_is_refused,
                another_checksum_is_refused,
                other_metadata_is_refused,
                no_metadata_is_refused,
                unsigned_metadata_is_refused,
                an_unsigned_acl_is_refused,
                an_unsigned_grant_is_refused,
                an_unsigned_copy_source_is_refused,
                an_unsigned_tagging_is_refused,
                an_unsigned_storage_class_is_refused,
                an_unsigned_redirect_is_refused,
                an_unsigned_encryption_is_refused,
                an_unsigned_lock_is_refused,
                an_unsigned_content_disposition_is_taken,
                an_unsigned_cache_control_is_taken,
                a_signed_put_is_stored,
                a_request_without_a_signature_is_refused,
                a_read_without_a_signature_is_refused,
                another_secret_is_refused,
                an_unknown_key_id_is_refused,
                another_region_in_the_header_is_refused,
                another_service_in_the_header_is_refused,
                a_date_sixteen_minutes_ago_is_refused,
                a_date_sixteen_minutes_ahead_is_refused,
                a_session_token_that_nobody_gave_is_refused,
                version_2_in_the_header_is_refused,
                version_2_in_the_query_is_refused,
                another_target_than_signed_is_refused,
                an_unsigned_header_beside_a_signature_is_refused,
                other_bytes_than_the_signed_digest_are_refused,
                a_signed_stream_is_stored_without_its_framing,
                another_chunk_than_signed_is_refused,
                a_stream_with_a_trailer_is_stored_without_its_framing,
                a_wrong_checksum_in_a_trailer_is_refused,
                content_md5_is_checked,
                crc32_is_checked,
                crc32c_is_checked,
                crc64nvme_is_checked,
                sha1_is_checked,
                sha256_is_checked,
                a_refused_write_leaves_what_was_there,
                a_malformed_md5_is_refused,
                a_malformed_checksum_is_refused,
                two_checksums_are_refused,
                a_checksum_is_told_where_it_is_asked_for,
                a_checksum_is_not_told_unasked,
                create_once_stores_where_nothing_is,
                create_once_refuses_where_something_is,
                of_fifty_first_writers_one_wins,
                create_once_after_a_delete_stores,
                a_write_knows_no_other_if_none_match_than_any,
                get_by_if_match,
                get_by_if_none_match,
                head_by_if_match,
                head_by_if_none_match,
                a_content_type_is_kept,
                a_content_type_is_kept_against_the_ending,
                octet_stream_is_kept_against_the_ending,
                without_a_type_it_is_that_of_s3,
                metadata_is_kept,
                empty_metadata_is_kept,
                metadata_beyond_2_kib_is_refused,
                a_content_encoding_is_kept,
                a_cache_control_is_kept,
                a_content_disposition_is_kept,
                the_tag_of_a_single_put_is_its_md5,
                no_bytes_and_one_byte_are_kept,
                six_mebibytes_are_kept,
                a_range_is_a_part,
                a_delete_is_a_delete_however_often,
                an_absent_key_is_told_from_an_absent_bucket,
                an_absent_key_is_a_plain_404_to_head,
                a_version_is_told_where_the_bucket_has_versions,
                encryption_by_the_store_is_done_and_told,
                a_key_with_a_percent_sign,
                a_key_with_a_plus_sign,
                a_key_with_spaces,
                a_key_with_reserved_characters,
                a_key_with_a_backslash,
                a_key_in_composed_letters,
                a_key_with_a_segment_of_two_dots,
                a_key_that_would_leave_its_bucket,
                a_key_with_a_segment_of_one_dot,
                a_key_with_an_empty_segment,
                a_key_with_a_slash_at_its_end,
                a_key_with_a_slash_at_its_start,
                a_key_below_another_key,
                a_key_of_1024_bytes,
                a_key_of_1024_bytes_in_one_segment,
                a_key_of_1025_bytes,
                a_bucket_takes_a_cors_rule,
                a_page_of_the_origin_may_upload,
                a_page_of_another_origin_may_not,
                a_page_may_not_delete,
                a_page_may_not_read,
                a_page_may_send_no_other_header,
                what_a_page_may_not_ask_it_may_not_read,
                the_page_may_read_the_tag_of_what_it_uploaded,
                the_answer_differs_by_origin_and_says_so,
                a_page_of_another_origin_reads_nothing,
                the_page_may_read_a_refusal,
                without_a_rule_no_page_reads_anything,
            ]
        }
    };
}

/// Puts a store through the suite. Takes a function of a rule's name that gives the
/// [`Server`](crate::contract::s3::Server), the [`Bench`](crate::contract::s3::Bench), and a value
/// that keeps the server alive.
#[macro_export]
macro_rules! s3_contract {
    ($harness:expr) => {
        $crate::s3_rules! { s3_tests, $harness }
    };
}

/// One `#[test]` for each rule.
#[doc(hidden)]
#[macro_export]
macro_rules! s3_tests {
    ($harness:expr, [$($rule:ident),+ $(,)?]) => {
        $(
            #[test]
            fn $rule() {
                use $crate::contract::s3;
                // what keeps the server alive must outlive the rule
                let (server, bench, _alive) = $harness(stringify!($rule));
                s3::hold(server, stringify!($rule), &s3::$rule(&bench));
            }
        )+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! s3_measure {
    ($bench:expr, [$($rule:ident),+ $(,)?]) => {
        vec![$(
            (stringify!($rule), $crate::contract::s3::$rule(&$bench(stringify!($rule)))),
        )+]
    };
}

/// Every rule with what it says of a store, one after the other, in a bucket that is there.
#[must_use]
pub fn measure(endpoint: &Endpoint, bucket: &str) -> Vec<(&'static str, String)> {
    let bench = |rule: &str| Bench::new(endpoint, bucket, rule);
    crate::s3_rules!(s3_measure, bench)
}
