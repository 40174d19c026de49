//! Which sequences are tried: any step may follow any other, those that lead on more often.

mod parts;

use std::{marker::PhantomData, ops::Range};

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Select, select},
};
use proptest_state_machine::ReferenceStateMachine;

use self::parts::{
    abort, declare, is_in_parts, is_open, is_whole, upload_parts, wants_declaration, wants_parts,
    was_declared,
};
use crate::{
    houses::House,
    promises::LEASE_TTL,
    words::{
        File, Form, Grant, KEYS, NAMES, Named, PEOPLE, PLACES, Placed, Reaction, Reading, Restated,
        Said, Step, TENANTS, TYPES, Upload, Wait, Where,
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
        let any = || 0..assets;
        // what leads on is tried more often where it does
        let if_any = |wanted: fn(&Asset) -> bool, much: u32| {
            let weight = if world.assets.iter().any(wanted) {
                much
            } else {
                1
            };
            (weight, some_of(world, wanted))
        };
        let (empties, empty) = if_any(is_empty, 8);
        let (ready_ones, ready) = if_any(is_ready, 14);
        let (known_ones, known) = if_any(is_known, 5);
        let (undeclared, wanting) = if_any(wants_declaration, 14);
        let (lacking, incomplete) = if_any(wants_parts, 20);
        let (whole_ones, whole) = if_any(is_whole, 20);
        let (begun_ones, begun) = if_any(was_declared, 3);
        let (in_parts, known_in_parts) = if_any(is_known_in_parts, 3);
        let known = || named(known.clone(), assets);
        let known_in_parts = || named(known_in_parts.clone(), assets);
        prop_oneof![
            2 => grant(),
            if world.assets.len() < 3 { 16 } else { 4 } => presign(),
            2 => presign_again(world),
            empties => (empty, upload()).prop_map(|(asset, how)| Step::Upload { asset, how }),
            2 => (any(), upload()).prop_map(|(asset, how)| Step::Upload { asset, how }),
            undeclared => declare(named(wanting, assets)),
            1 => declare(named(some_of(world, is_in_parts), assets)),
            lacking => upload_parts(incomplete),
            begun_ones => upload_parts(begun),
            whole_ones => register_restating(named(whole, assets), assets),
            2 => abort(named(some_of(world, is_open), assets)),
            2 => abort(named(some_of(world, is_in_parts), assets)),
            1 => abort(named(any(), assets)),
            3 => read(named(some_of(world, is_in_parts), assets), Reading::Parts),
            in_parts => declare(known_in_parts()),
            in_parts => abort(known_in_parts()),
            in_parts => read(known_in_parts(), Reading::Parts),
            2 => (any(), placed()).prop_map(|(asset, what)| Step::Place { asset, what }),
            1 => any().prop_map(|asset| remove::<H>(asset)),
            ready_ones => register(named(ready, assets), assets),
            known_ones => register(known(), assets),
            3 => register(named(any(), assets), assets),
            known_ones => state(known()),
            1 => state(named(any(), assets)),
            known_ones => read(known(), Reading::Record),
            known_ones => read(known(), Reading::Events),
            1 => read(named(any(), assets), Reading::Record),
            1 => read(named(any(), assets), Reading::Events),
            1 => read(named(any(), assets), Reading::Parts),
            5 => wait(assets),
            6 => relay(0..2),
            if world.stopped.is_some() { 8 } else { 1 } => fence(world),
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

/// Whether it is by one request, and nothing is at its key.
fn is_empty(asset: &Asset) -> bool {
    asset.object.is_none() && !is_in_parts(asset)
}

/// Whether something is at its key that may be registered.
fn is_ready(asset: &Asset) -> bool {
    asset.object.is_some() && asset.record.is_none() && !asset.is_aborted()
}

fn is_known(asset: &Asset) -> bool {
    asset.record.is_some()
}

fn is_known_in_parts(asset: &Asset) -> bool {
    is_known(asset) && is_in_parts(asset)
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
    let form = prop_oneof![
        5 => Just(Form::Single),
        2 => Just(Form::InParts),
        2 => Just(Form::InPartsUnstated),
    ];
    // an empty content, the last, has no parts
    let content = form.prop_flat_map(|form| {
        let least = if form == Form::Single { 1 } else { 8 };
        let content = prop_oneof![least => Just(0), least => Just(1), 1 => Just(2)];
        (Just(form), content)
    });
    let file = (0..NAMES.len(), content, 0..TYPES.len());
    let file = file.prop_map(|(name, (form, content), content_type)| File {
        name,
        content,
        content_type,
        form,
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
    registering(asset, assets, 0.2)
}

/// Mostly with the digest that presign may have left out.
fn register_restating(
    asset: impl Strategy<Value = Named> + 'static,
    assets: usize,
) -> impl Strategy<Value = Step> {
    registering(asset, assets, 0.7)
}

fn registering(
    asset: impl Strategy<Value = Named> + 'static,
    assets: usize,
    restating: f64,
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
    (what, said(), option::weighted(restating, restated), parents).prop_map(
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

fn read(
    asset: impl Strategy<Value = Named> + 'static,
    what: Reading,
) -> impl Strategy<Value = Step> {
    let at = prop_oneof![Just(Where::Its), (0..PLACES.len()).prop_map(Where::At)];
    (0..PEOPLE.len(), at, asset).prop_map(move |(by, at, asset)| Step::Read {
        by,
        at,
        asset,
        what,
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

/// What leads to a relay that goes on after another has taken its lease.
fn fence(world: &World) -> BoxedStrategy<Step> {
    match world.stopped {
        Some((_, since)) if world.now < since + LEASE_TTL => {
            Just(Step::Wait(Wait::LeaseEnd)).boxed()
        }
        Some((slot, _)) => prop_oneof![relay(1 - slot..2 - slot), relay(slot..slot + 1)].boxed(),
        None => relay(0..2).boxed(),
    }
}

fn relay(slots: Range<usize>) -> impl Strategy<Value = Step> {
    let reaction = prop_oneof![
        2 => Just(Reaction::Take),
        1 => (0_usize..4).prop_map(Reaction::TakeOnly),
        1 => (0_usize..4).prop_map(Reaction::Fail),
        1 => (0_usize..4).prop_map(Reaction::Refuse),
    ];
    let halt = option::weighted(0.5, prop_oneof![1 => 1_u32..8, 1 => 0_u32..24]);
    (slots, 1_u32..6, vec(reaction, 0..4), halt).prop_map(|(slot, batch, sink, halt)| Step::Relay {
        slot,
        batch,
        sink,
        halt,
    })
}
