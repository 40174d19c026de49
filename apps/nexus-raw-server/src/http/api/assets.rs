use std::{collections::BTreeSet, sync::Arc};

use actix_web::{HttpResponse, http::Method};
use nexus_raw::{
    asset::{AssetId, ByteSize, CapturedAt, Filename, Labels, PiiFlag, Sha256Digest},
    ports::{AssetFilter, AssetHead, ContentTypeFilter},
    service::{AssetList, ListRequest},
    tenancy::{ReadAccess, UserId},
};
use serde::Deserialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Ref, RefOr, Schema},
};

use super::{record, text};
use crate::{
    http::{
        request::Query,
        respond::{self, ApiError, Fault, Faults, ProblemCode},
        route::{Call, Handler, Route, described},
    },
    records::FinishedRecord,
};

/// How many assets a page has unless the caller says otherwise, and at most.
const LIMIT: u64 = 100;
const MOST: u64 = 1000;
/// About how long what is in force is, and what is around the assets of a page.
const OF_ITEM: usize = 96;
const OF_PAGE: usize = 128;
/// How long a page may be.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// What a cursor is longer than by no means: one of ours has 54 characters.
const MOST_OF_A_CURSOR: usize = 256;

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw",
    method: Method::GET,
    handler: Handler::Read(|call, access| Box::pin(assets(call, access))),
    problems: &[ProblemCode::ValidationFailed],
    takes_idempotency_key: false,
    described: described!(assets),
};

/// The registered assets of the tenant and environment, newest first.
///
/// All filters must hold. A page can be short, or empty, while `next_cursor` is not null.
#[utoipa::path(
    get,
    path = ROUTE.pattern,
    operation_id = "listAssets",
    tag = "assets",
    params(
        ("sha256" = Option<text::Sha256>, Query, description = "The digest of the content."),
        ("size_bytes" = Option<u64>, Query, minimum = 0, maximum = 9_007_199_254_740_991_u64,
            description = "The length of the content."),
        ("content_type" = inline(Option<text::ContentTypeFilter>), Query,
            description = "A whole media type, or a type and `/*`."),
        ("filename" = Option<text::Filename>, Query, description = "The whole file name."),
        ("filename_prefix" = inline(Option<text::FilenamePrefix>), Query, description = "What the file name starts with."),
        ("registered_by" = inline(Option<text::UserId>), Query, description = "The user who registered it."),
        ("label.camera" = inline(Option<text::LabelValue>), Query,
            description = "The value of a label, here of `camera`; several, of different keys."),
        ("captured_from" = Option<text::CapturedAt>, Query, description = "Captured at this time or later."),
        ("captured_to" = Option<text::CapturedAt>, Query, description = "Captured before this time."),
        ("imported_from" = Option<text::CapturedAt>, Query, description = "Registered at this time or later."),
        ("imported_to" = Option<text::CapturedAt>, Query, description = "Registered before this time."),
        ("derived_from" = Option<text::AssetId>, Query, description = "A direct parent."),
        ("pii_flag" = Option<record::PiiFlag>, Query, description = "A kind of personal data in force."),
        ("train_ok" = Option<bool>, Query, description = "Its own statement in force."),
        ("train_ok_effective" = Option<bool>, Query,
            description = "Whether its own statement and those of all ancestors allow training."),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 1000, example = 100,
            description = "Maximum number of assets (default 100)."),
        ("cursor" = Option<String>, Query,
            description = "`next_cursor` of a page with the same filters."),
    ),
    responses((status = 200, description = "A page of the list.", body = Assets)),
)]
async fn assets(call: Call<'_>, access: ReadAccess) -> Result<HttpResponse, ApiError> {
    let request = parse(call.request.query_string()).map_err(ApiError::InvalidQuery)?;
    let _turn = call.app.answers.page_permit(&access.scope().tenant).await?;
    let core = call.core;
    let list = core.service.list_heads(&access, request).await?;
    let ids = list.assets().iter().map(|it| it.asset_id);
    let records = core.records.find_all(&core.service, &access, ids);
    let page = page(&list, &records.await?, MOST_BYTES)?;
    Ok(respond::json_bytes(HttpResponse::Ok(), page))
}

