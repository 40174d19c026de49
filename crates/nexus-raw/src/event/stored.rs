use serde::{Deserialize, Deserializer, Serialize};

use super::{
    EventBody, EventDownload, EventIntegrity, EventType, RequestId, SchemaVersion, TraceId,
};
use crate::{
    asset::{
        Activity, AssetId, ByteSize, ContentType, DerivedFrom, Fact, FactKind, FactValue, Labels,
        Lineage, ObjectAddress, PiiFlags, Reason, RightsHolder, Sha256Digest, SourceUri,
        Verification,
    },
    tenancy::{Environment, TenantId, UserId},
    time::Timestamp,
};

/// An event as a catalogue keeps it: two JSON texts, each of which is digested with a salt of its
/// own. What may name a person is in the second, which can be erased without the first.
///
/// The form is fixed for ever, since proofs are built on the digests: members in this order, no
/// white space, strings as in RFC 8785 (section 3.2.2.2), decimal integers, every member there but
/// those that belong to one type of event. The texts are kept as the bytes that were digested and
/// never rebuilt. The place in the scope's sequence is in neither: it is not known when they are
/// made, and follows from where the event is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// What happened to which content.
    pub facts: String,
    /// Whose it is, who did it, and where it is from.
    pub personal: String,
}

/// Two texts that are not those of one event.
#[derive(Debug, thiserror::Error)]
#[error("the texts are not a stored event")]
pub struct StoredEventError(#[source] Option<serde_json::Error>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts<V> {
    schema_version: SchemaVersion,
    event_type: EventType,
    occurred_at: Timestamp,
    asset_id: AssetId,
    #[serde(deserialize_with = "stated_or_null")]
    sha256: Option<Sha256Digest>,
    size_bytes: ByteSize,
    content_type: ContentType,
    derived_from: DerivedFrom,
    pii_flags: Option<PiiFlags>,
    train_ok: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    integrity: Option<EventIntegrity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fact: Option<StatedValue<V>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verification: Option<Verification>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    download: Option<EventDownload>,
}

/// A fact without what may name a person: `value` is null where it is among the personal members.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatedValue<V> {
    kind: FactKind,
    value: V,
    evidence_sha256: Option<Sha256Digest>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Personal {
    tenant_id: TenantId,
    env: Environment,
    user_id: UserId,
    trace_id: TraceId,
    request_id: RequestId,
    uri: ObjectAddress,
    source_uri: Option<SourceUri>,
    activity: Option<Activity>,
    /// Only of a fact; null if it has none.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    reason: Option<Nullable<Reason>>,
    /// Only of a fact of this kind; null if withdrawn.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    rights_holder: Option<Nullable<RightsHolder>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    labels: Option<Labels>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record_sha256: Option<Sha256Digest>,
}

/// A member that may be null, where it may also be absent.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Nullable<T>(Option<T>);

/// Reads a member that must be there, and may be null.
fn stated_or_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(from)
}

/// Reads a member that may be absent; if it is there, it may be null.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// The fact's members of both texts. A value is written in the order of its members, so not as a
/// [`serde_json::Value`].
struct SplitFact<V> {
    stated: Option<StatedValue<V>>,
    reason: Option<Nullable<Reason>>,
    rights_holder: Option<Nullable<RightsHolder>>,
    labels: Option<Labels>,
}

impl<'f> SplitFact<Option<&'f FactValue>> {
    fn of(fact: Option<&'f Fact>) -> Self {
        let mut split = Self {
            stated: None,
            reason: None,
            rights_holder: None,
            labels: None,
        };
        let Some(fact) = fact else {
            return split;
        };
        split.reason = Some(Nullable(fact.reason.clone()));
        let mut value = None;
        match &fact.value {
            FactValue::RightsHolder(it) => split.rights_holder = Some(Nullable(it.clone())),
            FactValue::Labels(it) => split.labels = Some(it.clone()),
            other => value = Some(other),
        }
        split.stated = Some(StatedValue {
            kind: fact.kind(),
            value,
            evidence_sha256: fact.evidence_sha256,
        });
        split
    }
}

impl SplitFact<serde_json::Value> {
    /// Joins the members; `None` if they are not those of one fact.
    fn join(self) -> Result<Option<Fact>, serde_json::Error> {
        let (Some(stated), Some(Nullable(reason))) = (self.stated, self.reason) else {
            return Ok(None);
        };
        let value = match (stated.kind, self.rights_holder, self.labels) {
            (FactKind::RightsHolder, Some(Nullable(it)), None) if stated.value.is_null() => {
                FactValue::RightsHolder(it)
            }
            (FactKind::Labels, None, Some(it)) if stated.value.is_null() => FactValue::Labels(it),
            (FactKind::RightsHolder | FactKind::Labels, ..) => return Ok(None),
            (kind, None, None) => FactValue::from_json(kind, stated.value)?,
            _ => return Ok(None),
        };
        let fact = Fact::new(value).with_reason(reason);
        Ok(Some(fact.with_evidence(stated.evidence_sha256)))
    }
}

