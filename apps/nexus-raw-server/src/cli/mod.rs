//! The program's command line.

mod catalogue;
mod doctor;
mod events;
mod healthcheck;
mod import;
mod pages;
mod reconcile;
mod scrub;
mod setup;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use nexus_raw::ErrorChain;
use nexus_raw_config::{EmbeddedMode, Settings, Sources};

use self::{
    catalogue::CatalogueCommand, doctor::DoctorOptions, events::EventsCommand,
    import::ImportOptions, pages::PagesCommand, reconcile::ReconcileOptions, scrub::ScrubOptions,
    setup::SetupCommand,
};
use crate::{
    app::{self, Failure},
    logging,
};

/// The Nexus raw storage service.
#[derive(Debug, Parser)]
#[command(name = "nexus-raw-server", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    from: From,
}

const EXIT_CODES: &str = "\
Exit codes:
  0   success, or stopped by a signal
  1   doctor: an operator has to act; reconcile, check-catalogue: there are differences;
      scrub: an object is not intact; import: something was not imported
  2   invalid command line
  69  the store or the catalogue was unreachable, or a resource is in use
  74  the medium of the catalogue or of the embedded object store failed
  75  reconcile: the time of --max-seconds is over, and the next call goes on
  78  the configuration, the store or the catalogue must be changed first";

/// What was looked at asks for action.
const ASKS_FOR_ACTION: u8 = 1;

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM, SIGINT or SIGHUP (the default command).
    Serve,
    /// Check the configuration and print it with secrets redacted, without connecting to anything.
    CheckConfig,
    /// Create or migrate the catalogue's schema. Servers of the previous version may keep running.
    /// `serve` also migrates SQLite.
    Migrate {
        /// Print what would be done, and change nothing.
        #[arg(long)]
        plan: bool,
    },
    #[command(flatten)]
    Catalogue(CatalogueCommand),
    /// List or retry parked events. Only one process at a time can open a SQLite catalogue: stop
    /// the server first.
    #[command(subcommand)]
    Events(EventsCommand),
    /// Ask the server of this configuration, on this machine, whether it is ready: exit code 0, or 69
    /// if it is not. For containers.
    Healthcheck {
        /// Ask only whether the process is alive.
        #[arg(long)]
        live: bool,
    },
    /// Examine the configuration, the bucket and the role, the catalogue, the event sinks and the
    /// issuer's keys, beside running servers. Exit code 1 if an operator has to act.
    Doctor(DoctorOptions),
    /// Compare the bucket with the catalogue, both ways, and report each difference, beside servers.
    /// Without --adopt it changes nothing. Exit code 1 if they differ.
    Reconcile(ReconcileOptions),
    /// Read the objects of registered assets again, those that were not verified for longest first, within
    /// a budget, and record the verdicts with their events. On SQLite stop the server first. Exit code 1 if
    /// an object is not intact.
    Scrub(ScrubOptions),
    /// Import objects that are in the store already: copy each under a key of the service, and register
    /// it. It may be run again at any time. On SQLite stop the server first. Exit code 1 if something was
    /// not imported.
    Import(ImportOptions),
    #[command(flatten)]
    Setup(SetupCommand),
    #[command(flatten)]
    Pages(PagesCommand),
}

/// The sources of the configuration, besides `NEXUS_RAW_…` variables.
#[derive(Debug, Args)]
struct From {
    /// A TOML file.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Run standalone: with an in-process S3 server, SQLite and generated secrets.
    #[arg(long, global = true)]
    embedded: bool,
    /// The data directory of embedded mode.
    #[arg(long, global = true, value_name = "DIR", default_value = ".nexus-raw")]
    data_dir: PathBuf,
}

/// Runs the command line and returns the exit code.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(cli.from).map(nothing_to_do),
        Command::CheckConfig => check_config(cli.from).map(nothing_to_do),
        Command::Migrate { plan: false } => migrate(cli.from).map(nothing_to_do),
        Command::Migrate { plan: true } => plan_migration(cli.from).map(nothing_to_do),
        Command::Catalogue(command) => cli
            .from
            .load(EmbeddedMode::dry_run)
            .and_then(|settings| catalogue::run(command, &settings)),
        Command::Events(command) => cli
            .from
            .load(EmbeddedMode::prepare)
            .and_then(|settings| events::run(command, &settings))
            .map(nothing_to_do),
        Command::Healthcheck { live } => cli
            .from
            .load(EmbeddedMode::dry_run)
            .and_then(|settings| healthcheck::run(&settings, live))
            .map(nothing_to_do),
        Command::Doctor(options) => cli
            .from
            .load(EmbeddedMode::open_existing)
            .and_then(|settings| doctor::run(&options, &settings)),
        Command::Reconcile(options) => cli
            .from
            .load(EmbeddedMode::open_existing)
            .and_then(|settings| reconcile::run(options, &settings)),
        Command::Scrub(options) => cli
            .from
            .load(EmbeddedMode::open_existing)
            .and_then(|settings| scrub::run(options, &settings)),
        Command::Import(options) => cli
            .from
            .load(EmbeddedMode::open_existing)
            .and_then(|settings| import::run(options, &settings)),
        Command::Setup(command) => cli
            .from
            .load(EmbeddedMode::dry_run)
            .and_then(|settings| setup::run(command, &settings))
            .map(nothing_to_do),
        Command::Pages(command) => pages::run::<Cli>(command, &mut io::stdout()).map(nothing_to_do),
    };
    match done {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::from(ASKS_FOR_ACTION),
        Err(failure) => {
            logging::last_words(format!("nexus-raw-server: {}", ErrorChain(&failure)));
            ExitCode::from(failure.exit_code())
        }
    }
}

/// What a command says that looks at nothing which may ask for action.
fn nothing_to_do((): ()) -> bool {
    false
}

fn serve(from: From) -> Result<(), Failure> {
    let settings = from.load(EmbeddedMode::prepare)?;
    let logging = logging::start(&settings.log).map_err(Failure::Output)?;
    app::serve(&settings, &logging)
}

fn check_config(from: From) -> Result<(), Failure> {
    let settings = from.load(EmbeddedMode::dry_run)?;
    app::check(&settings)?;
    io::stdout()
        .write_all(settings.effective_toml().as_bytes())
        .map_err(Failure::Output)
}

fn migrate(from: From) -> Result<(), Failure> {
    let settings = from.load(EmbeddedMode::prepare)?;
    let logging = logging::start(&settings.log).map_err(Failure::Output)?;
    let applied = app::migrate(&settings, logging.log())?;
    let mut out = io::stdout();
    applied
        .iter()
        .try_for_each(|version| writeln!(out, "applied migration {version}"))
        .and_then(|()| writeln!(out, "the catalogue's schema is up to date"))
        .map_err(Failure::Output)
}

fn plan_migration(from: From) -> Result<(), Failure> {
    let settings = from.load(EmbeddedMode::dry_run)?;
    let plan = app::plan_migration(&settings)?;
    catalogue::write_plan(&mut io::stdout(), &plan).map_err(Failure::Output)
}

impl From {
    fn load(
        self,
        open: impl FnOnce(&std::path::Path) -> Result<EmbeddedMode, nexus_raw_config::EmbeddedError>,
    ) -> Result<Settings, Failure> {
        let embedded = self.embedded.then(|| open(&self.data_dir)).transpose()?;
        let sources = Sources::from_process(self.config, embedded);
        nexus_raw_config::load(&sources).map_err(|errors| {
            if sources.is_empty() {
                Failure::unconfigured(&errors)
            } else {
                errors.into()
            }
        })
    }
}
