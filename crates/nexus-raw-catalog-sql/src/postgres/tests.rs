//! Tests that need private access.

use nexus_raw::{
    ports::{AssetFilter, UnverifiedPlace},
    tenancy::Scope,
    time::Timestamp,
};
use nexus_raw_testkit::{Postgres, sample};
use serde_json::Value as Json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::{made::FUNCTIONS, migrate, parse_url, reader, reader::TO_LIST, statement};
use crate::{
    backlog,
    listing::{self, Listing, Sql},
};

/// Fills a scope with half of all assets, each of its two events, and other scopes with the rest,
/// past triggers and foreign keys.
const FILL: &str = "
    SET session_replication_role = replica;
    CREATE TEMPORARY TABLE n AS
    SELECT n, CASE WHEN n <= 10000 THEN 't_a' ELSE 't_' || n % 20 END AS tenant,
        (lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid AS id,
        (lpad(to_hex(n % 500), 8, '0') || '-0000-7000-8000-000000000001')::uuid AS parent,
        sha256(convert_to(n::text, 'UTF8')) AS digest
    FROM generate_series(1, 20000) n;
    INSERT INTO event (tenant_id, env, sequence, asset_id, event_type, occurred_at,
        facts_salt, facts, facts_digest, personal_salt, personal, personal_digest)
    SELECT tenant, 'dev', 2 * n + k, id,
        CASE k WHEN 0 THEN 'raw_asset_presigned' ELSE 'raw_asset_registered' END, n,
        digest, '{}', digest, digest, '{}', digest
    FROM n, generate_series(0, 1) k;
    INSERT INTO asset (tenant_id, env, asset_id, registered_sequence, object_store_id, key_layout,
        filename, content_type, size_bytes, sha256, pii_flags, train_ok, train_ok_effective,
        registered_by, imported_at, provenance_digest, integrity_level, integrity_etag)
    SELECT tenant, 'dev', id, 2 * n + 1, 1, 1, 'f' || n / 2, 'image/' || n % 100, n % 500, digest,
        '[]', false, false, 'u' || n % 100, n, digest, 's3_sha256', 'e'
    FROM n;
    INSERT INTO asset_label (tenant_id, env, asset_id, label, value, registered_sequence)
    SELECT tenant, 'dev', id, label, n % 100, 2 * n + 1 FROM n, unnest(ARRAY['a', 'b']) label;
    INSERT INTO lineage_edge
        (tenant_id, env, child_id, position, parent_id, registered_sequence)
    SELECT tenant, 'dev', id, 0, parent, 2 * n + 1 FROM n;
    ANALYZE";

/// A filled catalogue, as its role sees it.
async fn filled() -> PgConnection {
    let database = Postgres::shared().database();
    let options = parse_url(&database.url).unwrap();
    migrate(options).await.unwrap();
    let mut admin = PgConnection::connect(&database.admin_url).await.unwrap();
    sqlx::raw_sql(FILL).execute(&mut admin).await.unwrap();
    PgConnection::connect(&database.url).await.unwrap()
}

/// The nodes of the plan of a list's statement, the outermost first.
async fn plan(connection: &mut PgConnection, scope: &Scope, sql: &Sql) -> Vec<Json> {
    let text = format!("EXPLAIN (FORMAT JSON, COSTS OFF) {}", sql.text);
    let values = sql.values.clone();
    let explain = reader::entered(scope, &Sql { text, values });
    nodes(connection, &format!("{TO_LIST}{explain}")).await
}

async fn nodes(connection: &mut PgConnection, explain: &str) -> Vec<Json> {
    let rows = statement::rows(connection, explain.to_owned()).await;
    let plan: Json = rows.unwrap().pop().unwrap().try_get(0).unwrap();
    let mut nodes = vec![plan[0]["Plan"].clone()];
    let mut at = 0;
    while at < nodes.len() {
        let children = nodes[at]["Plans"].as_array().cloned();
        nodes.extend(children.unwrap_or_default());
        at += 1;
    }
    nodes
}

/// The index scans of a plan, as indexes and conditions. All other nodes must be of these kinds.
fn index_scans(nodes: &[Json], kinds: &[&str]) -> Vec<(String, String)> {
    let text = |node: &Json, member: &str| node[member].as_str().unwrap_or_default().to_owned();
    let mut scans = Vec::new();
    for node in nodes {
        let kind = text(node, "Node Type");
        if ["Index Scan", "Index Only Scan"].contains(&&*kind) {
            scans.push((text(node, "Index Name"), text(node, "Index Cond")));
        } else {
            assert!(kinds.contains(&&*kind), "{kind} in {nodes:#?}");
        }
    }
    scans
}

/// Each filter alone, and all together: a page comes from an index in its order, and no statement
/// goes through a scope.
#[tokio::test]
async fn every_list_comes_from_an_index_in_its_order() {
    let mut connection = filled().await;
    let scope = sample::scope("t_a", "dev");
    let mut filters = listing::tests::filters();
    let label = |name: &str| (name.to_owned(), "1".to_owned());
    let mut of_two_labels = AssetFilter::default();
    of_two_labels.labels = [label("a"), label("b")].into();
    filters.push((of_two_labels, "asset_by_label"));
    let mut child_with_label = AssetFilter::default();
    child_with_label.labels = [label("a")].into();
    child_with_label.derived_from = Some(sample::asset_id(1));
    filters.push((child_with_label, "lineage_edge_by_parent"));
    for (filter, index) in filters {
        let listing = Listing::of(&scope, &filter);
        let rows = listing.rows(reader::LISTED, 15_000, 1, 101);
        for sql in [listing.floor(15_000), rows] {
            let nodes = plan(&mut connection, &scope, &sql).await;
            let scans = index_scans(&nodes, &["Limit", "Result", "Nested Loop"]);
            let (name, condition) = &scans[0];
            assert!(name.contains(index), "{scans:?} of {}", sql.text);
            let bound = "(registered_sequence < 15000)";
            assert!(condition.contains(bound), "{scans:?} of {}", sql.text);
            // what is joined or checked is looked up by the asset
            for (name, condition) in &scans[1..] {
                let is_key = ["asset_id = ", "child_id = "].map(|it| condition.contains(it));
                assert!(is_key.contains(&true), "{name} {condition} of {}", sql.text);
            }
        }
    }
}

/// In pages, however far down.
#[tokio::test]
async fn the_longest_unverified_come_from_an_index_in_their_order() {
    let mut connection = filled().await;
    let scope = sample::scope("t_a", "dev");
    let at = |micros| Timestamp::from_micros(micros).unwrap();
    let place = UnverifiedPlace {
        since: at(5_000),
        sequence: 9,
    };
    for after in [None, Some(place)] {
        let sql = backlog::unverified("asset a", &scope, at(9_000), after, 100);
        let nodes = plan(&mut connection, &scope, &sql).await;
        let scans = index_scans(&nodes, &["Limit", "Result"]);
        let [(name, condition)] = &*scans else {
            panic!("{scans:?}");
        };
        assert_eq!(name, "asset_by_verification");
        let since = "CASE WHEN (verified_at IS NULL) THEN imported_at ELSE verified_at END";
        let condition = condition.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(condition.contains(&format!("({since} < ")), "{condition}");
        let is_bounded = condition.contains(&format!("({since} >= "));
        assert_eq!(is_bounded, after.is_some(), "{condition}");
    }
}

/// The events of each type come from the index of the types.
#[tokio::test]
async fn events_of_types_come_from_their_index() {
    let mut connection = filled().await;
    let function = &FUNCTIONS["events_of_types_v1"].body;
    let (_, query) = function.split_once("ARRAY(").unwrap();
    let (query, _) = query.rsplit_once("));").unwrap();
    let named = [
        ("of_tenant", "$1"),
        ("of_env", "$2"),
        ("unnest(types)", "unnest($3)"),
        ("> after", "> $4"),
        ("LIMIT up_to", "LIMIT $5"),
    ];
    let query = named
        .iter()
        .fold(query.to_owned(), |it, (name, parameter)| {
            it.replace(name, parameter)
        });
    let prepare = format!("PREPARE q (text, text, text[], bigint, bigint) AS {query}");
    sqlx::raw_sql(AssertSqlSafe(prepare))
        .execute(&mut connection)
        .await
        .unwrap();
    for mode in ["force_generic_plan", "force_custom_plan"] {
        for types in [
            "raw_asset_presigned,raw_asset_registered",
            "raw_asset_of_none",
        ] {
            let explain = format!(
                "SELECT enter('t_a', 'dev'); SET LOCAL plan_cache_mode = {mode}; \
                 EXPLAIN (FORMAT JSON, COSTS OFF) \
                 EXECUTE q ('t_a', 'dev', '{{{types}}}', 10000, 1000)"
            );
            let nodes = nodes(&mut connection, &explain).await;
            let mut scans = index_scans(
                &nodes,
                &[
                    "Limit",
                    "Nested Loop",
                    "Sort",
                    "Subquery Scan",
                    "Function Scan",
                ],
            );
            scans.sort();
            let [(by_type, of_type), (by_sequence, of_one)] = &*scans else {
                panic!("{scans:?}");
            };
            assert_eq!(
                (&**by_type, &**by_sequence),
                ("event_by_type", "event_pkey")
            );
            assert!(
                of_type.contains("(event_type = ") && of_type.contains("(sequence > "),
                "{of_type}"
            );
            assert!(of_one.contains("(sequence = "), "{of_one}");
        }
    }
}
