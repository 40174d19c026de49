use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use reqwest::StatusCode;
use serde::Deserialize;

use super::{Escaped, with_thousands};
use crate::failure::{Failure, Peer};

/// A record returned by the service. Fields of a later version are ignored.
#[derive(Deserialize)]
struct Record {
    asset_id: String,
    tenant_id: String,
    env: String,
    uri: String,
    filename: String,
    sha256: String,
    size_bytes: u64,
    content_type: String,
    captured_at: Option<String>,
    imported_at: String,
    capture_location: Option<CaptureLocation>,
    lineage: Lineage,
    pii_flags: Vec<String>,
    train_ok: bool,
    labels: BTreeMap<String, String>,
    registered_by: String,
    integrity: Integrity,
}

#[derive(Deserialize)]
struct CaptureLocation {
    latitude: f64,
    longitude: f64,
    altitude_m: Option<f64>,
    accuracy_m: Option<f64>,
}

#[derive(Deserialize)]
struct Lineage {
    derived_from: Vec<String>,
    source_uri: Option<String>,
    activity: Option<String>,
}

#[derive(Deserialize)]
struct Integrity {
    level: String,
    version_id: Option<String>,
    etag: String,
}

/// Writes a record, one fact per line, without absent ones.
pub(crate) fn record(out: &mut impl Write, answer: &[u8]) -> Result<(), Failure> {
    let record: Record =
        serde_json::from_slice(answer).map_err(|_| Failure::UnexpectedResponse {
            from: Peer::Service,
            status: StatusCode::OK,
        })?;
    Ok(write(out, &record)?)
}

fn write(out: &mut impl Write, record: &Record) -> io::Result<()> {
    writeln!(out, "{}", Escaped(&record.filename))?;
    let mut line = |name: &str, value: &str| writeln!(out, "  {name:<13} {}", Escaped(value));
    line("asset id", &record.asset_id)?;
    line("tenant", &format!("{}, {}", record.tenant_id, record.env))?;
    line("uri", &record.uri)?;
    let unit = if record.size_bytes == 1 {
        "byte"
    } else {
        "bytes"
    };
    let size = with_thousands(record.size_bytes);
    line(
        "content",
        &format!("{}, {size} {unit}", record.content_type),
    )?;
    line("sha256", &record.sha256)?;
    line("integrity", &integrity(&record.integrity))?;
    let imported = format!("{} by {}", record.imported_at, record.registered_by);
    line("imported", &imported)?;
    if let Some(captured_at) = &record.captured_at {
        line("captured", captured_at)?;
    }
    if let Some(place) = &record.capture_location {
        line("place", &location(place))?;
    }
    for parent in &record.lineage.derived_from {
        line("derived from", parent)?;
    }
    if let Some(source_uri) = &record.lineage.source_uri {
        line("source", source_uri)?;
    }
    if let Some(activity) = &record.lineage.activity {
        line("activity", activity)?;
    }
    let personal = if record.pii_flags.is_empty() {
        "none stated".to_owned()
    } else {
        record.pii_flags.join(", ")
    };
    line("personal data", &personal)?;
    let training = if record.train_ok {
        "allowed"
    } else {
        "not allowed"
    };
    line("training", training)?;
    for (key, value) in &record.labels {
        line("label", &format!("{key}={value}"))?;
    }
    Ok(())
}

fn integrity(integrity: &Integrity) -> String {
    let Integrity { level, etag, .. } = integrity;
    match &integrity.version_id {
        Some(version_id) => format!("{level}, etag {etag}, version {version_id}"),
        None => format!("{level}, etag {etag}"),
    }
}

fn location(place: &CaptureLocation) -> String {
    let altitude = place.altitude_m.map(|metres| format!(", {metres} m high"));
    let accuracy = place
        .accuracy_m
        .map(|metres| format!(", within {metres} m"));
    let CaptureLocation {
        latitude,
        longitude,
        ..
    } = place;
    format!(
        "{latitude}, {longitude}{}{}",
        altitude.unwrap_or_default(),
        accuracy.unwrap_or_default()
    )
}
