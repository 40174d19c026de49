use super::typed::typed;
use super::{Layer, Origin};
use crate::keys::KEYS;

/// What the table of keys has for a key that nobody sets.
pub(super) fn layer() -> Layer {
    let mut layer = Layer::new(Origin::Default);
    for key in KEYS {
        if let Some(default) = key.default {
            layer.put(key, typed(key.kind, default));
        }
    }
    layer
}
