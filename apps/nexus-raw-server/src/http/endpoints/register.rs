use std::collections::BTreeMap;

use actix_web::{HttpResponse, http::header::LOCATION};
use nexus_raw::{
    asset::{
        Activity, AssetId, ByteSize, CaptureLocation, CapturedAt, ContentType, DerivedFrom,
        Filename, Labels, Lineage, PiiFlag, PiiFlags, Provenance, Sha256Digest, SourceUri,
    },
    json::Json,
    service::{RegisterRequest, RestatedFacts},
    tenancy::WriteAccess,
    time::Timestamp,
};

use crate::http::{
    body::{Fault, Faults, Node},
    call::Call,
    error::ApiError,
    reply,
};

/// Registers what was uploaded.
#[utoipa::path(
    post,
    path = "/nexus/raw/register",
    operation_id = "registerAsset",
    request_body = crate::http::openapi::Register,
    responses(
        (status = 201, description = "Registered by this request.", body = crate::http::openapi::RawAsset,
            headers(("Location" = String, description = "The record's path."))),
        (status = 200, description = "Registered by an identical request before.", body = crate::http::openapi::RawAsset),
    ),
)]
pub(crate) async fn register(
    call: Call<'_>,
    access: WriteAccess,
    body: Json,
) -> Result<HttpResponse, ApiError> {
    let request = parse(&body, call.app.clock.now())?;
    let service = &call.core.service;
    let registered = service.register(&access, call.context, request).await?;
    let response = if registered.created {
        let location = format!("/nexus/raw/{}", registered.asset.parts().asset_id);
        let mut response = HttpResponse::Created();
        response.insert_header((LOCATION, location));
        response
    } else {
        HttpResponse::Ok()
    };
    reply::json(response, &registered.asset)
}

fn parse(body: &Json, now: Timestamp) -> Result<RegisterRequest, Faults> {
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
        Some(RegisterRequest {
            asset_id: asset_id?,
            restated,
            provenance,
        })
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

fn pii_flags(it: &Node<'_>) -> Result<PiiFlags, Faults> {
    let flags = it.distinct(PiiFlag::ALL.len(), |it| it.text(PiiFlag::parse))?;
    PiiFlags::parse(flags).map_err(|error| it.fault(error))
}

fn labels(it: &Node<'_>) -> Result<Labels, Faults> {
    let (mut faults, mut labels) = (Faults::default(), BTreeMap::new());
    for (key, value) in it.entries()? {
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
