use std::{num::NonZero, sync::Arc, thread, time::Duration};

use actix_gated_stream::Deadlines;
use nexus_raw::{
    ports::{Clock, DatasetEventSink},
    service::UploadPolicy,
    system::SystemClock,
};
use nexus_raw_catalog_sql::{ObjectStoreIdentity, SqlCatalogSettings};
use nexus_raw_config::{
    CatalogLocation, IdentitySettings, ServerSideEncryption as Encryption, Settings,
    StorageSettings, TokenAlgorithm, TokenKeys,
};
use nexus_raw_hasher::WorkerSettings;
use nexus_raw_identity_jwt::{
    JwksAlgorithm, JwtIdentityVerifier, JwtSettings, JwtSettingsError, KeySettings,
};
use nexus_raw_storage_s3::{S3Settings, ServerSideEncryption, StaticCredentials};
use secrecy::ExposeSecret;

use super::{Failure, embedded::EmbeddedStore, failure::connect_key, sinks};
use crate::http::{Limits, ServerSettings};

/// The settings of each component, and the components that need no connection.
pub(super) struct Plan {
    pub(super) server: ServerSettings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) identity: Arc<JwtIdentityVerifier>,
    pub(super) storage: S3Settings,
    /// Only in embedded mode.
    pub(super) store: Option<nexus_raw_embedded_s3::Settings>,
    pub(super) catalog: SqlCatalogSettings,
    pub(super) policy: UploadPolicy,
    pub(super) limits: Limits,
    pub(super) worker: WorkerSettings,
    pub(super) sinks: Vec<Arc<dyn DatasetEventSink>>,
    pub(super) startup_timeout: Duration,
    /// The drain time at shutdown.
    pub(super) drain: Duration,
}

impl Plan {
    /// Builds what needs only the configuration, so that `check-config` refuses what a start would.
    /// Reports all faults at once.
    pub(super) fn of(settings: &Settings) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut faults = SettingFaults::default();
        let identity = faults.sort_out(identity(&settings.identity, Arc::clone(&clock)));
        let storage = storage(&settings.storage);
        faults.sort_out(addressable(&storage));
        let catalog = faults.sort_out(catalog(settings, &storage));
        let store = settings.embedded.as_ref().and_then(|embedded| {
            let origins = &settings.http.cors_origins;
            faults.sort_out(EmbeddedStore::settings(embedded, origins, &storage))
        });
        let sinks = faults.sort_out(sinks::open(&settings.events.sinks, &clock));
        faults.end()?;
        let (Some(identity), Some(catalog), Some(sinks)) = (identity, catalog, sinks) else {
            return Err(Failure::Config(Vec::new()));
        };
        Ok(Self {
            server: ServerSettings {
                bind: settings.http.bind,
                shutdown_timeout: settings.http.shutdown_timeout,
                workers: thread::available_parallelism().map_or(1, NonZero::get),
                // set at start, from the limit of open files
                connections: 0,
                deadlines: Deadlines::default(),
            },
            identity: Arc::new(identity),
            catalog,
            clock,
            storage,
            store,
            policy: UploadPolicy::default()
                .with_presign_ttl(settings.storage.presign_ttl)
                .with_intent_ttl(settings.storage.intent_ttl)
                .with_max_object_bytes(settings.storage.max_object_bytes)
                .with_sync_hash_max_bytes(settings.storage.sync_hash_max_bytes),
            limits: settings
                .limits
                .rate
                .map(|rate| Limits::per_second(rate.requests_per_second, rate.burst))
                .unwrap_or_default(),
            worker: WorkerSettings::within(settings.http.request_timeout),
            sinks,
            startup_timeout: settings.storage.startup_timeout,
            drain: settings.http.drain,
        })
    }
}

/// The faults of all components, or another failure.
#[derive(Default)]
struct SettingFaults {
    lines: Vec<String>,
    other: Option<Failure>,
}

impl SettingFaults {
    fn sort_out<T>(&mut self, part: Result<T, Failure>) -> Option<T> {
        match part {
            Ok(part) => return Some(part),
            Err(Failure::Config(lines)) => self.lines.extend(lines),
            Err(other) => self.other = Some(other),
        }
        None
    }

    fn end(self) -> Result<(), Failure> {
        match self {
            Self { lines, .. } if !lines.is_empty() => Err(Failure::Config(lines)),
            Self { other, .. } => other.map_or(Ok(()), Err),
        }
    }
}

fn catalog(settings: &Settings, storage: &S3Settings) -> Result<SqlCatalogSettings, Failure> {
    let catalog = SqlCatalogSettings {
        url: catalog_url(&settings.catalog.location),
        max_connections: settings.catalog.max_connections,
        object_store: ObjectStoreIdentity {
            endpoint: endpoint_identity(settings),
            region: storage.region.clone(),
            bucket: storage.bucket.clone(),
        },
    };
    match catalog.check() {
        Ok(()) => Ok(catalog),
        Err(error) => Err(Failure::of_key("catalog.url", &error)),
    }
}

