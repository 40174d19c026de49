//! Holds the house to its plan: which crates there are, who may depend on whom, who owns which
//! heavy library, and what every crate carries. [`plan`] is the table to change on purpose,
//! [`rules`] are functions over a plain [`model`], and [`violations`] shows that each can fail.

mod manifest;
mod model;
mod plan;
mod rules;
mod violations;

#[test]
fn the_house_keeps_to_its_plan() {
    let house = model::House::read().unwrap();
    let faults = rules::faults(&house, &plan::PLAN);
    assert!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
}
