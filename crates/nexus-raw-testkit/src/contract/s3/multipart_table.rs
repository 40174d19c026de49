//! The outcomes of the rules of multipart uploads.

use super::row::{Row, row};

/// Parts.
pub(super) const PARTS: &[Row] = &[
    row("a_presigned_part_is_stored", "200"),
    row(
        "other_bytes_of_a_presigned_part_are_refused",
        "400 BadDigest",
    ),
    row(
        "a_presigned_part_of_another_length_is_refused",
        "403 SignatureDoesNotMatch",
    ),
    row(
        "a_presigned_part_without_its_checksum_is_refused",
        "403 SignatureDoesNotMatch",
    ),
    row(
        "a_presigned_part_with_an_unsigned_header_is_refused",
        "403 AccessDenied",
    )
    .seaweedfs("403 SignatureDoesNotMatch"),
    row(
        "a_presigned_part_of_another_number_is_refused",
        "403 SignatureDoesNotMatch",
    ),
    row(
        "a_presigned_part_is_not_a_part_of_another_upload",
        "403 SignatureDoesNotMatch",
    ),
    row("other_bytes_of_a_signed_part_are_refused", "400 BadDigest"),
    row("a_refused_part_keeps_the_old_one", "400 BadDigest"),
    row(
        "a_part_has_the_checksum_of_its_upload",
        "400 InvalidRequest",
    )
    .seaweedfs("200"),
    row(
        "a_part_number_is_between_1_and_10000",
        "400 InvalidArgument, 200, 200, 400 InvalidArgument",
    )
    .seaweedfs("400 InvalidPart, 200, 200, 400 InvalidPart"),
    row(
        "a_part_of_an_unknown_upload_is_refused",
        "404 NoSuchUpload, 404 NoSuchUpload",
    ),
    row("an_upload_belongs_to_its_key", "404 NoSuchUpload"),
    row("a_part_answers_its_checksum", "yes"),
    row(
        "an_upload_without_a_signature_is_not_begun",
        "403 AccessDenied",
    ),
];

/// Completions and aborts.
pub(super) const COMPLETIONS: &[Row] = &[
    row("a_completion_makes_one_object", "200, yes, 206 yes"),
    row(
        "a_composite_checksum_is_that_of_the_parts",
        "yes, yes COMPOSITE",
    ),
    row(
        "the_tag_of_an_object_in_parts_names_their_number",
        "yes, yes",
    ),
    row(
        "an_object_in_parts_has_the_type_and_metadata_of_its_begin",
        "yes, yes",
    ),
    row(
        "a_part_that_was_replaced_counts_as_its_last_upload",
        "400 InvalidPart, then 200 a holograph!",
    )
    .seaweedfs("200, then 412 PreconditionFailed a photograph"),
    row("a_completion_without_parts_is_refused", "400 MalformedXML").seaweedfs("404 NoSuchUpload"),
    row(
        "a_completion_with_a_missing_part_is_refused",
        "400 InvalidPart",
    ),
    row(
        "a_completion_in_another_order_is_refused",
        "400 InvalidPartOrder",
    ),
    row(
        "a_completion_with_a_part_twice_is_refused",
        "400 InvalidPartOrder",
    )
    .seaweedfs("200"),
    row(
        "a_completion_with_another_tag_is_refused",
        "400 InvalidPart",
    ),
    row(
        "a_completion_with_another_part_digest_is_refused",
        "400 InvalidPart",
    )
    .seaweedfs("400 BadDigest"),
    row(
        "a_completion_without_a_part_digest_is_refused",
        "400 InvalidRequest",
    ),
    row(
        "a_completion_that_begins_with_part_2_is_refused",
        "500 InternalError",
    )
    .seaweedfs("200"),
    row(
        "a_completion_with_a_small_part_before_the_last_is_refused",
        "400 EntityTooSmall",
    ),
    row("a_completion_of_the_right_size_is_taken", "200"),
    row(
        "a_completion_of_another_size_is_refused",
        "400 InvalidRequest",
    )
    .seaweedfs("200"),
    row("a_completion_with_its_composite_is_taken", "200"),
    row(
        "a_completion_with_another_composite_is_refused",
        "400 BadDigest",
    ),
    row(
        "a_completion_refuses_an_existing_key",
        "412 PreconditionFailed",
    ),
    row(
        "a_completion_without_a_condition_replaces",
        "200 a photograph",
    ),
    row("one_of_two_completions_at_once_wins", "yes").seaweedfs("200 and 200"),
    row(
        "a_repeated_completion_does_not_overwrite",
        "200, then 412 PreconditionFailed",
    ),
    row(
        "an_aborted_upload_cannot_be_completed",
        "204, then 404 NoSuchUpload",
    ),
    row("a_repeated_abort_is_refused", "204, then 404 NoSuchUpload").seaweedfs("204, then 204"),
];

