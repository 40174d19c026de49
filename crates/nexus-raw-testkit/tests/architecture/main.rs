//! Holds the house to its plan: which crates there are, which may depend on which, which owns
//! which heavy library, and what every crate carries. [`plan`] is the table to change on purpose,
//! [`rules`] are functions over a plain [`model`], and [`violations`] shows that each can fail.

mod circles;
mod manifest;
mod model;
mod names;
mod plan;
mod rules;
mod violations;

#[test]
fn the_house_keeps_to_its_plan() {
    let house = model::House::read().unwrap();
    let faults = rules::faults(&house, &plan::PLAN);
    assert!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
}

/// Folders that have a circle, to be undone one after the other; none may join them.
const KNOWN_CIRCLES: &[&str] = &[
    "nexus-raw::ports",
    "nexus-raw-catalog-sql",
    "nexus-raw-identity-jwt",
    "nexus-raw-identity-jwt::jwks",
    "nexus-raw-storage-s3",
    "nexus-raw-testkit::catalog",
    "nexus-raw-testkit::contract",
];

#[test]
fn a_type_name_is_unique_in_its_crate() {
    let house = model::House::read().unwrap();
    let mut faults = Vec::new();
    for package in &house.packages {
        let texts = package.texts().unwrap();
        let twins = names::twins(texts.iter().map(|(_, text)| text.as_str()));
        let fault = |name| format!("{}: the type name {name} is there twice", package.name);
        faults.extend(twins.into_iter().map(fault));
    }
    assert!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    let house = model::House::read().unwrap();
    let mut faults = Vec::new();
    for package in &house.packages {
        for (folder, modules) in circles::circles(&package.texts().unwrap()) {
            let folder = format!("{}::{folder}", package.name);
            let folder = folder.trim_end_matches(':');
            if !KNOWN_CIRCLES.contains(&folder) {
                faults.push(format!("{folder}: {modules} use each other in a circle"));
            }
        }
    }
    assert!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
}
