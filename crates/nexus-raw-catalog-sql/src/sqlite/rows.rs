use nexus_raw::{asset::AssetId, tenancy::Scope};
use serde_json::{Value, json};

/// Rows for a statement that writes or looks up many at once, as a JSON array for `json_each`:
/// one text and one parameter, however many there are. Bytes go in as hexadecimal digits.
///
/// Numbers with a fraction must not: SQLite reads them with an error in the last digit.
pub(super) fn rows_json(rows: impl IntoIterator<Item = Value>) -> String {
    Value::Array(rows.into_iter().collect()).to_string()
}

/// Keys of assets as such rows.
pub(super) fn keys_json<'a>(keys: impl IntoIterator<Item = (&'a Scope, AssetId)>) -> String {
    rows_json(
        keys.into_iter().map(|(scope, asset)| {
            json!([scope.tenant, scope.environment, asset.as_uuid().simple()])
        }),
    )
}
