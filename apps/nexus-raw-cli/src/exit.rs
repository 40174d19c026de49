use std::process::ExitCode;

/// The exit codes. They are a contract, since scripts depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command succeeded.
    Done = 0,
    /// Any other error, and content that is not what its record says.
    Other = 1,
    /// The command line is wrong; clap exits with it as well.
    Usage = 2,
    /// The asset does not exist in this tenant and environment.
    NotFound = 3,
    /// The service or the store refused it permanently.
    Refused = 4,
    /// No response now; the same command may succeed later.
    Unavailable = 5,
    /// The token is invalid or lacks the permission.
    Denied = 6,
}

/// The table of exit codes in `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  another error (a file, the output, an unexpected response), or content that is not what its
     record says
  2  the command line is wrong
  3  no such asset in this tenant and environment
  4  refused: the same command will be refused again
  5  unavailable: the same command may succeed later
  6  the token is invalid, or lacks the permission for this command";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
