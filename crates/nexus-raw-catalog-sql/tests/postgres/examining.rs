//! What an operator is told of a server and a role.

use nexus_raw::checkup::{CheckVerdict, Examined};
use nexus_raw_catalog_sql::SqlCatalogSettings;

use crate::support::{Home, run};

fn to_do(all: &[Examined]) -> Vec<(&'static str, CheckVerdict, &str)> {
    let acts = all.iter().filter(|it| it.verdict.asks_for_action());
    acts.map(|it| (it.check, it.verdict, it.found.as_str()))
        .collect()
}

#[tokio::test]
async fn of_a_sound_server_nothing_has_to_be_done() {
    let home = Home::new().await;
    let _running = home.open().await;
    let all = home.settings().examine().await;
    assert_eq!(to_do(&all), []);
    let sound = all.iter().filter(|it| it.verdict == CheckVerdict::Sound);
    let sound: Vec<_> = sound.map(|it| it.check).collect();
    assert_eq!(
        sound,
        [
            "catalog",
            "catalog.pages",
            "catalog.vacuum",
            "catalog.connections",
            "catalog.role",
        ]
    );
}

/// Of this database and role alone, so that no other test meets it.
#[tokio::test]
async fn each_planted_fault_is_found_and_says_what_to_do() {
    let home = Home::new().await;
    drop(home.open().await);
    let (role, name) = (home.role(), home.name());
    let planted = [
        (
            format!("ALTER ROLE {role} IN DATABASE {name} SET synchronous_commit = off"),
            format!("ALTER ROLE {role} IN DATABASE {name} RESET synchronous_commit"),
            "catalog",
            "the database confirms a commit before it is durable",
            "set synchronous_commit = on",
        ),
        (
            format!("ALTER ROLE {role} BYPASSRLS"),
            format!("ALTER ROLE {role} NOBYPASSRLS"),
            "catalog",
            "the role of the catalogue is a superuser or has BYPASSRLS",
            "use a plain role",
        ),
        (
            format!("ALTER ROLE {role} CREATEROLE"),
            format!("ALTER ROLE {role} NOCREATEROLE"),
            "catalog.role",
            "may create roles or databases, or replicate",
            "NOCREATEROLE NOCREATEDB NOREPLICATION",
        ),
        (
            format!("ALTER ROLE {role} CONNECTION LIMIT 3"),
            format!("ALTER ROLE {role} CONNECTION LIMIT -1"),
            "catalog.connections",
            "connections, and 3 are allowed",
            "lower catalog.max_connections to 3",
        ),
        (
            "ALTER TABLE asset DISABLE ROW LEVEL SECURITY".to_owned(),
            "ALTER TABLE asset ENABLE ROW LEVEL SECURITY".to_owned(),
            "catalog",
            "row-level security",
            "",
        ),
    ];
    let mut admin = home.admin().await;
    for (plant, mend, check, found, said) in planted {
        run(&mut admin, &plant).await;
        let settings = SqlCatalogSettings {
            max_connections: 10,
            ..home.settings()
        };
        let all = settings.examine().await;
        let [(of, verdict, text)] = to_do(&all)[..] else {
            panic!("{plant}: {all:?}");
        };
        assert_eq!((of, verdict), (check, CheckVerdict::Fault), "{text}");
        assert!(text.contains(found), "{plant}: {text}");
        let fault = all
            .iter()
            .find(|it| it.verdict == CheckVerdict::Fault)
            .unwrap();
        let told = fault.mend.as_deref().unwrap();
        assert!(told.contains(said), "{plant}: {told}");
        run(&mut admin, &mend).await;
    }
    assert_eq!(to_do(&home.settings().examine().await), []);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unknown() {
    let home = Home::new().await;
    let other = SqlCatalogSettings {
        url: home.database().admin_url.clone(),
        ..home.settings()
    };
    let (_, server) = other.url.rsplit_once('@').unwrap();
    let address = server.split_once('/').unwrap().0;
    let absent = other.url.replace(address, "127.0.0.1:1");
    let absent = SqlCatalogSettings {
        url: absent,
        ..home.settings()
    };
    let all = absent.examine().await;
    let [(check, verdict, _)] = to_do(&all)[..] else {
        panic!("{all:?}");
    };
    assert_eq!((check, verdict), ("catalog", CheckVerdict::Unknown));
}
