//! The JSON Schema of job files, for editors: made of the table of settings, of what each value may look like,
//! and of the descriptions in `jobs/README.md`, the one place where these stand.

mod shape;

use serde_json::{Map, Value, json};

use super::settings::{CLASS_KEYS, TABLES, names_in, setting};
use shape::{SHAPES, Shape};

/// The reference of all keys.
const REFERENCE: &str = include_str!("../../../jobs/README.md");

/// What the reference says of one key: cells of its row.
struct Said {
    meaning: &'static str,
    default: &'static str,
}

/// The row of `key` of `table` in the reference; the row of the table itself where `key` is empty.
fn said(table: &str, key: &str) -> Option<Said> {
    let mut within = "";
    for line in REFERENCE.lines() {
        let Some(cells) = line.strip_prefix("| ").and_then(|row| row.strip_suffix('|')) else { continue };
        let cells: Vec<&'static str> = cells.split('|').map(str::trim).collect();
        let [name, meaning, default, ..] = cells[..] else { continue };
        if let Some(heading) = name.strip_prefix("**`").and_then(|rest| rest.strip_suffix("`**")) {
            within = heading.trim_matches(['[', ']']);
            if within == table && key.is_empty() {
                return Some(Said { meaning, default });
            }
        }
        if within == table && !key.is_empty() && name.trim_matches('`') == key {
            return Some(Said { meaning, default });
        }
    }
    None
}

/// The schema, as pretty JSON with a line break at the end. It refuses what can be told by the form of a
/// single value and by unknown keys; what contradicts each other is told by `defrost check`. It wants words
/// in the letter case of the reference, where `defrost` takes any.
#[must_use]
pub fn schema() -> String {
    let mut tables = Map::new();
    for table in TABLES {
        let one = of_table(table);
        let value = if table == "source" {
            json!({ "description": "one or several, each a run of its own", "oneOf": [
                { "type": "array", "minItems": 1, "items": one.clone() }, one,
            ] })
        } else {
            one
        };
        tables.insert(table.to_owned(), value);
    }
    let whole = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "defrost job file",
        "description": "What a campaign or an audit is: where the objects are, which of them, what to ask for. \
                        `defrost check FILE` tells all faults, also those that no schema can see.",
        "type": "object",
        "additionalProperties": false,
        "required": ["source"],
        "properties": tables,
    });
    // What is made here can always be written.
    serde_json::to_string_pretty(&whole).unwrap_or_default() + "\n"
}

/// A table of the file.
fn of_table(table: &str) -> Value {
    let mut keys: Map<String, Value> =
        names_in(table).map(|name| (name.to_owned(), of_key(table, name))).collect();
    if table == "restore" {
        let own = CLASS_KEYS.iter().map(|name| ((*name).to_owned(), form(shape::of_class(name))));
        let own = Value::Object(own.collect());
        let class = json!({ "type": "object", "additionalProperties": false, "properties": own });
        keys.insert(
            "class".to_owned(),
            json!({
                "description": "`days` and `tier` of one class, by the vendor's name for it",
                "type": "object",
                "additionalProperties": class,
            }),
        );
    }
    let needed: &[&str] = match table {
        "source" => &["url"],
        "restore" => &["days"],
        "simulator" => &["seed"],
        _ => &[],
    };
    let mut value = json!({ "type": "object", "additionalProperties": false, "properties": keys });
    if !needed.is_empty() {
        value["required"] = json!(needed);
    }
    if let Some(said) = said(table, "").filter(|said| !said.meaning.is_empty()) {
        value["description"] = json!(said.meaning);
    }
    value
}

fn of_key(table: &str, name: &str) -> Value {
    let key = format!("{table}.{name}");
    let shape = SHAPES.iter().find(|(known, _)| *known == key).map(|(_, shape)| *shape);
    let mut value = shape.map_or_else(|| json!({}), form);
    let mut text = Vec::new();
    if let Some(Said { meaning, default }) = said(table, name) {
        text.push(meaning.to_owned());
        if !default.is_empty() {
            text.push(format!("Default: {default}."));
        }
    }
    if let Some(setting) = setting(&key).filter(|setting| !setting.flag.is_empty()) {
        let variable = if setting.env.is_empty() { String::new() } else { format!(", {}", setting.env) };
        text.push(format!("Also: {}{variable}.", setting.flag));
    }
    value["description"] = json!(text.join(" \u{2014} "));
    value
}

