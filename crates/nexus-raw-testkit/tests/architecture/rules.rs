//! The rules. Each says its faults in sentences that a person can act on.

use super::manifest::{key, section, trailing_comment};
use super::model::{House, Package};
use super::plan::{Plan, Room};

/// Lines of a source file beyond which it surely holds a second idea. Reviews object from 400.
const LONGEST_SOURCE: usize = 600;

type Rule = fn(&House, &Plan) -> Vec<String>;

const RULES: [Rule; 10] = [
    every_package_has_its_room,
    edges_are_those_of_the_plan,
    only_apps_see_adapters,
    the_domain_has_no_adapter_or_io_library,
    the_testkit_is_for_tests,
    libraries_stay_with_their_owners,
    every_package_is_documented_and_versioned,
    every_package_inherits_lints_and_versions,
    shared_dependencies_say_what_they_are_for,
    sources_stay_small,
];

/// All faults of `house`, in the order of the rules.
pub(crate) fn faults(house: &House, plan: &Plan) -> Vec<String> {
    RULES.iter().flat_map(|rule| rule(house, plan)).collect()
}

fn every_package_has_its_room(house: &House, plan: &Plan) -> Vec<String> {
    let unplanned = house
        .packages
        .iter()
        .filter_map(|package| match room(plan, &package.name) {
            None => Some(format!("{} is not in the plan", package.name)),
            Some(room) => {
                let place = format!("{}/{}", room.floor, room.package);
                (package.directory != place).then(|| {
                    format!(
                        "{} is in {}, not in {place}",
                        package.name, package.directory
                    )
                })
            }
        });
    let missing = plan
        .rooms
        .iter()
        .filter(|room| {
            house
                .packages
                .iter()
                .all(|package| package.name != room.package)
        })
        .map(|room| format!("{} is in the plan only", room.package));
    unplanned.chain(missing).collect()
}

fn edges_are_those_of_the_plan(house: &House, plan: &Plan) -> Vec<String> {
    let mut faults = Vec::new();
    for package in &house.packages {
        // one without a room is the first rule's fault
        let Some(room) = room(plan, &package.name) else {
            continue;
        };
        for dependency in within(house, package) {
            let name = dependency.name.as_str();
            let planned = room.uses.contains(&name)
                || dependency.for_tests && room.tests_with.contains(&name);
            if !planned {
                let how = if dependency.for_tests {
                    "tests with"
                } else {
                    "depends on"
                };
                faults.push(format!(
                    "{} {how} {name}, which is not in the plan",
                    package.name
                ));
            }
        }
    }
    faults
}

fn only_apps_see_adapters(house: &House, plan: &Plan) -> Vec<String> {
    let crates = house
        .packages
        .iter()
        .filter(|package| !package.directory.starts_with("apps/"));
    crates
        .flat_map(|package| {
            within(house, package)
                .filter(|dependency| {
                    let shared =
                        dependency.name == plan.domain || plan.tools.contains(&&*dependency.name);
                    !dependency.for_tests && !shared
                })
                .map(|dependency| {
                    format!(
                        "{} is no app and depends on {}",
                        package.name, dependency.name
                    )
                })
        })
        .collect()
}

fn the_domain_has_no_adapter_or_io_library(house: &House, plan: &Plan) -> Vec<String> {
    let outside = |name: &str| {
        plan.outside_the_domain
            .iter()
            .any(|pattern| matches(pattern, name))
    };
    let mut faults = Vec::new();
    for domain in house
        .packages
        .iter()
        .filter(|package| package.name == plan.domain)
    {
        for dependency in domain
            .dependencies
            .iter()
            .filter(|dependency| !dependency.for_tests)
        {
            if is_member(house, &dependency.name) || outside(&dependency.name) {
                faults.push(format!(
                    "{} depends on {}: it must stand alone",
                    domain.name, dependency.name
                ));
            }
        }
        // its own dependencies are reported above; these come through its libraries
        let named = |name: &str| {
            domain
                .dependencies
                .iter()
                .any(|dependency| dependency.name == name)
        };
        for name in house
            .beneath_the_domain
            .iter()
            .filter(|name| outside(name) && !named(name))
        {
            faults.push(format!(
                "{} needs {name} through a library: it must stand alone",
                domain.name
            ));
        }
    }
    faults
}

