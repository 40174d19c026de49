//! The start-up probe: what the bucket must refuse, and what its word is worth.

mod bucket;
mod digests;
mod put;
mod signatures;
mod uploads;

#[cfg(test)]
pub(crate) use self::put::CONTENT;
use nexus_raw::ports::{BoxError, StoreCapabilities};

use crate::{failure::RequestFailure, store::Store};

/// Why the bucket is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The store gave no clear answer; it may at another time.
    #[error("the object store cannot be probed")]
    Unreachable(#[source] BoxError),
    /// The store answered, and must not be used as it is configured.
    #[error("the bucket is not fit: {}", findings.join("; "))]
    Unfit {
        /// What is wrong and what to change, a sentence each.
        findings: Vec<String>,
    },
}

impl From<RequestFailure> for ProbeError {
    fn from(failure: RequestFailure) -> Self {
        Self::Unreachable(Box::new(failure))
    }
}

/// What came out, when the bucket is fit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) capabilities: StoreCapabilities,
    pub(crate) notes: Vec<String>,
}

/// Tries everything, so that whoever runs the service is told all that is wrong at once.
pub(crate) async fn examine(store: &Store) -> Result<Report, ProbeError> {
    let mut findings = bucket::findings(store).await?;
    stop_at(&findings)?; // without the bucket, nothing else says anything
    findings.extend(bucket::requirement_findings(store).await?);
    let upload = uploads::try_upload(store).await?;
    findings.extend(upload.findings);
    if upload.stored {
        let signatures = signatures::findings(store).await?;
        findings.extend(signatures.findings);
        let digests = digests::enforced(store).await? && upload.reports_sha256;
        stop_at(&findings)?;
        let capabilities = StoreCapabilities {
            enforces_sha256: digests,
            keeps_octet_stream: upload.keeps_octet_stream,
        };
        let mut notes = signatures.notes;
        notes.extend(capability_notes(capabilities));
        return Ok(Report {
            capabilities,
            notes,
        });
    }
    Err(ProbeError::Unfit { findings })
}

fn stop_at(findings: &[String]) -> Result<(), ProbeError> {
    if findings.is_empty() {
        Ok(())
    } else {
        Err(ProbeError::Unfit {
            findings: findings.to_vec(),
        })
    }
}

fn capability_notes(capabilities: StoreCapabilities) -> Vec<String> {
    let digests = if capabilities.enforces_sha256 {
        "the store refuses bytes that differ from their signed SHA-256: its digests are believed"
    } else {
        "the store takes bytes that differ from their signed SHA-256, or keeps no digest: its digests are not believed"
    };
    let guesses = "the store answers another type for what was uploaded as application/octet-stream: that type is not compared";
    let guesses = (!capabilities.keeps_octet_stream).then_some(guesses);
    [digests]
        .into_iter()
        .chain(guesses)
        .map(str::to_owned)
        .collect()
}
