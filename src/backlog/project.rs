//! Which Backlog.md project a folder belongs to: found as the CLI finds it, without starting it or git.

use super::scan;
use super::yaml::{self, Node};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The folder that the search ended at.
    pub root: PathBuf,
    /// The backlog folder: where `tasks/` is.
    pub folder: PathBuf,
    /// Its configuration.
    pub config: PathBuf,
    /// All statuses in order; the last is the one of finished tasks.
    pub statuses: Vec<String>,
    /// What the ids of tasks begin with, such as `task`.
    pub task_prefix: String,
}

/// The prefix of task ids where no configuration says another.
pub const TASK_PREFIX: &str = "task";

impl Project {
    /// Searches from `start` upwards, or from `BACKLOG_CWD` where that says something. None: no project, or the variable
    /// names no folder, which the CLI refuses.
    pub fn find(start: &Path, variable: Option<&OsStr>) -> Option<Self> {
        let named = variable.filter(|path| !path.to_string_lossy().trim().is_empty());
        let start = match named {
            Some(path) => {
                let folder = start.join(path);
                folder.is_dir().then_some(folder)?
            }
            None => start.to_owned(),
        };
        let found = start.ancestors().find_map(Self::at);
        // through a symbolic link the top level of git is in another line of folders
        found.or_else(|| Self::at(&top_level(&start)?))
    }

    /// Why the CLI refuses the configuration; none where it takes it.
    pub fn trouble(&self) -> Option<&'static str> {
        if self.config.extension().is_some_and(|end| end == "json") {
            return None; // it would be no project otherwise
        }
        let Some(node) = read(&self.config).and_then(|text| yaml::read(&text)) else {
            return Some("it is no YAML that Backlog.md reads");
        };
        let is_list = |name: &str| matches!(node.member(name), None | Some(Node::List(_)));
        let lists = ["statuses", "labels", "types", "priorities"];
        (!lists.into_iter().all(is_list)).then_some("one of its lists is none")
    }

    /// The status of finished tasks.
    pub fn terminal(&self) -> &str {
        self.statuses.last().map_or("Done", String::as_str)
    }

    fn at(root: &Path) -> Option<Self> {
        Self::with_root_config(root)
            .or_else(|| Self::with_own_config(root, "backlog"))
            .or_else(|| Self::with_own_config(root, ".backlog"))
            .or_else(|| Self::with_json(root))
    }

    /// `backlog.config.yml` counts where it names the project; it may say where the folder is.
    fn with_root_config(root: &Path) -> Option<Self> {
        let config = root.join("backlog.config.yml");
        let text = read(&config)?;
        let node = yaml::read(&text);
        let word = |name: &str| {
            node.as_ref()
                .and_then(|node| node.member(name))
                .map(Node::text)
        };
        // a broken configuration still names a project
        let named = match &node {
            Some(_) => word("project_name").is_some_and(|name| !name.is_empty()),
            None => text.lines().any(|line| line.starts_with("project_name:")),
        };
        if !named {
            return None;
        }
        let given = word("backlog_directory").map(PathBuf::from);
        let given = given
            .filter(|path| is_inside(path))
            .map(|path| root.join(path));
        let folder = given.or_else(|| standard_folder(root))?;
        Some(Self::new(root, folder, config, node.as_ref()))
    }

    fn with_own_config(root: &Path, name: &str) -> Option<Self> {
        let folder = root.join(name);
        let configs = ["config.yml", "config.yaml"].map(|config| folder.join(config));
        let config = configs.into_iter().find(|config| config.is_file())?;
        let node = read(&config).and_then(|text| yaml::read(&text));
        Some(Self::new(root, folder, config, node.as_ref()))
    }

    /// The configuration of the oldest versions.
    fn with_json(root: &Path) -> Option<Self> {
        let config = root.join("backlog.json");
        let value: Value = serde_json::from_str(&read(&config)?).ok()?;
        let folder = standard_folder(root)?;
        let mut project = Self::new(root, folder, config, None);
        let listed = value.get("statuses").and_then(Value::as_array);
        let statuses = listed.into_iter().flatten().filter_map(Value::as_str);
        project.set_statuses(statuses.map(str::to_owned).collect());
        Some(project)
    }

    fn new(root: &Path, folder: PathBuf, config: PathBuf, node: Option<&Node>) -> Self {
        let mut project = Self {
            root: root.to_owned(),
            folder,
            config,
            statuses: ["To Do", "In Progress", "Done"].map(str::to_owned).to_vec(),
            task_prefix: prefix(node).unwrap_or_else(|| TASK_PREFIX.to_owned()),
        };
        // a list that is none keeps the default: the CLI refuses to start with it
        if let Some(Node::List(_)) = node.and_then(|node| node.member("statuses")) {
            let statuses = node
                .and_then(|node| node.member("statuses"))
                .map(Node::items);
            project.set_statuses(statuses.unwrap_or_default());
        }
        project
    }

    fn set_statuses(&mut self, statuses: Vec<String>) {
        if !statuses.is_empty() {
            self.statuses = statuses;
        }
    }
}

/// A prefix of the project's own, which is of letters only.
fn prefix(node: Option<&Node>) -> Option<String> {
    let prefix = node?.member("task_prefix")?.text();
    let good = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_alphabetic());
    good.then(|| prefix.to_owned())
}

