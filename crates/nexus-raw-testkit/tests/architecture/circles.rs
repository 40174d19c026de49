//! Modules that use each other in a circle cannot be read, moved or tested one after the other.
//!
//! In each folder below `src` the modules that stand side by side (files, and folders with all that
//! is in them) must use each other in one direction: by `use`, and by any other path that begins
//! with `crate`, `super` or `self`. What a folder's `mod.rs` hands on from another module counts as
//! that module's. Not counted are the `mod.rs` itself, which is its folder's door, and tests.

use std::collections::{BTreeMap, BTreeSet};

type Path = Vec<String>;
/// The names that a module uses of its own package: the last name of each path, or its alias.
type Names = Vec<(String, Path)>;

/// The circles of a package: the folder, and the modules in it that use each other. `sources` are the
/// paths of its files below `src`, and their texts.
pub(crate) fn circles(sources: &[(String, String)]) -> Vec<(String, String)> {
    let modules: BTreeMap<Path, Names> = sources
        .iter()
        .filter(|(file, _)| !file.split(['/', '.']).any(|part| part == "tests"))
        .map(|(file, text)| (module(file), names(&module(file), text)))
        .collect();
    // for each folder, which of its modules uses which
    let mut folders: BTreeMap<Path, BTreeSet<(String, String)>> = BTreeMap::new();
    for (user, names) in &modules {
        for used in names.iter().map(|(_, path)| home(path, &modules, 8)) {
            let common = user.iter().zip(&used).take_while(|(a, b)| a == b).count();
            if let (Some(one), Some(other)) = (user.get(common), used.get(common)) {
                let folder = folders.entry(user[..common].to_vec()).or_default();
                folder.insert((one.clone(), other.clone()));
            }
        }
    }
    let circles = folders.into_iter().filter_map(|(folder, mut uses)| {
        loop {
            let all = uses.clone();
            // one that uses nothing, or that nothing uses, is in no circle
            uses.retain(|(one, other)| {
                all.iter().any(|(_, used)| used == one) && all.iter().any(|(user, _)| user == other)
            });
            if uses.len() == all.len() {
                let names: BTreeSet<_> = uses.into_iter().map(|(one, _)| one).collect();
                let names = names.into_iter().collect::<Vec<_>>().join(", ");
                return (!names.is_empty()).then(|| (folder.join("::"), names));
            }
        }
    });
    circles.collect()
}

/// The module of a file: empty for the root.
fn module(file: &str) -> Path {
    let parts = file.trim_end_matches(".rs").split('/').map(str::to_owned);
    parts
        .filter(|it| !["mod", "lib", "main"].contains(&&**it))
        .collect()
}

/// The module in which a path ends, through what other modules hand on.
fn home(path: &[String], modules: &BTreeMap<Path, Names>, hops: usize) -> Path {
    let mut known = (0..=path.len()).rev().map(|end| &path[..end]);
    let Some((module, names)) = known.find_map(|it| modules.get_key_value(it)) else {
        return Vec::new();
    };
    let wanted = path.get(module.len());
    let handed_on = names
        .iter()
        .find(|(name, to)| Some(name) == wanted && to[..] != *path && hops > 0);
    handed_on.map_or_else(|| module.clone(), |(_, path)| home(path, modules, hops - 1))
}

fn names(module: &Path, text: &str) -> Names {
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join(" ").replace("::", " :: ");
    let mut words = Vec::new();
    for word in code.split_whitespace() {
        for part in word.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_') {
            let end = part
                .trim_end_matches(|c: char| !c.is_alphanumeric() && c != '_')
                .len();
            words.extend(
                [&part[..end], &part[end..]]
                    .into_iter()
                    .filter(|it| !it.is_empty()),
            );
        }
    }
    let mut found = Names::new();
    let mut rest = &words[..];
    while let Some((first, after)) = rest.split_first() {
        let parent = &module[..module.len().saturating_sub(1)];
        rest = match (*first, after) {
            ("crate", [":", ":", more @ ..]) => tree(&[], more, &mut found),
            ("super", [":", ":", more @ ..]) => tree(parent, more, &mut found),
            ("self", [":", ":", more @ ..]) => tree(module, more, &mut found),
            // another package, or a module of this one
            ("use", [name, ..]) if !["crate", "super", "self"].contains(name) => {
                tree(module, after, &mut found)
            }
            _ => after,
        };
    }
    found
}

/// Reads what may follow a `::`: a name and more after it, or several in braces.
fn tree<'w, 't>(base: &[String], words: &'w [&'t str], found: &mut Names) -> &'w [&'t str] {
    match words {
        ["{", rest @ ..] => {
            let mut rest = rest;
            while !matches!(rest, [] | ["}", ..]) {
                let before = rest.len();
                rest = tree(base, rest, found);
                if let [",", after @ ..] = rest {
                    rest = after;
                }
                if rest.len() == before {
                    return rest;
                }
            }
            rest.get(1..).unwrap_or_default()
        }
        ["super", ":", ":", rest @ ..] => tree(&base[..base.len().saturating_sub(1)], rest, found),
        [name, rest @ ..] if name.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
            let path = [base, &[(*name).to_owned()]].concat();
            if let [":", ":", more @ ..] = rest {
                return tree(&path, more, found);
            }
            let named = if *name == "self" { base.to_vec() } else { path };
            let rest = match rest {
                ["as", other, rest @ ..] => {
                    found.push(((*other).to_owned(), named));
                    return rest;
                }
                rest => rest,
            };
            found.push((named.last().cloned().unwrap_or_default(), named));
            rest
        }
        other => other,
    }
}

#[test]
fn a_circle_is_found_through_folders_braces_and_what_is_handed_on() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let circle = file;
    let mut sources = vec![
        file("lib.rs", "mod a; mod b; mod c;"),
        file(
            "a/mod.rs",
            "mod one;\nmod two;\npub use self::{one::One, two::Two};",
        ),
        file("a/one.rs", "use crate::{b::{self, Other as It}, c};"),
        file("a/two.rs", "use super::One; // crate::a::one\n"),
        file(
            "b.rs",
            "fn f() -> crate::c::C {}\n#[cfg(test)]\nmod tests { use crate::a::One; }",
        ),
        file("c.rs", "pub struct C;"),
    ];
    assert_eq!(circles(&sources), []);
    sources[5].1 = "pub struct C(super::a::Two);".to_owned();
    assert_eq!(circles(&sources), [circle("", "a, b, c")]);
    sources[5].1.clear();
    sources[2].1 = "use super::Two;".to_owned();
    assert_eq!(circles(&sources), [circle("a", "one, two")]);
}
