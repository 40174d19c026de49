use clap::{Args, ValueEnum};
use nexus_raw::{asset::AssetId, ports::LineageQuery};

use super::{ServiceArgs, values::asset};

/// `lineage`.
#[derive(Debug, Args)]
#[group(id = "format", multiple = false, args = ["json", "mermaid", "dot"])]
pub(crate) struct LineageArgs {
    /// Asset, by its id or its URI
    #[arg(value_parser = asset)]
    pub(crate) id: AssetId,
    /// Relatives to follow
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Relatives::Ancestors)]
    pub(crate) direction: Relatives,
    /// Maximum number of steps from the asset: 1 to 50 [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(LineageQuery::MAX_DEPTH)))]
    pub(crate) depth: Option<u32>,
    /// Maximum number of assets, this one included: 1 to 1000 [default: 200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(LineageQuery::MAX_NODES)))]
    pub(crate) limit: Option<u32>,
    /// Print the service's diagram for Mermaid
    #[arg(long)]
    mermaid: bool,
    /// Print the service's diagram for Graphviz
    #[arg(long)]
    dot: bool,
    /// Print the service's JSON, unchanged
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

/// The relatives of an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Relatives {
    /// What it was derived from
    Ancestors,
    /// What was derived from it
    Descendants,
    /// Both
    Both,
}

impl LineageArgs {
    /// Returns the language of the requested diagram, if any.
    pub(crate) fn diagram(&self) -> Option<&'static str> {
        match (self.mermaid, self.dot) {
            (true, _) => Some("mermaid"),
            (_, true) => Some("dot"),
            _ => None,
        }
    }

    /// Returns the parameters of the query, without those left to the service.
    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        let direction = match self.direction {
            Relatives::Ancestors => "ancestors",
            Relatives::Descendants => "descendants",
            Relatives::Both => "both",
        };
        let mut query = vec![("direction", direction.to_owned())];
        query.extend(self.depth.map(|it| ("depth", it.to_string())));
        query.extend(self.limit.map(|it| ("limit", it.to_string())));
        query.extend(self.diagram().map(|it| ("format", it.to_owned())));
        query
    }
}
