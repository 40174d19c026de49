use std::{
    collections::{HashMap, HashSet},
    io::Write,
};

use nexus_raw::{asset::AssetId, ports::LineageQuery};
use serde::Deserialize;

use super::{Escaped, read, text::training, unexpected};
use crate::{args::Relatives, failure::Failure};

#[derive(Deserialize)]
struct Family {
    asset_id: AssetId,
    nodes: Vec<Relative>,
    edges: Vec<Derivation>,
    truncated: bool,
}

#[derive(Deserialize)]
struct Relative {
    asset_id: AssetId,
    filename: String,
    train_ok: bool,
    train_ok_effective: bool,
}

#[derive(Deserialize)]
struct Derivation {
    from: AssetId,
    to: AssetId,
}

/// Writes the asset, and beneath it a tree for each direction. What begins a line is the service's
/// word; the file name, which may have any words, is last.
pub(crate) fn lineage(
    out: &mut impl Write,
    answer: &[u8],
    direction: Relatives,
) -> Result<(), Failure> {
    let family: Family = read(answer)?;
    if family.nodes.len() > usize::try_from(LineageQuery::MAX_NODES).unwrap_or(usize::MAX) {
        return Err(unexpected());
    }
    let nodes = family.nodes.iter().map(|node| (node.asset_id, node));
    let nodes: HashMap<_, _> = nodes.collect();
    let asset = nodes.get(&family.asset_id).ok_or_else(unexpected)?;
    let edges = family.edges.iter();
    if edges
        .clone()
        .any(|it| !nodes.contains_key(&it.from) || !nodes.contains_key(&it.to))
    {
        return Err(unexpected());
    }
    write_node(out, "", asset, asset.training())?;
    for (is_upward, name) in [(true, "ancestors"), (false, "descendants")] {
        let other = if is_upward {
            Relatives::Descendants
        } else {
            Relatives::Ancestors
        };
        if direction == other {
            continue;
        }
        let mut next: HashMap<AssetId, Vec<&Relative>> = HashMap::new();
        for edge in edges.clone() {
            let (near, far) = if is_upward {
                (edge.to, edge.from)
            } else {
                (edge.from, edge.to)
            };
            next.entry(near).or_default().extend(nodes.get(&far));
        }
        let mut tree = Tree {
            next,
            written: HashSet::from([family.asset_id]),
        };
        if tree.next.contains_key(&family.asset_id) {
            writeln!(out, "{name}")?;
            tree.write(out, family.asset_id, "")?;
        } else {
            writeln!(out, "{name}: none")?;
        }
    }
    if family.truncated {
        writeln!(out, "… more than --depth and --limit allow")?;
    }
    Ok(())
}

/// The relatives of an asset in one direction.
struct Tree<'n> {
    next: HashMap<AssetId, Vec<&'n Relative>>,
    /// Those that are written with what is beneath them.
    written: HashSet<AssetId>,
}

impl Tree<'_> {
    /// Writes what is beneath an asset. The depth is bounded by the number of nodes.
    fn write(&mut self, out: &mut impl Write, id: AssetId, indent: &str) -> Result<(), Failure> {
        let beneath = self.next.get(&id).cloned().unwrap_or_default();
        for (at, node) in beneath.iter().enumerate() {
            let (branch, trunk) = if at + 1 == beneath.len() {
                ("└── ", "    ")
            } else {
                ("├── ", "│   ")
            };
            let prefix = format!("{indent}{branch}");
            if self.written.insert(node.asset_id) {
                write_node(out, &prefix, node, node.training())?;
                self.write(out, node.asset_id, &format!("{indent}{trunk}"))?;
            } else {
                write_node(out, &prefix, node, "(see above)")?;
            }
        }
        Ok(())
    }
}

fn write_node(
    out: &mut impl Write,
    prefix: &str,
    node: &Relative,
    mark: &str,
) -> Result<(), Failure> {
    let name = Escaped(&node.filename);
    Ok(writeln!(
        out,
        "{prefix}{}  {mark:20}  {name}",
        node.asset_id
    )?)
}

impl Relative {
    fn training(&self) -> &'static str {
        training(self.train_ok, self.train_ok_effective)
    }
}
