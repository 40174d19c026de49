//! A real headless browser, on one page.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::supervised::{PROGRAMS, Supervised};

/// The file in which `tools/setup` records why there are no browsers.
const WITHOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.tools/without-browsers");

/// The host of a proxy that does not exist, so that only loopback is reachable: the port `discard`
/// is closed, and both browsers connect to loopback without a proxy.
const NOBODY: &str = "127.0.0.1";
const DISCARD: u16 = 9;

/// Keeps Chromium from calling any other server. Its sandbox does not start as root, and the pages
/// are ours.
const CHROMIUM: [&str; 14] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
];

/// Keeps Firefox from calling any other server, and from showing anything except the page.
const FIREFOX: [(&str, &str); 16] = [
    ("app.normandy.enabled", "false"),
    ("app.update.enabled", "false"),
    ("browser.aboutwelcome.enabled", "false"),
    ("browser.safebrowsing.malware.enabled", "false"),
    ("browser.safebrowsing.phishing.enabled", "false"),
    ("browser.shell.checkDefaultBrowser", "false"),
    ("browser.startup.homepage_override.mstone", "\"ignore\""),
    ("datareporting.healthreport.uploadEnabled", "false"),
    ("datareporting.policy.dataSubmissionEnabled", "false"),
    ("datareporting.policy.firstRunURL", "\"\""),
    ("extensions.update.enabled", "false"),
    ("network.captive-portal-service.enabled", "false"),
    ("network.connectivity-service.enabled", "false"),
    ("network.proxy.type", "1"),
    ("services.settings.server", "\"\""),
    ("toolkit.telemetry.enabled", "false"),
];

/// An installed browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Browser {
    /// Chromium.
    Chromium,
    /// Firefox.
    Firefox,
}

/// A browser that shows a page. Its processes are ended and its profile removed on drop, or when
/// the starting process ends for any reason.
#[derive(Debug)]
pub struct OpenPage {
    #[expect(dead_code, reason = "it acts when it is dropped")]
    supervised: Supervised,
    /// Removed by the supervisor, or else by this drop.
    #[cfg_attr(not(test), expect(dead_code, reason = "it acts when it is dropped"))]
    directory: TempDir,
}

impl Browser {
    /// Returns why the browser is missing, if `make tools` could not install it. A test then must
    /// print that it did not run.
    ///
    /// # Panics
    /// When `make tools` has not run.
    #[must_use]
    pub fn is_missing(self) -> Option<String> {
        if self.program().exists() {
            return None;
        }
        let reason = fs::read_to_string(WITHOUT);
        let reason =
            reason.unwrap_or_else(|_| panic!("no {self:?} in .tools/bin: run `make tools`"));
        Some(reason.trim().to_owned())
    }

    /// Opens a page in a new profile. The page itself reports its results.
    ///
    /// # Panics
    /// When the browser [is missing](Self::is_missing).
    #[must_use]
    pub fn open(self, url: &str) -> OpenPage {
        assert_eq!(self.is_missing(), None);
        let directory = tempfile::Builder::new()
            .prefix("browser-")
            .tempdir()
            .unwrap();
        // the leader of its own process group, so that all its children can be ended
        let mut command = Command::new("setsid");
        command.arg(self.program());
        let place = directory.path();
        match self {
            Self::Chromium => {
                command
                    .args(CHROMIUM)
                    .arg(format!("--proxy-server={NOBODY}:{DISCARD}"))
                    .arg(format!("--user-data-dir={}", place.display()));
            }
            Self::Firefox => {
                fs::write(place.join("user.js"), firefox_settings()).unwrap();
                command.args(["--headless", "--profile"]).arg(place);
            }
        }
        command
            .arg(url)
            .env("HOME", place)
            .env("TMPDIR", place)
            .env("MOZ_CRASHREPORTER_DISABLE", "1")
            .current_dir(place);
        let supervised = Supervised::start(&command, "KILL", &[place.to_owned()]);
        OpenPage {
            supervised,
            directory,
        }
    }

    fn program(self) -> PathBuf {
        Path::new(PROGRAMS).join(match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
        })
    }
}

fn firefox_settings() -> String {
    let proxy = ["http", "ssl", "socks"].map(|kind| {
        format!(
            "user_pref(\"network.proxy.{kind}\", \"{NOBODY}\");\n\
             user_pref(\"network.proxy.{kind}_port\", {DISCARD});\n"
        )
    });
    let settings = FIREFOX.map(|(name, value)| format!("user_pref(\"{name}\", {value});\n"));
    proxy.concat() + &settings.concat()
}

#[cfg(test)]
mod tests {
    use std::{
        net::TcpListener,
        thread,
        time::{Duration, Instant},
    };

    use super::*;
    use crate::engines::supervised::PATIENCE;

    /// Returns whether a process has this working directory, even if it was removed.
    fn is_used(directory: &Path) -> bool {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let mut places = processes.filter_map(|it| fs::read_link(it.path().join("cwd")).ok());
        let directory = directory.to_str().unwrap();
        places.any(|place| place.to_string_lossy().starts_with(directory))
    }

    #[test]
    fn it_opens_the_page_and_ends_with_all_its_processes_leaving_nothing() {
        for browser in [Browser::Chromium, Browser::Firefox] {
            if browser.is_missing().is_some() {
                continue;
            }
            let site = TcpListener::bind("127.0.0.1:0").unwrap();
            site.set_nonblocking(true).unwrap();
            let page = browser.open(&format!("http://{}/", site.local_addr().unwrap()));
            let opened = Instant::now();
            while site.accept().is_err() {
                assert!(opened.elapsed() < PATIENCE, "{browser:?} opens nothing");
                thread::sleep(Duration::from_millis(20));
            }
            let directory = page.directory.path().to_owned();
            assert!(is_used(&directory), "{browser:?}");
            drop(page);
            let ended = Instant::now();
            while is_used(&directory) || directory.exists() {
                assert!(ended.elapsed() < PATIENCE, "{browser:?} is still there");
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}
