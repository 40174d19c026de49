//! Diagrams, read back by strict readers of the two languages.

use nexus_raw::{
    asset::{ContentType, Filename},
    ports::{LineageEdge, LineageGraph, LineageNode},
    text::is_invisible,
};
use nexus_raw_testkit::sample;
use proptest::prelude::*;

use super::{dot, mermaid};

fn node(n: u64, filename: &str, (train_ok, train_ok_effective): (bool, bool)) -> LineageNode {
    LineageNode {
        asset_id: sample::asset_id(n),
        filename: Filename::from_stored(filename).unwrap(),
        content_type: ContentType::parse("image/jpeg").unwrap(),
        train_ok,
        train_ok_effective,
        depth: u32::try_from(n).unwrap() - 1,
    }
}

/// A chain of assets: the first one, its parent, and so on.
fn chain(nodes: Vec<LineageNode>, truncated: bool) -> LineageGraph {
    let pairs = nodes.windows(2);
    let edges = pairs.map(|pair| LineageEdge {
        from: pair[1].asset_id,
        to: pair[0].asset_id,
    });
    LineageGraph {
        edges: edges.collect(),
        nodes,
        truncated,
    }
}

fn sample_graph() -> LineageGraph {
    let nodes = vec![
        node(1, "crop \"1\".jpg", (true, false)),
        node(2, "a&b.jpg", (false, false)),
        node(3, "\u{e9}.jpg", (true, true)),
    ];
    chain(nodes, true)
}

#[test]
fn a_mermaid_diagram_has_labels_marks_and_edges_from_parent_to_child() {
    let [first, second, third] = [1, 2, 3].map(sample::asset_id);
    let expected = format!(
        "flowchart TD\n\
         %% truncated: the asset has more relatives than are shown\n\
         {first}[[\"crop #34;1#34;.jpg<br/>withheld from training by an ancestor\"]]:::withheld\n\
         {second}[\"a#38;b.jpg<br/>withheld from training\"]:::withheld\n\
         {third}[\"#233;.jpg\"]\n\
         {second} --> {first}\n\
         {third} --> {second}\n\
         classDef withheld stroke:#b00020,stroke-width:3px,stroke-dasharray:6 4\n"
    );
    assert_eq!(mermaid::render(&sample_graph()), expected);
}

#[test]
fn a_dot_diagram_has_labels_marks_and_edges_from_parent_to_child() {
    let [first, second, third] = [1, 2, 3].map(sample::asset_id);
    let marked = "style=dashed, color=\"#b00020\"";
    let expected = format!(
        "digraph lineage {{\n\
         // truncated: the asset has more relatives than are shown\n\
         node [shape=box];\n\
         \"{first}\" [label=\"crop \\\"1\\\".jpg\\nwithheld from training by an ancestor\", {marked}, peripheries=2];\n\
         \"{second}\" [label=\"a&amp;b.jpg\\nwithheld from training\", {marked}];\n\
         \"{third}\" [label=\"\u{e9}.jpg\"];\n\
         \"{second}\" -> \"{first}\";\n\
         \"{third}\" -> \"{second}\";\n\
         }}\n"
    );
    assert_eq!(dot::render(&sample_graph()), expected);
}

#[test]
fn a_whole_lineage_has_no_comment() {
    let graph = chain(vec![node(1, "a.jpg", (true, true))], false);
    assert!(!mermaid::render(&graph).contains("%%"));
    assert!(!dot::render(&graph).contains("//"));
}

/// What a reader of a diagram sees: of each node its id and the lines of its label, and the edges.
type Seen = (Vec<(String, Vec<String>)>, Vec<(String, String)>);

/// Reads only what the language has for such diagrams; anything else panics.
fn read_mermaid(text: &str) -> Seen {
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    let lines: Vec<_> = text.strip_suffix('\n').unwrap().split('\n').collect();
    let (first, rest) = lines.split_first().unwrap();
    let (last, rest) = rest.split_last().unwrap();
    assert_eq!(*first, "flowchart TD");
    assert!(last.starts_with("classDef withheld "));
    for line in rest {
        let is_id = |it: &str| it.len() == 36 && it.bytes().all(|it| it.is_ascii_hexdigit() || it == b'-');
        if let Some((from, to)) = line.split_once(" --> ") {
            assert!(is_id(from) && is_id(to), "{line}");
            edges.push((from.to_owned(), to.to_owned()));
            continue;
        }
        let (id, label) = line.split_at(36);
        assert!(is_id(id), "{line}");
        let label = label.strip_suffix(":::withheld").unwrap_or(label);
        let label = label.strip_prefix("[[").and_then(|it| it.strip_suffix("]]")).unwrap_or_else(|| {
            label.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap()
        });
        let label = label.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap();
        let lines = label.split("<br/>").map(|line| {
            let mut pieces = line.split('#');
            let mut text = plain(pieces.next().unwrap()).to_owned();
            for piece in pieces {
                let (code, rest) = piece.split_once(';').unwrap();
                text.push(char::from_u32(code.parse().unwrap()).unwrap());
                text.push_str(plain(rest));
            }
            for pair in ["$$", "\u{fb02}\u{b0}", "\u{b6}\u{df}"] {
                assert!(!text.contains(pair), "{text}");
            }
            text.replace('\u{200b}', "")
        });
        nodes.push((id.to_owned(), lines.collect()));
    }
    (nodes, edges)
}

