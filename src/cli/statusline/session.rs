//! What a coding agent says of its session: the JSON object that it gives its status command on standard input.

use super::super::hook_json::HookJson;
use crate::world::World;
use serde::Deserialize;
use serde_json::Value;
use std::path::PathBuf;

/// The members that we use; all may be missing.
#[derive(Debug, Default, Deserialize)]
struct Said {
    cwd: Option<PathBuf>,
    model: Option<Model>,
    session_id: Option<String>,
    workspace: Option<Workspace>,
}

#[derive(Debug, Default, Deserialize)]
struct Model {
    #[serde(default)]
    display_name: String,
}

#[derive(Debug, Default, Deserialize)]
struct Workspace {
    current_dir: Option<PathBuf>,
}

/// A session.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Session {
    /// Its id, of which `obs context agent` makes the trace.
    pub(super) id: Option<String>,
    /// Where the agent stands.
    pub(super) folder: Option<PathBuf>,
    /// The model's name.
    pub(super) model: String,
}

impl Session {
    /// Reads standard input; what is no such object, or comes too late, says nothing.
    pub(super) fn read(world: &World) -> Self {
        HookJson::read(world)
            .object()
            .map(Self::of)
            .unwrap_or_default()
    }

    fn of(object: Value) -> Self {
        let said: Said = serde_json::from_value(object).unwrap_or_default();
        let current = said.workspace.and_then(|workspace| workspace.current_dir);
        Self {
            id: said.session_id.filter(|id| !id.is_empty()),
            folder: current.or(said.cwd).filter(|folder| folder.is_absolute()),
            model: said.model.unwrap_or_default().display_name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_is_read_from_what_agents_say() {
        let of = |text: &str| {
            let session = Session::of(serde_json::from_str(text).unwrap());
            let folder = session.folder.map(|folder| folder.display().to_string());
            (folder.unwrap_or_default(), session.model)
        };
        let whole = r#"{"session_id":"x","cwd":"/a","workspace":{"current_dir":"/b"},"model":{"id":"m","display_name":"M 4"}}"#;
        assert_eq!(
            Session::of(serde_json::from_str(whole).unwrap())
                .id
                .as_deref(),
            Some("x")
        );
        assert_eq!(of(whole), ("/b".to_owned(), "M 4".to_owned()));
        assert_eq!(
            of(r#"{"cwd":"/a","model":{}}"#),
            ("/a".to_owned(), String::new())
        );
        for nothing in ["[]", "null", r#"{"cwd":7}"#, r#"{"cwd":"rel"}"#] {
            assert_eq!(of(nothing), (String::new(), String::new()), "{nothing}");
        }
    }
}
