use clap::{Args, builder::RangedU64ValueParser};
use nexus_raw::asset::{AssetId, PiiFlag, Sha256Digest};

use super::{
    ServiceArgs,
    time::{Note, Time},
    values::{asset, label, sequence},
};

/// `ls`. All filters must hold.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// SHA-256 of the content
    #[arg(long, value_name = "DIGEST", value_parser = Sha256Digest::parse)]
    pub(crate) sha256: Option<Sha256Digest>,
    /// Size of the content
    #[arg(long, value_name = "BYTES", value_parser = sequence())]
    pub(crate) size_bytes: Option<u64>,
    /// Media type, or a type and /*, such as image/*
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
    /// Whole file name
    #[arg(long, value_name = "NAME")]
    pub(crate) filename: Option<String>,
    /// Start of the file name
    #[arg(long, value_name = "START")]
    pub(crate) filename_prefix: Option<String>,
    /// User who registered it
    #[arg(long, value_name = "USER")]
    pub(crate) registered_by: Option<String>,
    /// Label; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    pub(crate) label: Vec<(String, String)>,
    /// Captured at this time or later; a date is its midnight, UTC
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    pub(crate) captured_from: Option<Time>,
    /// Captured before this time; a date is its midnight, UTC
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    pub(crate) captured_to: Option<Time>,
    /// Registered at this time or later; a date is its midnight, UTC
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    pub(crate) imported_from: Option<Time>,
    /// Registered before this time; a date is its midnight, UTC
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    pub(crate) imported_to: Option<Time>,
    /// Direct parent, by its id or its URI
    #[arg(long, value_name = "ID", value_parser = asset)]
    pub(crate) derived_from: Option<AssetId>,
    /// Carries this kind of personal data, by what is in force; one kind only
    #[arg(long, value_name = "KIND", value_parser = PiiFlag::parse)]
    pub(crate) pii_flag: Option<PiiFlag>,
    /// Its own statement in force allows or forbids training
    #[arg(long, value_name = "BOOL")]
    pub(crate) train_ok: Option<bool>,
    /// The statements in force of it and all its ancestors allow training, or one forbids it
    #[arg(long, value_name = "BOOL")]
    pub(crate) train_ok_effective: Option<bool>,
    /// Maximum number of assets in all
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    pub(crate) limit: Option<u64>,
    /// Print the service's JSON, one asset per line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

impl ListArgs {
    pub(super) fn notes(&self) -> Vec<Note<'_>> {
        let times = [
            ("--captured-from", &self.captured_from),
            ("--captured-to", &self.captured_to),
            ("--imported-from", &self.imported_from),
            ("--imported-to", &self.imported_to),
        ];
        let notes = times
            .into_iter()
            .filter_map(|(option, time)| Note::of(option, time.as_ref()?));
        notes.collect()
    }
}
