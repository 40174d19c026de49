use std::ffi::OsString;

use super::layer::{Layer, Origin};
use super::secret_file::{self, SecretPath};
use super::typed::typed;
use crate::faults::{Faults, printable};
use crate::key::{own_part, variable as variable_of};
use crate::keys;

/// Returns the layer of the server's variables.
pub(super) fn layer(variables: &[(OsString, OsString)], faults: &mut Faults) -> Layer {
    let mut layer = Layer::new(Origin::Environment);
    let mut by_file = Vec::new();
    for (variable, value) in variables {
        let variable = variable.to_string_lossy();
        let Some(name) = own_part(&variable) else {
            continue;
        };
        let origin = Some(printable(&variable));
        let dotted = name.replace("__", ".").to_ascii_lowercase();
        let exact = variable_of(&dotted) == *variable;
        let (key, secret) = (keys::find(&dotted), keys::find_by_file_form(&dotted));
        if !exact || (key.is_none() && secret.is_none()) {
            faults.add(&dotted, keys::unknown(&dotted, variable_of), origin);
            continue;
        }
        let Some(value) = value.to_str() else {
            faults.add(&dotted, "is not UTF-8", origin);
            continue;
        };
        if let Some(key) = key {
            layer.put(key, typed(key.kind, value));
        } else if let Some(secret) = secret {
            let path = value.into();
            by_file.push(SecretPath { secret, path });
        }
    }
    secret_file::read_into(&mut layer, by_file, faults);
    layer
}