fn the_testkit_is_for_tests(house: &House, plan: &Plan) -> Vec<String> {
    let mut faults = Vec::new();
    for package in &house.packages {
        if package
            .dependencies
            .iter()
            .any(|dependency| dependency.name == plan.testkit && !dependency.for_tests)
        {
            faults.push(format!(
                "{} depends on {}, which is for dev-dependencies",
                package.name, plan.testkit
            ));
        }
    }
    faults
}

fn libraries_stay_with_their_owners(house: &House, plan: &Plan) -> Vec<String> {
    let mut faults = Vec::new();
    for package in &house.packages {
        for dependency in &package.dependencies {
            for owned in plan
                .owned
                .iter()
                .filter(|owned| matches(owned.library, &dependency.name))
            {
                let name = package.name.as_str();
                let allowed = owned.owners.contains(&name)
                    || dependency.for_tests && owned.tests_of.contains(&name);
                if !allowed {
                    faults.push(format!(
                        "{name} depends on {}, which is for {}",
                        dependency.name,
                        owned.owners.join(", ")
                    ));
                }
            }
        }
    }
    faults
}

fn every_package_is_documented_and_versioned(house: &House, _plan: &Plan) -> Vec<String> {
    let mut faults = Vec::new();
    for package in &house.packages {
        let mut expect = |holds: bool, fault: &str| {
            if !holds {
                faults.push(format!("{} {fault}", package.name));
            }
        };
        expect(!package.readme.is_empty(), "has no README.md");
        expect(
            package
                .root_source
                .starts_with("#![doc = include_str!(\"../README.md\")]"),
            "does not take README.md as its crate documentation, in the first line of its root",
        );
        expect(!package.changelog.is_empty(), "has no CHANGELOG.md");
        let has_entry = package.changelog.lines().any(|line| {
            line.strip_prefix("## ")
                .and_then(|title| title.split_whitespace().next())
                == Some(package.version.as_str())
        });
        expect(
            has_entry,
            &format!("has no entry for {} in CHANGELOG.md", package.version),
        );
        let own_version = section(&package.manifest, "package")
            .iter()
            .any(|line| key(line) == Some("version"));
        expect(own_version, "does not state a version of its own");
    }
    faults
}

fn every_package_inherits_lints_and_versions(house: &House, _plan: &Plan) -> Vec<String> {
    let mut faults = Vec::new();
    for package in &house.packages {
        if !section(&package.manifest, "lints").contains(&"workspace = true") {
            faults.push(format!(
                "{} does not take the lints of the workspace",
                package.name
            ));
        }
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for line in section(&package.manifest, kind) {
                let Some(key) = key(line) else { continue };
                if !key.ends_with(".workspace") && !line.contains("workspace = true") {
                    faults.push(format!(
                        "{} does not take {key} from the workspace",
                        package.name
                    ));
                }
            }
        }
    }
    faults
}

fn shared_dependencies_say_what_they_are_for(house: &House, _plan: &Plan) -> Vec<String> {
    let lines = section(&house.manifest, "workspace.dependencies");
    let mut faults = Vec::new();
    let mut above = "";
    for line in lines {
        // a rule drawn with dashes heads a group; it explains no entry
        let explained = above.starts_with('#') && !above.starts_with("# ---")
            || trailing_comment(line).is_some();
        if let Some(key) = key(line).filter(|_| !explained) {
            faults.push(format!("{key} has no comment in [workspace.dependencies]"));
        }
        above = line;
    }
    faults
}

fn sources_stay_small(house: &House, _plan: &Plan) -> Vec<String> {
    let sources = house.packages.iter().flat_map(|package| &package.sources);
    sources
        .filter(|(_, lines)| *lines > LONGEST_SOURCE)
        .map(|(path, lines)| format!("{path} has {lines} lines, more than {LONGEST_SOURCE}"))
        .collect()
}

fn room<'a>(plan: &'a Plan, package: &str) -> Option<&'a Room> {
    plan.rooms.iter().find(|room| room.package == package)
}

fn is_member(house: &House, name: &str) -> bool {
    house.packages.iter().any(|package| package.name == name)
}

/// The dependencies of `package` on packages of the workspace.
fn within<'a>(
    house: &'a House,
    package: &'a Package,
) -> impl Iterator<Item = &'a super::model::Dependency> {
    package
        .dependencies
        .iter()
        .filter(|dependency| is_member(house, &dependency.name))
}

/// Whether `name` is the library, or of the family, that `pattern` names.
fn matches(pattern: &str, name: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(pattern == name, |family| name.starts_with(family))
}
