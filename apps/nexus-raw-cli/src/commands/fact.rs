use std::io::Write;

use nexus_raw::{ports::Clock as _, system::SystemClock};

use crate::{
    args::FactArgs, client::Service, content::Content, failure::Failure, progress::Progress, render,
};

/// Checks all options, hashes the evidence, and states the fact.
pub(crate) async fn run(args: &FactArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (id, mut fact) = args.fact(SystemClock.now()).map_err(Failure::Options)?;
    let progress = Progress::on_terminal();
    let service = Service::new(&args.service, progress.clone())?;
    if let Some(path) = &args.evidence {
        let content = Content::read(path, |bytes| progress.advance(bytes));
        progress.end();
        fact = fact.with_evidence(Some(content?.sha256()));
    }
    let (stated, is_new) = service.state_fact(id, &fact).await?;
    let printed = if args.json {
        render::document(out, &stated)
    } else {
        render::fact(out, id, &stated, is_new)
    };
    printed
        .and_then(|()| Ok(out.flush()?))
        .map_err(|failure| failure.after(format!("the fact of asset {id} is stated")))
}
