//! Changes behind the service's back, of the catalogue that [`super::checking::fill`] makes.

/// A change of the tables, and what the check says of it.
pub(crate) type Tampering = (&'static str, &'static [&'static str]);

/// One change of every kind. `{a}` is the condition on the scope, `{no}` the id of no asset.
pub(crate) const TAMPERINGS: &[Tampering] = &[
    // the record
    (
        "UPDATE asset SET sha256 = provenance_digest WHERE {a} AND registered_sequence = 2",
        &["1 asset.sha256 differs", "1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET size_bytes = 7 WHERE {a} AND registered_sequence = 2",
        &[
            "- scope.registered_bytes differs",
            "1 asset.size_bytes differs",
            "1 record_sha256 differs",
        ],
    ),
    (
        "UPDATE asset SET filename = 'other.jpg' WHERE {a} AND registered_sequence = 2",
        &["1 asset.filename differs", "1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET content_type = 'image/png' WHERE {a} AND registered_sequence = 2",
        &["1 asset.content_type differs", "1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET imported_at = imported_at + 1 WHERE {a} AND registered_sequence = 2",
        &["1 asset.imported_at differs", "1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET registered_by = 'u_other' WHERE {a} AND registered_sequence = 2",
        &["1 asset.registered_by differs", "1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET integrity_level = 'stream_sha256' WHERE {a} AND registered_sequence = 2",
        &["1 asset.integrity_level differs", "1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET integrity_parts = 2 WHERE {a} AND registered_sequence = 2",
        &["1 asset.integrity_parts differs", "1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET integrity_version_id = 'v2' WHERE {a} AND registered_sequence = 2",
        &["1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET integrity_etag = 'e2' WHERE {a} AND registered_sequence = 2",
        &["1 record_sha256 differs"],
    ),
    (
        "UPDATE asset SET activity = 'other' WHERE {a} AND registered_sequence = 2",
        &["1 asset.provenance_digest invalid"],
    ),
    (
        "UPDATE asset SET train_ok = NOT train_ok WHERE {a} AND registered_sequence = 2",
        &["1 asset.provenance_digest invalid"],
    ),
    (
        "UPDATE asset SET provenance_digest = sha256 WHERE {a} AND registered_sequence = 2",
        &["1 asset.provenance_digest invalid"],
    ),
    (
        "UPDATE asset SET registered_sequence = 99 WHERE {a} AND registered_sequence = 16",
        &["6 asset.registered_sequence differs"],
    ),
    (
        "UPDATE asset SET asset_id = {no} WHERE {a} AND registered_sequence = 16",
        &["6 upload_intent.state invalid", "? asset unfounded"],
    ),
    // labels and edges
    (
        "UPDATE asset_label SET value = 'other' WHERE {a} AND is_registered",
        &[
            "1 asset.provenance_digest invalid",
            "2 asset.provenance_digest invalid",
            "6 asset.provenance_digest invalid",
        ],
    ),
    (
        "UPDATE asset_label SET value = 'other' WHERE {a} AND NOT is_registered",
        &["2 asset_label.value differs"],
    ),
    (
        "DELETE FROM asset_label WHERE {a} AND NOT is_registered",
        &["2 asset_label.value differs"],
    ),
    (
        "UPDATE asset_label SET in_force = NOT in_force WHERE {a} AND NOT is_registered",
        &["2 asset_label.in_force differs"],
    ),
    (
        "UPDATE asset_label SET registered_sequence = 1 WHERE {a} AND registered_sequence = 4",
        &["2 asset_label.registered_sequence differs"],
    ),
    (
        "UPDATE asset_label SET asset_id = {no} WHERE {a} AND NOT is_registered",
        &["2 asset_label.value differs", "? asset_label unfounded"],
    ),
    (
        "DELETE FROM lineage_edge WHERE {a}",
        &["2 asset.provenance_digest invalid"],
    ),
    (
        "UPDATE lineage_edge SET registered_sequence = 1 WHERE {a}",
        &["2 lineage_edge.registered_sequence differs"],
    ),
    // what is in force
    (
        "UPDATE asset SET stated_train_ok = true WHERE {a} AND registered_sequence = 2",
        &["1 asset.stated_train_ok differs"],
    ),
    (
        "UPDATE asset SET stated_pii_flags = '[]' WHERE {a} AND registered_sequence = 2",
        &["1 asset.stated_pii_flags differs"],
    ),
    (
        "UPDATE asset SET last_fact = NULL WHERE {a} AND registered_sequence = 2",
        &["1 asset.last_fact differs"],
    ),
    (
        "UPDATE asset SET train_ok_effective = true WHERE {a} AND registered_sequence = 4",
        &["2 asset.train_ok_effective differs"],
    ),
    (
        "UPDATE asset SET train_ok_effective = false WHERE {a} AND registered_sequence = 16",
        &["6 asset.train_ok_effective differs"],
    ),
    (
        "UPDATE asset SET verdict = 'intact', found_sha256 = sha256, found_size_bytes = size_bytes
         WHERE {a} AND registered_sequence = 2",
        &["- scope.corrupt_count differs", "1 asset.verdict differs"],
    ),
    (
        "UPDATE asset SET verified_at = verified_at + 1 WHERE {a} AND registered_sequence = 2",
        &["1 asset.verdict differs"],
    ),
    (
        "UPDATE stated_fact SET value = 'true' WHERE {a} AND kind = 'train_ok'",
        &["1#11 stated_fact differs"],
    ),
    (
        "UPDATE stated_fact SET reason = 'none' WHERE {a} AND kind = 'labels'",
        &["2#12 stated_fact differs"],
    ),
    (
        "UPDATE stated_fact SET kind = 'nonsense' WHERE {a} AND kind = 'labels'",
        &["2#12 stated_fact.fact invalid"],
    ),
    (
        "DELETE FROM stated_fact WHERE {a} AND kind = 'labels'",
        &["2#12 stated_fact missing"],
    ),
    (
        "UPDATE stated_fact SET sequence = 2 WHERE {a} AND kind = 'train_ok'",
        &["1#11 stated_fact missing", "1#2 stated_fact unfounded"],
    ),
    (
        "DELETE FROM fact_in_force WHERE {a} AND kind = 'license'",
        &["1 fact_in_force differs"],
    ),
    (
        "UPDATE fact_in_force SET sequence = 9 WHERE {a} AND kind = 'train_ok'",
        &["1 fact_in_force differs"],
    ),
    (
        "UPDATE fact_in_force SET asset_id = {no} WHERE {a} AND kind = 'license'",
        &["1 fact_in_force differs", "? fact_in_force unfounded"],
    ),
    // intents
    (
        "UPDATE upload_intent SET state = 'pending' WHERE {a} AND state = 'registered'
            AND asset_id = (SELECT asset_id FROM asset WHERE {a} AND registered_sequence = 2)",
        &[
            "- scope.open_bytes differs",
            "- scope.open_count differs",
            "1 upload_intent.state invalid",
        ],
    ),
    (
        "UPDATE upload_intent SET state = 'ended' WHERE {a} AND state = 'aborted'",
        &["5 upload_intent.state differs"],
    ),
    (
        "UPDATE upload_intent SET state = 'aborted' WHERE {a} AND {pending}",
        &[
            "- scope.open_bytes differs",
            "- scope.open_count differs",
            "3 upload_intent.state differs",
        ],
    ),
    (
        "UPDATE upload_intent SET requested_at = requested_at + 1 WHERE {a} AND {pending}",
        &["3 upload_intent.requested_at differs"],
    ),
    (
        "UPDATE upload_intent SET requested_by = 'u_other' WHERE {a} AND {pending}",
        &["3 upload_intent.requested_by differs"],
    ),
    (
        "UPDATE upload_intent SET filename = 'other.jpg' WHERE {a} AND {pending}",
        &["3#5 upload_intent.filename differs"],
    ),
    (
        "UPDATE upload_intent SET size_bytes = 7 WHERE {a} AND {pending}",
        &[
            "- scope.open_bytes differs",
            "3#5 upload_intent.size_bytes differs",
        ],
    ),
    (
        "UPDATE upload_intent SET content_type = 'image/png' WHERE {a} AND {pending}",
        &["3#5 upload_intent.content_type differs"],
    ),
    (
        "UPDATE upload_intent SET sha256 = (SELECT provenance_digest FROM asset
            WHERE {a} AND registered_sequence = 2) WHERE {a} AND {pending}",
        &["3#5 upload_intent.sha256 differs"],
    ),
    // events
    (
        "UPDATE event SET facts = '{}' WHERE {a} AND sequence = 1",
        &["1#1 event.facts_digest invalid"],
    ),
    (
        "UPDATE event SET facts_salt = facts_digest WHERE {a} AND sequence = 1",
        &["1#1 event.facts_digest invalid"],
    ),
    (
        "UPDATE event SET facts_digest = facts_salt WHERE {a} AND sequence = 1",
        &["1#1 event.facts_digest invalid"],
    ),
    (
        "UPDATE event SET personal = '{}' WHERE {a} AND sequence = 13",
        &["1#13 event.personal_digest invalid"],
    ),
    (
        "UPDATE event SET personal_salt = personal_digest WHERE {a} AND sequence = 13",
        &["1#13 event.personal_digest invalid"],
    ),
    (
        "UPDATE event SET event_type = 'raw_asset_verified' WHERE {a} AND sequence = 1",
        &["1#1 event.event_type invalid"],
    ),
    (
        "UPDATE event SET occurred_at = occurred_at + 1 WHERE {a} AND sequence = 1",
        &["1#1 event.occurred_at invalid"],
    ),
    (
        "UPDATE event SET asset_id = {no} WHERE {a} AND sequence = 14",
        &["?#14 event unfounded", "?#14 event.facts invalid"],
    ),
    (
        "DELETE FROM event WHERE {a} AND sequence = 1",
        &["- scope.last_sequence differs", "-#1 event missing"],
    ),
    (
        "DELETE FROM event WHERE {a} AND sequence = 5",
        &[
            "- scope.last_sequence differs",
            "-#5 event missing",
            "3 upload_intent unfounded",
        ],
    ),
    (
        "DELETE FROM event WHERE {a} AND sequence = 16",
        &[
            "- scope.last_sequence differs",
            "-#16 event missing",
            "6 asset unfounded",
            "6 upload_intent.state differs",
        ],
    ),
    // the scope
    (
        "UPDATE scope SET last_sequence = 17 WHERE {a}",
        &["- scope.last_sequence differs", "-#17 event missing"],
    ),
    (
        "UPDATE scope SET open_count = 1 WHERE {a}",
        &["- scope.open_count differs"],
    ),
    (
        "UPDATE scope SET open_bytes = 1 WHERE {a}",
        &["- scope.open_bytes differs"],
    ),
    (
        "UPDATE scope SET registered_count = 1 WHERE {a}",
        &["- scope.registered_count differs"],
    ),
    (
        "UPDATE scope SET registered_bytes = 1 WHERE {a}",
        &["- scope.registered_bytes differs"],
    ),
    (
        "UPDATE scope SET corrupt_count = 0 WHERE {a}",
        &["- scope.corrupt_count differs"],
    ),
    (
        "UPDATE scope SET restoring = true WHERE {a}",
        &["- scope.restoring differs"],
    ),
    (
        "UPDATE scope SET withdrawing = true WHERE {a}",
        &["- scope.withdrawing differs"],
    ),
];

/// Returns the statement of a tampering.
pub(crate) fn statement(sql: &str) -> String {
    // the first of the pending ones, by the order of ids
    let pending = "asset_id = (SELECT i.asset_id FROM upload_intent i
        WHERE i.tenant_id = 't_a' AND i.state = 'pending' ORDER BY i.asset_id LIMIT 1)";
    sql.replace("{a}", "tenant_id = 't_a'")
        .replace("{pending}", pending)
        .replace("{no}", "(SELECT catalog_id FROM catalog)")
}
