//! The merged values, each leaf of the right type but optional, with the rule of each by itself.

mod leaves;
mod shapes;

use figment::Figment;
use validator::{Validate, ValidationErrors, ValidationErrorsKind};

use crate::faults::Faults;
use crate::keys;
use crate::layers::origin;
use leaves::Leaves;
pub(crate) use shapes::is_loopback;

/// What the sources say, section by section. A field is the key's name, so that validator names
/// its faults as they are documented.
#[derive(Validate)]
pub(crate) struct Raw {
    #[validate(nested)]
    pub(crate) http: Http,
    #[validate(nested)]
    pub(crate) storage: Storage,
    #[validate(nested)]
    pub(crate) catalog: Catalog,
    #[validate(nested)]
    pub(crate) identity: Identity,
    #[validate(nested)]
    pub(crate) tenancy: Tenancy,
    #[validate(nested)]
    pub(crate) limits: Limits,
    #[validate(nested)]
    pub(crate) events: Events,
    #[validate(nested)]
    pub(crate) metrics: Metrics,
    #[validate(nested)]
    pub(crate) log: Log,
    #[validate(nested)]
    pub(crate) embedded: Embedded,
}

#[derive(Validate)]
pub(crate) struct Http {
    #[validate(custom(function = shapes::address))]
    pub(crate) bind: Option<String>,
    #[validate(custom(function = shapes::origins))]
    pub(crate) cors_origins: Option<Vec<String>>,
    #[validate(custom(function = shapes::header_names))]
    pub(crate) cors_headers: Option<Vec<String>>,
    #[validate(range(min = 0, max = 300))]
    pub(crate) drain_seconds: Option<i64>,
    #[validate(range(min = 1, max = 300))]
    pub(crate) request_timeout_seconds: Option<i64>,
    #[validate(range(min = 1, max = 3600))]
    pub(crate) shutdown_timeout_seconds: Option<i64>,
}

#[derive(Validate)]
pub(crate) struct Storage {
    #[validate(custom(function = shapes::bucket))]
    pub(crate) bucket: Option<String>,
    #[validate(custom(function = shapes::region))]
    pub(crate) region: Option<String>,
    #[validate(custom(function = shapes::endpoint))]
    pub(crate) endpoint: Option<String>,
    pub(crate) force_path_style: Option<bool>,
    #[validate(custom(function = shapes::access_key_id))]
    pub(crate) access_key_id: Option<String>,
    #[validate(custom(function = shapes::secret_access_key))]
    pub(crate) secret_access_key: Option<String>,
    #[validate(range(min = 1, max = 604_800))]
    pub(crate) presign_ttl_seconds: Option<i64>,
    #[validate(range(min = 1, max = 604_800))]
    pub(crate) intent_ttl_seconds: Option<i64>,
    #[validate(range(min = 1, max = 5_368_709_120_i64))]
    pub(crate) max_object_bytes: Option<i64>,
    #[validate(range(min = 1, max = 5_368_709_120_i64))]
    pub(crate) sync_hash_max_bytes: Option<i64>,
    #[validate(custom(function = shapes::account))]
    pub(crate) expected_bucket_owner: Option<String>,
    #[validate(custom(function = shapes::encryption))]
    pub(crate) sse: Option<String>,
    #[validate(custom(function = shapes::kms_key))]
    pub(crate) sse_kms_key_id: Option<String>,
    pub(crate) require_versioning: Option<bool>,
    pub(crate) allow_unsigned_headers: Option<bool>,
    #[validate(range(min = 1, max = 3600))]
    pub(crate) startup_timeout_seconds: Option<i64>,
}

#[derive(Validate)]
pub(crate) struct Catalog {
    #[validate(custom(function = shapes::catalog_url))]
    pub(crate) url: Option<String>,
    #[validate(range(min = 1, max = 1000))]
    pub(crate) max_connections: Option<i64>,
}

