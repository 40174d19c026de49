//! Which types of the code hold a secret and print themselves, read from the sources: a list would
//! have to be kept alike.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Types whose values are secrets or may hold one, of ours and of libraries. The last is an address,
/// which may have a password or a secret path.
const SECRETS: [&str; 7] = [
    "SecretString",
    "SignedUrl",
    "PgConnectOptions",
    "EncodingKey",
    "DecodingKey",
    "Hmac",
    "Url",
];

/// Fields that hold a secret as text, or what may have one in it.
const FIELDS: [&str; 3] = ["url: String", "access_key_id: String", "environment: Vec<"];

/// Those of them that do not print what they hold: to print a field of such a type is safe.
const SILENT: [&str; 2] = ["SecretString", "SignedUrl"];

struct Type {
    of: String,
    is_public: bool,
    derives_debug: bool,
    prints: bool,
    body: String,
}

/// The public types that print and hold a secret, in a field or in a field's field, each as
/// `crate::Type`.
pub(crate) fn public_holders() -> BTreeSet<String> {
    let types = types();
    let mut names = SECRETS.map(str::to_owned).to_vec();
    let mut holders = BTreeSet::new();
    // each round finds those that hold what the one before found
    loop {
        let before = holders.len();
        for ((of, name), it) in &types {
            if SECRETS.contains(&name.as_str())
                || holds(&it.body, &names)
                || FIELDS.iter().any(|field| it.body.contains(field))
            {
                holders.insert((of.clone(), name.clone()));
            }
        }
        if holders.len() == before {
            break;
        }
        names.extend(holders.iter().map(|(_, name)| name.clone()));
    }
    let printing = holders.into_iter().filter(|key| types[key].prints);
    let (public, inner): (Vec<_>, Vec<_>) = printing.partition(|key| types[key].is_public);
    let loud: Vec<&str> = SECRETS
        .into_iter()
        .filter(|it| !SILENT.contains(it))
        .collect();
    for key in inner.into_iter().filter(|key| types[key].derives_debug) {
        let body = &types[&key].body;
        let loud = loud
            .iter()
            .filter(|it| **it != "Url")
            .map(ToString::to_string);
        assert!(
            !holds(body, &loud.collect::<Vec<_>>()),
            "{key:?} derives Debug over what prints a secret"
        );
    }
    public
        .into_iter()
        .map(|(of, name)| format!("{of}::{name}"))
        .collect()
}

/// Whether a field has one of these types.
fn holds(body: &str, names: &[String]) -> bool {
    names.iter().any(|name| {
        body.match_indices(name.as_str()).any(|(at, _)| {
            let before = body[..at].trim_end_matches(|it: char| it.is_alphanumeric() || it == ':');
            let is_whole = !body[..at].ends_with(|it: char| it.is_alphanumeric() || it == '_')
                && !body[at + name.len()..]
                    .starts_with(|it: char| it.is_alphanumeric() || it == '_');
            // of an enum's variant alone it is a name, and no type
            is_whole && before.ends_with([' ', '(', '<']) && !body[..at].ends_with("    ")
        })
    })
}

/// The types of the crates and of the server, without tests.
fn types() -> BTreeMap<(String, String), Type> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut types = BTreeMap::new();
    for floor in ["crates", "apps"] {
        for house in fs::read_dir(root.join(floor)).unwrap() {
            let house = house.unwrap();
            let of = house.file_name().into_string().unwrap();
            // the kit is for tests, the command has its own
            if of.ends_with("-testkit") || of.ends_with("-cli") {
                continue;
            }
            let of = of.strip_prefix("nexus-raw-").unwrap_or(&of);
            let mut sources = Vec::new();
            read(&house.path().join("src"), &mut sources);
            for source in &sources {
                take_types(source, of, &mut types);
            }
            for source in &sources {
                for (at, found) in source.match_indices("Debug for ") {
                    let name = word(&source[at + found.len()..]);
                    if let Some(it) = types.get_mut(&(of.to_owned(), name.to_owned())) {
                        it.prints = true;
                    }
                }
            }
        }
    }
    assert!(types.len() > 100, "the types of the code");
    types
}

fn read(directory: &Path, into: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, into);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            // tests stand at the end of their file
            into.push(dedented(text.split("#[cfg(test)]\nmod ").next().unwrap()));
        }
    }
}

/// The types in a `section!` of the configuration stand one step further in than others.
fn dedented(source: &str) -> String {
    let mut inside = false;
    let lines = source.lines().map(|line| {
        inside = line == "section! {" || inside && line != "}";
        let line = if inside {
            line.strip_prefix("    ").unwrap_or(line)
        } else {
            line
        };
        format!("{line}\n")
    });
    lines.collect()
}

/// Takes each `struct` and `enum` that begins a line, as rustfmt has it.
fn take_types(source: &str, of: &str, types: &mut BTreeMap<(String, String), Type>) {
    let mut attributes = String::new();
    let mut rest = source;
    while let Some((line, after)) = rest.split_once('\n') {
        rest = after;
        if line.starts_with("#[") {
            attributes += line;
            continue;
        }
        let plain = line.trim_start_matches(|it: char| it != ' ').trim_start();
        let kind = if line.starts_with("pub") { plain } else { line };
        let kinds = ["struct ", "enum "];
        let Some(head) = kinds.iter().find_map(|it| kind.strip_prefix(it)) else {
            if !line.starts_with("//") {
                attributes.clear();
            }
            continue;
        };
        let body = if line.ends_with(['}', ';']) {
            head.to_owned()
        } else {
            let end = rest
                .find("\n}")
                .or_else(|| rest.find(");"))
                .unwrap_or(rest.len());
            rest[..end]
                .lines()
                .filter(|it| !it.trim_start().starts_with("//"))
                .fold(String::new(), |body, it| body + it + "\n")
        };
        let it = Type {
            of: of.to_owned(),
            is_public: line.starts_with("pub "),
            derives_debug: attributes.contains("Debug"),
            prints: attributes.contains("Debug"),
            body,
        };
        attributes.clear();
        types.insert((it.of.clone(), word(head).to_owned()), it);
    }
}

fn word(text: &str) -> &str {
    text.split(|it: char| !it.is_alphanumeric()).next().unwrap()
}