/// What stands for itself in a label of Mermaid.
fn plain(text: &str) -> &str {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || " ._-".contains(it);
    assert!(text.chars().all(is_plain), "{text}");
    text
}

/// The same for DOT.
fn read_dot(text: &str) -> Seen {
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    let mut rest = text.strip_prefix("digraph lineage {\nnode [shape=box];\n").unwrap();
    while rest != "}\n" {
        let (id, after) = quoted(rest);
        let id = id.concat();
        if let Some(after) = after.strip_prefix(" -> ") {
            let (to, after) = quoted(after);
            edges.push((id, to.concat()));
            rest = after.strip_prefix(";\n").unwrap();
            continue;
        }
        let (label, after) = quoted(after.strip_prefix(" [label=").unwrap());
        nodes.push((id, label));
        let mut after = after;
        while let Some(attribute) = after.strip_prefix(", ") {
            let end = attribute.find([',', ']']).unwrap();
            let plain = |it: char| it.is_ascii_alphanumeric() || "=\"#".contains(it);
            assert!(attribute[..end].chars().all(plain), "{attribute}");
            after = &attribute[end..];
        }
        rest = after.strip_prefix("];\n").unwrap();
    }
    (nodes, edges)
}

/// Reads a quoted string: its lines, and what follows it.
fn quoted(text: &str) -> (Vec<String>, &str) {
    let text = text.strip_prefix('"').unwrap();
    let mut rest = text.char_indices();
    let mut lines = vec![String::new()];
    loop {
        let (at, it) = rest.next().unwrap();
        let line = lines.last_mut().unwrap();
        match it {
            '"' => {
                let lines = lines.iter().map(|line| {
                    let mut pieces = line.split('&');
                    let first = pieces.next().unwrap().to_owned();
                    pieces.fold(first, |it, piece| it + "&" + piece.strip_prefix("amp;").unwrap())
                });
                return (lines.collect(), &text[at + 1..]);
            }
            '\\' => match rest.next().unwrap().1 {
                'n' => lines.push(String::new()),
                it @ ('"' | '\\') => line.push(it),
                other => panic!("an escape `\\{other}` that no name has"),
            },
            it => line.push(it),
        }
    }
}

/// Names that any version took, made of what means something in the languages and around them.
fn names() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => proptest::sample::select(vec![
            "\"", "'", "`", "[", "]", "(", ")", "{", "}", "<", ">", "<br/", "<b>", "<!--", "-->", "---", "->",
            "==>", "-.", "|", ";", ":", ":::", "&", "&lt;", "&amp;", "&#35;", "#", "#quot;", "#35;", "#", "%%",
            "%%{init: {}}%%", "\n", "\r\n", "\t", "style a fill:#f00;", "classDef x:y#1;", "click", "end",
            "subgraph", "$$x$$", "**b**", "1. ", "- ", "@{", "\u{fb02}\u{b0}\u{b0}35\u{b6}\u{df}", "\u{1f600}",
            "\u{5d0}\u{5d1}", "\u{202e}", "\u{200d}", "\u{2028}", "\\N", "a", " ", ".",
        ]).prop_map(str::to_owned),
        1 => "\\PC{1,4}".prop_map(|it| it),
        1 => any::<char>().prop_map(String::from),
    ];
    let name = proptest::collection::vec(piece, 1..12).prop_map(|it| it.concat());
    name.prop_filter("a name", |it| Filename::from_stored(it).is_ok())
}

/// A name with the codes of what shows nothing, but for joiners.
fn visible(name: &str) -> String {
    let hidden = |it: &char| is_invisible(*it) && !"\u{200c}\u{200d}".contains(*it);
    let code = |it: char| format!("\\u{{{:x}}}", u32::from(it));
    name.chars().map(|it| if hidden(&it) { code(it) } else { it.to_string() }).collect()
}

proptest! {
    #[test]
    fn whatever_the_names_a_reader_sees_the_same_graph(
        names in proptest::collection::vec((names(), any::<bool>(), any::<bool>()), 1..6),
    ) {
        let nodes = (1..).zip(&names).map(|(n, (name, own, effective))| {
            node(n, name, (*own, *own && *effective))
        });
        let graph = chain(nodes.collect(), false);
        let seen = graph.nodes.iter().map(|it| {
            let mut label = vec![visible(it.filename.as_str())];
            if !it.train_ok {
                label.push("withheld from training".to_owned());
            } else if !it.train_ok_effective {
                label.push("withheld from training by an ancestor".to_owned());
            }
            (it.asset_id.to_string(), label)
        });
        let edges = graph.edges.iter().map(|it| (it.from.to_string(), it.to.to_string()));
        let expected: Seen = (seen.collect(), edges.collect());
        prop_assert_eq!(read_mermaid(&mermaid::render(&graph)), expected.clone());
        prop_assert_eq!(read_dot(&dot::render(&graph)), expected);
    }
}
