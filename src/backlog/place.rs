//! The folders of a backlog and which of the files in them count.

/// What a file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Decision,
    Document,
    Milestone,
    Task,
}

/// A folder of the backlog.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
pub(super) enum Folder {
    #[serde(rename = "archive/drafts")]
    ArchivedDrafts,
    #[serde(rename = "archive/milestones")]
    ArchivedMilestones,
    #[serde(rename = "archive/tasks")]
    ArchivedTasks,
    #[serde(rename = "completed")]
    Completed,
    #[serde(rename = "decisions")]
    Decisions,
    #[serde(rename = "docs")]
    Documents,
    #[serde(rename = "drafts")]
    Drafts,
    #[serde(rename = "milestones")]
    Milestones,
    #[serde(rename = "tasks")]
    #[default]
    Tasks,
}

impl Folder {
    /// All of them, living ones before their archive: of equal candidates the first is taken.
    pub(super) const ALL: [Self; 9] = [
        Self::Tasks,
        Self::Completed,
        Self::ArchivedTasks,
        Self::Drafts,
        Self::ArchivedDrafts,
        Self::Documents,
        Self::Decisions,
        Self::Milestones,
        Self::ArchivedMilestones,
    ];

    /// Its path from the backlog folder.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::ArchivedDrafts => "archive/drafts",
            Self::ArchivedMilestones => "archive/milestones",
            Self::ArchivedTasks => "archive/tasks",
            Self::Completed => "completed",
            Self::Decisions => "decisions",
            Self::Documents => "docs",
            Self::Drafts => "drafts",
            Self::Milestones => "milestones",
            Self::Tasks => "tasks",
        }
    }

    /// What its files are about.
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Decisions => Kind::Decision,
            Self::Documents => Kind::Document,
            Self::Milestones | Self::ArchivedMilestones => Kind::Milestone,
            _ => Kind::Task,
        }
    }

    /// Where it stands among all of them.
    pub(super) fn rank(self) -> usize {
        let found = Self::ALL.iter().position(|folder| *folder == self);
        found.unwrap_or_default()
    }

    /// True where folders inside it belong to it.
    pub(super) fn is_deep(self) -> bool {
        self == Self::Documents
    }

    /// True where what is put there is no longer worked on.
    pub(super) fn is_archive(self) -> bool {
        matches!(
            self,
            Self::ArchivedDrafts | Self::ArchivedMilestones | Self::ArchivedTasks
        )
    }

    /// True where tasks are drafts.
    pub(super) fn holds_drafts(self) -> bool {
        matches!(self, Self::ArchivedDrafts | Self::Drafts)
    }

    /// Whether a file of this name in it counts.
    pub(super) fn takes(self, name: &[u8]) -> bool {
        let hidden = name.starts_with(b".");
        let page = name.ends_with(b".md") && !name.eq_ignore_ascii_case(b"readme.md");
        page && !hidden && (self.kind() != Kind::Task || is_task_name(name))
    }

    /// The folder of a path from the backlog folder; none where the file does not count.
    pub(super) fn of(path: &[u8]) -> Option<Self> {
        let slash = path.iter().rposition(|byte| *byte == b'/')?;
        let (folder, name) = (path.get(..slash)?, path.get(slash + 1..)?);
        let holds = |candidate: &Self| {
            let rest = folder.strip_prefix(candidate.path().as_bytes());
            match rest {
                Some([]) => true,
                Some([b'/', below @ ..]) => candidate.is_deep() && !below.starts_with(b"."),
                _ => false,
            }
        };
        let found = Self::ALL.into_iter().find(holds)?;
        found.takes(name).then_some(found)
    }
}

/// Letters, a dash and a digit: any prefix, because a project may change its own.
fn is_task_name(name: &[u8]) -> bool {
    let letters = name.iter().take_while(|byte| byte.is_ascii_alphabetic());
    let letters = letters.count();
    let rest = name.get(letters..).unwrap_or_default();
    letters > 0 && matches!(rest, [b'-', digit, ..] if digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_count_are_told_by_their_path() {
        for (path, folder) in [
            ("tasks/task-1 - A.md", Some(Folder::Tasks)),
            ("tasks/JIRA-001.md", Some(Folder::Tasks)),
            (
                "archive/drafts/draft-1 - x.md",
                Some(Folder::ArchivedDrafts),
            ),
            ("docs/a/b/note.md", Some(Folder::Documents)),
            ("docs/README.md", None),
            ("docs/.trash/a.md", None),
            ("decisions/decision-1.md", Some(Folder::Decisions)),
            ("milestones/m-0 - x.md", Some(Folder::Milestones)),
            ("tasks/notes.md", None),
            ("tasks/a/task-1.md", None),
            ("tasks/.task-1.md", None),
            ("tasks/task-1.txt", None),
            ("tasks2/task-1.md", None),
            ("config.yml", None),
        ] {
            assert_eq!(Folder::of(path.as_bytes()), folder, "{path}");
        }
    }
}
