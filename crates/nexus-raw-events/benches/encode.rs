//! What it takes to encode one event, in each encoding.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use nexus_raw_events::encoding::Encoding;
use nexus_raw_testkit::sample;

fn encode(criterion: &mut Criterion) {
    let event = sample::event(&sample::scope("t_demo", "dev"), 1);
    let mut group = criterion.benchmark_group("encode an event");
    for (name, encoding) in [
        ("native", Encoding::Native),
        ("cloudevents", Encoding::CloudEvents),
        ("openlineage", Encoding::OpenLineage),
    ] {
        assert!(encoding.encode(&event).is_ok_and(|it| it.is_some()));
        group.bench_function(name, |bencher| {
            bencher.iter(|| encoding.encode(black_box(&event)));
        });
    }
    group.finish();
}

criterion_group!(benches, encode);
criterion_main!(benches);
