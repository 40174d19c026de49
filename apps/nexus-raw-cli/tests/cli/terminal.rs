//! What is printed on a terminal, and on none.

use std::{
    ffi::OsStr,
    fs::File,
    io::Read as _,
    os::unix::ffi::OsStrExt as _,
    process::{Command, Stdio},
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use serde_json::{Value, json};

use crate::{
    footage::Footage,
    run::{ID, command_for, process_for, record, run},
    stub::{Answer, Stub},
};

/// Runs a command on a terminal with so many columns. Returns its exit code and all that it printed.
fn on_terminal(mut command: Command, columns: u16) -> (Option<i32>, String) {
    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&screen).unwrap();
    unlockpt(&screen).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&screen, size).unwrap();
    let path = ptsname(&screen, Vec::new()).unwrap();
    let path = OsStr::from_bytes(path.as_bytes());
    let terminal = File::options().read(true).write(true).open(path).unwrap();
    command
        .env("TERM", "xterm")
        .stdout(terminal.try_clone().unwrap())
        .stderr(terminal);
    let mut child = command.spawn().unwrap();
    // nobody else has it open
    drop(command);
    let (mut printed, mut some) = (Vec::new(), [0; 4096]);
    let mut screen = File::from(screen);
    // it ends with an error
    while let Ok(length @ 1..) = screen.read(&mut some) {
        printed.extend(&some[..length]);
    }
    let printed = String::from_utf8_lossy(&printed).replace("\r\n", "\n");
    (child.wait().unwrap().code(), printed)
}

#[test]
fn a_list_fits_the_terminal_and_is_whole_in_a_pipe() {
    let name = "the first day of the shoot, before the storm came.jpg";
    let stub = Stub::start(move |_, _| {
        let mut asset: Value = serde_json::from_str(&record()).unwrap();
        asset["filename"] = json!(name);
        let page = json!({"assets": [asset], "next_cursor": null});
        Answer::json(200, page.to_string())
    });
    let list = |columns| {
        let mut command = process_for(&stub.url);
        command.arg("ls");
        on_terminal(command, columns)
    };
    assert_eq!(
        list(80),
        (
            Some(0),
            format!(
                "{:36}  IMPORTED            BYTES  FILE\n\
                 {ID}  2026-11-24         161713  the fir\u{2026}ame.jpg\n",
                "ASSET"
            )
        )
    );
    let (_, wide) = list(200);
    let (_, piped) = (list(200), run(&mut command_for(&stub.url), ["ls"]));
    assert_eq!(wide, piped.out);
    assert!(piped.out.ends_with(&format!("  {name}\n")), "{piped:?}");
}

#[test]
fn a_large_file_that_may_be_registered_is_seen_to_be_hashed() {
    let footage = Footage::with(&[("film.mp4", &vec![5; 2_000_000])]);
    let film = footage.path("film.mp4");
    let put = || {
        let mut command = footage.server.command_into(Stdio::null());
        command
            .env("XDG_STATE_HOME", footage.directory.path().join("state"))
            .args(["put", "--part-threshold", "1MiB"])
            .arg(&film);
        on_terminal(command, 80)
    };
    // nothing of its size is registered
    let (exit, shown) = put();
    assert_eq!(exit, Some(0), "{shown}");
    assert!(
        shown.contains("storing") && !shown.contains("hashing"),
        "{shown}"
    );
    let (exit, shown) = put();
    assert_eq!(exit, Some(0), "{shown}");
    assert!(shown.contains("hashing"), "{shown}");
    assert!(shown.contains("it is registered already"), "{shown}");
}
