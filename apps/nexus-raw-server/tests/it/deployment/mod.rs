//! The files of `deploy/` are those of this program: its commands, keys, ports, paths and policies. What
//! else they have to be, `make lint` checks.

mod cloudformation;
mod compose;
mod image;
mod kubernetes;
mod program;
mod readme;
mod systemd;

use std::{fs, path::PathBuf};

use serde_json::Value;

fn path(name: &str) -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy");
    PathBuf::from(root).join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn yaml(name: &str) -> Value {
    parsed(&text(name))
}

fn parsed(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap()
}

/// The texts of a list.
fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap();
    list.iter().map(|it| it.as_str().unwrap()).collect()
}

/// The named entry of a list of objects.
fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let mut entries = list.as_array().unwrap().iter();
    let entry = entries.find(|it| it["name"] == name);
    entry.unwrap_or_else(|| panic!("{name} is not in {list}"))
}
