//! A lineage in the language of Mermaid, a flowchart.

use std::fmt::Write;

use nexus_raw::ports::LineageGraph;

use super::label::{shown, withheld};

/// Renders a lineage. A node's id is the asset's.
///
/// A label is in quotes, and of a file name only `A-Z`, `a-z`, `0-9`, space, `.`, `_` and `-` stand
/// for themselves. Every other character is an entity code such as `#35;`, so that no name ends its
/// label, is read as markup, or is taken for an entity.
pub(super) fn render(graph: &LineageGraph) -> String {
    let mut text = "flowchart TD\n".to_owned();
    if graph.truncated {
        text.push_str("%% truncated: the asset has more relatives than are shown\n");
    }
    for node in &graph.nodes {
        // the asset itself has double sides
        let (open, close) = if node.depth == 0 { ("[[", "]]") } else { ("[", "]") };
        // writing to a string does not fail
        let _ = write!(text, "{}{open}\"", node.asset_id);
        write_escaped(&mut text, &shown(&node.filename));
        let _ = match withheld(node) {
            Some(words) => writeln!(text, "<br/>{words}\"{close}:::withheld"),
            None => writeln!(text, "\"{close}"),
        };
    }
    for edge in &graph.edges {
        let _ = writeln!(text, "{} --> {}", edge.from, edge.to);
    }
    text.push_str("classDef withheld stroke:#b00020,stroke-width:3px,stroke-dasharray:6 4\n");
    text
}

fn write_escaped(text: &mut String, name: &str) {
    /// A zero-width space.
    const APART: &str = "#8203;";
    let mut before = None;
    for it in name.chars() {
        // these pairs mean math, and the ends of an entity, even if they come from entities
        let pair = before.map(|before| (before, it));
        if matches!(pair, Some(('$', '$') | ('\u{fb02}', '\u{b0}') | ('\u{b6}', '\u{df}'))) {
            text.push_str(APART);
        }
        if it.is_ascii_alphanumeric() || matches!(it, ' ' | '.' | '_' | '-') {
            text.push(it);
        } else {
            // writing to a string does not fail
            let _ = write!(text, "#{};", u32::from(it));
        }
        before = Some(it);
    }
}
