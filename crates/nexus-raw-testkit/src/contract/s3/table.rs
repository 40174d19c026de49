//! The outcome of each rule on each server.

use super::{
    multipart_table, object_lists,
    row::{Row, Server, row},
};

/// The sections of the suite, each with its rules.
pub static TABLE: &[(&str, &[Row])] = &[
    (
        "Presigned URLs",
        &[
            row("a_presigned_put_stores_what_was_signed", "200"),
            row("a_presigned_get_reads", "200 text/plain: a photograph"),
            row(
                "a_presigned_put_to_another_key_is_refused",
                "403 SignatureDoesNotMatch",
            ),
            row(
                "a_presigned_put_to_another_bucket_is_refused",
                "403 SignatureDoesNotMatch",
            ),
            row(
                "a_presigned_put_to_the_key_with_a_slash_is_refused",
                "403 SignatureDoesNotMatch",
            ),
            row(
                "a_presigned_put_by_another_host_is_refused",
                "403 SignatureDoesNotMatch",
            ),
            row("a_presigned_put_is_not_a_get", "403 SignatureDoesNotMatch"),
            row(
                "a_presigned_put_is_not_a_delete",
                "403 SignatureDoesNotMatch",
            ),
            row("an_added_parameter_is_refused", "403 SignatureDoesNotMatch"),
            row(
                "a_removed_algorithm_is_refused",
                "400 AuthorizationQueryParametersError",
            )
            .seaweedfs("400 InvalidRequest"),
            row(
                "a_removed_credential_is_refused",
                "400 AuthorizationQueryParametersError",
            )
            .seaweedfs("403 AccessDenied"),
            row(
                "a_removed_date_is_refused",
                "400 AuthorizationQueryParametersError",
            )
            .seaweedfs("400 AccessDenied"),
            row(
                "a_removed_end_is_refused",
                "400 AuthorizationQueryParametersError",
            ),
            row(
                "a_removed_list_of_signed_headers_is_refused",
                "400 AuthorizationQueryParametersError",
            )
            .seaweedfs("400 MissingFields"),
            row(
                "a_removed_signature_is_refused",
                "400 AuthorizationQueryParametersError",
            )
            .embedded("403 AccessDenied")
            .seaweedfs("400 MissingFields"),
            row(
                "another_algorithm_is_refused",
                "400 AuthorizationQueryParametersError",
            )
            .seaweedfs("400 InvalidRequest"),
            row("another_key_id_is_refused", "403 InvalidAccessKeyId"),
            row(
                "another_region_is_refused",
                "400 AuthorizationQueryParametersError",
            )
            .seaweedfs("403 SignatureDoesNotMatch"),
            row(
                "a_signature_for_another_region_is_refused",
                "400 AuthorizationQueryParametersError",
            )
            .seaweedfs("200"),
            row(
                "a_signature_for_another_service_is_refused",
                "400 AuthorizationQueryParametersError",
            )
            .seaweedfs("200"),
            row("another_date_is_refused", "403 SignatureDoesNotMatch"),
            row("another_end_is_refused", "403 SignatureDoesNotMatch"),
            row(
                "a_shorter_list_of_signed_headers_is_refused",
                "403 SignatureDoesNotMatch",
            ),
            row("another_signature_is_refused", "403 SignatureDoesNotMatch"),
            row("a_url_works_five_seconds_before_its_end", "200"),
            row(
                "a_url_is_refused_a_second_after_its_end",
                "403 AccessDenied",
            ),
            row("a_url_is_valid_for_seven_days", "200"),
            row(
                "a_url_is_not_valid_for_more_than_seven_days",
                "400 AuthorizationQueryParametersError",
            ),
            row(
                "a_url_with_no_lifetime_is_refused",
                "400 AuthorizationQueryParametersError",
            )
            .seaweedfs("403 AccessDenied"),
            row("a_url_of_the_future_is_refused", "403 RequestTimeTooSkewed").seaweedfs("200"),
            row("a_second_write_is_refused", "412 PreconditionFailed"),
            row("other_bytes_are_refused", "400 BadDigest"),
            row("another_length_is_refused", "403 SignatureDoesNotMatch"),
            row("two_signatures_at_once_are_refused", "400 InvalidArgument").seaweedfs("200"),
        ],
    ),
    (
        "Headers of a presigned URL",
        &[
            row(
                "another_content_type_is_refused",
                "403 SignatureDoesNotMatch",
            ),
            row("no_content_type_is_refused", "403 SignatureDoesNotMatch"),
            row("no_create_once_is_refused", "403 SignatureDoesNotMatch"),
            row("another_condition_is_refused", "403 SignatureDoesNotMatch"),
            row("no_checksum_is_refused", "403 SignatureDoesNotMatch"),
            row("another_checksum_is_refused", "403 SignatureDoesNotMatch"),
            row("other_metadata_is_refused", "403 SignatureDoesNotMatch"),
            row("no_metadata_is_refused", "403 SignatureDoesNotMatch"),
            row("unsigned_metadata_is_refused", "403 AccessDenied")
                .seaweedfs("403 SignatureDoesNotMatch"),
            row("an_unsigned_acl_is_refused", "403 AccessDenied")
                .seaweedfs("403 SignatureDoesNotMatch"),
            row("an_unsigned_grant_is_refused", "403 AccessDenied")
                .seaweedfs("403 SignatureDoesNotMatch"),
            row("an_unsigned_copy_source_is_refused", "403 AccessDenied")
                .seaweedfs("403 SignatureDoesNotMatch"),
            row("an_unsigned_tagging_is_refused", "403 AccessDenied")
                .seaweedfs("403 SignatureDoesNotMatch"),
            row("an_unsigned_storage_class_is_refused", "403 AccessDenied")
                .seaweedfs("403 SignatureDoesNotMatch"),
            row("an_unsigned_redirect_is_refused", "403 AccessDenied")
                .seaweedfs("403 SignatureDoesNotMatch"),
            row("an_unsigned_encryption_is_refused", "403 AccessDenied")
                .seaweedfs("403 SignatureDoesNotMatch"),
            row("an_unsigned_lock_is_refused", "403 AccessDenied")
                .seaweedfs("403 SignatureDoesNotMatch"),
            row("an_unsigned_content_disposition_is_taken", "200"),
            row("an_unsigned_cache_control_is_taken", "200"),
        ],
    ),
    (
        "Signatures in the header, and none",
        &[
            row("a_signed_put_is_stored", "200"),
            row(
                "a_request_without_a_signature_is_refused",
                "403 AccessDenied",
            ),
            row("a_read_without_a_signature_is_refused", "403 AccessDenied"),
            row("another_secret_is_refused", "403 SignatureDoesNotMatch"),
            row("an_unknown_key_id_is_refused", "403 InvalidAccessKeyId"),
            row(
                "another_region_in_the_header_is_refused",
                "400 AuthorizationHeaderMalformed",
            )
            .seaweedfs("200"),
            row(
                "another_service_in_the_header_is_refused",
                "400 AuthorizationHeaderMalformed",
            )
            .seaweedfs("200"),
            row(
                "a_date_sixteen_minutes_ago_is_refused",
                "403 RequestTimeTooSkewed",
            ),
            row(
                "a_date_sixteen_minutes_ahead_is_refused",
                "403 RequestTimeTooSkewed",
            ),
            row("an_unknown_session_token_is_refused", "400 InvalidToken")
                .seaweedfs("403 InvalidAccessKeyId"),
            row("version_2_in_the_header_is_refused", "400 InvalidRequest")
                .seaweedfs("403 SignatureDoesNotMatch"),
            row("version_2_in_the_query_is_refused", "400 InvalidRequest")
                .seaweedfs("403 SignatureDoesNotMatch"),
            row(
                "another_target_than_signed_is_refused",
                "403 SignatureDoesNotMatch",
            ),
            row(
                "an_unsigned_header_beside_a_signature_is_refused",
                "403 AccessDenied",
            )
            .seaweedfs("403 SignatureDoesNotMatch"),
            row(
                "other_bytes_than_the_signed_digest_are_refused",
                "400 XAmzContentSHA256Mismatch",
            )
            .seaweedfs("200"),
            row(
                "a_signed_stream_is_stored_without_its_framing",
                "200, then 200 a photograph",
            ),
            row(
                "another_chunk_than_signed_is_refused",
                "403 SignatureDoesNotMatch",
            )
            .seaweedfs("500 InternalError"),
            row(
                "a_stream_with_a_trailer_is_stored_without_its_framing",
                "200, then 200 a photograph",
            ),
            row("a_wrong_checksum_in_a_trailer_is_refused", "400 BadDigest")
                .seaweedfs("400 IncompleteBody"),
        ],
    ),
    (
        "Digests",
        &[
            row("content_md5_is_checked", "200 or 400 BadDigest"),
            row("crc32_is_checked", "200 or 400 BadDigest"),
            row("crc32c_is_checked", "200 or 400 BadDigest"),
            row("crc64nvme_is_checked", "200 or 400 BadDigest"),
            row("sha1_is_checked", "200 or 400 BadDigest"),
            row("sha256_is_checked", "200 or 400 BadDigest"),
            row("a_refused_write_keeps_the_old_object", "400 BadDigest"),
            row("a_malformed_md5_is_refused", "400 InvalidDigest"),
            row("a_malformed_checksum_is_refused", "400 InvalidRequest").seaweedfs("400 BadDigest"),
            row("two_checksums_are_refused", "400 InvalidRequest").seaweedfs("200"),
            row("a_checksum_is_returned_if_requested", "yes"),
            row("a_checksum_is_not_returned_by_default", "yes"),
        ],
    ),
    (
        "Conditions",
        &[
            row("create_once_stores_at_a_new_key", "200"),
            row(
                "create_once_refuses_an_existing_key",
                "412 PreconditionFailed",
            ),
            row("one_of_fifty_racing_writers_wins", "1 200, 49 refused"),
            row("create_once_after_a_delete_stores", "204, then 200"),
            row(
                "a_write_supports_if_none_match_only_with_a_star",
                "501 NotImplemented",
            )
            .seaweedfs("200"),
            row("get_by_if_match", "200 for its own, 412 for another"),
            row("get_by_if_none_match", "304 for its own, 200 for another"),
            row("head_by_if_match", "200 for its own, 412 for another"),
            row("head_by_if_none_match", "304 for its own, 200 for another"),
        ],
    ),
    (
        "Objects",
        &[
            row("a_content_type_is_kept", "yes"),
            row("a_content_type_is_kept_despite_the_extension", "yes"),
            row("octet_stream_is_kept_despite_the_extension", "yes").seaweedfs("application/pdf"),
            row(
                "the_default_content_type_is_that_of_s3",
                "binary/octet-stream",
            )
            .seaweedfs("text/plain; charset=utf-8"),
            row("metadata_is_kept", "yes"),
            row("empty_metadata_is_kept", "yes").seaweedfs("nothing"),
            row("metadata_beyond_2_kib_is_refused", "400 MetadataTooLarge").seaweedfs("200"),
            row("a_content_encoding_is_kept", "yes"),
            row("a_cache_control_is_kept", "yes"),
            row("a_content_disposition_is_kept", "yes"),
            row("the_tag_of_a_single_put_is_its_md5", "yes"),
            row("no_bytes_and_one_byte_are_kept", "yes, yes"),
            row("six_mebibytes_are_kept", "yes"),
            row("a_range_is_a_part", "206 345"),
            row("a_repeated_delete_succeeds", "204, 204, then 404 NoSuchKey"),
            row(
                "an_absent_key_and_an_absent_bucket_have_different_errors",
                "404 NoSuchKey, 404 NoSuchBucket",
            ),
            row("an_absent_key_is_a_plain_404_to_head", "404"),
            row("a_versioned_bucket_returns_versions", "yes").embedded("501 NotImplemented"),
            row("encryption_by_the_store_is_done_and_reported", "yes")
                .embedded("501 NotImplemented"),
        ],
    ),
    (
        "Odd keys",
        &[
            row("a_key_with_a_percent_sign", "kept"),
            row("a_key_with_a_plus_sign", "kept"),
            row("a_key_with_spaces", "kept"),
            row("a_key_with_reserved_characters", "kept").seaweedfs("the same as its neighbour"),
            row("a_key_with_a_backslash", "kept").seaweedfs("the same as its neighbour"),
            row("a_key_in_composed_letters", "kept"),
            row("a_key_with_a_segment_of_two_dots", "kept").seaweedfs("400 InvalidRequest"),
            row("a_key_that_would_leave_its_bucket", "kept").seaweedfs("400 InvalidRequest"),
            row("a_key_with_a_segment_of_one_dot", "kept").seaweedfs("400 InvalidRequest"),
            row("a_key_with_an_empty_segment", "kept").seaweedfs("the same as its neighbour"),
            row("a_key_with_a_slash_at_its_end", "kept").seaweedfs("200, then 200"),
            row("a_key_with_a_slash_at_its_start", "kept").seaweedfs("the same as its neighbour"),
            row("a_key_below_another_key", "kept"),
            row("a_key_of_1024_bytes", "kept"),
            row("a_key_of_1024_bytes_in_one_segment", "kept").seaweedfs("400 KeyTooLongError"),
            row("a_key_of_1025_bytes", "400 KeyTooLongError"),
        ],
    ),
    ("Lists of versions", object_lists::ROWS),
    ("Multipart uploads: parts", multipart_table::PARTS),
    (
        "Multipart uploads: completions",
        multipart_table::COMPLETIONS,
    ),
    ("Multipart uploads: lists", multipart_table::LISTS),
    ("Multipart uploads: checksums", multipart_table::CHECKSUMS),
    (
        "Pages of other origins (CORS)",
        &[
            row("a_bucket_accepts_a_cors_rule", "200").embedded("501 NotImplemented"),
            row(
                "a_page_of_the_origin_may_upload",
                "200 for https://app.example.com",
            ),
            row(
                "a_page_of_another_origin_may_not_upload",
                "403 AccessForbidden",
            )
            .seaweedfs("403 AccessDenied"),
            row(
                "a_page_of_the_origin_may_download",
                "200 for https://app.example.com",
            ),
            row(
                "a_page_of_another_origin_may_not_download",
                "403 AccessForbidden",
            )
            .seaweedfs("403 AccessDenied"),
            row("a_page_may_not_delete", "403 AccessForbidden").seaweedfs("200"),
            row("a_page_may_send_no_other_header", "403 AccessForbidden").seaweedfs("200"),
            row(
                "a_page_may_download_with_no_other_header",
                "403 AccessForbidden",
            )
            .seaweedfs("200"),
            row(
                "a_page_cannot_read_the_response_to_another_method",
                "404 for nobody",
            ),
            row(
                "the_page_may_read_the_response_to_a_get",
                "404 for https://app.example.com",
            ),
            row(
                "a_page_of_another_origin_reads_no_response_to_a_get",
                "404 for nobody",
            ),
            row(
                "the_page_may_read_the_tag_of_its_upload",
                "200 for https://app.example.com, yes",
            ),
            row("the_response_varies_by_origin", "yes"),
            row("a_page_of_another_origin_reads_nothing", "200 for nobody"),
            row(
                "the_page_may_read_a_refusal",
                "412 for https://app.example.com",
            ),
            row("without_a_rule_no_page_reads_anything", "200 for nobody")
                .seaweedfs("200 for https://evil.example"),
        ],
    ),
];

/// Returns the expected outcome of a rule on a server.
///
/// # Panics
/// If the table does not have the rule.
#[must_use]
pub fn outcome_of(server: Server, rule: &str) -> &'static str {
    of(rule).outcome_on(server)
}

/// Returns the outcome of a rule as AWS documents it.
///
/// # Panics
/// If the table does not have the rule.
#[must_use]
pub fn documented(rule: &str) -> &'static str {
    of(rule).documented()
}

fn of(rule: &str) -> &'static Row {
    let mut rows = TABLE.iter().flat_map(|(_, rows)| *rows);
    let row = rows.find(|row| row.rule() == rule);
    row.unwrap_or_else(|| panic!("the table has no rule {rule}"))
}

/// Returns the table of `docs/S3-SERVERS.md`.
#[must_use]
pub fn markdown() -> String {
    let sections = TABLE.iter().map(|(title, rows)| {
        let rows: Vec<_> = rows.iter().map(Row::markdown).collect();
        format!(
            "### {title}\n\n| rule | AWS documents | embedded | SeaweedFS |\n|---|---|---|---|\n{}",
            rows.concat()
        )
    });
    sections.collect::<Vec<_>>().join("\n")
}
