//! A part of a lineage, read level by level: the same for both databases.
//!
//! One recursive query would read all relatives up to the depth, of which there may be millions,
//! before the limit counts. Here each level reads no more than is shown, and stops at the limit.

use std::collections::{BTreeMap, HashMap};

use nexus_raw::{
    asset::{AssetId, ContentType, Filename},
    ports::{CatalogError, LineageDirection, LineageEdge, LineageGraph, LineageNode, LineageQuery},
    tenancy::Scope,
};

use crate::{
    error::CorruptColumn,
    listing::{Sql, Value},
    rows::{Columns, decode},
};

/// Reads rows for a lineage.
pub(crate) trait LineageReader: Send {
    /// SQL for whether `asset a` and all its ancestors allow training.
    const EFFECTIVE: &'static str;

    fn rows<T: Send>(
        &mut self,
        scope: &Scope,
        sql: Sql,
        read: impl Fn(&Columns<'_>) -> Result<T, CorruptColumn> + Send,
    ) -> impl Future<Output = Result<Vec<T>, CatalogError>> + Send;
}

/// How many assets of a level are followed by one statement. Few, since each may have as many
/// children as are left to show.
const CHUNK: usize = 16;

/// Reads the lineage of an asset.
pub(crate) async fn read<R: LineageReader>(
    reader: &mut R,
    scope: &Scope,
    asset: AssetId,
    query: &LineageQuery,
) -> Result<Option<LineageGraph>, CatalogError> {
    if nodes(reader, scope, &[(asset, 0)]).await?.is_empty() {
        return Ok(None);
    }
    let mut shown = Shown {
        limit: usize::try_from(query.limit).unwrap_or(usize::MAX),
        assets: vec![(asset, 0)],
        places: HashMap::from([(asset, 0)]),
        truncated: false,
    };
    let directions: &[bool] = match query.direction {
        LineageDirection::Ancestors => &[true],
        LineageDirection::Descendants => &[false],
        _ => &[true, false],
    };
    let mut fronts: Vec<_> = directions.iter().map(|up| (*up, vec![asset])).collect();
    // one level more shows whether there is more
    for depth in 1..=query.depth.saturating_add(1) {
        for (up, front) in &mut fronts {
            let is_beyond = depth > query.depth;
            *front = level(reader, scope, front, *up, depth, is_beyond, &mut shown).await?;
        }
        if fronts.iter().all(|(_, front)| front.is_empty()) {
            break;
        }
    }
    Ok(Some(LineageGraph {
        nodes: nodes(reader, scope, &shown.assets).await?,
        edges: edges(reader, scope, &shown).await?,
        truncated: shown.truncated,
    }))
}

/// The assets that are shown, nearest first.
struct Shown {
    limit: usize,
    assets: Vec<(AssetId, u32)>,
    places: HashMap<AssetId, usize>,
    truncated: bool,
}

/// Shows the relatives of a level, and returns the new ones.
async fn level<R: LineageReader>(
    reader: &mut R,
    scope: &Scope,
    front: &[AssetId],
    up: bool,
    depth: u32,
    is_beyond: bool,
    shown: &mut Shown,
) -> Result<Vec<AssetId>, CatalogError> {
    let mut new = Vec::new();
    for chunk in front.chunks(CHUNK) {
        let left = shown.limit - shown.assets.len();
        let sql = if up {
            parents(scope, chunk)
        } else {
            // those shown already may come first
            children(scope, chunk, left + shown.assets.len() + 1)
        };
        let relative = |row: &Columns<'_>| {
            let [of, to] = if up {
                ["lineage_edge.child_id", "lineage_edge.parent_id"]
            } else {
                ["lineage_edge.parent_id", "lineage_edge.child_id"]
            };
            let of = row.asset_id(of)?;
            let place = chunk.iter().position(|it| *it == of);
            let place = place.ok_or(CorruptColumn("lineage_edge.child_id"))?;
            let place: (usize, i64) = (place, row.get("lineage_edge.place")?);
            Ok((place, row.asset_id(to)?))
        };
        let relatives = reader.rows(scope, sql, relative).await?;
        let relatives: BTreeMap<_, _> = relatives.into_iter().collect();
        for relative in relatives.into_values() {
            if shown.places.contains_key(&relative) {
                continue;
            }
            if is_beyond || shown.assets.len() >= shown.limit {
                shown.truncated = true;
                return Ok(Vec::new());
            }
            shown.places.insert(relative, shown.assets.len());
            shown.assets.push((relative, depth));
            new.push(relative);
        }
    }
    Ok(new)
}

