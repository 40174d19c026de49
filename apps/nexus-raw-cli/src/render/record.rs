use std::{
    fmt::Display,
    io::{self, Write},
};

use nexus_raw::asset::{CaptureLocation, Integrity, Provenance, RawAsset};

use super::{
    Escaped, read,
    text::{bytes, line, list_or},
};
use crate::failure::Failure;

/// Writes a record, one fact per line, without absent ones. `train_ok_effective` is what holds for
/// training by now, with the facts of it and its ancestors.
pub(crate) fn record(
    out: &mut impl Write,
    answer: &[u8],
    train_ok_effective: Option<bool>,
) -> Result<(), Failure> {
    Ok(write(out, &read(answer)?, train_ok_effective)?)
}

fn write(
    out: &mut impl Write,
    record: &RawAsset,
    train_ok_effective: Option<bool>,
) -> io::Result<()> {
    let facts = record.facts();
    writeln!(out, "{}", Escaped(facts.filename.as_str()))?;
    let mut line = |name: &str, value: &dyn Display| line(out, name, value);
    line("asset id", &record.asset_id())?;
    let scope = record.scope();
    line(
        "tenant",
        &format_args!("{}, {}", scope.tenant, scope.environment),
    )?;
    line("uri", record.address())?;
    let size = bytes(facts.size_bytes.get());
    line("content", &format_args!("{}, {size}", facts.content_type))?;
    line("sha256", &facts.sha256)?;
    line("integrity", &integrity(record.integrity()))?;
    let (imported_at, registered_by) = (record.imported_at(), record.registered_by());
    line(
        "imported",
        &format_args!("{imported_at} by {registered_by}"),
    )?;
    let Provenance {
        captured_at,
        capture_location,
        lineage,
        pii_flags,
        train_ok,
        labels,
    } = record.provenance();
    if let Some(captured_at) = captured_at {
        line("captured", &captured_at.at())?;
    }
    if let Some(place) = capture_location {
        line("place", &location(place))?;
    }
    for parent in lineage.derived_from.as_slice() {
        line("derived from", parent)?;
    }
    if let Some(source_uri) = &lineage.source_uri {
        line("source", source_uri)?;
    }
    if let Some(activity) = &lineage.activity {
        line("activity", activity)?;
    }
    let personal: Vec<_> = pii_flags.as_slice().iter().map(|it| it.as_str()).collect();
    line("personal data", &list_or(&personal, "none stated"))?;
    line(
        "training",
        &if *train_ok { "allowed" } else { "not allowed" },
    )?;
    if let Some(allowed) = train_ok_effective {
        line(
            "training now",
            &if allowed { "allowed" } else { "withheld" },
        )?;
    }
    for (key, value) in labels.as_map() {
        line("label", &format_args!("{key}={value}"))?;
    }
    Ok(())
}

fn integrity(integrity: &Integrity) -> String {
    let (level, etag) = (integrity.level.as_str(), &integrity.etag);
    match &integrity.version_id {
        Some(version_id) => format!("{level}, etag {etag}, version {version_id}"),
        None => format!("{level}, etag {etag}"),
    }
}

fn location(place: &CaptureLocation) -> String {
    let altitude = place
        .altitude_m()
        .map(|metres| format!(", {metres} m high"));
    let accuracy = place
        .accuracy_m()
        .map(|metres| format!(", within {metres} m"));
    format!(
        "{}, {}{}{}",
        place.latitude(),
        place.longitude(),
        altitude.unwrap_or_default(),
        accuracy.unwrap_or_default()
    )
}
