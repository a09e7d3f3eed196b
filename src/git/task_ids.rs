//! The ids of Backlog.md tasks that a text mentions.

/// Finds words such as `TASK-12` or `task-1.2` for a prefix such as `task`, in upper case, each once, in order.
///
/// A word ends where letters, digits, `-` and `_` end; a full stop counts only before a digit.
pub fn task_ids(text: &str, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('-') {
        let before = text.get(..at).unwrap_or_default();
        let start = before.len().checked_sub(prefix.len());
        let Some((head, word)) = start.and_then(|start| before.split_at_checked(start)) else {
            continue;
        };
        let number = number(text.get(at + 1..).unwrap_or_default());
        if prefix.is_empty()
            || !word.eq_ignore_ascii_case(prefix)
            || head.ends_with(joins)
            || number.is_empty()
        {
            continue;
        }
        let id = format!("{}-{number}", prefix.to_ascii_uppercase());
        if !found.contains(&id) {
            found.push(id);
        }
    }
    found
}

/// True for what makes a word longer.
fn joins(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_')
}

/// Leading digits with dots between them; nothing where the word goes on.
fn number(text: &str) -> &str {
    let mut end = 0;
    let mut rest = text;
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            break;
        }
        end += digits + usize::from(end > 0);
        rest = text.get(end..).unwrap_or_default();
        match rest.strip_prefix('.') {
            Some(after) => rest = after,
            None => break,
        }
    }
    let goes_on = text.get(end..).unwrap_or_default().starts_with(joins);
    if goes_on {
        ""
    } else {
        text.get(..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::task_ids;

    #[test]
    fn ids_are_found_as_whole_words() {
        for (text, ids) in [
            ("TASK-12: fix", "TASK-12"),
            ("closes task-1.2.", "TASK-1.2"),
            ("task-7, Task-7 and (task-8)", "TASK-7 TASK-8"),
            ("feature/task-302-login", ""),
            ("multitask-3 sub-task-4 task_task-5", ""),
            ("task- task-x task-1x task-1-2", ""),
            ("see task-1.x and task-2..", "TASK-1 TASK-2"),
            ("é-1 task-9é task-10", "TASK-10"),
            ("-", ""),
        ] {
            assert_eq!(task_ids(text, "task").join(" "), ids, "{text}");
        }
    }

    #[test]
    fn prefix_is_the_projects() {
        assert_eq!(task_ids("JIRA-001.01 task-1", "jira"), ["JIRA-001.01"]);
        assert!(task_ids("task-1", "").is_empty());
    }
}
