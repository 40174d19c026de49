//! What one caller alone, too many callers, and a process that does nothing cost.

use std::{thread, time::Duration};

use crate::{
    arguments::Plan,
    collected::Collected,
    figures::{
        Figure,
        Goal::{AtLeast, AtMost},
    },
    house::Mode,
    load::{Load, Until},
    processor::{Memory, Process as _},
    service::Service,
    surroundings,
};

/// How many callers are too many.
const TOO_MANY: usize = 640;
/// How many there are for a minute, after which the memory is read.
const MANY: usize = 256;

/// One caller, whom nothing delays.
pub(crate) fn alone(plan: &Plan) -> Vec<Figure> {
    let service = Service::start(Mode::Embedded, plan.program.clone());
    let mut collected = Collected::of("one caller alone");
    let count = if plan.quick { 200 } else { 1000 };
    for _ in 0..plan.rounds {
        let flush = surroundings::flush().as_secs_f64() * 1e3;
        let presigns: Vec<_> = (0..count).map(|at| service.presign(at)).collect();
        let uploaded = service.uploaded(count);
        let registers: Vec<_> = uploaded
            .iter()
            .map(|it| service.register(&it.asset_id))
            .collect();
        for (name, requests, status, flushes, microseconds) in [
            ("presign-upload", presigns, 200, 3.0, 250.0),
            ("register", registers, 201, 5.0, 500.0),
        ] {
            let load = Load {
                server: service.address(),
                connections: 1,
                requests: &requests,
            };
            let measured = load.run(&service.watched(), status, Until::Count(count));
            let sample = measured.sample(1, 0);
            collected.add(name, "ms, p50", None, sample.p50);
            let goal = Some(AtMost(flushes));
            collected.add(name, "flushes, p50", goal, sample.p50 / flush);
            let goal = Some(AtMost(microseconds));
            collected.add(name, "server us", goal, sample.server);
        }
        collected.add("a flush to disk", "ms", None, flush);
    }
    collected.figures()
}

/// Ten times as many callers as it takes to keep the server busy.
pub(crate) fn overload(plan: &Plan) -> Vec<Figure> {
    let service = Service::start(Mode::Embedded, plan.program.clone());
    let mut collected = Collected::of("640 connections");
    let hot = service.registered(1000);
    let presigns: Vec<_> = (0..1000).map(|at| service.presign(at)).collect();
    let records: Vec<_> = hot.iter().map(|id| service.record(id)).collect();
    for _ in 0..plan.rounds {
        for (name, requests) in [("presign-upload", &presigns), ("GET record, hot", &records)] {
            let load = |connections| Load {
                server: service.address(),
                connections,
                requests,
            };
            let until = Until::Over(plan.time);
            let best = load(plan.connections).run(&service.watched(), 200, until);
            let measured = load(TOO_MANY).try_run(&service.watched(), until);
            let statuses = &measured.statuses;
            let refused = |status: &u16| [429, 503].contains(status);
            let answered = statuses.get(&200).copied().unwrap_or(0);
            let others = statuses.keys().filter(|&it| *it != 200 && !refused(it));
            let others: usize = others.map(|status| statuses[status]).sum();
            let refusals: usize = statuses
                .iter()
                .filter(|(it, _)| refused(it))
                .map(|it| it.1)
                .sum();
            #[expect(clippy::cast_precision_loss, reason = "counts of seconds are exact")]
            let [answered, others, refusals] = [answered, others, refusals].map(|it| it as f64);
            let rate = answered / measured.elapsed.as_secs_f64();
            let goal = Some(AtLeast(0.9));
            collected.add(
                name,
                "of the best rate",
                goal,
                rate / best.sample(1, 0).rate,
            );
            let goal = Some(AtMost(150.0));
            collected.add(name, "ms, p99", goal, measured.percentile(99));
            collected.add(name, "429 or 503", None, refusals);
            collected.add(name, "other errors", Some(AtMost(0.0)), others);
        }
    }
    collected.figures()
}

/// The start, and the memory of a process that has nothing to do and of one that had much to do.
pub(crate) fn footprint(plan: &Plan) -> Vec<Figure> {
    let mut collected = Collected::of("embedded");
    let mib = |process| {
        let Memory { resident, peak } = Memory::of(process);
        #[expect(clippy::cast_precision_loss, reason = "a memory is below 2^53")]
        [resident, peak].map(|it| it as f64 / 1024.0)
    };
    for _ in 0..plan.rounds {
        let mut service = Service::start(Mode::Embedded, plan.program.clone());
        let seconds = service.running().start.as_secs_f64();
        collected.add("first start to ready", "s", Some(AtMost(0.1)), seconds);
        service.restart();
        let seconds = service.running().start.as_secs_f64();
        collected.add("start to ready", "s", Some(AtMost(0.1)), seconds);
        // it has done by then what it does after a start
        thread::sleep(Duration::from_secs(1));
        let [resident, _] = mib(service.running().id());
        collected.add("idle", "MiB resident", Some(AtMost(30.0)), resident);
    }
    let service = Service::start(Mode::Embedded, plan.program.clone());
    let hot = service.registered(1000);
    let mixed: Vec<_> = hot
        .iter()
        .enumerate()
        .flat_map(|(at, id)| [service.presign(at), service.record(id)])
        .collect();
    let load = Load {
        server: service.address(),
        connections: MANY,
        requests: &mixed,
    };
    let time = Duration::from_secs(if plan.quick { 5 } else { 60 });
    load.run(&service.watched(), 200, Until::Over(time));
    let [resident, peak] = mib(service.running().id());
    let name = format!("{} s at {MANY} connections", time.as_secs());
    collected.add(&name, "MiB resident", Some(AtMost(80.0)), resident);
    collected.add(&name, "MiB at the peak", None, peak);
    collected.figures()
}
