#![doc = include_str!("../README.md")]

mod backend;
mod backlog;
mod backup;
mod catalog;
#[cfg(feature = "commit-hook")]
mod commit_hook;

mod error;
mod examine;
mod inspect;
mod lineage;
mod listing;
mod location;
mod migration_plan;
mod object_store;
mod observe;
mod postgres;
mod registration;
mod rows;
mod sealed;
mod settings;
mod sqlite;
mod writer;

#[cfg(feature = "commit-hook")]
pub use self::commit_hook::{CommitHook, Transaction};
pub use self::{
    backup::{BackupError, BackupReport},
    catalog::SqlAssetCatalog,
    error::OpenError,
    inspect::{
        CatalogDifference, CatalogEntry, CatalogInspector, CheckedScope, CorruptEntry,
        DifferenceKind, EntryState,
    },
    migration_plan::{MigrationPlan, PlanReason, PlannedFunction, PlannedMigration},
    object_store::ObjectStoreIdentity,
    observe::{CatalogObserver, GroupAttempt},
    settings::SqlCatalogSettings,
};
