//! Which sequences are tried: any step may follow any other, those that lead on more often.

use std::marker::PhantomData;

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Select, select},
};
use proptest_state_machine::ReferenceStateMachine;

use crate::{
    houses::House,
    words::{
        File, Grant, KEYS, NAMES, Named, PEOPLE, PLACES, Placed, Reaction, Restated, Said, Step,
        TENANTS, TYPES, Upload, Wait, Where,
    },
    world::{Asset, World},
};

/// The reference, for a kind of house.
pub(crate) struct Machine<H>(PhantomData<H>);

impl<H: House> ReferenceStateMachine for Machine<H> {
    type State = World;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<World> {
        Just(World::new(H::STORE_PROVES)).boxed()
    }

    fn transitions(world: &World) -> BoxedStrategy<Step> {
        let assets = world.assets.len().max(1);
        let empty = some_of(world, |asset| asset.object.is_none());
        let ready = some_of(world, |asset| {
            asset.object.is_some() && asset.record.is_none()
        });
        let known = some_of(world, |asset| asset.record.is_some());
        let any = || 0..assets;
        prop_oneof![
            2 => grant(),
            if world.assets.len() < 3 { 16 } else { 4 } => presign(),
            2 => presign_again(world),
            6 => (empty, upload()).prop_map(|(asset, how)| Step::Upload { asset, how }),
            2 => (any(), upload()).prop_map(|(asset, how)| Step::Upload { asset, how }),
            2 => (any(), placed()).prop_map(|(asset, what)| Step::Place { asset, what }),
            1 => any().prop_map(|asset| remove::<H>(asset)),
            8 => register(named(ready, assets), assets),
            3 => register(named(known.clone(), assets), assets),
            3 => register(named(any(), assets), assets),
            4 => state(named(known.clone(), assets)),
            1 => state(named(any(), assets)),
            4 => read(named(known, assets)),
            2 => read(named(any(), assets)),
            5 => wait(assets),
            6 => relay(),
            1 => (0_usize..2).prop_map(|slot| Step::Kill { slot }),
        ]
        .boxed()
    }

    fn apply(world: World, step: &Step) -> World {
        world.after(step)
    }
}

/// The number of one of those assets, or where there is none, of any.
fn some_of(world: &World, wanted: fn(&Asset) -> bool) -> Select<usize> {
    let assets = 0..world.assets.len().max(1);
    let wanted = |number: &usize| world.assets.get(*number).is_some_and(wanted);
    let found: Vec<usize> = assets.clone().filter(wanted).collect();
    select(if found.is_empty() {
        assets.collect()
    } else {
        found
    })
}

/// Where nothing can be taken away, somebody waits.
fn remove<H: House>(asset: usize) -> Step {
    if H::CAN_REMOVE {
        Step::Remove { asset }
    } else {
        Step::Wait(Wait::Second)
    }
}

/// Most is done by somebody who may.
fn person() -> impl Strategy<Value = usize> {
    prop_oneof![9 => Just(0), 1 => 0..PEOPLE.len()]
}

fn grant() -> impl Strategy<Value = Step> {
    let grants = vec![
        Grant::Owner,
        Grant::Admin,
        Grant::Member,
        Grant::Viewer,
        Grant::Unknown,
        Grant::Nothing,
    ];
    // the first does most, and keeps its rights for longer
    let person = prop_oneof![1 => Just(0), 6 => 1..PEOPLE.len()];
    (person, 0..TENANTS.len(), select(grants)).prop_map(|(person, tenant, grant)| Step::Grant {
        person,
        tenant,
        grant,
    })
}

fn presign() -> impl Strategy<Value = Step> {
    // most in one place, so that assets meet there
    let at = prop_oneof![3 => Just(0), 2 => 0..PLACES.len()];
    let file = (0..NAMES.len(), 0_usize..3, 0..TYPES.len());
    let file = file.prop_map(|(name, content, content_type)| File {
        name,
        content,
        content_type,
    });
    let key = option::weighted(0.4, 0..KEYS.len());
    (person(), at, file, key).prop_map(|(by, at, file, key)| Step::Presign { by, at, file, key })
}

