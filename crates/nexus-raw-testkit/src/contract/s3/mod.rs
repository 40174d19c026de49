//! The contract of S3, rule by rule, tested over the wire with own signatures.
//!
//! A rule is a function that does one thing to a store and returns a short text of the outcome.
//! [`TABLE`], which `docs/S3-SERVERS.md` shows, has the expected outcome for each tested store: a
//! store that changes, for better or worse, fails a test until the table is changed too.

#![expect(
    missing_docs,
    clippy::must_use_candidate,
    reason = "the name of a rule is its documentation, and a rule has effects on the store"
)]

mod authorization;
mod bench;
mod conditions;
mod cors;
mod digests;
mod keys;
mod multipart_checksums;
mod multipart_completion;
mod multipart_lists;
mod multipart_parts;
mod multipart_table;
mod object_lists;
mod objects;
mod presigned;
mod row;
mod signed_headers;
mod table;

pub use self::{
    authorization::*,
    bench::Bench,
    conditions::*,
    cors::*,
    digests::*,
    keys::*,
    multipart_checksums::*,
    multipart_completion::*,
    multipart_lists::*,
    multipart_parts::*,
    object_lists::*,
    objects::*,
    presigned::*,
    row::{Row, Server},
    signed_headers::*,
    table::{TABLE, documented, markdown, outcome_of},
};
use crate::s3::Endpoint;

/// Asserts that the outcome of a rule on a server is that of [`TABLE`].
///
/// # Panics
/// If it is not.
pub fn hold(server: Server, rule: &str, outcome: &str) {
    assert_eq!(outcome, outcome_of(server, rule), "{rule} on {server:?}");
}

