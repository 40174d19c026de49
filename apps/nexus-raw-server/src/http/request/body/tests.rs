use nexus_raw::asset::Filename;
use strict_json::Json;

use super::Node;
use crate::http::respond::{Fault, Faults};

#[derive(Debug, PartialEq)]
struct Sample {
    name: Filename,
    note: Option<u64>,
    flags: Vec<bool>,
}

fn parse(text: &str) -> Result<Sample, Faults> {
    let json: Json = strict_json::read(text.as_bytes()).unwrap();
    let root = Node::root(&json);
    let mut fields = root.fields()?;
    let name = fields.required("name", |it| it.text(Filename::parse));
    let note = fields.nullable("note", |it| it.integer(Ok::<_, Faults>));
    let flags = fields.optional("flags", |it| it.distinct(2, Node::boolean));
    fields.finish(|| {
        Some(Sample {
            name: name?,
            note,
            flags: flags.unwrap_or_default(),
        })
    })
}

fn faults(text: &str) -> Vec<Fault> {
    parse(text).unwrap_err().as_slice().to_vec()
}

#[test]
fn a_body_without_fault_becomes_its_type() {
    let sample = Sample {
        name: Filename::parse("a").unwrap(),
        note: None,
        flags: vec![true, false],
    };
    assert_eq!(
        parse(r#"{"flags":[true,false],"note":null,"name":"a"}"#),
        Ok(sample)
    );
}

#[test]
fn the_log_has_the_number_of_faults() {
    let message = |text| parse(text).unwrap_err().to_string();
    assert_eq!(message(r#"{"name":1}"#), "1 fault was found");
    assert_eq!(message(r#"{"name":1,"note":-1}"#), "2 faults were found");
}

#[test]
fn every_fault_is_named_at_once_with_the_pointer_to_its_value() {
    assert_eq!(
        faults(r#"{"note":-1,"flags":[true,1],"a/b~c":null}"#),
        [
            Fault::new("/name", "is required"),
            Fault::new(
                "/note",
                "must be a non-negative integer, without fraction or exponent"
            ),
            Fault::new("/flags/1", "must be true or false"),
            Fault::new("/a~1b~0c", "is not a known field"),
        ]
    );
}

#[test]
fn null_is_absent_only_where_it_may_be() {
    assert_eq!(
        faults(r#"{"name":null,"flags":null}"#),
        [
            Fault::new("/name", "must be a string"),
            Fault::new("/flags", "must be an array"),
        ]
    );
}

#[test]
fn members_are_distinct_and_no_more_than_the_limit() {
    assert_eq!(
        faults(r#"{"name":"a","flags":[true,true]}"#),
        [Fault::new("/flags/1", "repeats an earlier member")]
    );
    assert_eq!(
        faults(r#"{"name":"a","flags":[true,true,true]}"#),
        [
            Fault::new("/flags", "must have at most 2 members"),
            Fault::new("/flags/1", "repeats an earlier member"),
            Fault::new("/flags/2", "repeats an earlier member"),
        ]
    );
}

#[test]
fn another_kind_of_body_is_a_fault_of_the_whole() {
    for text in ["null", "1", "\"a\"", "[]"] {
        assert_eq!(
            faults(text),
            [Fault::new("", "must be an object")],
            "{text}"
        );
    }
}
