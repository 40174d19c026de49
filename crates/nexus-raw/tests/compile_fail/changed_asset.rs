//! A registered asset never changes.

use nexus_raw::asset::RawAsset;

fn allow_training(asset: &mut RawAsset) {
    asset.provenance().train_ok = true;
}

fn main() {}
