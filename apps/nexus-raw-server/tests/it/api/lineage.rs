//! The lineage of an asset: which relatives, in which form.

use nexus_raw::asset::{Filename, ObjectAddress, ObjectKey};
use nexus_raw_testkit::sample;
use serde_json::{Value, json};

use super::support::{House, Request, TRACE_ID, presign_body, uploaded};

fn path(asset_id: &str, query: &str) -> String {
    format!("/nexus/raw/{asset_id}/lineage{query}")
}

/// A request of a viewer.
fn lineage(house: &House, asset_id: &str, query: &str) -> Request {
    house
        .get(&path(asset_id, query))
        .with("authorization", "Bearer viewer")
}

/// Registers a file of this name.
async fn registered(house: &House, filename: &str, parents: &[&str], train_ok: bool) -> String {
    let mut body = presign_body();
    body["filename"] = json!(filename);
    let answer = house.presign(&body).send().await;
    let asset_id = answer.json()["asset_id"].as_str().unwrap().to_owned();
    let scope = sample::scope("t_demo", "dev");
    let filename = Filename::parse(filename).unwrap();
    let key = ObjectKey::for_asset(&scope, asset_id.parse().unwrap(), &filename);
    let bucket = sample::bucket();
    let address = ObjectAddress { bucket, key };
    house.store.place(&address, uploaded(&asset_id));
    let statement = json!({
        "asset_id": asset_id,
        "train_ok": train_ok,
        "lineage": {"derived_from": parents},
    });
    assert_eq!(house.register(&statement).send().await.status, 201);
    asset_id
}

fn node(id: &str, filename: &str, train_ok: (bool, bool), depth: u32) -> Value {
    json!({
        "asset_id": id,
        "filename": filename,
        "content_type": "image/jpeg",
        "train_ok": train_ok.0,
        "train_ok_effective": train_ok.1,
        "depth": depth,
    })
}

/// An origin, two crops of it, a collage of both, and a print of that.
struct Family {
    house: House,
    origin: String,
    left: String,
    right: String,
    collage: String,
    print: String,
}

impl Family {
    async fn register() -> Self {
        let house = House::open();
        let origin = registered(&house, "origin.jpg", &[], true).await;
        let left = registered(&house, "left.jpg", &[&origin], true).await;
        let right = registered(&house, "right.jpg", &[&origin], false).await;
        let collage = registered(&house, "collage.jpg", &[&left, &right], true).await;
        let print = registered(&house, "print.jpg", &[&collage, &left], true).await;
        Self {
            house,
            origin,
            left,
            right,
            collage,
            print,
        }
    }

    /// The name of a node's file.
    fn name(&self, id: &Value) -> &'static str {
        let known = [
            (&self.origin, "origin"),
            (&self.left, "left"),
            (&self.right, "right"),
            (&self.collage, "collage"),
            (&self.print, "print"),
        ];
        known.iter().find(|(it, _)| id == *it).unwrap().1
    }

    /// What a query returns, in short: nodes with their depth, edges, and whether there is more.
    async fn seen(&self, id: &str, query: &str) -> (String, String, bool) {
        let answer = lineage(&self.house, id, query).send().await;
        let (status, body) = answer.whole();
        assert_eq!((status, &body["asset_id"]), (200, &json!(id)), "{body}");
        let nodes = body["nodes"].as_array().unwrap().iter();
        let nodes = nodes.map(|it| format!("{}{}", self.name(&it["asset_id"]), it["depth"]));
        let edges = body["edges"].as_array().unwrap().iter();
        let edges = edges.map(|it| format!("{}>{}", self.name(&it["from"]), self.name(&it["to"])));
        (
            nodes.collect::<Vec<_>>().join(" "),
            edges.collect::<Vec<_>>().join(" "),
            body["truncated"].as_bool().unwrap(),
        )
    }
}