fn read(path: &Path) -> Option<String> {
    let bytes = scan::content(&scan::open(path).ok()?).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    Some(text.trim_start_matches('\u{feff}').replace("\r\n", "\n"))
}

fn standard_folder(root: &Path) -> Option<PathBuf> {
    let folders = ["backlog", ".backlog"].map(|name| root.join(name));
    folders.into_iter().find(|folder| folder.is_dir())
}

/// Whether a path stays below the folder it starts at.
fn is_inside(path: &Path) -> bool {
    let named = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    !path.as_os_str().is_empty() && path.components().all(named)
}

/// The folder that git calls the top level.
fn top_level(start: &Path) -> Option<PathBuf> {
    let real = fs::canonicalize(start).ok()?;
    let mut folders = real.ancestors();
    folders
        .find(|folder| folder.join(".git").exists())
        .map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn with(files: &[(&str, &str)]) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn folder(files: &[(&str, &str)], start: &str) -> Option<String> {
        let dir = with(files);
        fs::create_dir_all(dir.path().join(start)).unwrap();
        let project = Project::find(&dir.path().join(start), None)?;
        let inside = project.folder.strip_prefix(dir.path()).unwrap();
        Some(inside.to_str().unwrap().to_owned())
    }

    #[test]
    fn projects_are_found_from_inside() {
        let own = [("backlog/config.yml", "project_name: x\n")];
        assert_eq!(folder(&own, "").unwrap(), "backlog");
        assert_eq!(folder(&own, "backlog/tasks").unwrap(), "backlog");
        assert_eq!(folder(&own, "a/b/c").unwrap(), "backlog");
        let hidden = [(".backlog/config.yaml", "")];
        assert_eq!(folder(&hidden, "a").unwrap(), ".backlog");
        let json = [("backlog.json", "{}"), ("backlog/tasks/x", "")];
        assert_eq!(folder(&json, "").unwrap(), "backlog");
        assert_eq!(folder(&[("backlog/tasks/x", "")], ""), None);
    }

    #[test]
    fn root_config_says_where_the_folder_is() {
        let at = |config: &str, start: &str| {
            let files = [("backlog.config.yml", config), ("backlog/tasks/x", "")];
            folder(&files, start)
        };
        let custom = "project_name: x\nbacklog_directory: \"planning/board\"\n";
        assert_eq!(at(custom, "src").unwrap(), "planning/board");
        assert_eq!(at("project_name: x\n", "").unwrap(), "backlog");
        assert_eq!(
            at("project_name: x\nbacklog_directory: ../y\n", "").unwrap(),
            "backlog"
        );
        assert_eq!(
            at("project_name: x\nbacklog_directory: /y\n", "").unwrap(),
            "backlog"
        );
        assert_eq!(at("project_name: ''\n", ""), None);
    }

    #[test]
    fn statuses_are_read_and_a_broken_config_keeps_the_default() {
        let terminal = |config: &str| {
            let dir = with(&[("backlog/config.yml", config)]);
            let project = Project::find(dir.path(), None).unwrap();
            project.terminal().to_owned()
        };
        assert_eq!(terminal("statuses: [\"To Do\", Shipped]\n"), "Shipped");
        assert_eq!(
            terminal("statuses:\n  - To Do\n  - ✅ Shipped\n"),
            "✅ Shipped"
        );
        assert_eq!(terminal("statuses: []\n"), "Done");
        assert_eq!(terminal("statuses: text\n"), "Done");
        assert_eq!(terminal("statuses: [\n"), "Done");
        assert_eq!(terminal(""), "Done");
    }

    #[test]
    fn prefix_is_of_letters_or_the_default() {
        let prefix = |config: &str| {
            let dir = with(&[("backlog/config.yml", config)]);
            Project::find(dir.path(), None).unwrap().task_prefix
        };
        assert_eq!(prefix("task_prefix: \"JIRA\"\n"), "JIRA");
        assert_eq!(prefix("task_prefix: back\n"), "back");
        assert_eq!(prefix("task_prefix: 'a-1'\n"), "task");
        assert_eq!(prefix("task_prefix: [a]\n"), "task");
        assert_eq!(prefix("task_prefix: ''\n"), "task");
        assert_eq!(prefix(""), "task");
    }

    #[test]
    fn variable_says_where_to_start() {
        let dir = with(&[("a/backlog/config.yml", ""), ("b/x", "")]);
        let find = |variable: &str| {
            let found = Project::find(&dir.path().join("b"), Some(OsStr::new(variable)));
            found.map(|project| project.root)
        };
        let a = dir.path().join("a");
        assert_eq!(find(a.to_str().unwrap()), Some(a));
        assert_eq!(find("../a"), Some(dir.path().join("b/../a")));
        assert_eq!(find("nowhere"), None);
        assert_eq!(find("  "), None);
    }

    #[test]
    fn top_level_of_git_is_the_last_resort() {
        let dir = with(&[
            ("repo/backlog/config.yml", ""),
            ("repo/.git/HEAD", ""),
            ("repo/in/x", ""),
        ]);
        std::os::unix::fs::symlink(dir.path().join("repo/in"), dir.path().join("link")).unwrap();
        let found = Project::find(&dir.path().join("link"), None).unwrap();
        assert_eq!(
            found.root,
            fs::canonicalize(dir.path().join("repo")).unwrap()
        );
    }
}