/// Lists.
pub(super) const LISTS: &[Row] = &[
    row("a_list_of_parts_has_tags_and_sizes", "yes"),
    row("a_list_of_parts_has_checksums", "yes").seaweedfs("0 of 2"),
    row("parts_are_listed_in_pages", "1 3 and more after 3; 7; "),
    row(
        "the_parts_of_an_aborted_upload_are_not_listed",
        "404 NoSuchUpload",
    ),
    row("uploads_are_listed_by_prefix", "a1 a2, yes").seaweedfs("a2 a1, other ids"),
    row("uploads_are_listed_in_pages", "a b and more after b; c")
        .seaweedfs("c a and more after ; b"),
    row("an_upload_that_has_ended_is_not_listed", "c"),
];

/// Checksums.
pub(super) const CHECKSUMS: &[Row] = &[
    row("an_upload_answers_its_checksum", "SHA256 COMPOSITE"),
    row(
        "an_upload_with_sha256_alone_is_composite",
        "SHA256 COMPOSITE",
    ),
    row(
        "an_upload_of_full_object_sha256_is_refused",
        "400 InvalidRequest",
    ),
    row(
        "an_upload_of_full_object_sha1_is_refused",
        "400 InvalidRequest",
    ),
    row(
        "an_upload_of_composite_crc64nvme_is_refused",
        "400 InvalidRequest",
    ),
    row(
        "an_upload_of_an_unknown_type_is_refused",
        "400 InvalidRequest",
    ),
    row(
        "an_upload_of_an_unknown_algorithm_is_refused",
        "400 InvalidRequest",
    ),
    row(
        "an_upload_of_a_type_without_an_algorithm_is_refused",
        "400 InvalidRequest",
    )
    .seaweedfs("nothing nothing"),
    row(
        "one_part_with_sha256_is_composite",
        "zT9bpZc5GgthgPqoWJPExod/MYF8irzDx0YbYLeEB+k=-1 COMPOSITE",
    ),
    row(
        "parts_with_sha1_are_composite",
        "qcaGnsx6t16FHAEviXUJNaJDMQs=-1 COMPOSITE",
    )
    .embedded("501 NotImplemented"),
    row("parts_with_crc32_are_composite", "TKlUNg==-1 COMPOSITE").embedded("501 NotImplemented"),
    row("parts_with_crc32c_are_composite", "DsIvPQ==-1 COMPOSITE").embedded("501 NotImplemented"),
    row(
        "parts_with_crc32_may_be_a_full_object",
        "eGXGmg== FULL_OBJECT",
    )
    .embedded("501 NotImplemented"),
    row(
        "parts_with_crc64nvme_are_a_full_object",
        "wLWAUvtdUcU= FULL_OBJECT",
    )
    .embedded("501 NotImplemented"),
    row(
        "parts_without_a_checksum_are_a_full_object_with_crc64nvme",
        "wLWAUvtdUcU= FULL_OBJECT",
    )
    .embedded("501 NotImplemented")
    .seaweedfs("nothing nothing"),
    row(
        "a_part_with_the_checksum_of_another_algorithm_is_refused",
        "400 InvalidRequest",
    ),
    row(
        "a_list_of_parts_has_the_checksum_of_its_upload",
        "SHA256 COMPOSITE",
    )
    .seaweedfs("nothing nothing"),
    row(
        "a_completion_answers_its_checksum",
        "zT9bpZc5GgthgPqoWJPExod/MYF8irzDx0YbYLeEB+k=-1 COMPOSITE",
    ),
    row("a_completion_of_another_type_is_refused", "400 BadDigest"),
    row(
        "attributes_of_an_object_in_parts_are_bare",
        "c7dc24205f51fbbdb696ccad0d24c2a3-1 zT9bpZc5GgthgPqoWJPExod/MYF8irzDx0YbYLeEB+k= COMPOSITE",
    )
    .embedded("501 NotImplemented")
    .seaweedfs("c7dc24205f51fbbdb696ccad0d24c2a3-1 nothing nothing"),
    row(
        "a_copy_of_an_object_in_parts_is_not_in_parts",
        "200 \"a4aaf8062678c67a5b5cbe1da2b2a044\"",
    )
    .embedded("501 NotImplemented")
    .seaweedfs("200 c7dc24205f51fbbdb696ccad0d24c2a3-1"),
];
