use serde::{
    Deserialize, Deserializer, Serialize,
    de::{
        IntoDeserializer,
        value::{Error as NameError, StrDeserializer},
    },
    ser::SerializeStruct,
};
use uuid::Uuid;

use super::{RequestContext, RequestId, TraceId};
use crate::{
    asset::{
        AssetId, ByteSize, ContentType, Disposition, Fact, FactValue, InForce, IntegrityLevel,
        Lineage, ObjectAddress, PiiFlags, RawAsset, Sha256Digest, UploadIntent, Verdict,
        Verification,
    },
    tenancy::{Environment, Scope, TenantId, UserId},
    time::Timestamp,
};

/// What happened to an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// A URL for its upload left the service.
    RawAssetPresigned,
    /// Its content was proved and its record written.
    RawAssetRegistered,
    /// A URL for its download left the service.
    RawAssetDownloadPresigned,
    /// A fact was stated of it.
    RawAssetFactStated,
    /// Its upload in parts was aborted; it is never registered.
    RawAssetUploadAborted,
    /// Its object was read again and is what the record says.
    RawAssetVerified,
    /// Its object was read again, and is not what the record says or no longer there.
    RawAssetCorrupt,
}

/// A text is not the name of an event's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the type of an event")]
pub struct EventTypeError;

impl EventType {
    /// Parses the type's name on the wire.
    ///
    /// # Errors
    /// When no type has this name.
    pub fn parse(name: &str) -> Result<Self, EventTypeError> {
        let name: StrDeserializer<'_, NameError> = name.into_deserializer();
        Self::deserialize(name).map_err(|_| EventTypeError)
    }

    /// The type's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RawAssetPresigned => "raw_asset_presigned",
            Self::RawAssetRegistered => "raw_asset_registered",
            Self::RawAssetDownloadPresigned => "raw_asset_download_presigned",
            Self::RawAssetFactStated => "raw_asset_fact_stated",
            Self::RawAssetUploadAborted => "raw_asset_upload_aborted",
            Self::RawAssetVerified => "raw_asset_verified",
            Self::RawAssetCorrupt => "raw_asset_corrupt",
        }
    }
}

/// Which form of event this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SchemaVersion {
    /// The first form.
    #[serde(rename = "1")]
    V1,
}

/// How the content of a registered asset was proved, as its event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventIntegrity {
    /// How it was proved.
    pub level: IntegrityLevel,
    /// Of how many parts it was uploaded, where it was uploaded in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<u16>,
}

/// What a download URL is good for, as its event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventDownload {
    /// What a browser is to do with the content.
    pub disposition: Disposition,
    /// When the URL ends.
    pub expires_at: Timestamp,
}

/// What an event says, before the catalogue has given it its place in the scope's sequence:
/// `sequence` and `event_id` follow from that. A catalogue keeps it as a
/// [`StoredEvent`](super::StoredEvent).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventBody {
    /// The form of the event.
    pub schema_version: SchemaVersion,
    /// What happened.
    pub event_type: EventType,
    /// When, by the service's clock.
    pub occurred_at: Timestamp,
    /// Whose asset it is.
    pub tenant_id: TenantId,
    /// In which environment.
    pub env: Environment,
    /// Who caused it.
    pub user_id: UserId,
    /// In which trace.
    pub trace_id: TraceId,
    /// By which request.
    pub request_id: RequestId,
    /// The asset.
    pub asset_id: AssetId,
    /// Where its object is, or must be.
    pub uri: ObjectAddress,
    /// The digest of its content; `None` while nobody has stated that of an upload in parts.
    pub sha256: Option<Sha256Digest>,
    /// The length of its content.
    pub size_bytes: ByteSize,
    /// The media type of its content.
    pub content_type: ContentType,
    /// Where it came from.
    pub lineage: Lineage,
    /// Which personal data it holds; `None` where nobody has stated it yet.
    pub pii_flags: Option<PiiFlags>,
    /// Whether models may be trained on it; `None` where nobody has stated it yet.
    pub train_ok: Option<bool>,
    /// How its content was proved; of a registration alone.
    pub integrity: Option<EventIntegrity>,
    /// The digest of the record's bytes, as registering answers them; of a registration alone. It
    /// is kept and not delivered.
    pub record_sha256: Option<Sha256Digest>,
    /// What was stated; of a fact alone.
    pub fact: Option<Fact>,
    /// What was found; of a verification alone.
    pub verification: Option<Verification>,
    /// What the URL is good for; of a download alone.
    pub download: Option<EventDownload>,
}

