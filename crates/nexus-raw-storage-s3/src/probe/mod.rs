//! The start-up probe: whether the bucket is suitable, and whether its digests can be trusted.

mod bucket;
mod digests;
mod parts;
mod put;
mod responses;
mod signatures;
mod uploads;

#[cfg(test)]
pub(crate) use self::put::CONTENT;
pub(crate) use self::{
    put::{PREFIX, upload},
    uploads::key as octet_stream_key,
};
use nexus_raw::ports::{BoxError, StoreCapabilities};

use crate::{failure::RequestFailure, store::Store};

/// The error of a probe.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The store gave no clear answer; a retry may help.
    #[error("object store probe failed")]
    Unreachable(#[source] BoxError),
    /// The bucket is unsuitable as it is configured.
    #[error("bucket is unsuitable: {}", findings.join("; "))]
    Incompatible {
        /// The problems, each with a remedy.
        findings: Vec<String>,
    },
}

impl From<RequestFailure> for ProbeError {
    fn from(failure: RequestFailure) -> Self {
        Self::Unreachable(Box::new(failure))
    }
}

/// The result for a suitable bucket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ProbeReport {
    pub(crate) capabilities: StoreCapabilities,
    pub(crate) notes: Vec<String>,
}

/// Runs all checks, so that the operator sees all problems at once.
pub(crate) async fn examine(store: &Store) -> Result<ProbeReport, ProbeError> {
    let mut findings = bucket::findings(store).await?;
    stop_at(&findings)?; // without the bucket, no other check is meaningful
    findings.extend(bucket::requirement_findings(store).await?);
    let upload = uploads::try_upload(store).await?;
    findings.extend(upload.findings);
    if upload.stored {
        let signatures = signatures::findings(store).await?;
        findings.extend(signatures.findings);
        let key = uploads::key(&store.settings.server_side_encryption);
        let digests = digests::enforced(store).await? && upload.reports_sha256;
        stop_at(&findings)?;
        let parts = parts::try_parts(store).await?;
        let capabilities = StoreCapabilities {
            enforces_sha256: digests,
            keeps_octet_stream: upload.keeps_octet_stream,
            honours_response_headers: responses::honoured(store, &key).await?,
            proves_parts: parts.prove(),
        };
        let mut notes = signatures.notes;
        notes.extend(capability_notes(capabilities));
        notes.extend(parts::notes(&parts));
        return Ok(ProbeReport {
            capabilities,
            notes,
        });
    }
    Err(ProbeError::Incompatible { findings })
}

fn stop_at(findings: &[String]) -> Result<(), ProbeError> {
    if findings.is_empty() {
        Ok(())
    } else {
        Err(ProbeError::Incompatible {
            findings: findings.to_vec(),
        })
    }
}

fn capability_notes(capabilities: StoreCapabilities) -> Vec<String> {
    let digests = if capabilities.enforces_sha256 {
        "the store refuses bytes that differ from their signed SHA-256: its digests are trusted"
    } else {
        "the store accepts bytes that differ from their signed SHA-256, or stores no digest: its digests are not trusted"
    };
    let guesses = "the store returns another type for uploads of application/octet-stream: that type is not compared";
    let guesses = (!capabilities.keeps_octet_stream).then_some(guesses);
    let ignores = "the store ignores response-* parameters of downloads: what browsers would run is not downloaded";
    let ignores = (!capabilities.honours_response_headers).then_some(ignores);
    [digests]
        .into_iter()
        .chain(guesses)
        .chain(ignores)
        .map(str::to_owned)
        .collect()
}
