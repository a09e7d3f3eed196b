//! The JSON object that a coding agent gives its hooks and its status command on standard input. It is read no further
//! than its end, for the writer may keep the pipe open, and not for ever, for the agent waits for us.

use crate::world::World;
use serde_json::Value;
use std::io::{ErrorKind, Read};
use std::time::Duration;

/// How long all of it is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// More than any agent says.
const MOST: u64 = 4 * 1024 * 1024;

/// What came.
#[derive(Debug, PartialEq)]
pub(super) enum HookJson {
    /// It did not come to its end in time.
    Late,
    /// Nothing at all.
    Nothing,
    /// An object.
    Object(Value),
    /// Something else.
    Other,
}

impl HookJson {
    /// Reads it.
    pub(super) fn read(world: &World) -> Self {
        Self::of(world.stdin_within(PATIENCE))
    }

    fn of(input: impl Read) -> Self {
        let input = input.take(MOST);
        let mut values = serde_json::Deserializer::from_reader(input).into_iter::<Value>();
        match values.next() {
            None => Self::Nothing,
            Some(Ok(object @ Value::Object(_))) => Self::Object(object),
            Some(Err(error)) if error.io_error_kind() == Some(ErrorKind::TimedOut) => Self::Late,
            Some(_) => Self::Other,
        }
    }

    /// The object, where there is one.
    pub(super) fn object(self) -> Option<Value> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io;

    /// A pipe that stays open.
    struct Open;

    impl Read for Open {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(ErrorKind::TimedOut.into())
        }
    }

    #[test]
    fn object_ends_where_it_ends() {
        let of = |text: &str| HookJson::of(text.as_bytes().chain(Open));
        assert_eq!(of("{\"a\":1}"), HookJson::Object(json!({"a": 1})));
        assert_eq!(of("{\"a\":1"), HookJson::Late);
        assert_eq!(of(""), HookJson::Late);
        assert_eq!(of("[1]"), HookJson::Other);
        assert_eq!(of("no"), HookJson::Other);
    }

    #[test]
    fn end_of_input_is_no_mistake() {
        assert_eq!(HookJson::of(&b" \n"[..]), HookJson::Nothing);
        assert_eq!(HookJson::of(&b"{"[..]), HookJson::Other);
    }

    #[test]
    fn object_without_end_is_not_read_whole() {
        let endless = b"{\"a\":\"".chain(io::repeat(b'x'));
        assert_eq!(HookJson::of(endless), HookJson::Other);
    }
}