impl EventBody {
    /// The event of a presign.
    #[must_use]
    pub fn presigned(
        intent: &UploadIntent,
        user: &UserId,
        context: &RequestContext,
        occurred_at: Timestamp,
    ) -> Self {
        Self {
            schema_version: SchemaVersion::V1,
            event_type: EventType::RawAssetPresigned,
            occurred_at,
            tenant_id: intent.scope.tenant.clone(),
            env: intent.scope.environment.clone(),
            user_id: user.clone(),
            trace_id: context.trace_id,
            request_id: context.request_id.clone(),
            asset_id: intent.asset_id,
            uri: intent.address.clone(),
            sha256: intent.facts.sha256,
            size_bytes: intent.facts.size_bytes,
            content_type: intent.facts.content_type.clone(),
            lineage: Lineage::default(),
            pii_flags: None,
            train_ok: None,
            integrity: None,
            record_sha256: None,
            fact: None,
            verification: None,
            download: None,
        }
    }

    /// The event of an aborted upload in parts.
    #[must_use]
    pub fn upload_aborted(
        intent: &UploadIntent,
        user: &UserId,
        context: &RequestContext,
        occurred_at: Timestamp,
    ) -> Self {
        Self {
            event_type: EventType::RawAssetUploadAborted,
            ..Self::presigned(intent, user, context, occurred_at)
        }
    }

    /// The event of a registration.
    #[must_use]
    pub fn registered(asset: &RawAsset, context: &RequestContext) -> Self {
        Self {
            lineage: asset.provenance().lineage.clone(),
            pii_flags: Some(asset.provenance().pii_flags.clone()),
            train_ok: Some(asset.provenance().train_ok),
            integrity: Some(EventIntegrity {
                level: asset.integrity().level,
                parts: asset.integrity().parts,
            }),
            record_sha256: Some(asset.record_sha256()),
            ..Self::of_asset(asset, asset.registered_by(), context, asset.imported_at())
        }
    }

    /// The event of a download, with what is in force of the asset by now.
    #[must_use]
    pub fn download_presigned(
        asset: &RawAsset,
        in_force: &InForce,
        download: EventDownload,
        user: &UserId,
        context: &RequestContext,
        occurred_at: Timestamp,
    ) -> Self {
        Self {
            event_type: EventType::RawAssetDownloadPresigned,
            pii_flags: Some(in_force.pii_flags.clone()),
            train_ok: Some(in_force.train_ok),
            download: Some(download),
            ..Self::of_asset(asset, user, context, occurred_at)
        }
    }

    /// What the events of a record have in common.
    fn of_asset(
        asset: &RawAsset,
        user: &UserId,
        context: &RequestContext,
        occurred_at: Timestamp,
    ) -> Self {
        Self {
            schema_version: SchemaVersion::V1,
            event_type: EventType::RawAssetRegistered,
            occurred_at,
            tenant_id: asset.scope().tenant.clone(),
            env: asset.scope().environment.clone(),
            user_id: user.clone(),
            trace_id: context.trace_id,
            request_id: context.request_id.clone(),
            asset_id: asset.asset_id(),
            uri: asset.address().clone(),
            sha256: Some(asset.facts().sha256),
            size_bytes: asset.facts().size_bytes,
            content_type: asset.facts().content_type.clone(),
            lineage: Lineage::default(),
            pii_flags: None,
            train_ok: None,
            integrity: None,
            record_sha256: None,
            fact: None,
            verification: None,
            download: None,
        }
    }

