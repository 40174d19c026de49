use std::io::Write;

use crate::{
    args::WhoamiArgs, client::Service, failure::Failure, progress::Progress, render::Whoami,
    settings::Settings,
};

/// Prints the settings and what the token says, and has the service answer a read with it. What the
/// service answers is the result of the command.
pub(crate) async fn run(args: &WhoamiArgs, out: &mut impl Write) -> Result<(), Failure> {
    let settings = Settings::resolve(&args.service.sources)?;
    let service = Service::of(&settings, args.service.retries, Progress::none())?;
    let answer = service.assets(&[], 1, None).await.map(drop);
    let whoami = Whoami::new(&settings, answer.as_ref().err());
    let printed = if args.json {
        whoami.json(out)
    } else {
        whoami.text(out)
    };
    // a reader that closes its pipe must not turn a refusal into success
    answer.and(printed)
}
