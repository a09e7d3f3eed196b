//! The JSON Schema of a whole event record: the envelope, with `data` left free.

use serde_json::{Value, json};

use super::DIALECT;

/// Gives the JSON Schema (2020-12) of an event record as obs writes it.
pub fn envelope_schema() -> Value {
    json!({
        "$schema": DIALECT,
        "$id": "urn:obs:schema:event:1.0",
        "title": "event",
        "description": "One event record, a line of events.log; empty values are left out",
        "type": "object",
        "properties": {
            "event_id": text_like("^evt_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "`evt_` and a ULID"),
            "event_type": text("Name of the type, e.g. `backlog.task.created`"),
            "event_version": text_like("^[0-9]+\\.[0-9]+$", "Version of the type"),
            "timestamp": time(),
            "source": text("Service that emitted the event"),
            "source_version": text("Version of that service"),
            "correlation_id": text("Names the one logical flow the event belongs to"),
            "causation_id": text("Id of the event that triggered this one"),
            "trace_context": trace_context(),
            "actor": actor(),
            "data": {"description": "What happened; known types publish a schema of their own"},
            "metadata": metadata(),
            "resource": {
                "description": "Resource attributes the event was made under",
                "type": "object",
                "additionalProperties": true,
            },
            "obs": notes(),
        },
        "required": ["event_id", "event_type", "event_version", "timestamp", "source", "actor"],
        "additionalProperties": true,
    })
}

fn text(about: &str) -> Value {
    json!({"description": about, "type": "string", "minLength": 1})
}

fn text_like(pattern: &str, about: &str) -> Value {
    json!({"description": about, "type": "string", "pattern": pattern})
}

fn time() -> Value {
    json!({
        "description": "When it happened: RFC 3339 in UTC, microseconds",
        "type": "string",
        "format": "date-time",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z$",
    })
}

fn trace_context() -> Value {
    json!({
        "description": "W3C trace context the event was made in",
        "type": "object",
        "properties": {
            "trace_id": hex_id(32, "Trace id: 32 hex digits, not all zero"),
            "span_id": hex_id(16, "Span id: 16 hex digits, not all zero"),
        },
        "required": ["trace_id"],
        "additionalProperties": true,
    })
}

fn hex_id(digits: usize, about: &str) -> Value {
    json!({
        "description": about,
        "type": "string",
        "pattern": format!("^[0-9a-f]{{{digits}}}$"),
        "not": {"const": "0".repeat(digits)},
    })
}

fn actor() -> Value {
    json!({
        "description": "Who did it",
        "type": "object",
        "properties": {
            "type": {"description": "Kind of actor", "enum": ["user", "agent", "ci"]},
            "id": text("Name or number of the actor"),
            "host": text("Host it acted on"),
        },
        "required": ["type", "id"],
        "additionalProperties": true,
    })
}

fn metadata() -> Value {
    json!({
        "description": "Where it happened",
        "type": "object",
        "properties": {
            "git_branch": text("Branch of the working directory"),
            "git_commit": text("Commit of the working directory"),
            "repository": text("Repository of the working directory"),
            "working_directory": text("Working directory of the emitter"),
            "origin": text("`observed`: found afterwards rather than seen happening"),
        },
        "additionalProperties": true,
    })
}

fn notes() -> Value {
    json!({
        "description": "What obs has to say about the record itself",
        "type": "object",
        "properties": {
            "truncated": count("Bytes the line would have had without cutting"),
            "dropped": count("Attributes dropped by a limit"),
            "lossy": flag("Whether bytes were no UTF-8 and were replaced"),
            "abandoned": flag("Whether the owner did not end it"),
            "invalid": {
                "description": "Input that was not usable, as it was given",
                "type": "array",
                "items": {"type": "string"},
            },
        },
        "additionalProperties": true,
    })
}

fn count(about: &str) -> Value {
    json!({"description": about, "type": "integer", "minimum": 0})
}

fn flag(about: &str) -> Value {
    json!({"description": about, "type": "boolean"})
}
