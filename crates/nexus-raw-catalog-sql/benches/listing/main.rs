//! The cost of listing 100 assets of a small scope and of a large one, by each filter, near the
//! newest asset and far from it.
//!
//! Both scopes are measured in turns, each in a database of its own under `TMPDIR`, so the ratio
//! holds on a busy machine too. `--quick` makes the large scope smaller.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "where something fails, the benchmark must end; what it measures is printed"
)]

mod cases;
mod fill;

use std::{
    env, fs,
    time::{Duration, Instant},
};

use nexus_raw::{
    event::EventType,
    ports::{AssetCatalog, AssetPage, AssetQuery, EventQuery, LineageDirection, LineageQuery},
};
use nexus_raw_testkit::Postgres;

use cases::{Common, Rare};
use fill::{FIRST, Filled};

/// The number of assets of the small scope.
const FEW: u64 = 10_000;

/// The number of assets of a page.
const PAGE: u64 = 100;

/// The pages that are measured, where a scope has so many; otherwise its last.
const PAGES: [u64; 2] = [1, 1000];

/// How much is measured.
#[derive(Clone, Copy)]
struct Plan {
    /// The number of assets of the large scope.
    many: u64,
    rounds: usize,
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if !arguments.iter().any(|it| it == "--bench") {
        return;
    }
    let plan = if arguments.iter().any(|it| it == "--quick") {
        println!("--quick: the large scope has 100,000 assets instead of 1,000,000");
        Plan {
            many: 100_000,
            rounds: 31,
        }
    } else {
        Plan {
            many: 1_000_000,
            rounds: 101,
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let few = Filled::sqlite(&directory.path().join("few.sqlite"), FEW).await;
        let many = Filled::sqlite(&directory.path().join("many.sqlite"), plan.many).await;
        measure("SQLite", [few, many], plan).await;
    });
    let server = Postgres::start();
    runtime.block_on(async {
        let few = Filled::postgres(&server.database(), FEW).await;
        let many = Filled::postgres(&server.database(), plan.many).await;
        measure("PostgreSQL", [few, many], plan).await;
    });
}

async fn measure(engine: &str, scopes: [Filled; 2], plan: Plan) {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown");
    let [few, many] = [FEW, plan.many].map(|count| format!("ms of {count}"));
    println!("\nlisting on {engine}, load average {load}");
    println!(
        "{:<44} {:>12} {few:>13} {many:>13} {:>6}",
        "filter", "page", "ratio"
    );
    for Common {
        name,
        filter,
        of_four,
    } in cases::common()
    {
        for page in PAGES {
            let pages = scopes.each_ref().map(|it| {
                let matching = it.count * of_four / 4;
                page.min(matching / PAGE)
            });
            let queries = [0, 1].map(|at| {
                let above = (pages[at] - 1) * PAGE * 4 / of_four;
                // the newest is named too, since events of other types lie above it
                let before = FIRST + scopes[at].count - above;
                AssetQuery::newest(filter.clone(), 100).before(Some(before))
            });
            let turns = in_turns(plan, async |at| {
                let page = scopes[at].page(&queries[at]).await;
                assert_eq!(page.assets.len(), 100, "{name}");
            })
            .await;
            let pages = if pages[0] == pages[1] {
                page.to_string()
            } else {
                format!("{} : {}", pages[0], pages[1])
            };
            print(name, &pages, &turns);
        }
    }

    println!("\none asset of the scope matches, or none: what a first page costs");
    println!(
        "{:<44} {:>12} {few:>13} {many:>13} {:>6}",
        "filter", "rows read", "ratio"
    );
    for Rare {
        name,
        filter,
        candidates_of_four,
    } in cases::rare()
    {
        let rows = scopes.each_ref().map(|it| {
            let candidates = it.count * candidates_of_four / 4;
            candidates.min(u64::from(AssetQuery::MAX_ROWS))
        });
        let query = AssetQuery::newest(filter.clone(), 100);
        let turns = in_turns(plan, async |at| {
            let page = scopes[at].page(&query).await;
            assert!(page.assets.len() < 10, "{name}");
        })
        .await;
        let rows = if rows[1] == 0 {
            "its own".to_owned()
        } else {
            format!("{} : {}", rows[0], rows[1])
        };
        print(name, &rows, &turns);
    }
    let query = EventQuery::first(100).of_types([EventType::RawAssetDownloadPresigned]);
    let turns = in_turns(plan, async |at| {
        let Filled { catalog, scope, .. } = &scopes[at];
        assert_eq!(catalog.events(scope, &query).await.unwrap().len(), 1);
    })
    .await;
    print("events of a type that occurs once", "its own", &turns);
    for (name, direction) in [
        (
            "lineage, 1,000 of the children of one",
            LineageDirection::Descendants,
        ),
        ("lineage, the ancestors of one", LineageDirection::Ancestors),
    ] {
        let of = match direction {
            LineageDirection::Descendants => fill::parent(),
            _ => fill::common().asset_id,
        };
        let query = LineageQuery::new(direction).with_limit(1000);
        let turns = in_turns(plan, async |at| {
            let Filled { catalog, scope, .. } = &scopes[at];
            let lineage = catalog.lineage(scope, of, &query).await.unwrap().unwrap();
            assert!(lineage.edges.len() == 999 || lineage.edges.len() == 1);
        })
        .await;
        print(name, "its own", &turns);
    }
    for Filled { catalog, .. } in scopes {
        catalog.close().await;
    }
}

/// Calls on the small and on the large scope, in turns.
struct Turns {
    /// The median times.
    took: [Duration; 2],
    /// The median of the rounds' ratios.
    ratio: f64,
}

async fn in_turns(plan: Plan, call: impl AsyncFn(usize)) -> Turns {
    const WARM_UP: usize = 3;
    let mut rounds = Vec::new();
    for _ in 0..WARM_UP + plan.rounds {
        let mut round = [Duration::ZERO; 2];
        for (at, took) in round.iter_mut().enumerate() {
            let began = Instant::now();
            call(at).await;
            *took = began.elapsed();
        }
        rounds.push(round);
    }
    let rounds = &rounds[WARM_UP..];
    let mut ratios: Vec<_> = rounds
        .iter()
        .map(|[few, many]| many.div_duration_f64(*few))
        .collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let took = [0, 1].map(|at| {
        let mut took: Vec<_> = rounds.iter().map(|round| round[at]).collect();
        took.sort_unstable();
        took[took.len() / 2]
    });
    Turns {
        took,
        ratio: ratios[ratios.len() / 2],
    }
}

fn print(name: &str, page: &str, Turns { took, ratio }: &Turns) {
    let [few, many] = took.map(|it| it.as_secs_f64() * 1e3);
    println!("{name:<44} {page:>12} {few:>13.3} {many:>13.3} {ratio:>6.2}");
}

impl Filled {
    async fn page(&self, query: &AssetQuery) -> AssetPage {
        self.catalog.assets(&self.scope, query).await.unwrap()
    }
}