#[derive(Validate)]
pub(crate) struct Identity {
    #[validate(custom(function = shapes::line))]
    pub(crate) issuer: Option<String>,
    #[validate(custom(function = shapes::line))]
    pub(crate) audience: Option<String>,
    #[validate(custom(function = shapes::hs256_secret))]
    pub(crate) hs256_secret: Option<String>,
    #[validate(custom(function = shapes::hs256_secret))]
    pub(crate) hs256_previous_secret: Option<String>,
    pub(crate) jwks_file: Option<String>,
    #[validate(custom(function = shapes::jwks_url))]
    pub(crate) jwks_url: Option<String>,
    #[validate(custom(function = shapes::algorithm))]
    pub(crate) algorithm: Option<String>,
    #[validate(range(min = 0, max = 60))]
    pub(crate) leeway_seconds: Option<i64>,
    #[validate(range(min = 1, max = 31_536_000))]
    pub(crate) max_lifetime_seconds: Option<i64>,
    #[validate(custom(function = shapes::claim))]
    pub(crate) tenant_ids_claim: Option<String>,
    #[validate(custom(function = shapes::claim))]
    pub(crate) role_map_claim: Option<String>,
}

#[derive(Validate)]
pub(crate) struct Tenancy {
    #[validate(custom(function = shapes::environments))]
    pub(crate) environments: Option<Vec<String>>,
}

#[derive(Validate)]
pub(crate) struct Limits {
    #[validate(range(min = 0, max = 1_000_000))]
    pub(crate) requests_per_second: Option<i64>,
    #[validate(range(min = 0, max = 1_000_000))]
    pub(crate) burst: Option<i64>,
}

#[derive(Validate)]
pub(crate) struct Events {
    #[validate(custom(function = shapes::sinks))]
    pub(crate) sinks: Option<Vec<String>>,
    #[validate(range(min = 1, max = 604_800))]
    pub(crate) max_lag_seconds: Option<i64>,
    #[validate(nested)]
    pub(crate) http: EventsHttp,
    #[validate(nested)]
    pub(crate) nats: EventsNats,
}

#[derive(Validate)]
pub(crate) struct EventsNats {
    #[validate(custom(function = shapes::nats_url))]
    pub(crate) url: Option<String>,
    #[validate(custom(function = shapes::encoding))]
    pub(crate) encoding: Option<String>,
}

#[derive(Validate)]
pub(crate) struct EventsHttp {
    #[validate(custom(function = shapes::receiver_url))]
    pub(crate) url: Option<String>,
    #[validate(custom(function = shapes::encoding))]
    pub(crate) encoding: Option<String>,
    #[validate(custom(function = shapes::hs256_secret))]
    pub(crate) hmac_secret: Option<String>,
}

#[derive(Validate)]
pub(crate) struct Metrics {
    #[validate(custom(function = shapes::address))]
    pub(crate) bind: Option<String>,
}

#[derive(Validate)]
pub(crate) struct Log {
    #[validate(custom(function = shapes::log_format))]
    pub(crate) format: Option<String>,
    #[validate(custom(function = shapes::log_level))]
    pub(crate) level: Option<String>,
}

#[derive(Validate)]
pub(crate) struct Embedded {
    #[validate(custom(function = shapes::address))]
    pub(crate) s3_bind: Option<String>,
}

impl Raw {
    /// Reads every leaf, then holds each against its rule. A leaf that fails is `None` or is
    /// named in `faults`, or both.
    pub(crate) fn read(figment: &Figment, faults: &mut Faults) -> Self {
        let raw = Self::typed(&mut Leaves::new(figment, faults));
        if let Err(errors) = raw.validate() {
            note(&errors, "", figment, faults);
        }
        raw
    }