    /// The event of a fact, with what is in force of the asset after it.
    #[must_use]
    pub fn fact_stated(
        asset: &RawAsset,
        in_force: &InForce,
        fact: Fact,
        user: &UserId,
        context: &RequestContext,
        occurred_at: Timestamp,
    ) -> Self {
        let (train_ok, pii_flags) = match &fact.value {
            FactValue::TrainOk(train_ok) => (*train_ok, in_force.pii_flags.clone()),
            FactValue::PiiFlags(flags) => (in_force.train_ok, flags.clone()),
            _ => (in_force.train_ok, in_force.pii_flags.clone()),
        };
        Self {
            event_type: EventType::RawAssetFactStated,
            pii_flags: Some(pii_flags),
            train_ok: Some(train_ok),
            fact: Some(fact),
            ..Self::of_asset(asset, user, context, occurred_at)
        }
    }

    /// The event of a verification, with what is in force of the asset at its time.
    #[must_use]
    pub fn verified(
        asset: &RawAsset,
        in_force: &InForce,
        verification: Verification,
        user: &UserId,
        context: &RequestContext,
    ) -> Self {
        Self {
            event_type: Self::type_of(verification.verdict()),
            pii_flags: Some(in_force.pii_flags.clone()),
            train_ok: Some(in_force.train_ok),
            verification: Some(verification),
            ..Self::of_asset(asset, user, context, verification.verified_at())
        }
    }

    /// The type of the event of a verification.
    pub(super) fn type_of(verdict: Verdict) -> EventType {
        match verdict {
            Verdict::Intact => EventType::RawAssetVerified,
            Verdict::Corrupt | Verdict::Missing => EventType::RawAssetCorrupt,
        }
    }

    /// The scope that the event belongs to.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope {
            tenant: self.tenant_id.clone(),
            environment: self.env.clone(),
        }
    }
}

/// A committed event, as it is delivered: the body, with its place in its scope's sequence.
///
/// Its serde form is the event of the wire. One that is read from there has no
/// [`EventBody::record_sha256`], and unknown members of the event itself are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetEvent {
    /// The same for every delivery of the event: consumers drop repeats by it.
    pub event_id: Uuid,
    /// Its place among the events of its scope: from 1, without a gap.
    pub sequence: u64,
    /// What it says.
    pub body: EventBody,
}

impl DatasetEvent {
    /// The id of the event at one place of a scope's log: UUID version 5 (RFC 9562, section 5.5)
    /// with the log's id as name space and the sequence, in decimal, as name.
    #[must_use]
    pub fn id_at(log_id: Uuid, sequence: u64) -> Uuid {
        Uuid::new_v5(&log_id, sequence.to_string().as_bytes())
    }
}

impl Serialize for DatasetEvent {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let body = &self.body;
        let optional = [
            body.integrity.is_some(),
            body.fact.is_some(),
            body.verification.is_some(),
            body.download.is_some(),
        ];
        let members = 18 + optional.into_iter().filter(|is_there| *is_there).count();
        let mut event = to.serialize_struct("DatasetEvent", members)?;
        event.serialize_field("event_id", &self.event_id)?;
        event.serialize_field("schema_version", &body.schema_version)?;
        event.serialize_field("event_type", &body.event_type)?;
        event.serialize_field("sequence", &self.sequence)?;
        event.serialize_field("occurred_at", &body.occurred_at)?;
        event.serialize_field("tenant_id", &body.tenant_id)?;
        event.serialize_field("env", &body.env)?;
        event.serialize_field("user_id", &body.user_id)?;
        event.serialize_field("trace_id", &body.trace_id)?;
        event.serialize_field("request_id", &body.request_id)?;
        event.serialize_field("asset_id", &body.asset_id)?;
        event.serialize_field("uri", &body.uri)?;
        event.serialize_field("sha256", &body.sha256)?;
        event.serialize_field("size_bytes", &body.size_bytes)?;
        event.serialize_field("content_type", &body.content_type)?;
        event.serialize_field("lineage", &body.lineage)?;
        event.serialize_field("pii_flags", &body.pii_flags)?;
        event.serialize_field("train_ok", &body.train_ok)?;
        if let Some(integrity) = &body.integrity {
            event.serialize_field("integrity", integrity)?;
        }
        if let Some(fact) = &body.fact {
            event.serialize_field("fact", fact)?;
        }
        if let Some(verification) = &body.verification {
            event.serialize_field("verification", verification)?;
        }
        if let Some(download) = &body.download {
            event.serialize_field("download", download)?;
        }
        event.end()
    }
}

