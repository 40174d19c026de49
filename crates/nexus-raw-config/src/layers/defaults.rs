use super::layer::{Layer, Origin};
use super::typed::typed;
use crate::keys;

/// What the table of keys has for a key that nobody sets.
pub(super) fn layer() -> Layer {
    let mut layer = Layer::new(Origin::Default);
    for key in keys::all() {
        if let Some(default) = key.default {
            layer.put(key, typed(key.kind, default));
        }
    }
    layer
}
