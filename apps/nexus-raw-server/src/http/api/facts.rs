use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpResponse, http::Method};
use nexus_raw::{service::FactPage, tenancy::ReadAccess};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{fact, record, text};
use crate::http::{
    request::Query,
    respond::{self, ApiError, ProblemCode},
    route::{Call, Handler, Route, described},
};

/// The default and maximum number of facts in a response.
const LIMIT: u64 = 100;
const MOST: u64 = 1000;
/// The maximum size of the facts in a response; one is less than 64 KiB, as its request was.
const MOST_BYTES: usize = 4 * 1024 * 1024;

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/{asset_id}/facts",
    method: Method::GET,
    handler: Handler::Read(|call, access| Box::pin(facts(call, access))),
    problems: &[ProblemCode::AssetNotFound, ProblemCode::ValidationFailed],
    takes_idempotency_key: false,
    described: described!(facts),
};

/// Lists the facts of a registered asset, and what is in force of it.
///
/// To read them all, repeat with `after` set to the `sequence` of the last fact, until there is
/// none.
#[utoipa::path(
    get,
    path = ROUTE.pattern,
    operation_id = "getFacts",
    tag = "facts",
    params(
        ("asset_id" = text::AssetId, Path, description = "The asset."),
        ("after" = Option<u64>, Query, minimum = 0, maximum = 9_223_372_036_854_775_807_u64, example = 0,
            description = "Returns facts with a higher `sequence` (default 0)."),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 1000, example = 100,
            description = "Maximum number of facts (default 100)."),
    ),
    responses((status = 200, description = "Its facts in order of sequence.", body = Facts)),
)]
async fn facts(call: Call<'_>, access: ReadAccess) -> Result<HttpResponse, ApiError> {
    let mut query = Query::of(call.request.query_string());
    let after = query.integer("after", 0, 0, i64::MAX.unsigned_abs());
    let limit = query.integer("limit", LIMIT, 1, MOST);
    let (after, limit) = query
        .finish(|| Some((after?, u32::try_from(limit?).ok()?)))
        .map_err(ApiError::InvalidQuery)?;
    let asset_id = call.asset_id()?;
    // held until the response is serialized
    let _permit = call.app.answers.page_permit(&access.scope().tenant).await?;
    let service = &call.core.service;
    let facts = service.facts(&access, asset_id, after, limit).await?;
    let page = page(&facts, MOST_BYTES)?;
    Ok(respond::json_bytes(HttpResponse::Ok(), page))
}

/// Facts of an asset, and what is in force of it.
#[expect(dead_code, reason = "a description: the domain writes its own types")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Facts {
    /// In order of sequence.
    facts: Vec<fact::StatedFact>,
    in_force: FactsInForce,
}

/// All that is in force of an asset: as registered, changed by the facts that were stated since.
/// What nobody has stated is `null`.
#[expect(dead_code, reason = "a description: the domain writes its own types")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FactsInForce {
    /// Its own statement.
    train_ok: bool,
    /// Whether its own statement and those of all ancestors allow training.
    train_ok_effective: bool,
    /// The asset itself and its ancestors whose own statement does not allow training, nearest
    /// first. The nearest 10,000 ancestors are searched.
    #[schema(max_items = 100)]
    withheld_by: Vec<text::AssetId>,
    pii_flags: BTreeSet<record::PiiFlag>,
    #[schema(schema_with = text::labels)]
    labels: BTreeMap<String, String>,
    #[schema(required = true)]
    license: Option<text::License>,
    #[schema(required = true)]
    rights_holder: Option<text::RightsHolder>,
    #[schema(required = true)]
    scan: Option<fact::Scan>,
    #[schema(required = true)]
    c2pa: Option<fact::C2pa>,
}

/// Returns the first facts that fit, at least one.
fn page(facts: &FactPage, most: usize) -> Result<Vec<u8>, serde_json::Error> {
    let mut page = b"{\"facts\":".to_vec();
    respond::write_items(&mut page, &facts.facts, most, |page, fact| {
        serde_json::to_writer(page, fact)
    })?;
    page.extend_from_slice(b",\"in_force\":");
    serde_json::to_writer(&mut page, &facts.in_force)?;
    page.push(b'}');
    Ok(page)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nexus_raw::{
        asset::{Fact, FactValue},
        service::RawStorageService,
    };
    use nexus_raw_testkit::{
        FakeCatalog, FakeStore, FixedClock, SequentialIds, sample, steps::presign_and_register,
    };
    use serde_json::Value;

    use super::*;

    #[tokio::test]
    async fn a_page_has_as_many_facts_as_its_bytes_allow_and_one_at_least() {
        let scope = sample::scope("t_demo", "dev");
        let catalog = FakeCatalog::new();
        let id = sample::asset_id(1);
        let intent = sample::intent(&scope, id);
        presign_and_register(&catalog, &intent, sample::provenance()).await;
        let clock = Arc::new(FixedClock::at(sample::now()));
        let store = Arc::new(FakeStore::new(sample::bucket(), clock.clone()));
        let ids = Arc::new(SequentialIds::seeded(1));
        let service = RawStorageService::new(store, Arc::new(catalog), clock, ids);
        let access = sample::access(&scope);
        for train_ok in [false, true, false] {
            let fact = Fact::new(FactValue::TrainOk(train_ok));
            let context = sample::context();
            service.state_fact(&access, &context, id, fact).await.unwrap();
        }
        let facts = service.facts(&sample::read_access(&scope), id, 0, 10).await.unwrap();
        let in_force = serde_json::to_value(&facts.in_force).unwrap();
        let second = serde_json::to_vec(&facts.facts[..2]).unwrap().len();
        for (most, count) in [(0, 1), (second + 8, 2), (usize::MAX, 3)] {
            let body: Value = serde_json::from_slice(&page(&facts, most).unwrap()).unwrap();
            let expected = serde_json::json!({"facts": facts.facts[..count], "in_force": in_force});
            assert_eq!(body, expected, "{most}");
        }
    }
}