/// Some of the registered assets, newest first.
#[expect(dead_code, reason = "a description: the domain writes its own types")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Assets {
    assets: Vec<ListedAsset>,
    /// The `cursor` of the next page; `null` after the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// A registered asset, with what is in force of it by now: the record, and one member more.
#[derive(Deserialize)]
pub(super) struct ListedAsset;

impl PartialSchema for ListedAsset {
    fn schema() -> RefOr<Schema> {
        let mut schema = record::RawAsset::schema();
        if let RefOr::T(Schema::Object(record)) = &mut schema {
            record.description = Some("A registered asset, with what is in force of it.".to_owned());
            let in_force = Ref::from_schema_name(InForce::name());
            let properties = &mut record.properties;
            properties.insert("in_force".to_owned(), RefOr::Ref(in_force));
            record.required.push("in_force".to_owned());
        }
        schema
    }
}

impl ToSchema for ListedAsset {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((InForce::name().into(), InForce::schema()));
        InForce::schemas(schemas);
        record::RawAsset::schemas(schemas);
    }
}

/// What is in force of an asset: as registered, changed by the facts that were stated since.
#[expect(dead_code, reason = "a description: the domain writes its own types")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InForce {
    /// Its own statement.
    train_ok: bool,
    /// Whether its own statement and those of all ancestors allow training.
    train_ok_effective: bool,
    pii_flags: BTreeSet<record::PiiFlag>,
}

fn parse(query: &str) -> Result<ListRequest, Faults> {
    let mut query = Query::of(query);
    let sha256 = query.text("sha256", Sha256Digest::parse);
    let size_bytes = query.optional_integer("size_bytes", ByteSize::parse);
    let content_type = query.text("content_type", ContentTypeFilter::parse);
    let filename = query.text("filename", |it| Filename::from_stored(it).map(|_| it.to_owned()));
    let filename_prefix = query.text("filename_prefix", filename_prefix);
    let registered_by = query.text("registered_by", UserId::from_stored);
    let labels = query.keyed("label.", Labels::check_label);
    let [captured_from, captured_to, imported_from, imported_to] =
        ["captured_from", "captured_to", "imported_from", "imported_to"]
            .map(|name| query.text(name, |it| CapturedAt::parse(it).map(CapturedAt::at)));
    let derived_from = query.text("derived_from", AssetId::parse);
    let pii_flag = query.text("pii_flag", PiiFlag::parse);
    let [train_ok, train_ok_effective] =
        ["train_ok", "train_ok_effective"].map(|name| query.boolean(name));
    let limit = query.integer("limit", LIMIT, 1, MOST);
    let cursor = query.text("cursor", cursor);
    query.finish(|| {
        let mut filter = AssetFilter::default();
        filter.sha256 = sha256?;
        filter.size_bytes = size_bytes?;
        filter.content_type = content_type?;
        filter.filename = filename?;
        filter.filename_prefix = filename_prefix?;
        filter.registered_by = registered_by?;
        filter.labels = labels?;
        filter.captured_from = captured_from?;
        filter.captured_to = captured_to?;
        filter.imported_from = imported_from?;
        filter.imported_to = imported_to?;
        filter.derived_from = derived_from?;
        filter.pii_flag = pii_flag?;
        filter.train_ok = train_ok?;
        filter.train_ok_effective = train_ok_effective?;
        let limit = u32::try_from(limit?).ok()?;
        Some(ListRequest::new(filter, limit).with_cursor(cursor?))
    })
}

