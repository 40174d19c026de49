use std::path::PathBuf;

use clap::Args;
use nexus_raw::{
    asset::{
        AssetId, C2pa, C2paState, Fact, FactValue, Labels, License, PiiFlag, PiiFlags, Reason,
        RightsHolder, Scan, ScanVerdict, Scanner, Sha256Digest,
    },
    time::Timestamp,
};

use super::{
    ServiceArgs,
    time::{Note, Time},
    values::{asset, boolean, labels},
};
use crate::option_faults::{OptionFault, OptionFaults};

/// `fact`. The values are texts here, so that the faults of all are reported at once.
#[derive(Debug, Args)]
#[group(id = "kind", required = true, multiple = false, args = [
    "train_ok", "pii_flag", "no_pii_flags", "label", "no_labels", "license", "no_license",
    "rights_holder", "no_rights_holder", "scan", "no_scan", "c2pa", "no_c2pa",
])]
#[expect(
    clippy::struct_excessive_bools,
    reason = "an option without a value is a bool"
)]
pub(crate) struct FactArgs {
    /// Asset, by its id or its URI
    id: String,
    /// Whether models may be trained on it: true or false
    #[arg(long, value_name = "BOOL")]
    train_ok: Option<String>,
    /// Kinds of personal data in it, instead of those in force: email, phone, card, postal, name,
    /// face, location, health, biometric or other; separated by commas, or repeated
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pii_flag: Vec<String>,
    /// No personal data in it
    #[arg(long)]
    no_pii_flags: bool,
    /// Label, instead of all labels in force; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    label: Vec<String>,
    /// No labels
    #[arg(long)]
    no_labels: bool,
    /// License, as an SPDX expression such as CC-BY-4.0 or LicenseRef-acme
    #[arg(long, value_name = "SPDX")]
    license: Option<String>,
    /// Withdraw the license that was stated
    #[arg(long)]
    no_license: bool,
    /// Holder of the rights
    #[arg(long, value_name = "TEXT")]
    rights_holder: Option<String>,
    /// Withdraw the holder of the rights
    #[arg(long)]
    no_rights_holder: bool,
    /// Scanner and what it found, clean, infected or unknown: clamav=clean
    #[arg(long, value_name = "SCANNER=VERDICT")]
    scan: Option<String>,
    /// Time of the scan, such as 2026-11-24T01:00:00Z, if not now; a date is its midnight, UTC
    #[arg(long, value_name = "TIME")]
    scanned_at: Option<String>,
    /// Withdraw the scan
    #[arg(long)]
    no_scan: bool,
    /// State of its C2PA manifest: absent, present, valid or invalid
    #[arg(long, value_name = "STATE")]
    c2pa: Option<String>,
    /// Withdraw the state of its C2PA manifest
    #[arg(long)]
    no_c2pa: bool,
    /// Why it is stated
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// File that proves it; only its SHA-256 is sent
    #[arg(long, value_name = "FILE", conflicts_with = "evidence_sha256")]
    pub(crate) evidence: Option<PathBuf>,
    /// SHA-256 of a document that proves it
    #[arg(long, value_name = "DIGEST")]
    evidence_sha256: Option<String>,
    /// Print the fact as returned by the service
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

/// `facts`.
#[derive(Debug, Args)]
pub(crate) struct FactsArgs {
    /// Asset, by its id or its URI
    #[arg(value_parser = asset)]
    pub(crate) id: AssetId,
    /// Print the service's JSON, the facts of all pages as one document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

impl FactArgs {
    /// Returns the asset and the fact of it, without the digest of a file.
    pub(crate) fn fact(&self, now: Timestamp) -> Result<(AssetId, Fact), Vec<OptionFault>> {
        let mut faults = OptionFaults::default();
        let id = faults.check("ID", asset(&self.id));
        let value = self.value(now, &mut faults);
        if self.scan.is_none() && self.scanned_at.is_some() {
            // clap does not require an option that another one excludes
            faults.check("--scanned-at", Err::<(), _>("requires --scan"));
        }
        let reason = self.reason.as_deref().map(Reason::parse);
        let reason = reason.and_then(|it| faults.check("--reason", it));
        let digest = self.evidence_sha256.as_deref().map(Sha256Digest::parse);
        let digest = digest.and_then(|it| faults.check("--evidence-sha256", it));
        let fact = value.map(|it| Fact::new(it).with_reason(reason).with_evidence(digest));
        faults.finish(id.zip(fact))
    }

