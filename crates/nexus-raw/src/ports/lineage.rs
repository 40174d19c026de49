use serde::Serialize;

use crate::asset::{AssetId, ContentType, Filename};

/// Which relatives of an asset to follow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineageDirection {
    /// What it was derived from.
    #[default]
    Ancestors,
    /// What was derived from it.
    Descendants,
    /// Both; what was derived from an ancestor in another way is not followed.
    Both,
}

/// A text is no [`LineageDirection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `ancestors`, `descendants` or `both`")]
#[non_exhaustive]
pub struct LineageDirectionError;

impl LineageDirection {
    /// Parses the name of a direction.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, LineageDirectionError> {
        match text {
            "ancestors" => Ok(Self::Ancestors),
            "descendants" => Ok(Self::Descendants),
            "both" => Ok(Self::Both),
            _ => Err(LineageDirectionError),
        }
    }
}

/// How much of an asset's lineage to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LineageQuery {
    /// Which relatives.
    pub direction: LineageDirection,
    /// The maximum number of edges between the asset and a node.
    pub depth: u32,
    /// The maximum number of nodes, the asset included.
    pub limit: u32,
}

impl LineageQuery {
    /// The maximum depth.
    pub const MAX_DEPTH: u32 = 50;
    /// The maximum number of nodes.
    pub const MAX_NODES: u32 = 1000;

    /// Up to 200 ancestors, up to 10 edges away.
    #[must_use]
    pub fn new(direction: LineageDirection) -> Self {
        Self {
            direction,
            depth: 10,
            limit: 200,
        }
    }

    /// Sets the maximum number of edges between the asset and a node.
    #[must_use]
    pub fn with_depth(self, depth: u32) -> Self {
        Self { depth, ..self }
    }

    /// Sets the maximum number of nodes, the asset included.
    #[must_use]
    pub fn with_limit(self, limit: u32) -> Self {
        Self { limit, ..self }
    }
}

/// An asset of a lineage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineageNode {
    /// The asset.
    pub asset_id: AssetId,
    /// Its file name.
    pub filename: Filename,
    /// Its media type.
    pub content_type: ContentType,
    /// Whether models may be trained on it, by its own statement in force.
    pub train_ok: bool,
    /// Whether its own statement and those of all ancestors allow training.
    pub train_ok_effective: bool,
    /// The number of edges between it and the asset, on the shortest way.
    pub depth: u32,
}

/// An edge of a lineage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LineageEdge {
    /// The parent.
    pub from: AssetId,
    /// The child.
    pub to: AssetId,
}

/// A part of a lineage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LineageGraph {
    /// The asset itself, and its relatives in the order of their depth: nearest first.
    pub nodes: Vec<LineageNode>,
    /// The edges between these nodes, in the order of their children, then of `derived_from`.
    pub edges: Vec<LineageEdge>,
    /// Whether the asset has relatives in this direction that are not among the nodes, for the
    /// limit or the depth.
    pub truncated: bool,
}