fn filename_prefix(text: &str) -> Result<String, &'static str> {
    if text.len() <= 256 && !text.contains('\0') {
        Ok(text.to_owned())
    } else {
        Err("must have 1 to 256 bytes and no U+0000")
    }
}

fn cursor(text: &str) -> Result<String, &'static str> {
    if text.len() <= MOST_OF_A_CURSOR {
        Ok(text.to_owned())
    } else {
        Err(Fault::NO_CURSOR)
    }
}

/// As many of the first assets as a page may have, and one at least.
fn page(
    list: &AssetList<AssetHead>,
    records: &[Option<Arc<FinishedRecord>>],
    most: usize,
) -> Result<Vec<u8>, serde_json::Error> {
    // an asset that is gone by now is left out
    let found = |(at, record): (usize, &Option<_>)| Some((at, record.clone()?));
    let items: Vec<(usize, Arc<FinishedRecord>)> =
        records.iter().enumerate().filter_map(found).collect();
    let length: usize = items.iter().map(|(_, it)| it.body.len() + OF_ITEM).sum();
    let mut page = Vec::with_capacity(most.min(length + OF_PAGE));
    page.extend_from_slice(b"{\"assets\":");
    let count = respond::write_items(&mut page, &items, most, |page, (at, record)| {
        page.extend_from_slice(&record.body);
        // a record is an object, and what is in force is one member more of it
        page.pop();
        page.extend_from_slice(b",\"in_force\":");
        serde_json::to_writer(&mut *page, &list.assets()[*at].in_force)?;
        page.push(b'}');
        Ok(())
    })?;
    let left_out = items.get(count).map_or(list.assets().len(), |(at, _)| *at);
    page.extend_from_slice(b",\"next_cursor\":");
    serde_json::to_writer(&mut page, &list.cursor_after(left_out))?;
    page.push(b'}');
    Ok(page)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nexus_raw::service::RawStorageService;
    use nexus_raw_testkit::{
        FakeCatalog, FakeStore, FixedClock, SequentialIds, sample, steps::presign_and_register,
    };
    use serde_json::Value;

    use super::*;
    use crate::records::Records;

    /// A page that its bytes cut short goes on with the first asset that it left out.
    #[tokio::test]
    async fn a_page_has_as_many_assets_as_its_bytes_allow_and_goes_on_after_them() {
        let scope = sample::scope("t_demo", "dev");
        let catalog = FakeCatalog::new();
        for n in 1..=3 {
            let intent = sample::intent(&scope, sample::asset_id(n));
            presign_and_register(&catalog, &intent, sample::provenance()).await;
        }
        let clock = Arc::new(FixedClock::at(sample::now()));
        let store = Arc::new(FakeStore::new(sample::bucket(), clock.clone()));
        let ids = Arc::new(SequentialIds::seeded(1));
        let service = RawStorageService::new(store, Arc::new(catalog), clock, ids);
        let access = sample::read_access(&scope);
        let list = async |cursor: Option<String>| {
            let request = ListRequest::new(AssetFilter::default(), 10).with_cursor(cursor);
            service.list_heads(&access, request).await.unwrap()
        };
        let whole = list(None).await;
        let ids = || whole.assets().iter().map(|it| it.asset_id);
        let found = Records::default();
        let found = found.find_all(&service, &access, ids()).await.unwrap();
        let page = |list: &_, most| page(list, &found, most);
        let size = |most| page(&whole, most).unwrap().len();
        for (most, count) in [(0, 1), (size(0), 1), (size(usize::MAX), 3)] {
            let text = page(&whole, most).unwrap();
            let body: Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(body["assets"].as_array().unwrap().len(), count, "{most}");
            let cursor = body["next_cursor"].as_str().map(str::to_owned);
            let rest = match cursor {
                Some(cursor) => list(Some(cursor)).await.assets().to_vec(),
                None => Vec::new(),
            };
            assert_eq!(rest, whole.assets()[count..], "{most}");
        }
    }
}
