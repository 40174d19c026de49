use super::{path, program::assert_takes, text};

/// The lines of the blocks of commands, without their comments.
fn commands(text: &str) -> Vec<String> {
    let blocks = text.split("```sh\n").skip(1);
    let blocks = blocks.map(|it| it.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines);
    lines
        .map(|line| line.split(" # ").next().unwrap().trim().to_owned())
        .collect()
}

#[test]
fn the_guide_uses_commands_that_the_program_knows() {
    let mut known = 0;
    for command in commands(&text("README.md")) {
        let mut words = command.split_whitespace();
        if words.next() == Some("nexus-raw-server") {
            let arguments: Vec<_> = words.take_while(|word| *word != ">").collect();
            assert_takes(&arguments);
            known += 1;
        }
    }
    assert!(known > 0);
}

#[test]
fn the_guide_names_files_that_are_there() {
    let guide = text("README.md");
    let links = guide.split("](").skip(1);
    for link in links.map(|it| it.split(')').next().unwrap()) {
        let file = link.split('#').next().unwrap();
        assert!(path(file).exists(), "{link}");
    }
}