    pub(super) fn scan_note(&self) -> Option<String> {
        let time = Time::parse(self.scanned_at.as_deref()?).ok()?;
        Note::of("--scanned-at", &time).map(|it| it.to_string())
    }

    /// Returns the value of the one kind that clap lets through.
    fn value(&self, now: Timestamp, faults: &mut OptionFaults) -> Option<FactValue> {
        if let Some(text) = &self.train_ok {
            return faults
                .check("--train-ok", boolean(text))
                .map(FactValue::TrainOk);
        }
        if self.no_pii_flags || !self.pii_flag.is_empty() {
            return pii_flags(&self.pii_flag, faults).map(FactValue::PiiFlags);
        }
        if self.no_labels || !self.label.is_empty() {
            return all_labels(&self.label, faults).map(FactValue::Labels);
        }
        if let Some(text) = &self.license {
            let license = faults.check("--license", License::parse(text))?;
            return Some(FactValue::License(Some(license)));
        }
        if let Some(text) = &self.rights_holder {
            let holder = faults.check("--rights-holder", RightsHolder::parse(text))?;
            return Some(FactValue::RightsHolder(Some(holder)));
        }
        if let Some(text) = &self.scan {
            let scan = scan(text, self.scanned_at.as_deref(), now, faults)?;
            return Some(FactValue::Scan(Some(scan)));
        }
        if let Some(text) = &self.c2pa {
            let state = faults.check("--c2pa", C2paState::parse(text))?;
            return Some(FactValue::C2pa(Some(C2pa { state })));
        }
        let withdrawn = [
            (self.no_license, FactValue::License(None)),
            (self.no_rights_holder, FactValue::RightsHolder(None)),
            (self.no_scan, FactValue::Scan(None)),
            (self.no_c2pa, FactValue::C2pa(None)),
        ];
        let withdrawn = withdrawn
            .into_iter()
            .find(|(is_requested, _)| *is_requested);
        withdrawn.map(|(_, value)| value)
    }
}

/// Reads flags; one empty text stands for none.
fn pii_flags(texts: &[String], faults: &mut OptionFaults) -> Option<PiiFlags> {
    if texts.iter().all(String::is_empty) && texts.len() < 2 {
        return Some(PiiFlags::default());
    }
    let parsed: Vec<_> = texts
        .iter()
        .map(|text| faults.check(format_args!("--pii-flag {text}"), PiiFlag::parse(text)))
        .collect();
    let flags = parsed.into_iter().collect::<Option<Vec<_>>>()?;
    let named: Vec<_> = flags.iter().map(|it| it.as_str()).collect();
    PiiFlags::parse(flags)
        .map_err(|fault| {
            let name = named.get(fault.0).copied().unwrap_or_default();
            faults.check(format_args!("--pii-flag {name}"), Err::<(), _>(fault));
        })
        .ok()
}

fn all_labels(texts: &[String], faults: &mut OptionFaults) -> Option<Labels> {
    let parsed: Vec<_> = texts
        .iter()
        .map(|text| {
            let label = super::label(text).and_then(|(key, value)| {
                Labels::check_label(&key, &value).map_err(|it| it.to_string())?;
                Ok((key, value))
            });
            faults.check(format_args!("--label {text}"), label)
        })
        .collect();
    let parsed = parsed.into_iter().collect::<Option<Vec<_>>>()?;
    faults.check("--label", labels(&parsed))
}

fn scan(
    text: &str,
    scanned_at: Option<&str>,
    now: Timestamp,
    faults: &mut OptionFaults,
) -> Option<Scan> {
    let parts = text.rsplit_once('=').ok_or("must be SCANNER=VERDICT");
    let parts = faults.check("--scan", parts);
    let scanner = parts.and_then(|it| faults.check("--scan, scanner", Scanner::parse(it.0)));
    let verdict = parts.and_then(|it| faults.check("--scan, verdict", ScanVerdict::parse(it.1)));
    let scanned_at = match scanned_at {
        Some(text) => faults.check("--scanned-at", Time::parse(text))?.at(),
        None => now,
    };
    Some(Scan {
        scanner: scanner?,
        verdict: verdict?,
        scanned_at,
    })
}
