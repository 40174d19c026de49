mod dot;
mod label;
mod mermaid;
#[cfg(test)]
mod tests;

use actix_web::{
    HttpResponse,
    http::{Method, header::CONTENT_TYPE},
};
use nexus_raw::{
    asset,
    ports::{self, LineageDirection, LineageGraph, LineageQuery},
    tenancy::ReadAccess,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::text;
use crate::http::{
    request::Query,
    respond::{self, ApiError, Faults, ProblemCode},
    route::{Call, Handler, Route, described},
};

/// The default depth and number of nodes.
const DEPTH: u64 = 10;
const LIMIT: u64 = 200;

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/{asset_id}/lineage",
    method: Method::GET,
    handler: Handler::Read(|call, access| Box::pin(lineage(call, access))),
    problems: &[ProblemCode::AssetNotFound, ProblemCode::ValidationFailed],
    takes_idempotency_key: false,
    described: described!(lineage),
};

/// Returns what a registered asset was derived from, and what was derived from it.
///
/// As JSON, or as the text of a diagram: its labels are the file names, and assets that models may
/// not be trained on are marked.
#[utoipa::path(
    get,
    path = ROUTE.pattern,
    operation_id = "getLineage",
    tag = "assets",
    params(
        ("asset_id" = text::AssetId, Path, description = "The asset."),
        ("direction" = inline(Option<DirectionName>), Query, description = "Which relatives to follow (default `ancestors`). With `both`, what was derived \
                           from an ancestor in another way is not followed."),
        ("depth" = Option<u64>, Query, minimum = 1, maximum = 50, example = 10,
            description = "Maximum number of edges between the asset and a node (default 10)."),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 1000, example = 200,
            description = "Maximum number of nodes, the asset included (default 200)."),
        ("format" = inline(Option<FormatName>), Query,
            description = "`json` (default), or the text of a diagram in the language of Mermaid or of Graphviz."),
    ),
    responses((status = 200, description = "A part of its lineage.",
        content((LineageReply = "application/json"), (String = "text/plain; charset=utf-8")))),
)]
async fn lineage(call: Call<'_>, access: ReadAccess) -> Result<HttpResponse, ApiError> {
    let (query, format) = parse(call.request.query_string()).map_err(ApiError::InvalidQuery)?;
    let asset_id = call.asset_id()?;
    // held until the response is serialized
    let _permit = call.app.answers.page_permit(&access.scope().tenant).await?;
    let service = &call.core.service;
    let graph = service.lineage(&access, asset_id, &query).await?;
    let diagram = match format {
        LineageFormat::Json => {
            let reply = LineageReply::of(asset_id, &graph);
            return respond::json(HttpResponse::Ok(), &reply);
        }
        LineageFormat::Mermaid => mermaid::render(&graph),
        LineageFormat::Dot => dot::render(&graph),
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .body(diagram))
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum LineageFormat {
    #[default]
    Json,
    Mermaid,
    Dot,
}

impl LineageFormat {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "json" => Ok(Self::Json),
            "mermaid" => Ok(Self::Mermaid),
            "dot" => Ok(Self::Dot),
            _ => Err("must be `json`, `mermaid` or `dot`"),
        }
    }
}

fn parse(query: &str) -> Result<(LineageQuery, LineageFormat), Faults> {
    let mut query = Query::of(query);
    let direction = query.text("direction", LineageDirection::parse);
    let depth = query.integer("depth", DEPTH, 1, LineageQuery::MAX_DEPTH.into());
    let limit = query.integer("limit", LIMIT, 1, LineageQuery::MAX_NODES.into());
    let format = query.text("format", LineageFormat::parse);
    query.finish(|| {
        let query = LineageQuery::new(direction?.unwrap_or_default())
            .with_depth(u32::try_from(depth?).ok()?)
            .with_limit(u32::try_from(limit?).ok()?);
        Some((query, format?.unwrap_or_default()))
    })
}

// The next two stand in parameters alone, which have descriptions of their own.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DirectionName {
    Ancestors,
    Descendants,
    Both,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum FormatName {
    Json,
    Mermaid,
    Dot,
}

/// A part of the lineage of an asset.
#[derive(Serialize, ToSchema)]
struct LineageReply<'a> {
    #[schema(value_type = text::AssetId)]
    asset_id: asset::AssetId,
    /// The asset itself, and its relatives: nearest first.
    #[schema(value_type = Vec<LineageNode>, min_items = 1, max_items = 1000)]
    nodes: &'a [ports::LineageNode],
    /// The edges between these nodes.
    #[schema(value_type = Vec<LineageEdge>)]
    edges: &'a [ports::LineageEdge],
    /// Whether there are more relatives in this direction than `depth` and `limit` allow.
    truncated: bool,
}

impl<'a> LineageReply<'a> {
    fn of(asset_id: asset::AssetId, graph: &'a LineageGraph) -> Self {
        Self {
            asset_id,
            nodes: &graph.nodes,
            edges: &graph.edges,
            truncated: graph.truncated,
        }
    }
}

/// An asset of a lineage.
#[expect(dead_code, reason = "a description: the domain writes its own types")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LineageNode {
    asset_id: text::AssetId,
    filename: String,
    content_type: String,
    /// Its own statement in force.
    train_ok: bool,
    /// Whether its own statement and those of all ancestors allow training.
    train_ok_effective: bool,
    /// The number of edges between it and the asset, on the shortest way.
    #[schema(maximum = 50)]
    depth: u32,
}

/// An edge of a lineage.
#[expect(dead_code, reason = "a description: the domain writes its own types")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LineageEdge {
    /// The parent.
    from: text::AssetId,
    /// The child.
    to: text::AssetId,
}
