use std::ffi::OsString;

use super::secret_file::{self, Given};
use super::typed::typed;
use super::{Layer, Origin, unknown};
use crate::faults::{Faults, printable};
use crate::keys;

const PREFIX: &str = "NEXUS_RAW_";

/// Whether a variable of this name is one of the server's.
pub(crate) fn is_ours(variable: &str) -> bool {
    own_part(variable).is_some()
}

fn own_part(variable: &str) -> Option<&str> {
    variable
        .strip_prefix(PREFIX)
        .filter(|rest| rest.contains("__"))
}

/// The variables of the form `NEXUS_RAW_<SECTION>__<KEY>`. Names without `__` belong to others:
/// the command line's own, the service links of Kubernetes.
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
        let exact = keys::variable(&dotted) == *variable;
        let (key, secret) = (keys::find(&dotted), keys::find_by_file_form(&dotted));
        if !exact || (key.is_none() && secret.is_none()) {
            faults.add(&dotted, unknown(&dotted, keys::variable), origin);
            continue;
        }
        let Some(value) = value.to_str() else {
            faults.add(&dotted, "is not UTF-8", origin);
            continue;
        };
        if let Some(key) = key {
            layer.put(key, typed(key.kind, value));
        } else if let Some(secret) = secret {
            by_file.push(Given {
                secret,
                path: value.into(),
            });
        }
    }
    secret_file::read_into(&mut layer, by_file, faults);
    layer
}
