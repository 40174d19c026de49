//! What an operator is told of the files.

use std::{fs, os::unix::fs::PermissionsExt as _};

use nexus_raw::checkup::CheckVerdict;
use nexus_raw_catalog_sql::SqlCatalogSettings;

use nexus_raw_testkit::sample;

use crate::support::{Home, settings};

#[tokio::test]
async fn files_are_examined_beside_the_server() {
    let home = Home::new();
    let _running = home.open().await;
    let settings = settings(&home.file(), sample::bucket());
    let all = settings.examine().await;
    let verdicts: Vec<_> = all.iter().map(|it| (it.check, it.verdict)).collect();
    assert_eq!(
        verdicts,
        [
            ("catalog", CheckVerdict::Sound),
            ("catalog.files", CheckVerdict::Sound)
        ]
    );
    let file = settings.url.strip_prefix("sqlite:").unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o640)).unwrap();
    let all = settings.examine().await;
    let fault = all
        .iter()
        .find(|it| it.verdict == CheckVerdict::Fault)
        .unwrap();
    assert_eq!(fault.check, "catalog.files");
    let mend = format!("`chmod 600 {file}`");
    assert_eq!(fault.mend.as_deref(), Some(mend.as_str()));
    let absent = SqlCatalogSettings {
        url: format!("{}-absent", settings.url),
        ..settings
    };
    let all = absent.examine().await;
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].check, all[0].verdict),
        ("catalog", CheckVerdict::Fault)
    );
}