/// Sends a presign again, where one had a key.
fn presign_again(world: &World) -> BoxedStrategy<Step> {
    let sent = world
        .keys
        .iter()
        .map(|((by, place, key), asset)| Step::Presign {
            by: *by,
            at: PLACES.iter().position(|it| it == place).unwrap_or_default(),
            file: world.assets[*asset].file,
            key: Some(*key),
        });
    let sent: Vec<_> = sent.collect();
    if sent.is_empty() {
        presign().boxed()
    } else {
        select(sent).boxed()
    }
}

fn upload() -> impl Strategy<Value = Upload> {
    let odd = vec![
        Upload::OtherBytes,
        Upload::OtherLength,
        Upload::WithoutMetadata,
        Upload::WithMoreMetadata,
        Upload::AsABrowser,
        Upload::WithAnEncoding,
    ];
    prop_oneof![3 => Just(Upload::AsSigned), 1 => select(odd)]
}

fn placed() -> impl Strategy<Value = Placed> {
    select(vec![
        Placed::AsPromised,
        Placed::OtherBytes,
        Placed::OtherLength,
        Placed::OtherType,
        Placed::OtherMetadata,
    ])
}

fn named(
    likely: impl Strategy<Value = usize> + 'static,
    assets: usize,
) -> impl Strategy<Value = Named> {
    prop_oneof![
        18 => likely.prop_map(Named::Asset),
        2 => (0..assets).prop_map(Named::Asset),
        1 => Just(Named::Absent),
    ]
}

fn place() -> impl Strategy<Value = Where> {
    prop_oneof![12 => Just(Where::Its), 1 => (0..PLACES.len()).prop_map(Where::At)]
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        3 => Just(Said::Nothing),
        2 => Just(Said::Defaults),
        3 => Just(Said::Much),
        2 => Just(Said::MuchOtherwise),
        1 => Just(Said::Trainable),
        1 => Just(Said::JustAhead),
        1 => Just(Said::Ahead),
    ]
}

fn register(
    asset: impl Strategy<Value = Named> + 'static,
    assets: usize,
) -> impl Strategy<Value = Step> {
    let restated = prop_oneof![
        3 => Just(Restated::AsPromised),
        1 => select(vec![
            Restated::OtherName,
            Restated::OtherType,
            Restated::OtherSize,
            Restated::OtherDigest,
        ]),
    ];
    let parents = prop_oneof![3 => Just(Vec::new()), 1 => vec(named(0..assets, assets), 1..4)];
    let what = (person(), place(), asset);
    (what, said(), option::weighted(0.2, restated), parents).prop_map(
        |((by, at, asset), said, restated, parents)| Step::Register {
            by,
            at,
            asset,
            said,
            restated,
            parents,
        },
    )
}

fn state(asset: impl Strategy<Value = Named> + 'static) -> impl Strategy<Value = Step> {
    (person(), place(), asset, any::<bool>()).prop_map(|(by, at, asset, allowed)| Step::State {
        by,
        at,
        asset,
        allowed,
    })
}

fn read(asset: impl Strategy<Value = Named> + 'static) -> impl Strategy<Value = Step> {
    let at = prop_oneof![Just(Where::Its), (0..PLACES.len()).prop_map(Where::At)];
    (0..PEOPLE.len(), at, asset, any::<bool>()).prop_map(|(by, at, asset, events)| Step::Read {
        by,
        at,
        asset,
        events,
    })
}

fn wait(assets: usize) -> impl Strategy<Value = Step> {
    let wait = prop_oneof![
        2 => Just(Wait::Second),
        9 => Just(Wait::LeaseEnd),
        2 => Just(Wait::Quarter),
        1 => Just(Wait::Day),
        1 => (0..assets).prop_map(Wait::IntentEnd),
    ];
    wait.prop_map(Step::Wait)
}

fn relay() -> impl Strategy<Value = Step> {
    let reaction = prop_oneof![
        2 => Just(Reaction::Take),
        1 => (0_usize..4).prop_map(Reaction::TakeOnly),
        1 => (0_usize..4).prop_map(Reaction::Fail),
        1 => (0_usize..4).prop_map(Reaction::Refuse),
    ];
    let halt = option::weighted(0.5, 0_u32..24);
    (0_usize..2, 1_u32..6, vec(reaction, 0..4), halt).prop_map(|(slot, batch, sink, halt)| {
        Step::Relay {
            slot,
            batch,
            sink,
            halt,
        }
    })
}
