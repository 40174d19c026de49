//! What a server of this configuration would stand on, examined for an operator, beside the servers
//! that run.

use std::sync::Arc;

use futures_util::future::join_all;
use nexus_raw::{ErrorChain, checkup::Examined};
use nexus_raw_config::{EventSink, Settings};
use nexus_raw_storage_s3::{ConnectError, ExpectedBucket, UnprobedS3};

use super::{Failure, descriptors, embedded::EmbeddedStore, plan::Plan, sinks};

/// Examines the configuration, the bucket and the role, the catalogue, the sinks and the issuer's
/// keys. Each says what it finds, whatever the others say.
///
/// # Errors
/// See [`Failure`]: where the configuration is none, so that nothing can be examined.
pub fn examine(settings: &Settings) -> Result<Vec<Examined>, Failure> {
    let mut plan = Plan::of(settings)?;
    let runtime = super::runtime_of_a_command()?;
    // until the end
    let _store = EmbeddedStore::beside(
        settings.embedded.as_ref(),
        plan.store.as_ref(),
        &mut plan.storage,
    )?;
    runtime.block_on(async {
        let mut all = machine(settings, &plan);
        let (catalog, bucket, keys, sinks) = tokio::join!(
            plan.catalog.examine(),
            bucket(settings, &plan),
            plan.identity.examine(),
            join_all(settings.events.sinks.iter().map(sink)),
        );
        let parts = [catalog, bucket, keys].into_iter().chain(sinks);
        all.extend(parts.flatten());
        Ok(all)
    })
}

/// What concerns this machine and the configuration alone.
fn machine(settings: &Settings, plan: &Plan) -> Vec<Examined> {
    const FILES: &str = "limits.files";
    const RATE: &str = "limits.rate";
    let limit = descriptors::raised_limit();
    let mut all = vec![
        match descriptors::connections(limit, settings, plan.server.workers) {
            Ok(connections) => Examined::sound(
                FILES,
                format!("{limit} open files, which do for {connections} connections"),
            ),
            Err(error) => Examined::fault(
                FILES,
                ErrorChain(&error).to_string(),
                "raise the hard limit of open files: `LimitNOFILE` of systemd, `ulimit -Hn` of a shell",
            ),
        },
    ];
    if settings.limits.rate.is_none() {
        all.push(Examined::note(
            RATE,
            "limits.requests_per_second is not set: one user can take all of a server",
        ));
    }
    if settings.storage.allow_unsigned_headers {
        all.push(Examined::note(
            "storage.headers",
            "storage.allow_unsigned_headers is on: an uploader may add headers that no signature covers",
        ));
    }
    all
}

async fn bucket(settings: &Settings, plan: &Plan) -> Vec<Examined> {
    const CHECK: &str = "bucket.probe";
    let expected = ExpectedBucket {
        cors_origins: settings.http.cors_origins.clone(),
        intent_ttl: settings.storage.intent_ttl,
        presign_ttl: settings.storage.presign_ttl,
        has_roles: plan.store.is_none(),
    };
    match UnprobedS3::connect(plan.storage.clone(), Arc::clone(&plan.clock)).await {
        Ok(store) => Box::pin(store.examine(&expected)).await,
        Err(error) => {
            let mend = match error {
                ConnectError::Credentials(_) => {
                    "give the service credentials: storage.access_key_id, a profile, or a role of the machine"
                }
                _ => "look at storage.region, storage.endpoint and storage.bucket",
            };
            vec![Examined::fault(CHECK, ErrorChain(&error).to_string(), mend)]
        }
    }
}

async fn sink(configured: &EventSink) -> Vec<Examined> {
    match configured {
        EventSink::Nats(server) => match sinks::nats(server) {
            Ok(sink) => sink.examine().await,
            // the plan has refused it before
            Err(_) => Vec::new(),
        },
        EventSink::Http(_) => vec![Examined::note(
            "http.receiver",
            "not examined: it would take what is sent to it for an event",
        )],
        _ => Vec::new(),
    }
}
