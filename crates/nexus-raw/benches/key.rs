//! What it takes to build the key of one object, and to parse its file name before.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use nexus_raw::asset::{Filename, ObjectKey};
use nexus_raw_testkit::sample;

fn key(criterion: &mut Criterion) {
    let (scope, asset_id) = (sample::scope("t_demo", "dev"), sample::asset_id(1));
    let filename = sample::facts().filename;
    criterion.bench_function("build a key", |bencher| {
        bencher.iter(|| ObjectKey::for_asset(black_box(&scope), asset_id, black_box(&filename)));
    });
    criterion.bench_function("parse a file name", |bencher| {
        bencher.iter(|| Filename::parse(black_box("DSCN0010.jpg")));
    });
}

criterion_group!(benches, key);
criterion_main!(benches);
