use nexus_raw::{asset::Filename, ports::LineageNode, text::is_invisible};

/// Returns a file name as it is shown. Only a name that was stored under older rules has invisible
/// characters other than joiners; these would break lines or reorder text, so their codes are shown.
pub(super) fn shown(filename: &Filename) -> String {
    let is_joiner = |it: char| matches!(it, '\u{200c}' | '\u{200d}');
    let mut text = String::new();
    for it in filename.as_str().chars() {
        if is_invisible(it) && !is_joiner(it) {
            text.extend(it.escape_unicode());
        } else {
            text.push(it);
        }
    }
    text
}

/// Returns the words for an asset that models may not be trained on.
pub(super) fn withheld(node: &LineageNode) -> Option<&'static str> {
    match (node.train_ok, node.train_ok_effective) {
        (_, true) => None,
        (false, _) => Some("withheld from training"),
        (true, false) => Some("withheld from training by an ancestor"),
    }
}
