//! One made-up house that keeps every rule, and one change to it per fault: a rule that cannot
//! fail is worth nothing.

use super::model::{Dependency, House, Package};
use super::plan::{Owned, Plan, Room};
use super::rules;

const PLAN: Plan = Plan {
    rooms: &[
        Room {
            package: "domain",
            floor: "crates",
            uses: &[],
            tests_with: &["testkit"],
        },
        Room {
            package: "files",
            floor: "crates",
            uses: &["domain"],
            tests_with: &["testkit"],
        },
        Room {
            package: "reader",
            floor: "crates",
            uses: &[],
            tests_with: &[],
        },
        Room {
            package: "tables",
            floor: "crates",
            uses: &["domain", "reader"],
            tests_with: &["files"],
        },
        Room {
            package: "testkit",
            floor: "crates",
            uses: &["domain"],
            tests_with: &[],
        },
        Room {
            package: "server",
            floor: "apps",
            uses: &["domain", "files", "tables"],
            tests_with: &["testkit"],
        },
    ],
    owned: &[
        Owned {
            library: "aws-*",
            owners: &["files"],
            tests_of: &["tables"],
        },
        Owned {
            library: "sql",
            owners: &["tables"],
            tests_of: &[],
        },
    ],
    outside_the_domain: &["tokio*", "sql"],
    domain: "domain",
    tools: &["reader"],
    testkit: "testkit",
};

fn package(floor: &str, name: &str, needs: &[&str]) -> Package {
    Package {
        name: name.to_owned(),
        version: "0.2.0".to_owned(),
        directory: format!("{floor}/{name}"),
        dependencies: needs.iter().map(|name| needed(name)).collect(),
        manifest: "[package]\nversion = \"0.2.0\"\n[lints]\nworkspace = true\n[dependencies]\nhex.workspace = true\n"
            .to_owned(),
        readme: "# A crate".to_owned(),
        changelog: "# Changelog\n\n## 0.2.0 - today\n\n## 0.1.0\n".to_owned(),
        root_source: "#![doc = include_str!(\"../README.md\")]\n".to_owned(),
        sources: vec![(format!("{floor}/{name}/src/lib.rs"), 600)],
    }
}

fn needed(name: &str) -> Dependency {
    Dependency {
        name: name.to_owned(),
        for_tests: false,
    }
}

fn needed_by_tests(name: &str) -> Dependency {
    Dependency {
        name: name.to_owned(),
        for_tests: true,
    }
}

fn sound() -> House {
    let mut house = House {
        packages: vec![
            package("crates", "domain", &["hex"]),
            package("crates", "files", &["domain", "aws-sdk"]),
            package("crates", "tables", &["domain", "reader", "sql"]),
            package("crates", "testkit", &["domain"]),
            package("apps", "server", &["domain", "files", "tables", "tokio"]),
            package("crates", "reader", &["hex"]),
        ],
        beneath_the_domain: ["hex".to_owned()].into(),
        manifest: "[workspace.dependencies]\n# --- values ---\nhex = \"0.4\" # digests\n# one backend\nsql = \"1\"\n"
            .to_owned(),
    };
    for (package, dependency) in [(0, "testkit"), (2, "files"), (2, "aws-sdk")] {
        house.packages[package]
            .dependencies
            .push(needed_by_tests(dependency));
    }
    house
}

/// The faults of the sound house once its package `name` is changed.
fn faults_after(name: &str, change: impl Fn(&mut Package)) -> Vec<String> {
    let mut house = sound();
    house
        .packages
        .iter_mut()
        .filter(|package| package.name == name)
        .for_each(change);
    rules::faults(&house, &PLAN)
}

fn faults_with(name: &str, dependency: &Dependency) -> Vec<String> {
    faults_after(name, |package| {
        package.dependencies.push(dependency.clone());
    })
}

#[test]
fn the_sound_house_has_no_fault() {
    assert_eq!(rules::faults(&sound(), &PLAN), Vec::<String>::new());
}

#[test]
fn a_package_outside_the_plan_is_a_fault() {
    let mut house = sound();
    house.packages.push(package("crates", "newcomer", &[]));
    assert_eq!(
        rules::faults(&house, &PLAN),
        ["newcomer is not in the plan"]
    );
}

#[test]
fn a_planned_package_that_is_missing_is_a_fault() {
    let mut house = sound();
    house.packages.retain(|package| package.name != "server");
    assert_eq!(rules::faults(&house, &PLAN), ["server is in the plan only"]);
}

#[test]
fn a_directory_named_otherwise_is_a_fault() {
    let faults = faults_after("files", |package| {
        package.directory = "crates/storage".to_owned();
    });
    assert_eq!(faults, ["files is in crates/storage, not in crates/files"]);
}

#[test]
fn an_adapter_that_depends_on_another_is_a_fault() {
    let faults = faults_with("files", &needed("tables"));
    assert_eq!(
        faults,
        [
            "files depends on tables, which is not in the plan",
            "files is no app and depends on tables"
        ]
    );
}

