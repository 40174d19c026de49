//! Names of types: a search for one finds one.

use std::collections::BTreeSet;

/// The names that are declared more than once in these sources, in their order.
pub(crate) fn twins<'s>(sources: impl Iterator<Item = &'s str>) -> BTreeSet<&'s str> {
    let mut seen = BTreeSet::new();
    let lines = sources.flat_map(str::lines);
    lines
        .filter_map(declared)
        .filter(|name| !seen.insert(*name))
        .collect()
}

/// The type that a line declares. A type that belongs to a trait is found by that one's name.
fn declared(line: &str) -> Option<&str> {
    let is_of_a_trait = line.starts_with(' ') && line.trim_start().starts_with("type ");
    let mut words = line.split_whitespace().peekable();
    words.next_if(|word| *word == "pub" || word.starts_with("pub("));
    let keyword = words.next()?;
    if is_of_a_trait || !["struct", "enum", "trait", "type"].contains(&keyword) {
        return None;
    }
    let name = words.next()?;
    let end = name.find(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    let name = &name[..end.unwrap_or(name.len())];
    name.starts_with(|first: char| first.is_ascii_uppercase())
        .then_some(name)
}

#[cfg(test)]
mod tests {
    use super::twins;

    #[test]
    fn a_name_is_found_twice_however_it_is_declared() {
        let sources = [
            "pub struct Place<T> {\n    at: u8,\n}\nenum Other {",
            "/// struct Place\n    pub(crate) enum Place {\n    type Output = u8;",
            "impl X {\n    type Output = u8;\n}\npub trait Other: Send {",
        ];
        let found: Vec<_> = twins(sources.into_iter()).into_iter().collect();
        assert_eq!(found, ["Other", "Place"]);
    }
}
