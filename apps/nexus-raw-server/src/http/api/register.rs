use std::collections::{BTreeMap, BTreeSet};

use actix_web::{
    HttpResponse,
    http::{Method, StatusCode},
};
use nexus_raw::{
    asset::{
        Activity, AssetId, ByteSize, CaptureLocation, CapturedAt, ContentType, DerivedFrom,
        Filename, Labels, Lineage, PiiFlag, PiiFlags, Provenance, Sha256Digest, SourceUri,
    },
    service::{RegisterRequest, Registered, RestatedFacts},
    tenancy::WriteAccess,
    time::Timestamp,
};
use strict_json::Json;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{batch::Reply, record, text};
use crate::http::{
    request::{BodyRule, Node},
    respond::{ApiError, Fault, Faults, ProblemCode},
    route::{Call, Handler, Route, described},
};

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/register",
    method: Method::POST,
    handler: Handler::Write(BodyRule::SMALL, |call, access, body| Box::pin(register(call, access, body))),
    problems: &[ProblemCode::AssetNotFound, ProblemCode::AssetConflict, ProblemCode::ObjectNotUploaded, ProblemCode::VerificationPending, ProblemCode::UploadExpired, ProblemCode::ObjectMismatch],
    takes_idempotency_key: false,
    described: described!(register),
};

/// Registers an uploaded object as an asset.
#[utoipa::path(
    post,
    path = ROUTE.pattern,
    operation_id = "registerAsset",
    tag = "assets",
    request_body = Register,
    responses(
        (status = 201, description = "Registered by this request.", body = record::RawAsset,
            headers(("Location" = String, description = "The record's path."))),
        (status = 200, description = "Already registered by an identical request.", body = record::RawAsset),
    ),
)]
async fn register(
    call: Call<'_>,
    access: WriteAccess,
    body: Json,
) -> Result<HttpResponse, ApiError> {
    let request = parse(&body, call.app.clock.now())?;
    let service = &call.core.service;
    let registered = service.register(&access, call.context, request).await?;
    Ok(reply(&registered)?.respond())
}

pub(super) fn reply(registered: &Registered) -> Result<Reply, ApiError> {
    let asset = &registered.asset;
    if registered.created {
        let reply = Reply::new(StatusCode::CREATED, asset)?;
        Ok(reply.with_location(format!("/nexus/raw/{}", asset.asset_id())))
    } else {
        Reply::new(StatusCode::OK, asset)
    }
}

/// The metadata of the uploaded file.
#[expect(dead_code, reason = "a description: `parse` reads the domain's own types")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Register {
    /// The asset's id from presign.
    asset_id: text::AssetId,
    /// The declared name, repeated.
    #[schema(nullable = false)]
    filename: Option<text::Filename>,
    /// The declared media type, repeated.
    #[schema(nullable = false)]
    content_type: Option<text::ContentType>,
    /// The declared length, repeated.
    #[schema(nullable = false, minimum = 0, maximum = 5_497_558_138_880_u64)]
    size_bytes: Option<u64>,
    /// The declared digest, repeated; required if presign did not state it.
    #[schema(nullable = false)]
    sha256: Option<text::Sha256>,
    /// When the content was captured.
    captured_at: Option<text::CapturedAt>,
    /// Where it was captured.
    capture_location: Option<record::CaptureLocation>,
    /// Its parents and its source.
    #[schema(nullable = false)]
    lineage: Option<LineageStatement>,
    /// The kinds of personal data in it.
    #[schema(nullable = false)]
    pii_flags: Option<BTreeSet<record::PiiFlag>>,
    /// Whether models may be trained on it.
    #[schema(nullable = false, default = false)]
    train_ok: Option<bool>,
    /// The caller's own labels.
    #[schema(schema_with = text::labels)]
    labels: Option<BTreeMap<String, String>>,
}

pub(super) fn parse(body: &Json, now: Timestamp) -> Result<RegisterRequest, Faults> {
    let body = Node::root(body);
    let mut fields = body.fields()?;
    let asset_id = fields.required("asset_id", |it| it.text(AssetId::parse));
    let restated = RestatedFacts {
        filename: fields.optional("filename", |it| it.text(Filename::parse)),
        content_type: fields.optional("content_type", |it| it.text(ContentType::parse)),
        size_bytes: fields.optional("size_bytes", |it| it.integer(ByteSize::parse)),
        sha256: fields.optional("sha256", |it| it.text(Sha256Digest::parse)),
    };
    let provenance = Provenance {
        captured_at: fields.nullable("captured_at", |it| captured_at(it, now)),
        capture_location: fields.nullable("capture_location", capture_location),
        lineage: fields.optional("lineage", lineage).unwrap_or_default(),
        pii_flags: fields.optional("pii_flags", pii_flags).unwrap_or_default(),
        train_ok: fields
            .optional("train_ok", Node::boolean)
            .unwrap_or_default(),
        labels: fields.optional("labels", labels).unwrap_or_default(),
    };
    fields.finish(|| {
        Some(RegisterRequest::new(asset_id?).with_restated(restated).with_provenance(provenance))
    })
}

