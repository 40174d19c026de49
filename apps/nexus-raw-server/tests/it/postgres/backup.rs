//! A catalogue in PostgreSQL is dumped beside a server, restored into another database, checked, and
//! served.

use std::process::Command;

use nexus_raw_testkit::Postgres;

use crate::house::{House as _, OnPostgres};

fn run(command: &mut Command) -> (i32, String, String) {
    let done = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        done.status.code().unwrap(),
        text(done.stdout),
        text(done.stderr),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_dump_passes_the_check_and_is_served() {
    let house = OnPostgres::open();
    let server = house.start();
    let owner = house.owner_of("t_demo", &server);
    let record = owner.put("one.jpg", b"a photograph").await;
    let (code, _, stderr) = run(house.program().args(["backup", "backup.sqlite"]));
    assert_eq!(code, 78);
    assert!(
        stderr.contains("`pg_dump --format=custom --file=FILE"),
        "{stderr}"
    );

    let directory = tempfile::tempdir().unwrap();
    let dump = directory.path().join("catalog.dump");
    let mut pg_dump = Postgres::client("pg_dump");
    pg_dump.arg("--format=custom").arg("--file").arg(&dump);
    let (code, _, stderr) = run(pg_dump.arg(&house.database().admin_url));
    assert_eq!(code, 0, "{stderr}");
    let new = Postgres::shared().database();
    let mut pg_restore = Postgres::client("pg_restore");
    pg_restore
        .args(["--exit-on-error", "--single-transaction", "--no-owner"])
        .args(["--no-privileges", "--dbname", &new.url])
        .arg(&dump);
    let (code, _, stderr) = run(&mut pg_restore);
    assert_eq!(code, 0, "{stderr}");
    server.stop();

    let restored = |arguments: &[&str]| {
        let mut program = house.program();
        program
            .env("NEXUS_RAW_CATALOG__URL", &new.url)
            .args(arguments);
        program
    };
    let (code, stdout, stderr) = run(&mut restored(&["check-catalogue"]));
    let totals = "checked 1 scopes, 1 intents, 1 records, 2 events: 0 differences\n";
    assert_eq!((code, &*stdout), (0, totals), "{stderr}");
    let (code, stdout, _) = run(&mut restored(&["migrate", "--plan"]));
    let up_to_date = "the catalogue's schema is up to date: nothing to do\n";
    assert_eq!((code, &*stdout), (0, up_to_date));
    let server = crate::machine::Machine::start_by(&mut restored(&[]));
    let owner = house.owner_of("t_demo", &server);
    let record = record.json();
    let id = record["asset_id"].as_str().unwrap();
    let found = owner.get(&format!("/nexus/raw/{id}")).await;
    assert_eq!(found.whole(), (200, record.clone()));
    owner.put("two.jpg", b"another photograph").await;
    server.stop();
    assert_eq!(run(&mut restored(&["check-catalogue"])).0, 0);
}
