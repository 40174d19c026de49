use std::io::Write;

use nexus_raw::asset::AssetId;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Escaped, read,
    text::{line, list_or},
};
use crate::failure::Failure;

/// A fact as the service returns it. Kinds of a later version are shown, too.
#[derive(Deserialize)]
pub(super) struct FactView {
    pub(super) sequence: u64,
    pub(super) stated_at: String,
    pub(super) stated_by: String,
    pub(super) kind: String,
    pub(super) value: Value,
    pub(super) reason: Option<String>,
    pub(super) evidence_sha256: Option<String>,
}

/// Writes a fact that was just stated, or was in force already.
pub(crate) fn fact(
    out: &mut impl Write,
    asset_id: AssetId,
    answer: &[u8],
    is_new: bool,
) -> Result<(), Failure> {
    let fact: FactView = read(answer)?;
    let value = in_words(&fact.kind, &fact.value);
    writeln!(out, "{}: {}", Escaped(&fact.kind), Escaped(&value))?;
    let status = if is_new {
        "new"
    } else {
        "in force already; nothing was written"
    };
    line(out, "status", status)?;
    line(out, "asset id", &asset_id)?;
    line(out, "sequence", &fact.sequence)?;
    let by = format_args!("{} by {}", fact.stated_at, fact.stated_by);
    line(out, "stated", &by)?;
    if let Some(reason) = &fact.reason {
        line(out, "reason", reason)?;
    }
    if let Some(digest) = &fact.evidence_sha256 {
        line(out, "evidence", &format_args!("sha256 {digest}"))?;
    }
    Ok(())
}

/// Returns a fact's value in words; the JSON of one that this version does not know.
pub(super) fn in_words(kind: &str, value: &Value) -> String {
    known(kind, value).unwrap_or_else(|| value.to_string())
}

fn known(kind: &str, value: &Value) -> Option<String> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    Some(match kind {
        "train_ok" if value.as_bool()? => "allowed".to_owned(),
        "train_ok" => "withheld".to_owned(),
        "pii_flags" => {
            let flags = value.as_array()?.iter().map(Value::as_str);
            list_or(&flags.collect::<Option<Vec<_>>>()?, "none")
        }
        "labels" => {
            let labels = value.as_object()?.iter();
            let labels = labels.map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
            list_or(&labels.collect::<Option<Vec<_>>>()?, "none")
        }
        "license" | "rights_holder" | "scan" | "c2pa" if value.is_null() => "withdrawn".to_owned(),
        "license" | "rights_holder" => value.as_str()?.to_owned(),
        // the scanner is last, since its name can have any words
        "scan" => format!(
            "{} at {} by {}",
            text("verdict")?,
            text("scanned_at")?,
            text("scanner")?
        ),
        "c2pa" => text("state")?.to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_put_in_words_and_an_unknown_one_in_json() {
        let scan =
            json!({"scanner": "clam av", "verdict": "clean", "scanned_at": "2026-11-24T01:00:00Z"});
        for (kind, value, words) in [
            ("train_ok", json!(true), "allowed"),
            ("train_ok", json!(false), "withheld"),
            ("train_ok", json!(1), "1"),
            ("pii_flags", json!([]), "none"),
            ("pii_flags", json!(["face", "name"]), "face, name"),
            ("pii_flags", json!(["face", 1]), "[\"face\",1]"),
            ("labels", json!({}), "none"),
            ("labels", json!({"a": "1", "b": "x=y"}), "a=1, b=x=y"),
            ("license", json!("CC-BY-4.0"), "CC-BY-4.0"),
            ("license", json!(null), "withdrawn"),
            ("rights_holder", json!("Acme"), "Acme"),
            ("rights_holder", json!(null), "withdrawn"),
            ("scan", scan, "clean at 2026-11-24T01:00:00Z by clam av"),
            ("scan", json!(null), "withdrawn"),
            (
                "scan",
                json!({"verdict": "clean"}),
                "{\"verdict\":\"clean\"}",
            ),
            ("c2pa", json!({"state": "valid"}), "valid"),
            ("c2pa", json!(null), "withdrawn"),
            ("of_a_later_version", json!(null), "null"),
        ] {
            assert_eq!(in_words(kind, &value), words, "{kind} {value}");
        }
    }
}
