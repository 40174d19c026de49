use serde::{Deserialize, Deserializer, Serialize};

use super::{
    EventBody, EventDownload, EventIntegrity, EventType, RequestId, SchemaVersion, TraceId,
};
use crate::{
    asset::{
        Activity, AssetId, ByteSize, ContentType, DerivedFrom, Fact, FactKind, FactValue, Labels,
        Lineage, ObjectAddress, PiiFlags, Reason, RightsHolder, Sha256Digest, SourceUri,
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
/// never made anew. The place in the scope's sequence is in neither: it is not known when they are
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
struct Facts {
    schema_version: SchemaVersion,
    event_type: EventType,
    occurred_at: Timestamp,
    asset_id: AssetId,
    sha256: Sha256Digest,
    size_bytes: ByteSize,
    content_type: ContentType,
    derived_from: DerivedFrom,
    pii_flags: Option<PiiFlags>,
    train_ok: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    integrity: Option<EventIntegrity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fact: Option<StatedValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    download: Option<EventDownload>,
}

/// A fact without what may name a person: `value` is null where it is among the personal members.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatedValue {
    kind: FactKind,
    value: serde_json::Value,
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
    reason: Option<Option<Reason>>,
    /// Only of a fact of this kind; null if withdrawn.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    rights_holder: Option<Option<RightsHolder>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    labels: Option<Labels>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record_sha256: Option<Sha256Digest>,
}

/// Reads a member that may be null and may be absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// The fact's members of both texts.
#[derive(Default)]
struct SplitFact {
    stated: Option<StatedValue>,
    reason: Option<Option<Reason>>,
    rights_holder: Option<Option<RightsHolder>>,
    labels: Option<Labels>,
}

impl SplitFact {
    fn of(fact: &Fact) -> Result<Self, serde_json::Error> {
        let mut split = Self {
            reason: Some(fact.reason.clone()),
            ..Self::default()
        };
        let mut value = serde_json::Value::Null;
        match &fact.value {
            FactValue::RightsHolder(it) => split.rights_holder = Some(it.clone()),
            FactValue::Labels(it) => split.labels = Some(it.clone()),
            other => value = serde_json::to_value(other)?,
        }
        split.stated = Some(StatedValue {
            kind: fact.kind(),
            value,
            evidence_sha256: fact.evidence_sha256,
        });
        Ok(split)
    }

    /// Joins the members; `None` if they are not those of one fact.
    fn join(self) -> Result<Option<Fact>, serde_json::Error> {
        let (Some(stated), Some(reason)) = (self.stated, self.reason) else {
            return Ok(None);
        };
        let value = match (stated.kind, self.rights_holder, self.labels) {
            (FactKind::RightsHolder, Some(it), None) if stated.value.is_null() => {
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
        let split = body.fact.as_ref().map(SplitFact::of).transpose()?;
        let split = split.unwrap_or_default();
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
        let facts: Facts = serde_json::from_str(facts).map_err(broken)?;
        let personal: Personal = serde_json::from_str(personal).map_err(broken)?;
        let is_registered = facts.event_type == EventType::RawAssetRegistered;
        let is_download = facts.event_type == EventType::RawAssetDownloadPresigned;
        let is_fact = facts.event_type == EventType::RawAssetFactStated;
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
            || has_fact != is_fact
            || fact.is_some() != is_fact
            || (has_personal && !is_fact)
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
            download: facts.download,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        asset::{
            BucketName, ContentFacts, Disposition, Filename, InForce, Integrity, IntegrityLevel,
            ObjectKey, Provenance, RawAsset, RawAssetParts, UploadIntent,
        },
        event::RequestContext,
        tenancy::Scope,
    };

    fn time(second: i64) -> Timestamp {
        Timestamp::from_micros(1_795_482_000_000_000 + second * 1_000_000).unwrap()
    }

    fn intent() -> UploadIntent {
        let scope = Scope {
            tenant: TenantId::parse("t_demo").unwrap(),
            environment: Environment::parse("dev").unwrap(),
        };
        let asset_id = AssetId::parse("019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11").unwrap();
        let filename = Filename::parse("Gr\u{fc}\u{df}e \"1\".jpg").unwrap();
        UploadIntent {
            asset_id,
            address: ObjectAddress {
                bucket: BucketName::parse("nexus-raw").unwrap(),
                key: ObjectKey::for_asset(&scope, asset_id, &filename),
            },
            scope,
            facts: ContentFacts {
                filename,
                content_type: ContentType::parse("image/jpeg").unwrap(),
                size_bytes: ByteSize::parse(5).unwrap(),
                sha256: Sha256Digest::of(b"hello"),
            },
            requested_by: UserId::parse("u_demo").unwrap(),
            requested_at: time(0),
            ends_at: time(60),
        }
    }

    fn context() -> RequestContext {
        RequestContext {
            trace_id: TraceId::parse("4bf92f3577b34da6a3ce929d0e0e4736").unwrap(),
            request_id: RequestId::parse("req-1").unwrap(),
        }
    }

    fn record() -> RawAsset {
        let intent = intent();
        let parent = AssetId::parse("019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e12").unwrap();
        RawAsset::from_parts(RawAssetParts {
            asset_id: intent.asset_id,
            scope: intent.scope,
            address: intent.address,
            facts: intent.facts,
            provenance: Provenance {
                lineage: Lineage {
                    derived_from: DerivedFrom::parse(vec![parent]).unwrap(),
                    source_uri: Some(SourceUri::parse("https://photos.example/1.jpg").unwrap()),
                    activity: Some(Activity::parse("crop \\ \u{e9}").unwrap()),
                },
                pii_flags: serde_json::from_str("[\"location\",\"face\"]").unwrap(),
                train_ok: true,
                ..Provenance::default()
            },
            imported_at: Timestamp::from_micros(1_795_482_001_000_100).unwrap(),
            registered_by: UserId::parse("u_demo").unwrap(),
            integrity: Integrity {
                level: IntegrityLevel::S3Sha256,
                version_id: None,
                etag: "5d41402abc4b2a76b9719d911017c592".to_owned(),
            },
        })
    }

    /// A download of the record, whose flags are others by now.
    fn download() -> EventBody {
        let in_force = InForce {
            train_ok: false,
            train_ok_effective: false,
            pii_flags: serde_json::from_str("[\"health\"]").unwrap(),
        };
        let download = EventDownload {
            disposition: Disposition::Inline,
            expires_at: time(900),
        };
        let user = UserId::parse("u_other").unwrap();
        EventBody::download_presigned(&record(), &in_force, download, &user, &context(), time(2))
    }

    /// Proofs are built on these bytes: they never change.
    #[test]
    fn the_texts_of_an_event_are_these() {
        let intent = intent();
        let presigned = EventBody::presigned(&intent, &intent.requested_by, &context(), time(0));
        let registered = EventBody::registered(&record(), &context());
        let uri = r#""uri":"s3://nexus-raw/tenants/t_demo/dev/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11/Grüße \"1\".jpg""#;
        let content = r#""asset_id":"019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11","sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","size_bytes":5,"content_type":"image/jpeg""#;
        let who = r#""tenant_id":"t_demo","env":"dev","user_id":"u_demo","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","request_id":"req-1""#;
        let expected = [
            StoredEvent {
                facts: format!(
                    r#"{{"schema_version":"1","event_type":"raw_asset_presigned","occurred_at":"2026-11-24T01:00:00Z",{content},"derived_from":[],"pii_flags":null,"train_ok":null}}"#
                ),
                personal: format!(r#"{{{who},{uri},"source_uri":null,"activity":null}}"#),
            },
            StoredEvent {
                facts: format!(
                    r#"{{"schema_version":"1","event_type":"raw_asset_registered","occurred_at":"2026-11-24T01:00:01.000100Z",{content},"derived_from":["019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e12"],"pii_flags":["location","face"],"train_ok":true,"integrity":{{"level":"s3_sha256"}}}}"#
                ),
                personal: format!(
                    r#"{{{who},{uri},"source_uri":"https://photos.example/1.jpg","activity":"crop \\ é","record_sha256":"{}"}}"#,
                    Sha256Digest::of(serde_json::to_string(&record()).unwrap().as_bytes())
                ),
            },
            StoredEvent {
                facts: format!(
                    r#"{{"schema_version":"1","event_type":"raw_asset_download_presigned","occurred_at":"2026-11-24T01:00:02Z",{content},"derived_from":[],"pii_flags":["health"],"train_ok":false,"download":{{"disposition":"inline","expires_at":"2026-11-24T01:15:00Z"}}}}"#
                ),
                personal: format!(
                    r#"{{{},{uri},"source_uri":null,"activity":null}}"#,
                    who.replace("u_demo", "u_other")
                ),
            },
        ];
        let bodies = [presigned, registered, download()];
        for (body, expected) in bodies.into_iter().zip(expected) {
            let stored = StoredEvent::of(&body).unwrap();
            assert_eq!(stored, expected);
            let read = StoredEvent::read(&stored.facts, &stored.personal).unwrap();
            assert_eq!(read, body);
        }
    }

    #[test]
    fn texts_of_no_event_or_of_two_are_refused() {
        let intent = intent();
        let presigned = EventBody::presigned(&intent, &intent.requested_by, &context(), time(0));
        let presigned = StoredEvent::of(&presigned).unwrap();
        let registered = EventBody::registered(&record(), &context());
        let registered = StoredEvent::of(&registered).unwrap();
        let unknown = presigned.facts.replacen('{', "{\"more\":1,", 1);
        let unproved = registered
            .facts
            .replace(",\"integrity\":{\"level\":\"s3_sha256\"}", "");
        let download = StoredEvent::of(&download()).unwrap();
        let at = download.facts.find(",\"download\"").unwrap();
        let unsaid = format!("{}}}", &download.facts[..at]);
        let said_of = |other: &StoredEvent| {
            let rest = other.facts.strip_suffix('}').unwrap();
            format!("{rest}{}", &download.facts[at..])
        };
        let endless = download
            .facts
            .replace(",\"expires_at\":\"2026-11-24T01:15:00Z\"", "");
        let (said_of_presigned, said_of_registered) = (said_of(&presigned), said_of(&registered));
        for (facts, personal) in [
            (&unsaid, &download.personal),
            (&endless, &download.personal),
            (&said_of_presigned, &presigned.personal),
            (&said_of_registered, &registered.personal),
            (&download.facts, &registered.personal),
            (&presigned.facts, &registered.personal),
            (&registered.facts, &presigned.personal),
            (&unknown, &presigned.personal),
            (&unproved, &registered.personal),
            (&presigned.personal, &presigned.facts),
            (&String::new(), &presigned.personal),
        ] {
            assert!(
                StoredEvent::read(facts, personal).is_err(),
                "{facts} {personal}"
            );
        }
    }
}
