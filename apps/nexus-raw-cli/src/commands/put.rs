use std::io::Write;

use crate::{args::PutArgs, failure::Failure, put};

/// Stores files and directories.
pub(crate) async fn run(args: PutArgs, out: &mut impl Write) -> Result<(), Failure> {
    put::run(&args, out).await
}
