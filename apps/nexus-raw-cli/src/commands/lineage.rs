use std::io::Write;

use crate::{args::LineageArgs, client::Service, failure::Failure, progress::Progress, render};

pub(crate) async fn run(args: &LineageArgs, out: &mut impl Write) -> Result<(), Failure> {
    let service = Service::new(&args.service, Progress::none())?;
    let answer = service.lineage(args).await?;
    if args.json || args.diagram().is_some() {
        render::document(out, &answer)
    } else {
        render::lineage(out, &answer, args.direction)
    }
}