fn captured_at(it: &Node<'_>, now: Timestamp) -> Result<CapturedAt, Faults> {
    let captured = it.text(CapturedAt::parse)?;
    if captured.is_ahead_of(now) {
        return Err(it.fault(Fault::IN_FUTURE));
    }
    Ok(captured)
}

fn capture_location(it: &Node<'_>) -> Result<CaptureLocation, Faults> {
    let mut fields = it.fields()?;
    let latitude = fields.required("latitude", |it| it.number(CaptureLocation::check_latitude));
    let longitude = fields.required("longitude", |it| {
        it.number(CaptureLocation::check_longitude)
    });
    let altitude_m = fields.nullable("altitude_m", |it| {
        it.number(CaptureLocation::check_altitude)
    });
    let accuracy_m = fields.nullable("accuracy_m", |it| {
        it.number(CaptureLocation::check_accuracy)
    });
    fields.finish(|| CaptureLocation::parse(latitude?, longitude?, altitude_m, accuracy_m).ok())
}

/// The lineage of an asset, as stated by the caller.
#[expect(dead_code, reason = "a description: `parse` reads the domain's own types")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LineageStatement {
    /// Registered assets of the same tenant and environment.
    #[schema(nullable = false, max_items = 64)]
    derived_from: Option<BTreeSet<text::AssetId>>,
    source_uri: Option<text::SourceUri>,
    activity: Option<text::Activity>,
}

fn lineage(it: &Node<'_>) -> Result<Lineage, Faults> {
    let mut fields = it.fields()?;
    let derived_from = fields.optional("derived_from", |it| {
        let parents = it.distinct(DerivedFrom::MAX, |it| it.text(AssetId::parse))?;
        DerivedFrom::parse(parents).map_err(|error| it.fault(error))
    });
    let source_uri = fields.nullable("source_uri", |it| it.text(SourceUri::parse));
    let activity = fields.nullable("activity", |it| it.text(Activity::parse));
    fields.finish(|| {
        Some(Lineage {
            derived_from: derived_from.unwrap_or_default(),
            source_uri,
            activity,
        })
    })
}

pub(super) fn pii_flags(it: &Node<'_>) -> Result<PiiFlags, Faults> {
    let flags = it.distinct(PiiFlag::ALL.len(), |it| it.text(PiiFlag::parse))?;
    PiiFlags::parse(flags).map_err(|error| it.fault(error))
}

pub(super) fn labels(it: &Node<'_>) -> Result<Labels, Faults> {
    let entries = it.entries()?;
    let mut faults = it.at_most(Labels::MAX, entries.len());
    let mut labels = BTreeMap::new();
    for (key, value) in entries {
        let checked = value.text(|text| Labels::check_label(key, text).map(|()| text.to_owned()));
        match checked {
            Ok(text) => {
                labels.insert(key.to_owned(), text);
            }
            Err(found) => faults.add(found),
        }
    }
    faults
        .or(labels)
        .and_then(|labels| Labels::parse(labels).map_err(|error| it.fault(error)))
}

#[cfg(test)]
mod tests {
        use proptest::prelude::*;

    use super::*;

    /// JSON texts with the fields of a statement and values of every kind.
    fn statements() -> impl Strategy<Value = String> {
        let value = prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            "-?[1-9][0-9]{0,20}(\\.[0-9]{1,3})?".prop_map(|it| it),
            "\"[ -!#-\\[\\]-~]{0,20}\"".prop_map(|it| it),
            Just("[\"face\",1]".to_owned()),
            Just("{\"latitude\":1,\"a/b\":[]}".to_owned()),
        ];
        let name = prop_oneof![
            Just("asset_id"),
            Just("size_bytes"),
            Just("captured_at"),
            Just("capture_location"),
            Just("lineage"),
            Just("pii_flags"),
            Just("train_ok"),
            Just("labels"),
            Just("other~/"),
        ];
        let members = proptest::collection::btree_map(name, value, 0..9);
        members.prop_map(|members| {
            let members = members
                .iter()
                .map(|(name, value)| format!("\"{name}\":{value}"));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        })
    }

    proptest! {
        #[test]
        fn every_statement_is_read_or_its_faults_are_named_at_what_was_sent(text in statements()) {
            let body = strict_json::read(text.as_bytes()).unwrap();
            let sent: serde_json::Value = serde_json::from_str(&text).unwrap();
            let now = Timestamp::from_micros(0).unwrap();
            if let Err(faults) = parse(&body, now) {
                prop_assert!(!faults.as_slice().is_empty());
                for fault in faults.as_slice() {
                    let there = sent.pointer(fault.pointer()).is_some();
                    prop_assert!(there || fault.is_of_absence(), "{:?} in {}", fault, text);
                }
            }
        }
    }
}
