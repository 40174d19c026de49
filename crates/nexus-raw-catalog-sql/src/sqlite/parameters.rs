use serde::Serialize;

/// Serializes rows, each a tuple or an object, for a statement on many rows: a JSON array for
/// `json_each`, so that any number of rows is one parameter. Bytes are hexadecimal digits.
///
/// For statements that need all rows together. A statement for each row, with bound values, costs
/// SQLite less than reading the JSON.
///
/// Not for floating-point numbers: SQLite parses some with an error in the last digit.
pub(super) fn rows_json<R: Serialize>(rows: impl IntoIterator<Item = R>) -> String {
    let rows: Vec<R> = rows.into_iter().collect();
    // texts and integers always serialize; SQLite would refuse the empty default
    serde_json::to_string(&rows).unwrap_or_default()
}