/// Passes one argument and the names of all rules to a macro of this crate.
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
                a_presigned_put_is_not_a_get,
                a_presigned_put_is_not_a_delete,
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
                a_url_is_valid_for_seven_days,
                a_url_is_not_valid_for_more_than_seven_days,
                a_url_with_no_lifetime_is_refused,
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
                an_unknown_session_token_is_refused,
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
                a_refused_write_keeps_the_old_object,
                a_malformed_md5_is_refused,
                a_malformed_checksum_is_refused,
                two_checksums_are_refused,
                a_checksum_is_returned_if_requested,
                a_checksum_is_not_returned_by_default,
                create_once_stores_at_a_new_key,
                create_once_refuses_an_existing_key,
                one_of_fifty_racing_writers_wins,
                create_once_after_a_delete_stores,
                a_write_supports_if_none_match_only_with_a_star,
                get_by_if_match,
                get_by_if_none_match,
                head_by_if_match,
                head_by_if_none_match,
                a_content_type_is_kept,
                a_content_type_is_kept_despite_the_extension,
                octet_stream_is_kept_despite_the_extension,
                the_default_content_type_is_that_of_s3,
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
                a_repeated_delete_succeeds,
                an_absent_key_and_an_absent_bucket_have_different_errors,
                an_absent_key_is_a_plain_404_to_head,
                a_versioned_bucket_returns_versions,
                encryption_by_the_store_is_done_and_reported,
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
                objects_are_listed_by_prefix,
                objects_are_listed_in_pages,
                keys_in_lists_are_encoded_on_request,
                a_deleted_object_is_not_listed,
                a_presigned_part_is_stored,
                other_bytes_of_a_presigned_part_are_refused,
                a_presigned_part_of_another_length_is_refused,
                a_presigned_part_without_its_checksum_is_refused,
                a_presigned_part_with_an_unsigned_header_is_refused,
                a_presigned_part_of_another_number_is_refused,
                a_presigned_part_is_not_a_part_of_another_upload,
                other_bytes_of_a_signed_part_are_refused,
                a_refused_part_keeps_the_old_one,
                a_part_has_the_checksum_of_its_upload,
                a_part_number_is_between_1_and_10000,
                a_part_of_an_unknown_upload_is_refused,
                an_upload_belongs_to_its_key,
                a_part_answers_its_checksum,
                an_upload_without_a_signature_is_not_begun,
                a_completion_makes_one_object,
                a_composite_checksum_is_that_of_the_parts,
                the_tag_of_an_object_in_parts_names_their_number,
                an_object_in_parts_has_the_type_and_metadata_of_its_begin,
                a_part_that_was_replaced_counts_as_its_last_upload,
                a_completion_without_parts_is_refused,
                a_completion_with_a_missing_part_is_refused,
                a_completion_in_another_order_is_refused,
                a_completion_with_a_part_twice_is_refused,
                a_completion_with_another_tag_is_refused,
                a_completion_with_another_part_digest_is_refused,
                a_completion_without_a_part_digest_is_refused,
                a_completion_that_begins_with_part_2_is_refused,
                a_completion_with_a_small_part_before_the_last_is_refused,
                a_completion_of_the_right_size_is_taken,
                a_completion_of_another_size_is_refused,
                a_completion_with_its_composite_is_taken,
                a_completion_with_another_composite_is_refused,
                a_completion_refuses_an_existing_key,
                a_completion_without_a_condition_replaces,
                one_of_two_completions_at_once_wins,
                a_repeated_completion_does_not_overwrite,
                an_aborted_upload_cannot_be_completed,
                a_repeated_abort_is_refused,
                a_list_of_parts_has_tags_and_sizes,
                a_list_of_parts_has_checksums,
                parts_are_listed_in_pages,
                the_parts_of_an_aborted_upload_are_not_listed,
                uploads_are_listed_by_prefix,
                uploads_are_listed_in_pages,
                an_upload_that_has_ended_is_not_listed,
                an_upload_answers_its_checksum,
                an_upload_with_sha256_alone_is_composite,
                an_upload_of_full_object_sha256_is_refused,
                an_upload_of_full_object_sha1_is_refused,
                an_upload_of_composite_crc64nvme_is_refused,
                an_upload_of_an_unknown_type_is_refused,
                an_upload_of_an_unknown_algorithm_is_refused,
                an_upload_of_a_type_without_an_algorithm_is_refused,
                one_part_with_sha256_is_composite,
                parts_with_sha1_are_composite,
                parts_with_crc32_are_composite,
                parts_with_crc32c_are_composite,
                parts_with_crc32_may_be_a_full_object,
                parts_with_crc64nvme_are_a_full_object,
                parts_without_a_checksum_are_a_full_object_with_crc64nvme,
                a_part_with_the_checksum_of_another_algorithm_is_refused,
                a_list_of_parts_has_the_checksum_of_its_upload,
                a_completion_answers_its_checksum,
                a_completion_of_another_type_is_refused,
                attributes_of_an_object_in_parts_are_bare,
                a_copy_of_an_object_in_parts_is_not_in_parts,
                a_bucket_accepts_a_cors_rule,
                a_page_of_the_origin_may_upload,
                a_page_of_another_origin_may_not_upload,
                a_page_of_the_origin_may_download,
                a_page_of_another_origin_may_not_download,
                a_page_may_not_delete,
                a_page_may_send_no_other_header,
                a_page_may_download_with_no_other_header,
                a_page_cannot_read_the_response_to_another_method,
                the_page_may_read_the_response_to_a_get,
                a_page_of_another_origin_reads_no_response_to_a_get,
                the_page_may_read_the_tag_of_its_upload,
                the_response_varies_by_origin,
                a_page_of_another_origin_reads_nothing,
                the_page_may_read_a_refusal,
                without_a_rule_no_page_reads_anything,
            ]
        }
    };
}

/// Runs the suite on a store. Takes a function from a rule's name to the
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

/// Runs every rule in turn on an existing bucket, and returns each with its outcome.
#[must_use]
pub fn measure(endpoint: &Endpoint, bucket: &str) -> Vec<(&'static str, String)> {
    let bench = |rule: &str| Bench::new(endpoint, bucket, rule);
    crate::s3_rules!(s3_measure, bench)
}
