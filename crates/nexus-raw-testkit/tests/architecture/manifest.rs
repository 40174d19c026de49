//! The little that the rules read in a `Cargo.toml` itself: comments and inheritance are not in
//! cargo's metadata.

/// The lines of the section headed `[name]`, without blank ones.
pub(crate) fn section<'a>(manifest: &'a str, name: &str) -> Vec<&'a str> {
    let heading = format!("[{name}]");
    manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty())
        .collect()
}

/// The key of a line `key = value`, `None` for comments and for the later lines of a long value.
pub(crate) fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim();
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!key.is_empty() && key.chars().all(bare)).then_some(key)
}

/// The text after the `#` that follows the value of a line.
pub(crate) fn trailing_comment(line: &str) -> Option<&str> {
    let after_value = line.rfind(['"', '}', ']'])?;
    let (_, comment) = line.get(after_value..)?.split_once('#')?;
    Some(comment.trim()).filter(|comment| !comment.is_empty())
}

#[test]
fn a_section_ends_where_the_next_begins() {
    let manifest = "[a]\nx = 1\n\n# why\ny = 2\n[b]\nz = 3\n";
    assert_eq!(section(manifest, "a"), ["x = 1", "# why", "y = 2"]);
    assert_eq!(section(manifest, "b"), ["z = 3"]);
    assert_eq!(section(manifest, "c"), Vec::<&str>::new());
}

#[test]
fn a_key_is_distinguished_from_comments_and_continued_values() {
    assert_eq!(key("serde.workspace = true"), Some("serde.workspace"));
    assert_eq!(
        key("serde = { version = \"1\", features = ["),
        Some("serde")
    );
    assert_eq!(key("# x = 1"), None);
    assert_eq!(key("\"rt\", # = more"), None);
    assert_eq!(key("] }"), None);
}

#[test]
fn a_comment_counts_only_after_the_value() {
    assert_eq!(trailing_comment("hex = \"0.4\" # digests"), Some("digests"));
    assert_eq!(trailing_comment("hex = \"0.4\" #"), None);
    assert_eq!(trailing_comment("hex = \"0#4\""), None);
    assert_eq!(trailing_comment("hex = \"0.4\""), None);
}
