//! `obs metric inc|set|observe`: one point.

use super::Call;
use super::attributes::Gathered;
use super::parse::Parsed;
use super::scene::Scene;
use super::words::Words;
use crate::error::Error;
use crate::journal::Signal;
use crate::model::{Metric, MetricType, Record};
use crate::redact;
use serde_json::Number;

/// Runs the command.
pub(super) fn run(call: &Call<'_>, words: &Words, mut parsed: Parsed) -> Result<(), Error> {
    let hint = format!("`obs {} --help` shows what it takes", words.name);
    let Some(name) = parsed.take() else {
        return Err(
            Error::usage(format!("no metric name given to `obs {}`", words.name)).hint(hint),
        );
    };
    let kind = match words.name {
        "metric inc" => MetricType::Counter,
        "metric set" => MetricType::Gauge,
        _ => MetricType::Histogram,
    };
    let value = value_word(&mut parsed);
    if value.is_none() && kind != MetricType::Counter {
        return Err(Error::usage(format!("no value given to `obs {}`", words.name)).hint(hint));
    }
    let mut gathered = Gathered::of(call, &parsed, "labels").strictly("label")?;
    let number = number(
        call,
        kind,
        value.unwrap_or_else(|| "1".to_owned()),
        &mut gathered,
    );
    let buckets = buckets(&parsed, &mut gathered);
    let scene = Scene::of(call, None);
    let timestamp = call.time(parsed.text("time"), &mut gathered.notes.invalid);
    let (trace_id, span_id) = call.ids();
    let metric = Metric {
        timestamp,
        name: name.to_string_lossy().into_owned(),
        kind,
        value: number,
        labels: gathered.attributes,
        unit: parsed.text("unit").unwrap_or_default(),
        help: parsed.text("help-text").unwrap_or_default(),
        buckets,
        trace_id,
        span_id,
        service: scene.service,
        host: scene.host,
        id: call.ulid(timestamp),
        resource: scene.resource,
        obs: gathered.notes,
    };
    let line = call.line(&mut Record::Metric(Box::new(metric)));
    call.keep(Signal::Metrics, &line)
}

/// The value: the next word, unless it is a label.
fn value_word(parsed: &mut Parsed) -> Option<String> {
    let next = parsed.words.first()?.to_string_lossy().into_owned();
    if next.contains('=') {
        return None;
    }
    parsed.take();
    Some(next)
}

/// The value as a number. What is none, or makes a counter fall, is named and kept aside: the point stays.
fn number(
    call: &Call<'_>,
    kind: MetricType,
    text: String,
    gathered: &mut Gathered,
) -> Option<Number> {
    let number = finite(&text);
    let falls = kind == MetricType::Counter && text.trim_start().starts_with('-');
    if let Some(number) = number
        && !falls
    {
        return Some(number);
    }
    let why = match falls {
        true => "a counter only rises",
        false => "expected a finite number",
    };
    let shown = redact::text(&text);
    call.world.say(&format!(
        "obs: `{shown}` is no value for this metric: {why}\n"
    ));
    gathered.notes.invalid.push(format!("value={text}"));
    None
}

/// A finite number; its own text is kept where that is JSON.
fn finite(text: &str) -> Option<Number> {
    let text = text.trim();
    let float = text.parse::<f64>().ok().filter(|float| float.is_finite())?;
    match serde_json::from_str::<Number>(text) {
        Ok(number) => Some(number),
        Err(_) => Number::from_f64(float),
    }
}

fn buckets(parsed: &Parsed, gathered: &mut Gathered) -> Vec<Number> {
    let Some(text) = parsed.text("buckets") else {
        return Vec::new();
    };
    let numbers: Option<Vec<Number>> = text.split(',').map(finite).collect();
    let rising = |numbers: &Vec<Number>| {
        numbers
            .windows(2)
            .all(|pair| matches!(pair, [low, high] if low.as_f64() < high.as_f64()))
    };
    numbers.filter(rising).unwrap_or_else(|| {
        gathered.notes.invalid.push(format!("buckets={text}"));
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_finite_and_keep_their_text() {
        let text = |text: &str| finite(text).map(|number| number.to_string());
        assert_eq!(text("1.70").as_deref(), Some("1.70"));
        assert_eq!(text(" 12 ").as_deref(), Some("12"));
        assert_eq!(text("+.5").as_deref(), Some("0.5"));
        assert_eq!(
            text("18446744073709551616").as_deref(),
            Some("18446744073709551616")
        );
        for wrong in ["", "abc", "NaN", "inf", "-Infinity", "1e999", "0x10", "1,5"] {
            assert_eq!(text(wrong), None, "{wrong}");
        }
    }
}