#[test]
fn what_only_tests_may_use_is_a_fault_elsewhere() {
    let faults = faults_with("tables", &needed("files"));
    assert_eq!(
        faults,
        [
            "tables depends on files, which is not in the plan",
            "tables is no app and depends on files"
        ]
    );
}

#[test]
fn a_test_of_an_unplanned_neighbour_is_a_fault() {
    let faults = faults_with("files", &needed_by_tests("tables"));
    assert_eq!(
        faults,
        ["files tests with tables, which is not in the plan"]
    );
}

#[test]
fn a_domain_that_knows_an_adapter_is_a_fault() {
    let faults = faults_with("domain", &needed("files"));
    assert_eq!(
        faults,
        [
            "domain depends on files, which is not in the plan",
            "domain is no app and depends on files",
            "domain depends on files: it must stand alone",
        ]
    );
}

#[test]
fn a_domain_that_runs_something_is_a_fault() {
    let faults = faults_with("domain", &needed("tokio-util"));
    assert_eq!(
        faults,
        ["domain depends on tokio-util: it must stand alone"]
    );
}

#[test]
fn a_library_that_brings_a_runtime_into_the_domain_is_a_fault() {
    let mut house = sound();
    house.beneath_the_domain.insert("tokio".to_owned());
    assert_eq!(
        rules::faults(&house, &PLAN),
        ["domain needs tokio through a library: it must stand alone"]
    );
}

#[test]
fn a_testkit_in_the_product_is_a_fault() {
    let faults = faults_with("server", &needed("testkit"));
    assert_eq!(
        faults,
        [
            "server depends on testkit, which is not in the plan",
            "server depends on testkit, which is for dev-dependencies",
        ]
    );
}

#[test]
fn a_library_away_from_its_owner_is_a_fault() {
    let faults = faults_after("server", |package| package.dependencies.push(needed("sql")));
    assert_eq!(faults, ["server depends on sql, which is for tables"]);
}

#[test]
fn a_library_lent_to_tests_is_a_fault_elsewhere() {
    let faults = faults_with("tables", &needed("aws-config"));
    assert_eq!(faults, ["tables depends on aws-config, which is for files"]);
    let faults = faults_with("server", &needed_by_tests("aws-config"));
    assert_eq!(faults, ["server depends on aws-config, which is for files"]);
}

#[test]
fn a_package_without_its_papers_is_a_fault() {
    let faults = faults_after("files", |package| {
        package.readme.clear();
        package.changelog.clear();
        package.root_source = "//! Files.\n".to_owned();
    });
    assert_eq!(
        faults,
        [
            "files has no README.md",
            "files does not take README.md as its crate documentation, in the first line of its root",
            "files has no CHANGELOG.md",
            "files has no entry for 0.2.0 in CHANGELOG.md",
        ]
    );
}

#[test]
fn a_version_without_a_changelog_entry_is_a_fault() {
    let faults = faults_after("files", |package| package.version = "0.2".to_owned());
    assert_eq!(faults, ["files has no entry for 0.2 in CHANGELOG.md"]);
}

#[test]
fn a_version_shared_with_others_is_a_fault() {
    let faults = faults_after("files", |package| {
        package.manifest = package
            .manifest
            .replace("version = \"0.2.0\"", "version.workspace = true");
    });
    assert_eq!(faults, ["files does not state a version of its own"]);
}

#[test]
fn lints_of_its_own_are_a_fault() {
    let faults = faults_after("files", |package| {
        package.manifest = package.manifest.replace("[lints]", "[lints.rust]");
    });
    assert_eq!(faults, ["files does not take the lints of the workspace"]);
}

#[test]
fn a_version_chosen_in_a_crate_is_a_fault() {
    let faults = faults_after("files", |package| {
        package
            .manifest
            .push_str("bytes = { workspace = true, features = [\n  \"serde\",\n] }\n");
        package
            .manifest
            .push_str("[dev-dependencies]\nhyper = \"1\"\n");
    });
    assert_eq!(faults, ["files does not take hyper from the workspace"]);
}

#[test]
fn a_shared_dependency_without_a_comment_is_a_fault() {
    let mut house = sound();
    house.manifest =
        "[workspace.dependencies]\n# --- values ---\nhex = \"0.4\"\nurl = \"2\" # end points\n"
            .to_owned();
    assert_eq!(
        rules::faults(&house, &PLAN),
        ["hex has no comment in [workspace.dependencies]"]
    );
}

#[test]
fn a_source_file_beyond_the_limit_is_a_fault() {
    let faults = faults_after("files", |package| {
        package
            .sources
            .push(("crates/files/src/all.rs".to_owned(), 601));
    });
    assert_eq!(
        faults,
        ["crates/files/src/all.rs has 601 lines, more than 600"]
    );
}
