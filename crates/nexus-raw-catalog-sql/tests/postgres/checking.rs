use crate::{
    shared::{
        checking::{
            differences, fill, finds_nothing_in_an_untouched_catalogue,
            finds_the_one_difference_among_many,
        },
        tamperings::{TAMPERINGS, Tampering, statement},
    },
    support::{Home, run},
};

/// Changes the tables past triggers and foreign keys.
async fn tamper(home: &Home, sql: &str) {
    let mut admin = home.admin().await;
    run(&mut admin, "SET session_replication_role = replica").await;
    let sql = sqlx::AssertSqlSafe(statement(sql));
    let done = sqlx::query(sql).execute(&mut admin).await.unwrap();
    assert!(done.rows_affected() > 0);
}

#[tokio::test]
async fn an_untouched_catalogue_has_no_difference() {
    let home = Home::new().await;
    let catalog = home.open().await;
    finds_nothing_in_an_untouched_catalogue(&catalog, &home.settings().url).await;
}

#[tokio::test]
async fn each_change_behind_the_services_back_is_found_and_nothing_else() {
    let first = Home::new().await;
    let catalog = first.open().await;
    fill(&catalog).await;
    catalog.close().await;
    let filled = first.into_template();
    let mut wrong = Vec::new();
    for (sql, expected) in TAMPERINGS.iter().chain(OF_POSTGRES) {
        let home = Home::copy_of(&filled);
        tamper(&home, sql).await;
        let (_, found) = differences(&home.settings().url).await;
        let expected = expected.iter().map(|it| (*it).to_owned()).collect();
        if found != expected {
            wrong.push((*sql, found));
        }
    }
    assert_eq!(wrong, []);
}

#[tokio::test]
async fn a_difference_is_found_beyond_the_first_page() {
    let home = Home::new().await;
    let catalog = home.open().await;
    let tamper = async |sql: String| tamper(&home, &sql).await;
    finds_the_one_difference_among_many(&catalog, &home.settings().url, tamper).await;
}

/// The ids of events are not kept there but derived.
const OF_POSTGRES: &[Tampering] = &[(
    "UPDATE event SET sequence = 17 WHERE {a} AND sequence = 14",
    &["- scope.last_sequence differs", "-#14 event missing"],
)];
