//! Steps of uploads in parts, and the assets that they lead on.

use proptest::{collection::vec, prelude::*};

use super::{person, place};
use crate::{
    words::{Declaration, Named, PARTS, PartUpload, Step},
    world::{Asset, Parts},
};

pub(super) fn is_in_parts(asset: &Asset) -> bool {
    asset.file.is_in_parts()
}

/// Whether it is in parts, and neither registered nor aborted.
pub(super) fn is_open(asset: &Asset) -> bool {
    is_in_parts(asset) && asset.record.is_none() && !asset.is_aborted()
}

pub(super) fn was_declared(asset: &Asset) -> bool {
    asset.parts.as_ref().is_some_and(|it| it.begun > 0)
}

pub(super) fn wants_declaration(asset: &Asset) -> bool {
    let declared = asset.parts.as_ref().map(|it| it.declared);
    is_open(asset) && declared.is_some_and(|it| it.contains(&None))
}

/// Whether the store lacks a part that was declared.
pub(super) fn wants_parts(asset: &Asset) -> bool {
    let lacks = |it: &Parts| {
        let held = it.open.unwrap_or_default();
        (0..PARTS).any(|at| it.declared[at].is_some() && held[at].is_none())
    };
    is_open(asset) && asset.parts.as_ref().is_some_and(lacks)
}

/// Whether the store has every part.
pub(super) fn is_whole(asset: &Asset) -> bool {
    let held = asset.parts.as_ref().and_then(|it| it.open);
    is_open(asset) && held.is_some_and(|it| !it.contains(&None))
}

pub(super) fn declare(
    asset: impl Strategy<Value = Named> + 'static,
) -> impl Strategy<Value = Step> {
    // in any order; the last number is out of range
    let numbers = |most: usize| {
        let numbers = Just((1..=most).collect::<Vec<_>>()).prop_shuffle();
        (numbers, 1..=most).prop_map(|(mut numbers, how_many)| {
            numbers.truncate(how_many);
            numbers
        })
    };
    let all = Just((1..=PARTS).collect::<Vec<_>>()).prop_shuffle();
    let right = prop_oneof![3 => all, 1 => numbers(PARTS)];
    let right = right.prop_map(|it| it.into_iter().map(|it| (it, false)).collect::<Vec<_>>());
    let odd = numbers(PARTS + 1).prop_flat_map(|numbers| {
        let others = vec(any::<bool>(), numbers.len());
        others.prop_map(move |others| numbers.iter().copied().zip(others).collect::<Vec<_>>())
    });
    let parts = prop_oneof![4 => right, 1 => odd];
    (person(), place(), asset, parts).prop_map(|(by, at, asset, parts)| {
        let parts = parts.into_iter();
        let parts = parts.map(|(number, other)| Declaration { number, other });
        Step::Declare {
            by,
            at,
            asset,
            parts: parts.collect(),
        }
    })
}

pub(super) fn upload_parts(
    asset: impl Strategy<Value = usize> + 'static,
) -> impl Strategy<Value = Step> {
    let how = prop_oneof![
        7 => Just(PartUpload::AsSigned),
        1 => Just(PartUpload::OtherBytes),
        1 => Just(PartUpload::OtherLength),
    ];
    let parts = Just((0..PARTS).collect::<Vec<_>>()).prop_shuffle();
    let how_many = prop_oneof![3 => Just(PARTS), 1 => 1..PARTS];
    (asset, parts, how_many, how).prop_map(|(asset, mut parts, how_many, how)| {
        parts.truncate(how_many);
        Step::UploadParts { asset, parts, how }
    })
}

pub(super) fn abort(asset: impl Strategy<Value = Named> + 'static) -> impl Strategy<Value = Step> {
    (person(), place(), asset).prop_map(|(by, at, asset)| Step::Abort { by, at, asset })
}
