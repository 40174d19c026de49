use std::path::Path;

use nexus_raw::{
    asset::{
        AssetId, CapturedAt, ContentFacts, ContentType, Disposition, Filename, InForce, Labels,
        Lineage, Provenance, UploadIntent,
    },
    event::{EventBody, EventDownload},
    ports::{AssetCatalog, DownloadKey, DownloadOutcome, NewAsset, NewDownload},
    tenancy::{Scope, UserId},
    time::Timestamp,
};
use nexus_raw_catalog_sql::{ObjectStoreIdentity, SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_testkit::{Database, sample, steps::presign_and_register};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection,
    sqlite::SqliteConnectOptions,
};

/// The sequence of the first copy; those of the templates are below.
pub(crate) const FIRST: u64 = 1001;

pub(crate) const RARE_CONTENT: &[u8] = b"a needle";

/// A catalogue with one scope of so many assets. Every fourth is a copy of [`common`], the others
/// are of one other kind. The oldest is the only one like [`rare`].
pub(crate) struct Filled {
    pub(crate) catalog: SqlAssetCatalog,
    pub(crate) scope: Scope,
    pub(crate) count: u64,
}

impl Filled {
    pub(crate) async fn sqlite(file: &Path, count: u64) -> Self {
        let url = format!("sqlite:{}", file.display());
        let templates = register_templates(&url).await;
        let options = SqliteConnectOptions::new().filename(file);
        let mut raw: SqliteConnection = options.foreign_keys(false).connect().await.unwrap();
        let last = FIRST + count - 1;
        let numbers = format!(
            "WITH RECURSIVE n (n) AS (SELECT {FIRST} UNION ALL SELECT n + 1 FROM n WHERE n < {last})"
        );
        let statements = copies(&Dialect {
            numbers: &numbers,
            asset_id: "unhex(printf('019b0000000070008000%012x', n.n))",
            event_id: ["event_id, ", "randomblob(16), "],
            digest: "randomblob(32)",
        });
        let statements = filled(&statements, templates, last);
        // nothing outlives the benchmark
        let statements = format!("PRAGMA synchronous = OFF; BEGIN; {statements}; COMMIT; ANALYZE");
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut raw)
            .await
            .unwrap();
        raw.close().await.unwrap();
        Self::open(&url, count).await
    }

    pub(crate) async fn postgres(database: &Database, count: u64) -> Self {
        let templates = register_templates(&database.url).await;
        let mut raw = PgConnection::connect(&database.admin_url).await.unwrap();
        let last = FIRST + count - 1;
        let numbers = format!("WITH n (n) AS (SELECT generate_series({FIRST}::bigint, {last}))");
        let statements = copies(&Dialect {
            numbers: &numbers,
            asset_id: "('019b0000-0000-7000-8000-' || lpad(to_hex(n.n), 12, '0'))::uuid",
            event_id: ["", ""],
            digest: "sha256(n.n::text::bytea)",
        });
        let statements = filled(&statements, templates, last);
        // without triggers and foreign keys
        let statements = format!("SET session_replication_role = replica; {statements}");
        for text in [&*statements, "VACUUM (ANALYZE)", "CHECKPOINT"] {
            sqlx::raw_sql(AssertSqlSafe(text))
                .execute(&mut raw)
                .await
                .unwrap();
        }
        raw.close().await.unwrap();
        Self::open(&database.url, count).await
    }

    async fn open(url: &str, count: u64) -> Self {
        let catalog = SqlAssetCatalog::open(settings(url)).await.unwrap();
        let outcome = catalog.record_download(download_of_rare()).await.unwrap();
        assert_eq!(outcome, DownloadOutcome::Recorded);
        Self {
            catalog,
            scope: scope(),
            count,
        }
    }
}

fn settings(url: &str) -> SqlCatalogSettings {
    SqlCatalogSettings {
        url: url.to_owned(),
        max_connections: SqlCatalogSettings::MAX_CONNECTIONS,
        object_store: ObjectStoreIdentity {
            endpoint: None,
            region: "eu-west-1".to_owned(),
            bucket: sample::bucket(),
        },
    }
}

fn scope() -> Scope {
    sample::scope("t_demo", "dev")
}