/// The parents of assets.
fn parents(scope: &Scope, of: &[AssetId]) -> Sql {
    let mut sql = Sql::of(
        "SELECT e.child_id, e.parent_id, e.position AS place FROM lineage_edge e
        WHERE (e.tenant_id, e.env) = (?, ?) AND e.child_id IN ",
        scope,
    );
    sql.push_ids(of.iter().copied());
    sql
}

/// The first children of each of some assets, in the order of registration.
fn children(scope: &Scope, of: &[AssetId], limit: usize) -> Sql {
    let mut sql = Sql::default();
    for (n, id) in of.iter().enumerate() {
        let union = if n == 0 { "" } else { " UNION ALL " };
        sql.push(union, []);
        let of_one = Sql::of(
            "SELECT * FROM (
            SELECT e.parent_id, e.child_id, e.registered_sequence AS place FROM lineage_edge e
            WHERE (e.tenant_id, e.env) = (?, ?) AND e.parent_id = ?",
            scope,
        );
        sql.push(&of_one.text, of_one.values);
        let order = format!(" ORDER BY e.registered_sequence LIMIT {limit}) c{n}");
        sql.push(&order, [Value::Id(*id)]);
    }
    sql
}

async fn nodes<R: LineageReader>(
    reader: &mut R,
    scope: &Scope,
    assets: &[(AssetId, u32)],
) -> Result<Vec<LineageNode>, CatalogError> {
    let text = format!(
        "SELECT a.asset_id, a.filename, a.content_type,
            coalesce(a.stated_train_ok, a.train_ok) AS own, {} AS effective
        FROM asset a WHERE (a.tenant_id, a.env) = (?, ?) AND a.asset_id IN ",
        R::EFFECTIVE
    );
    let mut sql = Sql::of(&text, scope);
    sql.push_ids(assets.iter().map(|(id, _)| *id));
    let depths: HashMap<_, _> = assets.iter().copied().collect();
    let node = |row: &Columns<'_>| {
        let asset_id = row.asset_id("asset.asset_id")?;
        let node = LineageNode {
            asset_id,
            filename: row.text("asset.filename", Filename::from_stored)?,
            content_type: row.text("asset.content_type", ContentType::from_stored)?,
            train_ok: decode::flag(row, "asset.own")?,
            train_ok_effective: decode::flag(row, "asset.effective")?,
            depth: depths.get(&asset_id).copied().unwrap_or_default(),
        };
        Ok((asset_id, node))
    };
    let nodes = reader.rows(scope, sql, node).await?;
    let mut nodes: HashMap<_, _> = nodes.into_iter().collect();
    let in_order = assets.iter().filter_map(|(id, _)| nodes.remove(id));
    Ok(in_order.collect())
}

/// The edges between what is shown, by child, in the order of `derived_from`.
async fn edges<R: LineageReader>(
    reader: &mut R,
    scope: &Scope,
    shown: &Shown,
) -> Result<Vec<LineageEdge>, CatalogError> {
    let ids: Vec<_> = shown.assets.iter().map(|(id, _)| *id).collect();
    let edge = |row: &Columns<'_>| {
        let edge = LineageEdge {
            from: row.asset_id("lineage_edge.parent_id")?,
            to: row.asset_id("lineage_edge.child_id")?,
        };
        Ok((row.get::<i64>("lineage_edge.place")?, edge))
    };
    let read = reader.rows(scope, parents(scope, &ids), edge).await?;
    let mut edges = BTreeMap::new();
    for (position, edge) in read {
        let place = shown.places.get(&edge.to).copied().unwrap_or_default();
        if shown.places.contains_key(&edge.from) {
            edges.insert((place, position), edge);
        }
    }
    Ok(edges.into_values().collect())
}
