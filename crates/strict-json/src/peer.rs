//! The same reader over another library's tokens, to compare with.

use std::collections::HashSet;

use struson::reader::{JsonReader, JsonStreamReader, ReaderSettings, ValueType};

use crate::{Json, JsonError, MAX_DEPTH, Number};

pub(crate) fn read(text: &[u8]) -> Result<Json, JsonError> {
    let settings = ReaderSettings {
        max_nesting_depth: Some(MAX_DEPTH),
        restrict_number_values: false,
        track_path: false,
        ..ReaderSettings::default()
    };
    let mut reader = JsonStreamReader::new_custom(text, settings);
    let value = read_value(&mut reader)?;
    reader
        .consume_trailing_whitespace()
        .map_err(|_| JsonError::Malformed)?;
    Ok(value)
}

fn read_value(reader: &mut JsonStreamReader<&[u8]>) -> Result<Json, JsonError> {
    let malformed = |_| JsonError::Malformed;
    Ok(match reader.peek().map_err(malformed)? {
        ValueType::Null => {
            reader.next_null().map_err(malformed)?;
            Json::Null
        }
        ValueType::Boolean => Json::Bool(reader.next_bool().map_err(malformed)?),
        ValueType::Number => {
            Json::Number(Number::new(reader.next_number_as_str().map_err(malformed)?))
        }
        ValueType::String => Json::String(reader.next_string().map_err(malformed)?),
        ValueType::Array => {
            reader.begin_array().map_err(malformed)?;
            let mut members = Vec::new();
            while reader.has_next().map_err(malformed)? {
                members.push(read_value(reader)?);
            }
            reader.end_array().map_err(malformed)?;
            Json::Array(members)
        }
        ValueType::Object => {
            reader.begin_object().map_err(malformed)?;
            let mut members = Vec::new();
            let mut names = HashSet::new();
            while reader.has_next().map_err(malformed)? {
                let name = reader.next_name_owned().map_err(malformed)?;
                if !names.insert(name.clone()) {
                    return Err(JsonError::RepeatedKey);
                }
                members.push((name, read_value(reader)?));
            }
            reader.end_object().map_err(malformed)?;
            Json::Object(members)
        }
    })
}
