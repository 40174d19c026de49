//! A lineage in DOT, the language of Graphviz.

use std::fmt::Write;

use nexus_raw::ports::LineageGraph;

use super::label::{shown, withheld};

/// Renders a lineage. A node's id is the asset's.
///
/// A label is a string in quotes. In it `\\` begins an escape and `&` an entity, as `"` ends it, so
/// each of these in a file name is written as what stands for it.
pub(super) fn render(graph: &LineageGraph) -> String {
    let mut text = "digraph lineage {\n".to_owned();
    if graph.truncated {
        text.push_str("// truncated: the asset has more relatives than are shown\n");
    }
    text.push_str("node [shape=box];\n");
    for node in &graph.nodes {
        // writing to a string does not fail
        let _ = write!(text, "\"{}\" [label=\"", node.asset_id);
        write_escaped(&mut text, &shown(&node.filename));
        let style = match withheld(node) {
            Some(words) => {
                let _ = write!(text, "\\n{words}");
                ", style=dashed, color=\"#b00020\""
            }
            None => "",
        };
        // the asset itself has a double border
        let border = if node.depth == 0 { ", peripheries=2" } else { "" };
        let _ = writeln!(text, "\"{style}{border}];");
    }
    for edge in &graph.edges {
        let _ = writeln!(text, "\"{}\" -> \"{}\";", edge.from, edge.to);
    }
    text.push_str("}\n");
    text
}

fn write_escaped(text: &mut String, name: &str) {
    for it in name.chars() {
        match it {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '&' => text.push_str("&amp;"),
            it => text.push(it),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_or_ends_something_is_escaped() {
        let mut text = String::new();
        write_escaped(&mut text, "a\\N\"&lt;\u{e9}");
        assert_eq!(text, "a\\\\N\\\"&amp;lt;\u{e9}");
    }
}
