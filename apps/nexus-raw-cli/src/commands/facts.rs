use std::io::Write;

use crate::{
    args::FactsArgs, client::Service, failure::Failure, progress::Progress, render::AssetFacts,
};

/// Reads page after page to the empty one, whose view of what is in force is the newest.
pub(crate) async fn run(args: &FactsArgs, out: &mut impl Write) -> Result<(), Failure> {
    let service = Service::new(&args.service, Progress::none())?;
    let mut facts = AssetFacts::new(args.id, args.json);
    loop {
        let page = service.facts(args.id, facts.last()).await?;
        if facts.add(out, &page)? == 0 {
            return facts.end(out, &page);
        }
    }
}
