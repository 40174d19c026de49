//! The commands that print the manual and completions.

use std::io::Write;

use clap::Subcommand;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::app::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum PagesCommand {
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page of the program, or of one of its commands, in roff.
    Man {
        /// The command.
        command: Option<String>,
    },
}

pub(super) fn run<C: clap::CommandFactory>(
    command: PagesCommand,
    out: &mut impl Write,
) -> Result<(), Failure> {
    // whole before it is written, since the libraries do not report a failed write everywhere
    let mut page = Vec::new();
    match command {
        PagesCommand::Completions { shell } => {
            clap_complete::generate(shell, &mut C::command(), "nexus-raw-server", &mut page);
        }
        PagesCommand::Man { command } => {
            let mut root = C::command();
            root.build();
            let of = match &command {
                None => &root,
                Some(name) => root
                    .find_subcommand(name)
                    .ok_or_else(|| Failure::UnknownCommand(name.clone()))?,
            };
            Man::new(of.clone())
                .source(concat!("nexus-raw-server ", env!("CARGO_PKG_VERSION")))
                .manual("Nexus raw storage")
                .render(&mut page)
                .map_err(Failure::Output)?;
        }
    }
    out.write_all(&page).map_err(Failure::Output)
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use super::{super::Cli, *};

    fn printed(command: PagesCommand) -> String {
        let mut out = Vec::new();
        run::<Cli>(command, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn options(command: &Command) -> Vec<String> {
        let arguments = command.get_arguments().filter_map(|it| it.get_long());
        arguments.map(str::to_owned).collect()
    }

    fn commands() -> Vec<Command> {
        let mut root = Cli::command();
        root.build();
        let commands = root.get_subcommands();
        let commands = commands.filter(|it| it.get_name() != "help");
        commands.cloned().collect()
    }

    #[test]
    fn the_page_of_each_command_has_every_option() {
        let all = printed(PagesCommand::Man { command: None });
        for command in commands() {
            let name = command.get_name().to_owned();
            let title = format!("nexus\\-raw\\-server\\-{}", name.replace('-', "\\-"));
            assert!(all.contains(&title), "{name}: {all}");
            let page = printed(PagesCommand::Man {
                command: Some(name.clone()),
            });
            for option in options(&command) {
                let option = format!("\\-\\-{}", option.replace('-', "\\-"));
                assert!(page.contains(&option), "{name}: no {option} in {page}");
            }
        }
        assert!(all.contains("Exit codes:"), "{all}");
    }

    #[test]
    fn the_completions_of_each_shell_have_every_command_and_option() {
        for shell in [
            Shell::Bash,
            Shell::Elvish,
            Shell::Fish,
            Shell::PowerShell,
            Shell::Zsh,
        ] {
            let script = printed(PagesCommand::Completions { shell });
            for command in commands() {
                assert!(script.contains(command.get_name()), "{shell}: {command}");
                for option in options(&command) {
                    assert!(script.contains(&option), "{shell}: {command} --{option}");
                }
            }
        }
    }

    #[test]
    fn a_page_of_no_command_is_refused() {
        let command = Some("serv".to_owned());
        let refused = run::<Cli>(PagesCommand::Man { command }, &mut Vec::new()).unwrap_err();
        assert_eq!(refused.to_string(), "serv is not a command");
        assert_eq!(refused.exit_code(), 2);
    }
}