fn storage(settings: &StorageSettings) -> S3Settings {
    let credentials = settings.credentials.as_ref().map(|keys| StaticCredentials {
        access_key_id: keys.access_key_id.expose_secret().to_owned(),
        secret_access_key: keys.secret_access_key.clone(),
    });
    S3Settings {
        bucket: settings.bucket.clone(),
        region: settings.region.clone(),
        endpoint: settings.endpoint.clone(),
        force_path_style: settings.force_path_style,
        credentials,
        server_side_encryption: match &settings.encryption {
            Encryption::None => ServerSideEncryption::None,
            Encryption::S3 => ServerSideEncryption::S3,
            Encryption::Kms { key_id } => ServerSideEncryption::Kms {
                key_id: Some(key_id.clone()),
            },
        },
        expected_bucket_owner: settings.expected_bucket_owner.clone(),
        require_versioning: settings.require_versioning,
        allow_unsigned_headers: settings.allow_unsigned_headers,
    }
}

/// Returns the settings of the store alone.
pub(super) fn object_store(settings: &StorageSettings) -> Result<S3Settings, Failure> {
    let storage = storage(settings);
    addressable(&storage)?;
    Ok(storage)
}

fn addressable(storage: &S3Settings) -> Result<(), Failure> {
    storage
        .check()
        .map_err(|error| Failure::of_key(connect_key(&error), &error))
}

fn catalog_url(location: &CatalogLocation) -> String {
    match location {
        CatalogLocation::Sqlite(path) => format!("sqlite:{}", path.display()),
        CatalogLocation::Postgres(url) => url.expose_secret().to_owned(),
    }
}

/// Returns the store's endpoint for the catalogue. That of the embedded store does not depend on
/// its address.
fn endpoint_identity(settings: &Settings) -> Option<String> {
    match (&settings.embedded, &settings.storage.endpoint) {
        (Some(_), _) => Some("embedded".to_owned()),
        (None, endpoint) => endpoint.as_ref().map(|it| it.as_url().to_string()),
    }
}

fn identity(
    settings: &IdentitySettings,
    clock: Arc<dyn Clock>,
) -> Result<JwtIdentityVerifier, Failure> {
    let keys = match &settings.keys {
        TokenKeys::Hs256 { secret, previous } => KeySettings::Hs256 {
            secret: secret.clone(),
            previous: previous.clone(),
        },
        TokenKeys::JwksFile(path) => KeySettings::JwksFile {
            path: path.clone(),
            algorithm: jwks_algorithm(settings.algorithm)?,
        },
        TokenKeys::JwksUrl(url) => KeySettings::JwksUrl {
            url: url.clone(),
            algorithm: jwks_algorithm(settings.algorithm)?,
        },
    };
    let settings = JwtSettings {
        issuer: settings.issuer.clone(),
        audience: settings.audience.clone(),
        keys,
        leeway: settings.leeway,
        max_lifetime: settings.max_lifetime,
        tenant_ids_claim: settings.tenant_ids_claim.clone(),
        role_map_claim: settings.role_map_claim.clone(),
    };
    JwtIdentityVerifier::new(settings, clock)
        .map_err(|error| Failure::of_key(identity_key(&error), &error))
}

/// Returns the configuration key behind an error of the token settings.
fn identity_key(error: &JwtSettingsError) -> &'static str {
    match error {
        JwtSettingsError::JwksFile(_) | JwtSettingsError::Jwks(_) => "identity.jwks_file",
        JwtSettingsError::HttpClient(_) => "identity.jwks_url",
        JwtSettingsError::SecretTooShort => "identity.hs256_secret",
        JwtSettingsError::Audience => "identity.audience",
        JwtSettingsError::Leeway => "identity.leeway_seconds",
        JwtSettingsError::MaxLifetime => "identity.max_lifetime_seconds",
        JwtSettingsError::ClaimName(_) => "identity.role_map_claim",
        _ => "identity.issuer",
    }
}

fn jwks_algorithm(algorithm: TokenAlgorithm) -> Result<JwksAlgorithm, Failure> {
    match algorithm {
        TokenAlgorithm::Rs256 => Ok(JwksAlgorithm::Rs256),
        TokenAlgorithm::Es256 => Ok(JwksAlgorithm::Es256),
        TokenAlgorithm::EdDsa => Ok(JwksAlgorithm::EdDsa),
        // not reached: the configuration refuses it
        TokenAlgorithm::Hs256 => Err(Failure::Config(vec![
            "identity.algorithm: a JWKS has no shared secrets".to_owned(),
        ])),
    }
}
