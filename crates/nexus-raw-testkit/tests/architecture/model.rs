//! The workspace as plain values, so that rules can also be tested on invented workspaces.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

#[derive(Clone, Default)]
pub(crate) struct House {
    pub(crate) packages: Vec<Package>,
    /// Names of all packages that the domain needs to be built, down to the last.
    pub(crate) beneath_the_domain: BTreeSet<String>,
    /// Text of the root `Cargo.toml`.
    pub(crate) manifest: String,
}

#[derive(Clone, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Relative to the root of the workspace.
    pub(crate) directory: String,
    pub(crate) dependencies: Vec<Dependency>,
    /// Text of `Cargo.toml`.
    pub(crate) manifest: String,
    /// Texts of the two files, empty if missing.
    pub(crate) readme: String,
    pub(crate) changelog: String,
    /// Text of `lib.rs`, or of `main.rs` without a library.
    pub(crate) root_source: String,
    /// Files below `src`, with their lines.
    pub(crate) sources: Vec<(String, usize)>,
}

#[derive(Clone)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Whether only tests, examples and benchmarks see it.
    pub(crate) for_tests: bool,
}

impl House {
    /// Reads the workspace that this crate is part of.
    pub(crate) fn read() -> Result<Self, Box<dyn Error>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .canonicalize()?;
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            // of the platform at hand: another one's shims would count as needed by the domain
            .other_options(["--locked".into(), "--filter-platform".into(), host()?])
            .exec()?;
        let packages = metadata
            .workspace_packages()
            .into_iter()
            .map(|package| Package::read(package, &root))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            packages,
            beneath_the_domain: beneath(&metadata, super::plan::PLAN.domain),
            manifest: fs::read_to_string(root.join("Cargo.toml"))?,
        })
    }
}

/// The platform that this test runs on, as the compiler calls it.
fn host() -> Result<String, Box<dyn Error>> {
    let printed = Command::new("rustc").arg("-vV").output()?;
    let printed = String::from_utf8(printed.stdout)?;
    let host = printed.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("the compiler names its host")?.to_owned())
}

impl Package {
    fn read(package: &cargo_metadata::Package, root: &Path) -> Result<Self, Box<dyn Error>> {
        let manifest = package.manifest_path.as_std_path();
        let directory = manifest.parent().ok_or("a manifest lies in a directory")?;
        let text = |name: &str| fs::read_to_string(directory.join(name)).unwrap_or_default();
        let mut sources = Vec::new();
        measure(&directory.join("src"), root, &mut sources)?;
        Ok(Self {
            name: package.name.to_string(),
            version: package.version.to_string(),
            directory: directory.strip_prefix(root)?.display().to_string(),
            dependencies: package
                .dependencies
                .iter()
                .map(|dependency| Dependency {
                    name: dependency.name.clone(),
                    for_tests: dependency.kind == DependencyKind::Development,
                })
                .collect(),
            manifest: fs::read_to_string(manifest)?,
            readme: text("README.md"),
            changelog: text("CHANGELOG.md"),
            root_source: [text("src/lib.rs"), text("src/main.rs")]
                .into_iter()
                .find(|text| !text.is_empty())
                .unwrap_or_default(),
            sources,
        })
    }
}

impl Package {
    /// The texts of its sources, each with its path below `src`.
    pub(crate) fn texts(&self) -> Result<Vec<(String, String)>, Box<dyn Error>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let below = format!("{}/src/", self.directory);
        let read = |(path, _): &(String, usize)| {
            let text = fs::read_to_string(root.join(path))?;
            Ok((path.trim_start_matches(&below).to_owned(), text))
        };
        self.sources.iter().map(read).collect()
    }
}

/// Adds every Rust file below `directory` with its number of lines.
fn measure(
    directory: &Path,
    root: &Path,
    files: &mut Vec<(String, usize)>,
) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            measure(&path, root, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push((
                path.strip_prefix(root)?.display().to_string(),
                fs::read_to_string(&path)?.lines().count(),
            ));
        }
    }
    Ok(())
}

/// Names of all packages that `name` needs to be built, by the resolved graph.
///
/// Features are those of the whole workspace together, so this holds for any build of it.
fn beneath(metadata: &Metadata, name: &str) -> BTreeSet<String> {
    let names: BTreeMap<&PackageId, &str> = metadata
        .packages
        .iter()
        .map(|package| (&package.id, package.name.as_str()))
        .collect();
    let needs: BTreeMap<&PackageId, Vec<&PackageId>> = metadata
        .resolve
        .iter()
        .flat_map(|resolve| &resolve.nodes)
        .map(|node| {
            let needed = node.deps.iter().filter(|dependency| {
                dependency
                    .dep_kinds
                    .iter()
                    .any(|kind| kind.kind != DependencyKind::Development)
            });
            (&node.id, needed.map(|dependency| &dependency.pkg).collect())
        })
        .collect();
    let mut waiting: Vec<&PackageId> = metadata
        .workspace_packages()
        .iter()
        .filter(|package| package.name == name)
        .map(|package| &package.id)
        .collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        for needed in needs.get(id).into_iter().flatten() {
            if seen.insert(*needed) {
                waiting.push(needed);
            }
        }
    }
    seen.into_iter()
        .filter_map(|id| names.get(id))
        .map(|name| (*name).to_owned())
        .collect()
}
