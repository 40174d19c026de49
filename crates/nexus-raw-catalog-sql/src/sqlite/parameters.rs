use nexus_raw::{asset::AssetId, tenancy::Scope};
use serde::Serialize;

/// Rows, each a tuple, for a statement that writes or looks up many at once: a JSON array for
/// `json_each`, so that it is one text and one parameter however many there are. Bytes go in as
/// hexadecimal digits.
///
/// Statements with many columns read `value` from a materialised `row`: `json_each` writes the text
/// of a row anew each time that it is read, which was a quarter of the cost of a presign.
///
/// Numbers with a fraction must not go this way: SQLite reads some with an error in the last digit.
pub(super) fn rows_json<R: Serialize>(rows: impl IntoIterator<Item = R>) -> String {
    let rows: Vec<R> = rows.into_iter().collect();
    // a tuple of texts and integers cannot fail; an empty text would be no JSON to SQLite
    serde_json::to_string(&rows).unwrap_or_default()
}

/// Keys of assets as such rows.
pub(super) fn keys_json<'a>(keys: impl IntoIterator<Item = (&'a Scope, AssetId)>) -> String {
    rows_json(
        keys.into_iter()
            .map(|(scope, asset)| (&scope.tenant, &scope.environment, asset.as_uuid().simple())),
    )
}