/// A shape as JSON Schema says it.
fn form(shape: Shape) -> Value {
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match shape {
        Shape::Text("") => json!({ "type": "string", "minLength": 1 }),
        Shape::Text(pattern) => text(pattern),
        Shape::Switch => json!({ "type": "boolean" }),
        Shape::Whole(least, None) => json!({ "type": "integer", "minimum": least }),
        Shape::Whole(least, Some(most)) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Shape::Factor(most) => json!({ "type": "number", "exclusiveMinimum": 0, "maximum": most }),
        Shape::Rate(most) => json!({ "anyOf": [
            { "type": "integer", "minimum": 1, "maximum": most }, text(shape::PER_SECOND),
        ] }),
        Shape::Size(least) => {
            json!({ "anyOf": [{ "type": "integer", "minimum": least }, text(shape::SIZE)] })
        }
        Shape::Span => json!({ "anyOf": [{ "const": 0 }, text(shape::SPAN)] }),
        Shape::SomeTime => text(shape::SPAN),
        Shape::Share => {
            json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, text(shape::PERCENT)] })
        }
        Shape::Words(words) => json!({ "enum": words }),
        Shape::Several(one) => {
            let one = form(*one);
            json!({ "anyOf": [one.clone(), { "type": "array", "items": one }] })
        }
        Shape::OrNone(one) => json!({ "anyOf": [form(*one), { "const": "none" }] }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::settings;
    use super::*;

    #[test]
    fn every_setting_has_its_shape_and_its_row() {
        for setting in settings() {
            let (table, name) = setting.key.split_once('.').unwrap();
            assert_eq!(SHAPES.iter().filter(|(key, _)| *key == setting.key).count(), 1, "{}", setting.key);
            assert!(said(table, name).is_some_and(|said| !said.meaning.is_empty()), "{}", setting.key);
        }
        assert_eq!(SHAPES.len(), settings().count(), "a shape of a key that there is not");
    }

    #[test]
    fn the_schema_that_is_checked_in_is_the_one_that_is_made() {
        let there = include_str!("../../../jobs/defrost.schema.json");
        assert!(there == schema(), "write it anew: defrost schema > jobs/defrost.schema.json");
        assert!(schema().contains("keys a page, 1–1000"), "descriptions come from the reference");
    }

    #[test]
    fn bounds_are_those_of_the_readers() {
        use crate::job::{Overrides, from_file};
        let taken = |table: &str, name: &str, value: &str| {
            let line = format!("{name} = {value}\n");
            let (source, days) = if table == "source" { (&*line, "days = 7\n") } else { ("", "days = 7\n") };
            let days = if (table, name) == ("restore", "days") { "" } else { days };
            let own = match table {
                "source" => String::new(),
                "restore" => line.clone(),
                _ => format!("[{table}]\n{line}"),
            };
            let text = format!("[[source]]\nurl = \"oss://logs\"\n{source}[restore]\n{days}{own}");
            let key = format!("{table}.{name}");
            match from_file("job.toml".as_ref(), &text, &Overrides::default(), &crate::job::Env::new()) {
                Ok(_) => true,
                Err(faults) => !faults.as_slice().iter().any(|fault| fault.at.key == key),
            }
        };
        let mut bounds = 0;
        for (key, shape) in SHAPES {
            let (table, name) = key.split_once('.').unwrap();
            let (least, most) = match shape {
                Shape::Whole(least, most) | Shape::OrNone(Shape::Whole(least, most)) => (*least, *most),
                Shape::Rate(most) => (1, Some(*most)),
                Shape::Words(words) => {
                    for word in *words {
                        assert!(
                            taken(table, name, &format!("{word:?}")) || *key == "limits.outside_window",
                            "{key} = {word}"
                        );
                    }
                    continue;
                }
                _ => continue,
            };
            assert!(taken(table, name, &least.to_string()), "{key} = {least}");
            assert!(least == 0 || !taken(table, name, &(least - 1).to_string()), "{key} = {}", least - 1);
            if let Some(most) = most {
                assert!(taken(table, name, &most.to_string()), "{key} = {most}");
                assert!(!taken(table, name, &(most + 1).to_string()), "{key} = {}", most + 1);
            }
            bounds += 1;
        }
        assert!(bounds > 12, "only {bounds} keys with bounds");
    }
}
