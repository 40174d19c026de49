use nexus_raw::{asset::AssetId, tenancy::Scope};
use serde::Serialize;

/// Serializes rows, each a tuple or an object, for a statement on many rows: a JSON array for
/// `json_each`, so that any number of rows is one parameter. Bytes are hexadecimal digits.
///
/// Statements with many columns read `value` from a materialised `row`: `json_each` formats a row
/// each time that it is read, which was a quarter of the cost of a presign.
///
/// Not for floating-point numbers: SQLite parses some with an error in the last digit.
pub(super) fn rows_json<R: Serialize>(rows: impl IntoIterator<Item = R>) -> String {
    let rows: Vec<R> = rows.into_iter().collect();
    // texts and integers always serialize; SQLite would refuse the empty default
    serde_json::to_string(&rows).unwrap_or_default()
}

/// Serializes the keys of assets.
pub(super) fn keys_json<'a>(keys: impl IntoIterator<Item = (&'a Scope, AssetId)>) -> String {
    rows_json(
        keys.into_iter()
            .map(|(scope, asset)| (&scope.tenant, &scope.environment, asset.as_uuid().simple())),
    )
}
