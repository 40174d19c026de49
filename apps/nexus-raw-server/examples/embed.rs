//! The domain crate in a program of one's own, with the real adapters: objects in S3, records and
//! events in SQLite, no server of ours. It takes in one content and prints its record.
//!
//! ```sh
//! cargo run -p nexus-raw-server --example embed -- DIRECTORY
//! ```
//!
//! It stands among the app's examples since only apps may see several adapters at once. An engine
//! does the same in its own composition root; on a platform only the two marked lines differ.

use std::{collections::BTreeMap, error::Error, path::Path, sync::Arc};

use nexus_raw::{
    asset::{BucketName, ByteSize, ContentFacts, ContentType, Filename, RawAsset, Sha256Digest},
    event::{DatasetEvent, RequestContext, RequestId, TraceId},
    ports::{Clock, EventQuery, PresignedUpload},
    service::{PresignRequest, RawStorageService, RegisterRequest},
    system::{SystemAssetIds, SystemClock},
    tenancy::{Environment, Principal, Role, Scope, TenantId, UserId},
};
use nexus_raw_catalog_sql::{ObjectStoreIdentity, SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, Settings};
use nexus_raw_storage_s3::{S3Settings, ServerSideEncryption, StaticCredentials, UnprobedS3};

const BUCKET: &str = "engine-raw";
const REGION: &str = "eu-central-1";

/// Takes in a content; its record, and what was told of it.
pub(crate) async fn take_in(
    directory: &Path,
    content: &[u8],
) -> Result<(RawAsset, Vec<DatasetEvent>), Box<dyn Error>> {
    // a store: on a platform AWS S3, by `endpoint: None` and `credentials: None`
    let keys = Credentials {
        access_key_id: "AKIAENGINE".to_owned(),
        secret_access_key: "a-secret-of-this-example-alone".into(),
    };
    let settings = Settings::new(directory.join("s3"), keys.clone());
    let store = EmbeddedS3::start(&settings.with_region(REGION).with_bucket(BUCKET))?;

    // nothing is stored on a bucket that does not keep what the service relies on
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let bucket = BucketName::parse(BUCKET)?;
    let settings = S3Settings {
        bucket: bucket.clone(),
        region: REGION.to_owned(),
        endpoint: Some(store.endpoint().parse()?),
        force_path_style: true,
        credentials: Some(StaticCredentials {
            access_key_id: keys.access_key_id,
            secret_access_key: keys.secret_access_key,
        }),
        server_side_encryption: ServerSideEncryption::None,
        expected_bucket_owner: None,
        require_versioning: false,
        allow_unsigned_headers: false,
    };
    let unprobed = UnprobedS3::connect(settings, Arc::clone(&clock)).await?;
    let repository = unprobed.probe().await?;

    // a catalogue: on a platform `postgres://…`, for any number of processes
    let catalog = SqlAssetCatalog::open(SqlCatalogSettings {
        url: format!("sqlite:{}", directory.join("catalog.sqlite").display()),
        max_connections: SqlCatalogSettings::MAX_CONNECTIONS,
        object_store: ObjectStoreIdentity {
            endpoint: Some("embedded".to_owned()),
            region: REGION.to_owned(),
            bucket,
        },
    })
    .await?;
    let catalog = Arc::new(catalog);

    let service = RawStorageService::new(
        Arc::new(repository),
        Arc::clone(&catalog) as _,
        clock,
        Arc::new(SystemAssetIds),
    );

    // who calls, as the engine itself has proved it, and what it may do here
    let scope = Scope {
        tenant: TenantId::parse("t_demo")?,
        environment: Environment::parse("dev")?,
    };
    let memberships = BTreeMap::from([(scope.tenant.clone(), Some(Role::Owner))]);
    let caller = Principal::from_verified(UserId::parse("u_engine")?, memberships);
    let (may_write, may_read) = (
        caller.authorize_write(&scope)?,
        caller.authorize_read(&scope)?,
    );
    let request = RequestContext {
        trace_id: TraceId::parse("4bf92f3577b34da6a3ce929d0e0e4736")?,
        request_id: RequestId::parse("req-1")?,
    };

    // promise it, upload it, register it
    let facts = ContentFacts {
        filename: Filename::parse("DSCN0010.jpg")?,
        content_type: ContentType::parse("image/jpeg")?,
        size_bytes: ByteSize::parse(u64::try_from(content.len())?)?,
        sha256: Sha256Digest::of(content),
    };
    let presigned = service
        .presign_upload(&may_write, &request, PresignRequest::new(facts))
        .await?;
    upload(&presigned.upload, content).await?;
    let registration = RegisterRequest::new(presigned.asset_id);
    let registered = service.register(&may_write, &request, registration).await?;
    let query = EventQuery::first(100).of_asset(presigned.asset_id);
    let events = service.events(&may_read, &query).await?;

    // events are delivered by a `Relay` of nexus-raw-events, over the same catalogue
    catalog.close().await;
    tokio::task::spawn_blocking(move || store.shutdown()).await??;
    Ok((registered.asset, events))
}

/// What the caller does: any HTTP client, and exactly the headers that it was given.
async fn upload(upload: &PresignedUpload, content: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut put = reqwest::Client::new().put(upload.url.expose());
    for (name, value) in &upload.headers {
        put = put.header(name, value);
    }
    put.body(content.to_vec())
        .send()
        .await?
        .error_for_status()?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args().nth(1).ok_or("say in which directory")?;
    let (asset, events) = take_in(directory.as_ref(), b"not quite a photograph").await?;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &asset)?;
    for event in events {
        std::io::Write::write_all(&mut out, b"\n")?;
        serde_json::to_writer(&mut out, &event)?;
    }
    std::io::Write::write_all(&mut out, b"\n")?;
    Ok(())
}
