//! The part of JSON schema (draft-07) that our schemas use: enough to hold them and the program
//! together without the two dozen crates of a whole validator. A keyword it does not know ends the
//! test.

use serde_json::Value;

/// Whether `value` is what `schema` asks for; the first reason when it is not.
pub(crate) fn check(root: &Value, value: &Value) -> Result<(), String> {
    check_at(root, root, value, "it")
}

fn check_at(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let keywords = schema.as_object().expect("a schema is an object");
    for (keyword, wanted) in keywords {
        let no = |why: String| Err(format!("{at}: {why}"));
        match keyword.as_str() {
            "$schema" | "title" | "description" | "default" | "examples" | "definitions" => {}
            "$ref" => {
                let pointer = wanted.as_str().and_then(|to| to.strip_prefix('#')).expect("local");
                let target = root.pointer(pointer).expect("the definition is there");
                check_at(root, target, value, at)?;
            }
            "type" => {
                let is = match wanted.as_str().expect("one type") {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "null" => value.is_null(),
                    other => panic!("the type {other} is not known here"),
                };
                if !is {
                    return no(format!("is no {wanted}"));
                }
            }
            "enum" => {
                if !wanted.as_array().expect("a list").contains(value) {
                    return no(format!("is none of {wanted}"));
                }
            }
            "minimum" => {
                let least = wanted.as_i64().expect("a number");
                if value.as_i64().is_some_and(|number| number < least) {
                    return no(format!("is less than {least}"));
                }
            }
            "maximum" => {
                let most = wanted.as_u64().expect("a number");
                if value.as_u64().is_some_and(|number| number > most) {
                    return no(format!("is more than {most}"));
                }
            }
            "minLength" => {
                let least = wanted.as_u64().expect("a number") as usize;
                if value.as_str().is_some_and(|text| text.chars().count() < least) {
                    return no("is too short".to_owned());
                }
            }
            "pattern" => {
                let pattern = regex_lite::Regex::new(wanted.as_str().expect("a pattern"));
                let pattern = pattern.expect("a pattern that can be read");
                if value.as_str().is_some_and(|text| !pattern.is_match(text)) {
                    return no(format!("{value} is not {wanted}"));
                }
            }
            "items" => {
                for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                    check_at(root, wanted, item, &format!("{at}[{number}]"))?;
                }
            }
            "minItems" => {
                let least = wanted.as_u64().expect("a number") as usize;
                if value.as_array().is_some_and(|items| items.len() < least) {
                    return no("has too few items".to_owned());
                }
            }
            "uniqueItems" => {
                let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                if (1..items.len()).any(|number| items[..number].contains(&items[number])) {
                    return no("has an item twice".to_owned());
                }
            }
            "oneOf" => {
                let choices = wanted.as_array().expect("a list").iter();
                let fits = choices.filter(|choice| check_at(root, choice, value, at).is_ok());
                let count = fits.count();
                if count != 1 {
                    return no(format!("fits {count} of {wanted}"));
                }
            }
            "anyOf" => {
                let mut choices = wanted.as_array().expect("a list").iter();
                if !choices.any(|choice| check_at(root, choice, value, at).is_ok()) {
                    return no(format!("fits none of {wanted}"));
                }
            }
            "not" => {
                if check_at(root, wanted, value, at).is_ok() {
                    return no(format!("is {wanted}"));
                }
            }
            "required"
            | "minProperties"
            | "dependencies"
            | "properties"
            | "propertyNames"
            | "additionalProperties" => object(root, (keyword, wanted), keywords, value, at)?,
            other => panic!("the keyword {other} is not known here"),
        }
    }
    Ok(())
}

fn object(
    root: &Value,
    (keyword, wanted): (&str, &Value),
    keywords: &serde_json::Map<String, Value>,
    value: &Value,
    at: &str,
) -> Result<(), String> {
    let Some(table) = value.as_object() else { return Ok(()) };
    let has = |key: &Value| key.as_str().is_some_and(|key| table.contains_key(key));
    let no = |why: String| Err(format!("{at}: {why}"));
    match keyword {
        "required" => {
            let keys = wanted.as_array().expect("a list");
            match keys.iter().find(|key| !has(key)) {
                Some(missing) => no(format!("has no {missing}")),
                None => Ok(()),
            }
        }
        "minProperties" if (table.len() as u64) < wanted.as_u64().expect("a number") => {
            no("has too few keys".to_owned())
        }
        "dependencies" => {
            for (key, needs) in wanted.as_object().expect("an object") {
                if !table.contains_key(key) {
                    continue;
                }
                match needs.as_array() {
                    Some(needs) if !needs.iter().all(has) => {
                        return no(format!("has {key} without {needs:?}"));
                    }
                    Some(_) => {}
                    None => check_at(root, needs, value, at)?,
                }
            }
            Ok(())
        }
        "propertyNames" => table.keys().try_for_each(|key| {
            check_at(root, wanted, &Value::from(key.as_str()), &format!("{at}, its key"))
        }),
        "properties" => {
            let known = wanted.as_object().expect("an object");
            known.iter().try_for_each(|(key, schema)| match table.get(key) {
                Some(value) => check_at(root, schema, value, &format!("{at}.{key}")),
                None => Ok(()),
            })
        }
        "additionalProperties" => {
            let known = keywords.get("properties").and_then(Value::as_object);
            let is_known = |key: &str| known.is_some_and(|known| known.contains_key(key));
            let mut others = table.iter().filter(|(key, _)| !is_known(key));
            others.try_for_each(|(key, value)| match wanted {
                Value::Bool(false) => no(format!("has an unknown key {key}")),
                schema => check_at(root, schema, value, &format!("{at}.{key}")),
            })
        }
        _ => Ok(()),
    }
}