#[actix_web::test]
async fn the_ancestors_of_an_asset_come_nearest_first_with_the_edges_between_them() {
    let family = Family::register().await;
    let Family {
        house,
        origin,
        left,
        right,
        collage,
        ..
    } = &family;
    let answer = lineage(house, collage, "").send().await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let expected = format!(
        "{{\"asset_id\":\"{collage}\",\"nodes\":[{},{},{},{}],\"edges\":[{},{},{},{}],\"truncated\":false}}",
        text(&node(collage, "collage.jpg", (true, false), 0)),
        text(&node(left, "left.jpg", (true, true), 1)),
        text(&node(right, "right.jpg", (false, false), 1)),
        text(&node(origin, "origin.jpg", (true, true), 2)),
        edge(left, collage),
        edge(right, collage),
        edge(origin, left),
        edge(origin, right),
    );
    assert_eq!(String::from_utf8(answer.body).unwrap(), expected);
    let head = house.request("HEAD", &path(collage, "")).send().await;
    assert_eq!((head.status, head.body), (200, Vec::new()));
}

/// A node's JSON, with its members in the order of the contract.
fn text(node: &Value) -> String {
    let names = [
        "asset_id",
        "filename",
        "content_type",
        "train_ok",
        "train_ok_effective",
        "depth",
    ];
    let members = names.map(|name| format!("\"{name}\":{}", node[name]));
    format!("{{{}}}", members.join(","))
}

fn edge(from: &str, to: &str) -> String {
    format!("{{\"from\":\"{from}\",\"to\":\"{to}\"}}")
}

#[actix_web::test]
async fn direction_depth_and_limit_select_the_relatives() {
    let family = Family::register().await;
    let seen = async |id: &str, query: &str, nodes: &str, edges: &str, truncated: bool| {
        let expected = (nodes.to_owned(), edges.to_owned(), truncated);
        assert_eq!(family.seen(id, query).await, expected, "{query}");
    };
    let Family {
        origin,
        left,
        right,
        collage,
        print,
        ..
    } = &family;
    let all_down = "origin0 left1 right1 collage2 print2";
    let all_down_edges =
        "origin>left origin>right left>collage right>collage collage>print left>print";
    seen(
        origin,
        "?direction=descendants",
        all_down,
        all_down_edges,
        false,
    )
    .await;
    seen(origin, "?direction=ancestors", "origin0", "", false).await;
    seen(
        origin,
        "?direction=descendants&depth=1",
        "origin0 left1 right1",
        "origin>left origin>right",
        true,
    )
    .await;
    seen(
        origin,
        "?direction=descendants&depth=2",
        all_down,
        all_down_edges,
        false,
    )
    .await;
    seen(print, "?direction=descendants", "print0", "", false).await;
    // `right` is a sibling of `left`, and neither above nor below it
    seen(
        left,
        "?direction=both",
        "left0 origin1 collage1 print1",
        "origin>left left>collage collage>print left>print",
        false,
    )
    .await;
    seen(
        right,
        "?direction=both&depth=1",
        "right0 origin1 collage1",
        "origin>right right>collage",
        true,
    )
    .await;
    seen(collage, "?limit=1", "collage0", "", true).await;
    seen(
        collage,
        "?limit=3",
        "collage0 left1 right1",
        "left>collage right>collage",
        true,
    )
    .await;
    seen(
        collage,
        "?limit=4&depth=50",
        "collage0 left1 right1 origin2",
        "left>collage right>collage origin>left origin>right",
        false,
    )
    .await;
    seen(
        collage,
        "?direction=both&limit=1000&depth=1&format=json",
        "collage0 left1 right1 print1",
        "left>collage right>collage collage>print left>print",
        true,
    )
    .await;
}

