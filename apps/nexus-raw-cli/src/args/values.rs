//! Parsers of values.

use std::collections::BTreeMap;

use bytesize::ByteSize;
use clap::builder::RangedU64ValueParser;
use nexus_raw::{
    asset::{self as raw, AssetId, CaptureLocation, CaptureLocationError, Labels},
    tenancy::Role,
};

/// Parses an asset's id, in any case, or its URI:
/// `s3://BUCKET/tenants/TENANT/ENV/raw/ID/FILENAME`.
pub(super) fn asset(text: &str) -> Result<AssetId, String> {
    let id = match text.strip_prefix("s3://") {
        Some(place) => match place.split('/').collect::<Vec<_>>()[..] {
            [_, "tenants", _, _, "raw", id, _] => id,
            _ => return Err("must be the URI of an asset, as put prints it".to_owned()),
        },
        None => text,
    };
    AssetId::parse(&id.to_ascii_lowercase()).map_err(|error| error.to_string())
}

/// Returns the parser of a sequence number.
pub(super) fn sequence() -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(..=i64::MAX.unsigned_abs())
}

pub(super) fn role(name: &str) -> Result<Role, String> {
    Role::from_name(name).ok_or_else(|| "must be owner, admin, member or viewer".to_owned())
}

pub(super) fn latitude(text: &str) -> Result<f64, CaptureLocationError> {
    CaptureLocation::check_latitude(number(text))
}

pub(super) fn longitude(text: &str) -> Result<f64, CaptureLocationError> {
    CaptureLocation::check_longitude(number(text))
}

pub(super) fn altitude(text: &str) -> Result<f64, CaptureLocationError> {
    CaptureLocation::check_altitude(number(text))
}

pub(super) fn accuracy(text: &str) -> Result<f64, CaptureLocationError> {
    CaptureLocation::check_accuracy(number(text))
}

/// Parses a number; NaN, which every check refuses, if it is none.
fn number(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

pub(super) fn label(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "must be KEY=VALUE".to_owned())
}

/// Collects labels, each key once.
pub(super) fn labels(pairs: &[(String, String)]) -> Result<Labels, String> {
    let mut labels = BTreeMap::new();
    for (key, value) in pairs {
        if labels.insert(key.clone(), value.clone()).is_some() {
            return Err(format!("{key} is given twice"));
        }
    }
    Labels::parse(labels).map_err(|it| it.to_string())
}

pub(super) fn boolean(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "must be true or false")
}

/// Parses the size from which a file is uploaded in parts. A single upload has at most 5 GiB.
pub(super) fn threshold(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize = text.parse().map_err(|_| "must be a size, such as 64MiB")?;
    if (1..=raw::ByteSize::MAX_SINGLE_PUT.get()).contains(&size.as_u64()) {
        Ok(size)
    } else {
        Err("must be 1 byte to 5 GiB".to_owned())
    }
}