/// What the copies of [`common`] are derived from.
pub(crate) fn parent() -> AssetId {
    sample::asset_id(1)
}

fn parent_of_others() -> AssetId {
    sample::asset_id(2)
}

/// What [`rare`] is derived from.
pub(crate) fn parent_of_rare() -> AssetId {
    sample::asset_id(3)
}

/// The intent of the asset that every fourth one is a copy of.
pub(crate) fn common() -> UploadIntent {
    sample::intent(&scope(), sample::asset_id(5))
}

/// The intent of the asset of which there is one.
pub(crate) fn rare() -> UploadIntent {
    of_kind(4, RARE_CONTENT, "needle.ogg", "audio/ogg", "u_rare")
}

fn other() -> UploadIntent {
    of_kind(6, b"hay", "hay.mov", "video/mp4", "u_other")
}

fn of_kind(
    number: u64,
    content: &[u8],
    filename: &str,
    content_type: &str,
    user: &str,
) -> UploadIntent {
    let facts = ContentFacts {
        filename: Filename::parse(filename).unwrap(),
        content_type: ContentType::parse(content_type).unwrap(),
        ..sample::facts_of(content)
    };
    UploadIntent {
        requested_by: UserId::parse(user).unwrap(),
        ..sample::intent_of(&scope(), sample::asset_id(number), facts)
    }
}

/// A time after the capture of each copy of [`common`], and before those of the others.
pub(crate) fn between_captures() -> Timestamp {
    captured("2010-01-01T00:00:00Z").at()
}

/// A time after the capture of [`rare`], and before all others.
pub(crate) fn before_captures() -> Timestamp {
    captured("2000-01-01T00:00:00Z").at()
}

fn captured(text: &str) -> CapturedAt {
    CapturedAt::parse(text).unwrap()
}

fn provenance(parent: AssetId, at: &str, labels: [(&str, &str); 2]) -> Provenance {
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Provenance {
        captured_at: Some(captured(at)),
        labels: Labels::parse(labels.into()).unwrap(),
        lineage: Lineage {
            derived_from: sample::derived_from(&[parent]).lineage.derived_from,
            ..sample::provenance().lineage
        },
        ..sample::provenance()
    }
}

fn new_rare() -> NewAsset {
    let labels = [("camera", "none"), ("rare", "yes")];
    let provenance = provenance(parent_of_rare(), "1999-12-31T00:00:00Z", labels);
    sample::new_asset(&rare(), provenance)
}

/// Registers one asset of each kind, and returns the sequences of the two that are to be copied.
async fn register_templates(url: &str) -> [u64; 2] {
    SqlAssetCatalog::migrate(settings(url)).await.unwrap();
    let catalog = SqlAssetCatalog::open(settings(url)).await.unwrap();
    for number in [1, 2, 3] {
        let parent = of_kind(number, b"a parent", "parent.raw", "image/x-raw", "u_parent");
        presign_and_register(&catalog, &parent, Provenance::default()).await;
    }
    let rare_provenance = new_rare().asset.provenance().clone();
    presign_and_register(&catalog, &rare(), rare_provenance).await;
    let labels = [("camera", "COOLPIX P6000"), ("project", "arezzo")];
    let of_common = provenance(parent(), "2008-10-22T18:28:39+02:00", labels);
    presign_and_register(&catalog, &common(), of_common).await;
    let labels = [("camera", "EOS R5"), ("project", "siena")];
    let of_others = provenance(parent_of_others(), "2015-06-01T12:00:00Z", labels);
    presign_and_register(&catalog, &other(), of_others).await;
    catalog.close().await;
    // each has the event of its presign before
    [10, 12]
}

fn download_of_rare() -> NewDownload {
    let asset = new_rare().asset;
    let (expires_at, user) = (sample::seconds_after(600), sample::user());
    let in_force = InForce::as_registered(&asset, asset.provenance().train_ok);
    let stated = EventDownload {
        disposition: Disposition::Attachment,
        expires_at,
    };
    let (context, now) = (sample::context(), sample::now());
    NewDownload {
        last_fact: None,
        event: EventBody::download_presigned(&asset, &in_force, stated, &user, &context, now),
        key: DownloadKey {
            scope: scope(),
            asset_id: asset.asset_id(),
            user,
            disposition: Disposition::Attachment,
        },
        ends_at: expires_at,
        enough_until: sample::seconds_after(300),
    }
}