#[actix_web::test]
async fn a_diagram_has_the_file_names_as_labels_and_no_name_ends_its_own() {
    let house = House::open();
    let parent = registered(&house, "\"]-->x[\"#&<b>;.jpg", &[], false).await;
    let child = registered(&house, "\u{5d0}\u{1f600}.jpg", &[&parent], true).await;
    let mermaid = lineage(&house, &child, "?format=mermaid").send().await;
    assert_eq!(mermaid.status, 200);
    assert_eq!(
        mermaid.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(mermaid.header("cache-control"), Some("no-store"));
    let expected = format!(
        "flowchart TD\n\
         {child}[[\"#1488;#128512;.jpg<br/>withheld from training by an ancestor\"]]:::withheld\n\
         {parent}[\"#34;#93;--#62;x#91;#34;#35;#38;#60;b#62;#59;.jpg<br/>withheld from training\"]:::withheld\n\
         {parent} --> {child}\n\
         classDef withheld stroke:#b00020,stroke-width:3px,stroke-dasharray:6 4\n"
    );
    assert_eq!(String::from_utf8(mermaid.body).unwrap(), expected);
    let dot = lineage(&house, &child, "?format=dot&limit=1").send().await;
    assert_eq!(
        dot.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    let expected = format!(
        "digraph lineage {{\n\
         // truncated: the asset has more relatives than are shown\n\
         node [shape=box];\n\
         \"{child}\" [label=\"\u{5d0}\u{1f600}.jpg\\nwithheld from training by an ancestor\", \
         style=dashed, color=\"#b00020\", peripheries=2];\n\
         }}\n"
    );
    assert_eq!(String::from_utf8(dot.body).unwrap(), expected);
    let dot = lineage(&house, &parent, "?format=dot").send().await;
    let text = String::from_utf8(dot.body).unwrap();
    assert!(
        text.contains(r##"[label="\"]-->x[\"#&amp;<b>;.jpg\n"##),
        "{text}"
    );
}

fn problem(asset_id: &str, facts: (u16, &str, &str, &str)) -> (u16, Value) {
    let (status, code, title, detail) = facts;
    let body = json!({
        "type": format!("urn:nexus-raw:problem:{code}"),
        "title": title,
        "status": status,
        "detail": detail,
        "instance": path(asset_id, ""),
        "code": code,
        "trace_id": TRACE_ID,
    });
    (status, body)
}

#[actix_web::test]
async fn every_fault_of_the_query_is_named_at_once() {
    let house = House::open();
    let query = "?direction=up&depth=51&limit=0&format=svg&after=1";
    // before the asset is looked for
    let answer = lineage(&house, "x", query).send().await;
    let text = "the query breaks the rules named in errors";
    let facts = (422, "validation-failed", "Validation failed", text);
    let (status, mut expected) = problem("x", facts);
    expected["errors"] = json!([
        {"pointer": "/direction", "detail": "must be `ancestors`, `descendants` or `both`"},
        {"pointer": "/depth", "detail": "must be an integer from 1 to 50"},
        {"pointer": "/limit", "detail": "must be an integer from 1 to 1000"},
        {"pointer": "/format", "detail": "must be `json`, `mermaid` or `dot`"},
        {"pointer": "/after", "detail": "is not a known parameter"},
    ]);
    assert_eq!(answer.whole(), (status, expected));
    for bad in [
        "depth=0",
        "limit=1001",
        "direction=",
        "format=JSON",
        "depth=1&depth=1",
    ] {
        let answer = lineage(&house, "x", &format!("?{bad}")).send().await;
        let name = bad.split('=').next().unwrap();
        let pointers = vec![format!("/{name}")];
        assert_eq!(
            answer.problem(),
            (422, "validation-failed".to_owned(), pointers),
            "{bad}"
        );
    }
}

#[actix_web::test]
async fn what_is_not_registered_in_the_scope_has_no_lineage() {
    let house = House::open();
    let id = house.registered_with(&json!({})).await;
    let pending = house.presigned_and_uploaded().await;
    let absent = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";
    for (asset_id, tenant, env) in [
        (absent, "t_demo", "dev"),
        (&*pending, "t_demo", "dev"),
        ("x", "t_demo", "dev"),
        (&*id, "t_demo", "prod"),
        (&*id, "t_other", "dev"),
    ] {
        let request = house
            .get(&path(asset_id, ""))
            .with("authorization", "Bearer both")
            .with("x-tenant-id", tenant)
            .with("x-env", env);
        let text = "there is no such asset in this tenant and environment";
        let facts = (404, "asset-not-found", "Asset not found", text);
        assert_eq!(request.send().await.whole(), problem(asset_id, facts));
    }
    for reader in ["owner", "admin", "member", "viewer", "roleless"] {
        let request = house
            .get(&path(&id, ""))
            .with("authorization", &format!("Bearer {reader}"));
        assert_eq!(request.send().await.status, 200, "{reader}");
    }
    let stranger = house
        .get(&path(&id, ""))
        .with("authorization", "Bearer stranger");
    assert_eq!(
        stranger.send().await.problem(),
        (403, "forbidden".to_owned(), vec![])
    );
}
