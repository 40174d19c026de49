use actix_web::{
    HttpResponse,
    http::{Method, StatusCode},
};
use nexus_raw::{
    asset::{
        C2pa, C2paState, CapturedAt, Fact, FactKind, FactValue, License, Reason, RightsHolder, Scan,
        ScanVerdict, Scanner, Sha256Digest,
    },
    service::RecordedFact,
    tenancy::WriteAccess,
    time::Timestamp,
};
use strict_json::Json;

use super::{batch::Reply, fact, register, text};
use crate::http::{
    request::{BodyRule, Node},
    respond::{ApiError, Fault, Faults, ProblemCode},
    route::{Call, Handler, Route, described},
};

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/{asset_id}/facts",
    method: Method::POST,
    handler: Handler::Write(BodyRule::SMALL, |call, access, body| {
        Box::pin(state_fact(call, access, body))
    }),
    problems: &[ProblemCode::AssetNotFound],
    takes_idempotency_key: false,
    described: described!(state_fact),
};

/// States a fact of a registered asset. The record does not change.
///
/// It is in force when the response is sent. Withdrawn permission to train is withdrawn from all
/// descendants at once; granted permission may reach them later if there are more than 1000.
#[utoipa::path(
    post,
    path = ROUTE.pattern,
    operation_id = "stateFact",
    tag = "facts",
    params(("asset_id" = text::AssetId, Path, description = "The asset.")),
    request_body = fact::FactStatement,
    responses(
        (status = 201, description = "Stated by this request.", body = fact::StatedFact),
        (status = 200, description = "Equal to the latest fact of its kind. Nothing was written.",
            body = fact::StatedFact),
    ),
)]
async fn state_fact(
    call: Call<'_>,
    access: WriteAccess,
    body: Json,
) -> Result<HttpResponse, ApiError> {
    let fact = parse(&body, call.app.clock.now())?;
    let service = &call.core.service;
    let asset_id = call.asset_id()?;
    let stated = service
        .state_fact(&access, call.context, asset_id, fact)
        .await?;
    let reply = match &stated {
        RecordedFact::New(fact) => Reply::new(StatusCode::CREATED, fact)?,
        RecordedFact::InForce(fact) => Reply::new(StatusCode::OK, fact)?,
    };
    Ok(reply.respond())
}

/// The value of an unknown kind is not judged.
fn parse(body: &Json, now: Timestamp) -> Result<Fact, Faults> {
    let body = Node::root(body);
    let mut fields = body.fields()?;
    let kind = fields.required("kind", |it| it.text(FactKind::parse));
    let value = fields.required("value", |it| kind.map(|kind| value(kind, it, now)).transpose());
    let reason = fields.nullable("reason", |it| it.text(Reason::parse));
    let evidence = fields.nullable("evidence_sha256", |it| it.text(Sha256Digest::parse));
    fields.finish(|| {
        let fact = Fact::new(value??);
        Some(fact.with_reason(reason).with_evidence(evidence))
    })
}

fn value(kind: FactKind, it: &Node<'_>, now: Timestamp) -> Result<FactValue, Faults> {
    Ok(match kind {
        FactKind::TrainOk => FactValue::TrainOk(it.boolean()?),
        FactKind::PiiFlags => FactValue::PiiFlags(register::pii_flags(it)?),
        FactKind::Labels => FactValue::Labels(register::labels(it)?),
        FactKind::License => {
            FactValue::License(unless_withdrawn(it, |it| it.text(License::parse))?)
        }
        FactKind::RightsHolder => {
            FactValue::RightsHolder(unless_withdrawn(it, |it| it.text(RightsHolder::parse))?)
        }
        FactKind::Scan => FactValue::Scan(unless_withdrawn(it, |it| scan(it, now))?),
        FactKind::C2pa => FactValue::C2pa(unless_withdrawn(it, c2pa)?),
        _ => return Err(it.fault("is of a kind that this version does not know")),
    })
}

/// Reads a value that `null` withdraws.
fn unless_withdrawn<'a, T>(
    it: &Node<'a>,
    read: impl FnOnce(&Node<'a>) -> Result<T, Faults>,
) -> Result<Option<T>, Faults> {
    if it.is_null() {
        return Ok(None);
    }
    read(it).map(Some)
}

fn scan(it: &Node<'_>, now: Timestamp) -> Result<Scan, Faults> {
    let mut fields = it.fields()?;
    let scanner = fields.required("scanner", |it| it.text(Scanner::parse));
    let verdict = fields.required("verdict", |it| it.text(ScanVerdict::parse));
    let scanned_at = fields.required("scanned_at", |it| {
        let time = it.text(CapturedAt::parse)?;
        if time.is_ahead_of(now) {
            return Err(it.fault(Fault::IN_FUTURE));
        }
        Ok(time.at())
    });
    fields.finish(|| {
        Some(Scan {
            scanner: scanner?,
            verdict: verdict?,
            scanned_at: scanned_at?,
        })
    })
}

fn c2pa(it: &Node<'_>) -> Result<C2pa, Faults> {
    let mut fields = it.fields()?;
    let state = fields.required("state", |it| it.text(C2paState::parse));
    fields.finish(|| Some(C2pa { state: state? }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// JSON texts with the fields of a fact and values of every kind.
    fn statements() -> impl Strategy<Value = String> {
        let kind = prop_oneof![
            8 => proptest::sample::select(&FactKind::ALL[..]).prop_map(|it| format!("\"{it}\"")),
            1 => Just("\"other\"".to_owned()),
            1 => Just("null".to_owned()),
        ];
        let value = prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            "-?[1-9][0-9]{0,20}(\\.[0-9]{1,3})?".prop_map(|it| it),
            "\"[ -!#-\\[\\]-~]{0,20}\"".prop_map(|it| it),
            Just("\"MIT OR Apache-2.0\"".to_owned()),
            Just("[\"face\",\"face\",1]".to_owned()),
            Just("{\"state\":\"valid\",\"a/b\":[]}".to_owned()),
            Just("{\"scanner\":\"x\",\"verdict\":\"clean\",\"scanned_at\":\"9000-01-01T00:00:00Z\"}".to_owned()),
        ];
        let name = prop_oneof![
            8 => Just("value"),
            1 => Just("reason"),
            1 => Just("evidence_sha256"),
            1 => Just("other~/"),
        ];
        let members = proptest::collection::btree_map(name, value, 0..5);
        (proptest::option::weighted(0.9, kind), members).prop_map(|(kind, members)| {
            let kind = kind.map(|kind| format!("\"kind\":{kind}"));
            let members = members
                .iter()
                .map(|(name, value)| format!("\"{name}\":{value}"));
            let members: Vec<_> = kind.into_iter().chain(members).collect();
            format!("{{{}}}", members.join(","))
        })
    }

    proptest! {
        #[test]
        fn every_fact_is_read_or_its_faults_are_named_at_what_was_sent(text in statements()) {
            let body = strict_json::read(text.as_bytes()).unwrap();
            let sent: serde_json::Value = serde_json::from_str(&text).unwrap();
            let now = Timestamp::from_micros(0).unwrap();
            match parse(&body, now) {
                Ok(fact) => prop_assert_eq!(&sent["kind"], fact.kind().as_str()),
                Err(faults) => {
                    prop_assert!(!faults.as_slice().is_empty());
                    for fault in faults.as_slice() {
                        let there = sent.pointer(fault.pointer()).is_some();
                        prop_assert!(there || fault.is_of_absence(), "{:?} in {}", fault, text);
                    }
                }
            }
        }
    }
}
