use super::{
    program::{Effective, assert_takes, variables},
    text, yaml,
};

const DOCKERFILE: &str = "Dockerfile";

/// What follows an instruction in the last stage, its lines put together.
fn instructions(name: &str) -> Vec<String> {
    let whole = text(DOCKERFILE).replace("\\\n", " ");
    let last = whole.rsplit_once("\nFROM ").unwrap().1;
    let of_name = last.lines().filter_map(|line| line.strip_prefix(name));
    let rest = of_name.filter_map(|rest| rest.strip_prefix(' '));
    rest.map(|it| it.trim().to_owned()).collect()
}

fn instruction(name: &str) -> String {
    let found = instructions(name);
    let [one] = &found[..] else {
        panic!("not one {name}: {found:?}");
    };
    one.clone()
}

/// A command in the form of a list, without a shell.
fn command(list: &str) -> Vec<String> {
    serde_json::from_str(list).unwrap()
}

#[test]
fn the_image_runs_the_program_as_nobody_by_commands_that_it_knows() {
    let entry = command(&instruction("ENTRYPOINT"));
    let copied = instruction("COPY");
    let into = copied.rsplit_once(' ').unwrap().1;
    assert_eq!(entry, [format!("{into}nexus-raw-server")]);
    assert!(copied.contains("/release/nexus-raw-server "), "{copied}");

    let arguments = command(&instruction("CMD"));
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    assert_takes(&arguments);

    let health = instruction("HEALTHCHECK");
    let health = command(health.split_once("CMD ").unwrap().1);
    assert_eq!(health[0], entry[0]);
    assert_eq!(health[1..], ["healthcheck"]);
    assert_takes(&["healthcheck"]);

    assert_eq!(instruction("USER"), "65532:65532");
    assert_eq!(instruction("STOPSIGNAL"), "SIGTERM");
}

#[test]
fn the_image_exposes_the_ports_of_its_configuration() {
    let set = instruction("ENV").replace('"', "");
    let mut all = variables(&set.split_whitespace().collect::<Vec<_>>().join("\n"));
    all.extend(variables(&text("kubernetes/nexus-raw.env")));
    let catalogue = ("NEXUS_RAW_CATALOG__URL", "sqlite:/tmp/catalog.sqlite");
    all.push((catalogue.0.to_owned(), catalogue.1.to_owned()));
    let effective = Effective::of(&all, &[]);
    let exposed = ["http.bind", "metrics.bind"].map(|key| effective.port(key).to_string());
    assert_eq!(instruction("EXPOSE"), exposed.join(" "));
}

#[test]
fn the_image_is_built_by_the_toolchain_of_the_repository_in_this_version() {
    let toolchain = include_str!("../../../../../rust-toolchain.toml");
    let channel = toolchain.split('"').nth(1).unwrap();
    let (minor, _) = channel.rsplit_once('.').unwrap();
    let from = format!("\nFROM docker.io/library/rust:{minor}-");
    assert!(text(DOCKERFILE).contains(&from), "{from}");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(instructions("ARG")[0], format!("VERSION={version}"));
    let image = format!("nexus-raw-server:{version}");
    assert_eq!(
        yaml("compose/compose.yaml")["services"]["server"]["image"],
        image
    );
    let images = &yaml("kubernetes/kustomization.yaml")["images"];
    assert_eq!(super::named(images, "nexus-raw-server")["newTag"], version);
}