    fn typed(leaves: &mut Leaves<'_>) -> Self {
        Self {
            http: Http {
                bind: leaves.text("http.bind"),
                cors_origins: leaves.list("http.cors_origins"),
                cors_headers: leaves.list("http.cors_headers"),
                drain_seconds: leaves.integer("http.drain_seconds"),
                request_timeout_seconds: leaves.integer("http.request_timeout_seconds"),
                shutdown_timeout_seconds: leaves.integer("http.shutdown_timeout_seconds"),
            },
            storage: Storage {
                bucket: leaves.text("storage.bucket"),
                region: leaves.text("storage.region"),
                endpoint: leaves.text("storage.endpoint"),
                force_path_style: leaves.boolean("storage.force_path_style"),
                access_key_id: leaves.text("storage.access_key_id"),
                secret_access_key: leaves.text("storage.secret_access_key"),
                presign_ttl_seconds: leaves.integer("storage.presign_ttl_seconds"),
                intent_ttl_seconds: leaves.integer("storage.intent_ttl_seconds"),
                max_object_bytes: leaves.integer("storage.max_object_bytes"),
                sync_hash_max_bytes: leaves.integer("storage.sync_hash_max_bytes"),
                expected_bucket_owner: leaves.text("storage.expected_bucket_owner"),
                sse: leaves.text("storage.sse"),
                sse_kms_key_id: leaves.text("storage.sse_kms_key_id"),
                require_versioning: leaves.boolean("storage.require_versioning"),
                allow_unsigned_headers: leaves.boolean("storage.allow_unsigned_headers"),
                startup_timeout_seconds: leaves.integer("storage.startup_timeout_seconds"),
            },
            catalog: Catalog {
                url: leaves.text("catalog.url"),
                max_connections: leaves.integer("catalog.max_connections"),
            },
            identity: Identity {
                issuer: leaves.text("identity.issuer"),
                audience: leaves.text("identity.audience"),
                hs256_secret: leaves.text("identity.hs256_secret"),
                hs256_previous_secret: leaves.text("identity.hs256_previous_secret"),
                jwks_file: leaves.text("identity.jwks_file"),
                jwks_url: leaves.text("identity.jwks_url"),
                algorithm: leaves.text("identity.algorithm"),
                leeway_seconds: leaves.integer("identity.leeway_seconds"),
                max_lifetime_seconds: leaves.integer("identity.max_lifetime_seconds"),
                tenant_ids_claim: leaves.text("identity.tenant_ids_claim"),
                role_map_claim: leaves.text("identity.role_map_claim"),
            },
            tenancy: Tenancy {
                environments: leaves.list("tenancy.environments"),
            },
            limits: Limits {
                requests_per_second: leaves.integer("limits.requests_per_second"),
                burst: leaves.integer("limits.burst"),
            },
            events: Events {
                sinks: leaves.list("events.sinks"),
                max_lag_seconds: leaves.integer("events.max_lag_seconds"),
                http: EventsHttp {
                    url: leaves.text("events.http.url"),
                    encoding: leaves.text("events.http.encoding"),
                    hmac_secret: leaves.text("events.http.hmac_secret"),
                },
                nats: EventsNats {
                    url: leaves.text("events.nats.url"),
                    encoding: leaves.text("events.nats.encoding"),
                },
            },
            metrics: Metrics {
                bind: leaves.text("metrics.bind"),
            },
            log: Log {
                format: leaves.text("log.format"),
                level: leaves.text("log.level"),
            },
            embedded: Embedded {
                s3_bind: leaves.text("embedded.s3_bind"),
            },
        }
    }
}

/// Names what validator found. Of its errors only the place and our own message are taken: their
/// parameters hold the value.
fn note(errors: &ValidationErrors, table: &str, figment: &Figment, faults: &mut Faults) {
    for (field, kind) in errors.errors() {
        let name = if table.is_empty() {
            field.to_string()
        } else {
            format!("{table}.{field}")
        };
        match kind {
            ValidationErrorsKind::Struct(inner) => note(inner, &name, figment, faults),
            ValidationErrorsKind::Field(_) | ValidationErrorsKind::List(_) => {
                let message = match kind {
                    ValidationErrorsKind::Field(found) => {
                        found.iter().find_map(|error| error.message.clone())
                    }
                    _ => None,
                };
                let rule = keys::find(&name).map_or("another value", |key| key.rule);
                let reason = message.map_or_else(|| format!("must be {rule}"), String::from);
                faults.add(&name, reason, origin(figment, &name));
            }
        }
    }
}