impl<'de> Deserialize<'de> for DatasetEvent {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Delivered {
            event_id: Uuid,
            schema_version: SchemaVersion,
            event_type: EventType,
            sequence: u64,
            occurred_at: Timestamp,
            tenant_id: TenantId,
            env: Environment,
            user_id: UserId,
            trace_id: TraceId,
            request_id: RequestId,
            asset_id: AssetId,
            uri: ObjectAddress,
            sha256: Option<Sha256Digest>,
            size_bytes: ByteSize,
            content_type: ContentType,
            lineage: Lineage,
            pii_flags: Option<PiiFlags>,
            train_ok: Option<bool>,
            #[serde(default)]
            integrity: Option<EventIntegrity>,
            #[serde(default)]
            fact: Option<Fact>,
            #[serde(default)]
            verification: Option<Verification>,
            #[serde(default)]
            download: Option<EventDownload>,
        }
        let it = Delivered::deserialize(from)?;
        Ok(Self {
            event_id: it.event_id,
            sequence: it.sequence,
            body: EventBody {
                schema_version: it.schema_version,
                event_type: it.event_type,
                occurred_at: it.occurred_at,
                tenant_id: it.tenant_id,
                env: it.env,
                user_id: it.user_id,
                trace_id: it.trace_id,
                request_id: it.request_id,
                asset_id: it.asset_id,
                uri: it.uri,
                sha256: it.sha256,
                size_bytes: it.size_bytes,
                content_type: it.content_type,
                lineage: it.lineage,
                pii_flags: it.pii_flags,
                train_ok: it.train_ok,
                integrity: it.integrity,
                record_sha256: None,
                fact: it.fact,
                verification: it.verification,
                download: it.download,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn delivered() -> serde_json::Value {
        json!({
            "event_id": "6ba7b810-9dad-51d1-80b4-00c04fd430c8",
            "schema_version": "1",
            "event_type": "raw_asset_download_presigned",
            "sequence": 3,
            "occurred_at": "2026-11-24T01:00:02Z",
            "tenant_id": "t_demo",
            "env": "dev",
            "user_id": "u_demo",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            "request_id": "req-1",
            "asset_id": "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11",
            "uri": "s3://nexus-raw/tenants/t_demo/dev/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11/a.jpg",
            "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            "size_bytes": 5,
            "content_type": "image/jpeg",
            "lineage": {"derived_from": [], "source_uri": null, "activity": null},
            "pii_flags": ["location"],
            "train_ok": true,
            "download": {"disposition": "attachment", "expires_at": "2026-11-24T01:15:00Z"},
        })
    }

    #[test]
    fn a_download_is_delivered_with_what_its_url_is_good_for_as_the_last_member() {
        let event: DatasetEvent = serde_json::from_value(delivered()).unwrap();
        let stated = event.body.download.unwrap();
        assert_eq!(stated.disposition, Disposition::Attachment);
        assert_eq!(stated.expires_at.to_string(), "2026-11-24T01:15:00Z");
        let text = serde_json::to_string(&event).unwrap();
        let last = "\"train_ok\":true,\"download\":{\"disposition\":\"attachment\",\
                    \"expires_at\":\"2026-11-24T01:15:00Z\"}}";
        assert!(text.ends_with(last), "{text}");
        assert_eq!(serde_json::to_value(&event).unwrap(), delivered());
    }

    #[test]
    fn consumers_ignore_members_of_an_event_that_they_do_not_know() {
        let mut later = delivered();
        later["more"] = json!(1);
        let later: DatasetEvent = serde_json::from_value(later).unwrap();
        assert_eq!(serde_json::to_value(&later).unwrap(), delivered());
    }

    #[test]
    fn a_type_is_parsed_by_its_one_name() {
        for it in [
            EventType::RawAssetPresigned,
            EventType::RawAssetRegistered,
            EventType::RawAssetDownloadPresigned,
            EventType::RawAssetFactStated,
            EventType::RawAssetUploadAborted,
            EventType::RawAssetVerified,
            EventType::RawAssetCorrupt,
        ] {
            assert_eq!(EventType::parse(it.as_str()), Ok(it));
            assert_eq!(serde_json::to_value(it).unwrap(), it.as_str());
        }
        assert_eq!(EventType::parse("RawAssetPresigned"), Err(EventTypeError));
    }
}