/// What the two databases say in their own ways.
struct Dialect<'a> {
    /// The numbers of the copies, as `n (n)`.
    numbers: &'a str,
    asset_id: &'a str,
    /// The column of an event's id, and its value.
    event_id: [&'a str; 2],
    /// A digest that no other asset has.
    digest: &'a str,
}

/// Inserts the copies, each with its event, labels and parents. Other assets than those of
/// [`common`] have a digest, a name and a length of their own.
fn copies(dialect: &Dialect<'_>) -> String {
    let Dialect {
        numbers,
        asset_id,
        event_id: [event_id, new_event_id],
        digest,
    } = dialect;
    let from = "n CROSS JOIN";
    let is_common = "n.n % 4 = 0";
    let of_kind = "t.registered_sequence = CASE WHEN n.n % 4 = 0 THEN {common} ELSE {other} END";
    format!(
        "CREATE TEMP TABLE asset_t AS
            SELECT * FROM asset WHERE registered_sequence IN ({{common}}, {{other}});
        CREATE TEMP TABLE label_t AS
            SELECT * FROM asset_label WHERE registered_sequence IN ({{common}}, {{other}});
        CREATE TEMP TABLE edge_t AS
            SELECT * FROM lineage_edge WHERE registered_sequence IN ({{common}}, {{other}});
        CREATE TEMP TABLE event_t AS SELECT *, sequence AS registered_sequence FROM event
            WHERE sequence IN ({{common}}, {{other}});

        {numbers} INSERT INTO event (tenant_id, env, sequence, {event_id}asset_id, event_type,
            occurred_at, facts_salt, facts, facts_digest, personal_salt, personal, personal_digest)
        SELECT t.tenant_id, t.env, n.n, {new_event_id}{asset_id}, t.event_type,
            t.occurred_at, t.facts_salt, t.facts, t.facts_digest, t.personal_salt, t.personal,
            t.personal_digest
        FROM {from} event_t t WHERE {of_kind};

        {numbers} INSERT INTO asset (tenant_id, env, asset_id, registered_sequence,
            object_store_id, key_layout, filename, content_type, size_bytes, sha256, captured_at,
            captured_offset_minutes, latitude, longitude, altitude_m, accuracy_m, source_uri,
            activity, pii_flags, train_ok, train_ok_effective, registered_by, imported_at,
            provenance_digest, integrity_level, integrity_version_id, integrity_etag)
        SELECT t.tenant_id, t.env, {asset_id}, n.n, t.object_store_id, t.key_layout,
            CASE WHEN {is_common} THEN t.filename ELSE 'hay' || n.n || '.mov' END, t.content_type,
            CASE WHEN {is_common} THEN t.size_bytes ELSE n.n END,
            CASE WHEN {is_common} THEN t.sha256 ELSE {digest} END, t.captured_at,
            t.captured_offset_minutes, t.latitude, t.longitude, t.altitude_m, t.accuracy_m,
            t.source_uri, t.activity, t.pii_flags, t.train_ok, t.train_ok_effective,
            t.registered_by, t.imported_at + n.n * 1000000, t.provenance_digest,
            t.integrity_level, t.integrity_version_id, t.integrity_etag
        FROM {from} asset_t t WHERE {of_kind};

        {numbers} INSERT INTO asset_label (tenant_id, env, asset_id, label, value,
            registered_sequence)
        SELECT t.tenant_id, t.env, {asset_id}, t.label, t.value, n.n
        FROM {from} label_t t WHERE {of_kind};

        {numbers} INSERT INTO lineage_edge (tenant_id, env, child_id, position, parent_id,
            registered_sequence)
        SELECT t.tenant_id, t.env, {asset_id}, t.position, t.parent_id, n.n
        FROM {from} edge_t t WHERE {of_kind};

        UPDATE scope SET last_sequence = {{last}}"
    )
}

fn filled(copies: &str, [common, other]: [u64; 2], last: u64) -> String {
    copies
        .replace("{common}", &common.to_string())
        .replace("{other}", &other.to_string())
        .replace("{last}", &last.to_string())
}
