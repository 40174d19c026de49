//! Who may do what to whose asset: every route with every method, role, tenant, environment and
//! object, and what each is answered. What is expected is stated in [`rules`] from the API's
//! document, not taken from the code under test.

mod cells;
mod counted;
mod facts;
mod records;
mod rules;
mod world;

use std::collections::BTreeSet;

use cells::Cell;
use nexus_raw_server::http::{Access, ROUTES};
use rules::{Needs, RULES};
use world::World;

use crate::api::support;

#[test]
fn every_route_has_its_rule_and_every_rule_its_route() {
    let routes: BTreeSet<_> = ROUTES
        .iter()
        .map(|route| {
            let needs = match route.access() {
                Access::Open => Needs::Nothing,
                Access::Read => Needs::Membership,
                Access::Download => Needs::DownloadingRole,
                Access::Write => Needs::WritingRole,
            };
            (route.pattern, route.method.to_string(), needs)
        })
        .collect();
    let ruled = RULES.iter();
    let ruled: BTreeSet<_> = ruled
        .map(|rule| (rule.pattern, rule.method.to_owned(), rule.needs))
        .collect();
    assert_eq!(routes, ruled);
    assert_eq!(ROUTES.len(), RULES.len());
}

#[actix_web::test]
async fn every_cell_is_answered_by_its_rule_and_a_refusal_touches_nothing() {
    let mut world = World::open();
    let cells = cells::all(ROUTES);
    assert!(cells.len() >= 400, "{} cells", cells.len());
    for cell in &cells {
        world.prepare().await;
        let expected = rules::expected(cell, &world);
        let before = world.traces();
        let answer = world.send(cell).await;
        expected.assert_answer(cell, &answer, &world);
        let touched = world.traces().since(before);
        assert_eq!(touched, expected.touches, "{cell:?}");
    }
    for route in ROUTES {
        let of_route = |cell: &&Cell| cell.pattern == route.pattern;
        assert!(
            cells.iter().filter(of_route).count() >= 400,
            "{}",
            route.pattern
        );
    }
}

#[actix_web::test]
async fn a_foreign_asset_and_an_absent_one_are_answered_alike_after_the_same_work() {
    let mut world = World::open();
    world.prepare().await;
    for (method, pattern) in [
        ("GET", "/nexus/raw/{asset_id}"),
        ("GET", "/nexus/raw/{asset_id}/events"),
        ("GET", "/nexus/raw/{asset_id}/facts"),
        ("POST", "/nexus/raw/{asset_id}/facts"),
        ("GET", "/nexus/raw/{asset_id}/lineage"),
        ("POST", "/nexus/raw/{asset_id}/presign-download"),
        ("GET", "/nexus/raw/{asset_id}/parts"),
        ("POST", "/nexus/raw/{asset_id}/parts"),
        ("DELETE", "/nexus/raw/{asset_id}/upload"),
        ("POST", "/nexus/raw/{asset_id}/verification"),
        ("GET", "/nexus/raw/{asset_id}/verification"),
        ("POST", "/nexus/raw/register"),
        ("POST", "/nexus/raw/register/batch"),
        ("POST", "/nexus/raw/presign-download/batch"),
    ] {
        let mut answers = Vec::new();
        for object in cells::OBJECTS_OF_OTHERS {
            let cell = Cell {
                pattern,
                method,
                role: cells::Role::Owner,
                tenant: cells::Tenant::Own,
                environment: cells::ENVIRONMENTS[0],
                object: *object,
            };
            let before = world.traces();
            let answer = world.send(&cell).await;
            let path = cell.path(&world);
            let body = String::from_utf8(answer.body.clone()).unwrap();
            let names = answer.header_names().join(" ");
            let work = world.traces().since(before);
            answers.push((answer.status, names, body.replace(&path, "PATH"), work));
        }
        let alike = answers.iter().all(|answer| *answer == answers[0]);
        assert!(alike, "{answers:#?}");
        let is_batch = pattern.ends_with("/batch");
        assert_eq!(answers[0].0, if is_batch { 200 } else { 404 });
        assert!(answers[0].2.contains("\"asset-not-found\""), "{answers:?}");
    }
}