impl StoredEvent {
    /// Writes an event down.
    ///
    /// # Errors
    /// When a value has no JSON form, which none of ours lacks.
    pub fn of(body: &EventBody) -> Result<Self, serde_json::Error> {
        let Lineage {
            derived_from,
            source_uri,
            activity,
        } = body.lineage.clone();
        let split = SplitFact::of(body.fact.as_ref());
        let facts = Facts {
            schema_version: body.schema_version,
            event_type: body.event_type,
            occurred_at: body.occurred_at,
            asset_id: body.asset_id,
            sha256: body.sha256,
            size_bytes: body.size_bytes,
            content_type: body.content_type.clone(),
            derived_from,
            pii_flags: body.pii_flags.clone(),
            train_ok: body.train_ok,
            integrity: body.integrity,
            fact: split.stated,
            verification: body.verification,
            download: body.download,
        };
        let personal = Personal {
            tenant_id: body.tenant_id.clone(),
            env: body.env.clone(),
            user_id: body.user_id.clone(),
            trace_id: body.trace_id,
            request_id: body.request_id.clone(),
            uri: body.uri.clone(),
            source_uri,
            activity,
            reason: split.reason,
            rights_holder: split.rights_holder,
            labels: split.labels,
            record_sha256: body.record_sha256,
        };
        Ok(Self {
            facts: serde_json::to_string(&facts)?,
            personal: serde_json::to_string(&personal)?,
        })
    }

    /// Reads an event back.
    ///
    /// # Errors
    /// When the texts are not those of one event: a member is missing, unknown or ill-formed, or
    /// belongs to another type of event.
    pub fn read(facts: &str, personal: &str) -> Result<EventBody, StoredEventError> {
        let broken = |error| StoredEventError(Some(error));
        let facts: Facts<serde_json::Value> = serde_json::from_str(facts).map_err(broken)?;
        let personal: Personal = serde_json::from_str(personal).map_err(broken)?;
        let is_registered = facts.event_type == EventType::RawAssetRegistered;
        let is_download = facts.event_type == EventType::RawAssetDownloadPresigned;
        let is_fact = facts.event_type == EventType::RawAssetFactStated;
        let is_verification = matches!(
            facts.event_type,
            EventType::RawAssetVerified | EventType::RawAssetCorrupt
        );
        let is_of_upload = matches!(
            facts.event_type,
            EventType::RawAssetPresigned | EventType::RawAssetUploadAborted
        );
        let told = facts.verification.as_ref();
        let tells_another = told.is_some_and(|it| !is_told_by(it, &facts));
        let has_personal = personal.reason.is_some()
            || personal.rights_holder.is_some()
            || personal.labels.is_some();
        let split = SplitFact {
            stated: facts.fact,
            reason: personal.reason,
            rights_holder: personal.rights_holder,
            labels: personal.labels,
        };
        let has_fact = split.stated.is_some();
        let fact = split.join().map_err(broken)?;
        if facts.integrity.is_some() != is_registered
            || personal.record_sha256.is_some() != is_registered
            || facts.download.is_some() != is_download
            || facts.verification.is_some() != is_verification
            || tells_another
            || has_fact != is_fact
            || fact.is_some() != is_fact
            || (has_personal && !is_fact)
            || (facts.sha256.is_none() && !is_of_upload)
        {
            return Err(StoredEventError(None));
        }
        Ok(EventBody {
            schema_version: facts.schema_version,
            event_type: facts.event_type,
            occurred_at: facts.occurred_at,
            tenant_id: personal.tenant_id,
            env: personal.env,
            user_id: personal.user_id,
            trace_id: personal.trace_id,
            request_id: personal.request_id,
            asset_id: facts.asset_id,
            uri: personal.uri,
            sha256: facts.sha256,
            size_bytes: facts.size_bytes,
            content_type: facts.content_type,
            lineage: Lineage {
                derived_from: facts.derived_from,
                source_uri: personal.source_uri,
                activity: personal.activity,
            },
            pii_flags: facts.pii_flags,
            train_ok: facts.train_ok,
            integrity: facts.integrity,
            record_sha256: personal.record_sha256,
            fact,
            verification: facts.verification,
            download: facts.download,
        })
    }
}

/// Whether the event is one of this verification.
fn is_told_by<V>(verification: &Verification, facts: &Facts<V>) -> bool {
    verification.is_consistent()
        && verification.verified_at() == facts.occurred_at
        && EventBody::type_of(verification.verdict()) == facts.event_type
}

#[cfg(test)]
mod tests;
