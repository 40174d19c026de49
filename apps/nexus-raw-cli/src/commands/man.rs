use std::io::Write;

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::{args::Cli, failure::Failure};

/// Prints the manual page of the command, or of one of its commands, in roff.
pub(crate) fn run(of: Option<&str>, out: &mut impl Write) -> Result<(), Failure> {
    let mut command = Cli::command();
    command.build();
    let page = match of {
        None => Some(&command),
        Some(name) => command.find_subcommand(name),
    };
    let Some(page) = page else {
        let names = command.get_subcommands().map(clap::Command::get_name);
        let names = names.filter(|it| *it != "help").collect::<Vec<_>>();
        return Err(Failure::Usage(format!(
            "{} is not a command; these are {}",
            of.unwrap_or_default(),
            names.join(", ")
        )));
    };
    // once it is whole, since a part of a page is none
    let mut roff = Vec::new();
    Man::new(page.clone())
        .source(concat!("nexus-raw ", env!("CARGO_PKG_VERSION")))
        .manual("Nexus raw storage")
        .render(&mut roff)?;
    Ok(out.write_all(&roff)?)
}

#[cfg(test)]
mod tests {
    use clap::Command;
    use clap_complete::Shell;

    use super::*;

    /// Returns the long options of a command, without those of its commands.
    fn options(command: &Command) -> Vec<String> {
        let arguments = command.get_arguments();
        let arguments = arguments.filter(|it| !it.is_hide_set());
        arguments
            .filter_map(|it| it.get_long().map(str::to_owned))
            .collect()
    }

    fn page(of: Option<&str>) -> String {
        let mut out = Vec::new();
        run(of, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn built() -> Command {
        let mut command = Cli::command();
        command.build();
        command
    }

    #[test]
    fn the_page_of_each_command_has_every_option() {
        let root = built();
        let commands = root.get_subcommands().filter(|it| it.get_name() != "help");
        let mut count = 0;
        for command in commands {
            let name = command.get_name();
            let page = page(Some(name));
            assert!(page.contains(&format!("nexus\\-raw\\-{name}")), "{page}");
            for option in options(command) {
                let option = format!("\\-\\-{}", option.replace('-', "\\-"));
                assert!(page.contains(&option), "{name}: no {option} in {page}");
                count += 1;
            }
        }
        assert!(count > 100, "{count} options");
        let page = page(None);
        for command in root.get_subcommands() {
            let name = command.get_name();
            assert!(
                page.contains(&format!("nexus\\-raw\\-{name}")),
                "{name}: {page}"
            );
        }
        assert!(page.contains("Exit codes:"), "{page}");
    }

    #[test]
    fn the_completions_of_each_shell_have_every_command_and_option() {
        let root = built();
        for shell in [
            Shell::Bash,
            Shell::Elvish,
            Shell::Fish,
            Shell::PowerShell,
            Shell::Zsh,
        ] {
            let mut out = Vec::new();
            crate::commands::completions::run(shell, &mut out).unwrap();
            let script = String::from_utf8(out).unwrap();
            for command in root.get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {command}");
                for option in options(command) {
                    assert!(script.contains(&option), "{shell}: {command} --{option}");
                }
            }
        }
    }

    /// Its examples are run by a test of the command itself.
    #[test]
    fn the_guide_names_every_command_option_variable_and_exit_code() {
        const GUIDE: &str = include_str!("../../../../docs/CLI.md");
        for command in built().get_subcommands() {
            let name = command.get_name();
            assert!(
                name == "help" || GUIDE.contains(&format!("[`{name}`]")),
                "{name}"
            );
            for option in options(command).iter().filter(|it| *it != "help") {
                let named = [' ', '`'].map(|end| GUIDE.contains(&format!("--{option}{end}")));
                assert!(named.contains(&true), "{name}: --{option}");
            }
            for variable in command.get_arguments().filter_map(clap::Arg::get_env) {
                let variable = variable.to_str().unwrap();
                assert!(
                    GUIDE.contains(&format!("`{variable}`")),
                    "{name}: {variable}"
                );
            }
        }
        for line in crate::exit::HELP.lines().skip(1) {
            if let Ok(code) = line
                .trim_start()
                .chars()
                .take(1)
                .collect::<String>()
                .parse::<u8>()
            {
                assert!(
                    GUIDE.contains(&format!("\n| {code} | ")),
                    "exit code {code}"
                );
            }
        }
    }

    #[test]
    fn a_page_of_no_command_is_refused_with_the_commands() {
        let failure = run(Some("putt"), &mut Vec::new()).unwrap_err();
        let text = failure.to_string();
        assert!(
            text.starts_with("putt is not a command; these are put, get, ls, "),
            "{text}"
        );
    }
}
