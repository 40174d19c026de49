//! The commands that print what the bucket and the service's role need, for an operator to apply.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use nexus_raw_config::Settings;
use nexus_raw_storage_s3::{ImportSource, RoleTasks, lifecycle_configuration};
use serde::Serialize;

use crate::app::{self, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum SetupCommand {
    /// Print the bucket's policy: only TLS, only create-once writes below the service's prefixes, no
    /// deletions. For `aws s3api put-bucket-policy`.
    BucketPolicy,
    /// Print the bucket's CORS rule for the pages of `http.cors_origins`. For `aws s3api
    /// put-bucket-cors`.
    Cors,
    /// Print the bucket's lifecycle rules, which abort abandoned uploads in parts and delete no
    /// object. For `aws s3api put-bucket-lifecycle-configuration`.
    Lifecycle,
    /// Print the permissions of the service's role. For `aws iam put-role-policy`.
    IamPolicy(RoleOptions),
}

/// What the role does besides serving.
#[derive(Debug, Args)]
pub(super) struct RoleOptions {
    /// Also list all versions, to compare the bucket with the catalogue.
    #[arg(long)]
    reconcile: bool,
    /// Also read how the bucket is set up, for `doctor`.
    #[arg(long)]
    doctor: bool,
    /// Also read the objects there, to import them.
    #[arg(long, value_name = "s3://BUCKET/PREFIX")]
    import: Option<ImportSource>,
}

pub(super) fn run(command: SetupCommand, settings: &Settings) -> Result<(), Failure> {
    let storage = app::object_store(settings)?;
    match command {
        SetupCommand::BucketPolicy => print(&storage.bucket_policy()),
        SetupCommand::Cors => {
            let origins = &settings.http.cors_origins;
            if origins.is_empty() {
                return Err(Failure::Config(vec![
                    "http.cors_origins: is empty, so the bucket needs no CORS rule: delete the one that it may have"
                        .to_owned(),
                ]));
            }
            print(&storage.cors_configuration(origins))
        }
        SetupCommand::Lifecycle => print(&lifecycle_configuration(settings.storage.intent_ttl)),
        SetupCommand::IamPolicy(options) => print(&storage.role_policy(&RoleTasks {
            reconcile: options.reconcile,
            doctor: options.doctor,
            import: options.import,
        })),
    }
}

fn print(document: &impl Serialize) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, document)
        .map_err(io::Error::from)
        .and_then(|()| writeln!(out))
        .map_err(Failure::Output)
}
