//! What a coding agent says of its session: the JSON object that it gives its status command on standard input.

use super::super::hook_json::HookJson;
use crate::world::World;
use serde_json::Value;
use std::path::PathBuf;

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
        let object = HookJson::read(world).object();
        object.as_ref().map(Self::of).unwrap_or_default()
    }

    /// Takes each member by itself: one that is not what we know says nothing, and the others do.
    fn of(object: &Value) -> Self {
        let text = |pointer: &str| object.pointer(pointer)?.as_str();
        let folder = |pointer: &str| Some(PathBuf::from(text(pointer)?));
        let current = folder("/workspace/current_dir").or_else(|| folder("/cwd"));
        let model = text("/model/display_name").or_else(|| text("/model"));
        Self {
            id: text("/session_id")
                .filter(|id| !id.is_empty())
                .map(str::to_owned),
            folder: current.filter(|folder| folder.is_absolute()),
            model: model.unwrap_or_default().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_is_read_from_what_agents_say() {
        let of = |text: &str| {
            let session = Session::of(&serde_json::from_str(text).unwrap());
            let folder = session.folder.map(|folder| folder.display().to_string());
            (folder.unwrap_or_default(), session.model)
        };
        let whole = r#"{"session_id":"x","cwd":"/a","workspace":{"current_dir":"/b"},"model":{"id":"m","display_name":"M 4"}}"#;
        assert_eq!(
            Session::of(&serde_json::from_str(whole).unwrap())
                .id
                .as_deref(),
            Some("x")
        );
        assert_eq!(of(whole), ("/b".to_owned(), "M 4".to_owned()));
        assert_eq!(
            of(r#"{"cwd":"/a","model":{}}"#),
            ("/a".to_owned(), String::new())
        );
        // as hooks give it
        let of_hook = r#"{"cwd":"/a","model":"m-4"}"#;
        assert_eq!(of(of_hook), ("/a".to_owned(), "m-4".to_owned()));
        for nothing in ["[]", "null", r#"{"cwd":7}"#, r#"{"cwd":"rel"}"#] {
            assert_eq!(of(nothing), (String::new(), String::new()), "{nothing}");
        }
    }
}
