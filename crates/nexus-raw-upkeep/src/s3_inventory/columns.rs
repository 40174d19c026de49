/// The places of columns in a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) key: usize,
    pub(super) version_id: Option<usize>,
    pub(super) is_delete_marker: Option<usize>,
    pub(super) count: usize,
}

impl Columns {
    pub(super) fn of(schema: &str) -> Option<Self> {
        let names: Vec<&str> = schema.split(',').map(str::trim).collect();
        let place = |wanted| names.iter().position(|name| *name == wanted);
        Some(Self {
            key: place("Key")?,
            version_id: place("VersionId"),
            is_delete_marker: place("IsDeleteMarker"),
            count: names.len(),
        })
    }
}
