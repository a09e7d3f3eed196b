//! `obs init`: the home, the line in the start-up file of each real shell, and that undoing it leaves no trace.

use crate::sandbox::{Outcome, Sandbox, have, outcome, program};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

/// Each shell with its start-up file from the sandbox.
const FILES: [(&str, &str); 4] = [
    ("bash", "home/.bashrc"),
    ("fish", "home/fish/conf.d/obs.fish"),
    ("sh", "home/.profile"),
    ("zsh", "home/.zshrc"),
];

fn init(sandbox: &Sandbox, words: &[&str]) -> Outcome {
    sandbox.obs([&["init"], words].concat())
}

/// `.bashrc` with this text.
fn bashrc(sandbox: &Sandbox, text: &str) -> PathBuf {
    let file = sandbox.path("home/.bashrc");
    fs::write(&file, text).unwrap();
    file
}

#[track_caller]
fn written(sandbox: &Sandbox) {
    let outcome = init(sandbox, &["--write", "--shell", "bash"]).quiet();
    assert!(
        outcome.stdout.contains("\nline: written to "),
        "{}",
        outcome.stdout
    );
}

/// What is in the home folder.
fn home(sandbox: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(sandbox.path("home")).unwrap().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn home_is_made_and_the_line_shown() {
    let sandbox = Sandbox::new().with("SHELL", "/usr/bin/zsh");
    let outcome = init(&sandbox, &[]).quiet();
    let shown = outcome
        .stdout
        .replace(sandbox.path("").to_str().unwrap(), "/");
    let expected = "\
home: /journal made
line: for /home/.zshrc, or `obs init --write` puts it there:
  if command -v obs >/dev/null 2>&1; then eval \"$(obs print shell zsh)\"; fi
next: `obs hook install` in a repository makes its commits events
next: `obs shim add npm` makes each call of a tool a span
next: `obs demo` shows what it is for, `obs doctor` whether all is well
";
    assert_eq!(shown, expected);
    let mode = fs::metadata(sandbox.journal()).unwrap().mode() & 0o777;
    assert_eq!(mode, 0o700);
    assert_eq!(home(&sandbox), [""; 0]);
    let again = init(&sandbox, &[]).quiet().stdout;
    assert!(again.contains("/journal is there\n"), "{again}");
}

#[test]
fn shell_is_told_by_its_variable_or_the_caller() {
    for (name, file) in [
        ("-bash", ".bashrc"),
        ("/bin/dash", ".profile"),
        ("/usr/bin/mksh", ".profile"),
        ("/opt/fish", "fish/conf.d/obs.fish"),
    ] {
        let sandbox = Sandbox::new().with("SHELL", name);
        let shown = init(&sandbox, &[]).quiet().stdout;
        assert!(
            shown.contains(&format!("home/{file}, or")),
            "{name}: {shown}"
        );
    }
    let sandbox = Sandbox::new();
    let shown = sandbox.script("bash", "obs init\n:\n").quiet().stdout;
    assert!(shown.contains("home/.bashrc"), "{shown}");
    for shell in ["/usr/bin/tcsh", ""] {
        let outcome = init(&Sandbox::new().with("SHELL", shell), &[]);
        assert_eq!(outcome.code, 2, "{}", outcome.shown());
        assert!(
            outcome
                .stderr
                .starts_with("obs: could not tell which shell you use\n")
        );
        assert_eq!(outcome.stdout, "");
    }
}

#[test]
fn line_comes_once_and_goes_without_a_trace() {
    let sandbox = Sandbox::new();
    for (shell, file) in FILES {
        let file = sandbox.path(file);
        let write = || {
            init(&sandbox, &["--write", "--shell", shell])
                .quiet()
                .stdout
        };
        assert!(write().contains("line: written to "), "{shell}");
        let text = fs::read(&file).unwrap();
        assert!(write().contains("line: is in "), "{shell}");
        assert_eq!(fs::read(&file).unwrap(), text, "{shell}");
        let undone = init(&sandbox, &["--undo", "--shell", shell]).quiet().stdout;
        assert!(
            undone.starts_with("line: taken out, and with it "),
            "{shell}"
        );
        assert!(!file.exists(), "{shell}");
    }
    let undone = init(&sandbox, &["--undo"]).quiet().stdout;
    assert!(
        undone.starts_with("line: there is none to take out\nhome: "),
        "{undone}"
    );
    assert!(sandbox.journal().exists());
}

#[test]
fn undo_without_a_shell_is_for_all() {
    let sandbox = Sandbox::new();
    bashrc(&sandbox, "mine");
    for (shell, _) in FILES {
        init(&sandbox, &["--write", "--shell", shell]).quiet();
    }
    let undone = init(&sandbox, &["--undo"]).quiet().stdout;
    assert_eq!(undone.matches("line: taken out").count(), 4, "{undone}");
    assert_eq!(fs::read(sandbox.path("home/.bashrc")).unwrap(), b"mine");
}

#[test]
fn folders_of_zsh_and_fish_hold() {
    let sandbox = Sandbox::new();
    let (dots, config) = (sandbox.path("dots"), sandbox.path("config"));
    let sandbox = sandbox
        .with("ZDOTDIR", dots.to_str().unwrap())
        .with("XDG_CONFIG_HOME", config.to_str().unwrap());
    init(&sandbox, &["--write", "--shell", "zsh"]).quiet();
    init(&sandbox, &["--write", "--shell", "fish"]).quiet();
    assert!(dots.join(".zshrc").exists());
    assert!(config.join("fish/conf.d/obs.fish").exists());
}

/// Puts an obs first on PATH whose functions are one line that says so.
fn with_fake_obs(sandbox: Sandbox) -> Sandbox {
    let folder = sandbox.path("fake");
    fs::create_dir(&folder).unwrap();
    let fake = folder.join("obs");
    fs::write(&fake, "#!/bin/sh\necho \"echo functions for $3\"\n").unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    sandbox.with("PATH", &format!("{}:/usr/bin:/bin", folder.display()))
}

/// What each shell says when a person starts it.
fn started(sandbox: &Sandbox, shell: &str) -> Outcome {
    let words: &[&str] = match shell {
        "bash" | "zsh" => &["-i", "-c", "echo status $?"],
        "fish" => &["-c", "echo status $status"],
        // not as a login shell: the system's own profile may set PATH anew
        _ => &["-c", ". \"$HOME/.profile\"; echo status $?"],
    };
    let program = if shell == "sh" { "dash" } else { shell };
    outcome(&sandbox.command(program).args(words).output().unwrap())
}

#[test]
fn each_shell_starts_with_its_line() {
    let sandbox = Sandbox::new();
    for (shell, _) in FILES {
        init(&sandbox, &["--write", "--shell", shell]).quiet();
    }
    let sandbox = with_fake_obs(sandbox);
    for (shell, _) in FILES {
        if have(if shell == "sh" { "dash" } else { shell }) {
            let outcome = started(&sandbox, shell);
            let expected = format!("functions for {shell}\nstatus 0\n");
            assert!(
                outcome.stdout.ends_with(&expected),
                "{shell}: {}",
                outcome.shown()
            );
        }
    }
    fs::remove_file(sandbox.path("fake/obs")).unwrap();
    for (shell, _) in FILES {
        if have(if shell == "sh" { "dash" } else { shell }) {
            let outcome = started(&sandbox, shell);
            assert!(
                outcome.stdout.ends_with("status 0\n"),
                "{shell}: {}",
                outcome.shown()
            );
            assert!(
                !outcome.shown().contains("obs"),
                "{shell}: {}",
                outcome.shown()
            );
        }
    }
}

#[test]
fn real_functions_come_with_the_line() {
    let sandbox = Sandbox::new();
    written(&sandbox);
    let mut bash = sandbox.command("bash");
    let shown = bash
        .args(["-i", "-c", "echo \"<$__obs_version>\""])
        .output();
    let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
    assert!(
        shown.ends_with(&format!("<{}>\n", env!("CARGO_PKG_VERSION"))),
        "{shown}"
    );
}

#[test]
fn mode_owner_and_link_are_kept() {
    let sandbox = Sandbox::new();
    let dots = sandbox.path("dots");
    fs::create_dir(&dots).unwrap();
    let real = dots.join("bashrc");
    fs::write(&real, "mine\n").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).unwrap();
    // only root can give a file away
    let owner =
        std::os::unix::fs::chown(&real, Some(65534), Some(65534)).map_or(None, |()| Some(65534));
    let link = sandbox.path("home/.bashrc");
    symlink("../dots/bashrc", &link).unwrap();
    written(&sandbox);
    let found = fs::metadata(&real).unwrap();
    assert_eq!(found.mode() & 0o7777, 0o644);
    assert_eq!(owner.unwrap_or(found.uid()), found.uid());
    assert_eq!(
        fs::read_link(&link).unwrap(),
        PathBuf::from("../dots/bashrc")
    );
    init(&sandbox, &["--undo"]).quiet();
    assert_eq!(fs::read(&real).unwrap(), b"mine\n");
    assert_eq!(fs::read_dir(&dots).unwrap().count(), 1);
}

#[test]
fn link_to_nothing_gets_its_file() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("dots")).unwrap();
    let link = sandbox.path("home/.bashrc");
    symlink("../dots/bashrc", &link).unwrap();
    written(&sandbox);
    assert!(sandbox.path("dots/bashrc").exists() && link.is_symlink());
    init(&sandbox, &["--undo"]).quiet();
    assert!(!sandbox.path("dots/bashrc").exists() && link.is_symlink());
}

#[test]
fn files_that_are_not_for_us_stay() {
    type Make = fn(&Sandbox);
    let makes: [(Make, &str); 4] = [
        (
            |sandbox| {
                let file = bashrc(sandbox, "mine");
                fs::set_permissions(file, fs::Permissions::from_mode(0o444)).unwrap();
            },
            "it is read-only",
        ),
        (
            |sandbox| {
                let file = bashrc(sandbox, "mine");
                fs::hard_link(file, sandbox.path("home/other")).unwrap();
            },
            "it has further hard links, which a new file would lose",
        ),
        (
            |sandbox| fs::create_dir(sandbox.path("home/.bashrc")).unwrap(),
            "it is no regular file",
        ),
        (
            |sandbox| symlink(".bashrc", sandbox.path("home/.bashrc")).unwrap(),
            "its links go in a circle",
        ),
    ];
    for (make, why) in makes {
        let sandbox = Sandbox::new();
        make(&sandbox);
        let before = home(&sandbox);
        let outcome = init(&sandbox, &["--write", "--shell", "bash"]);
        assert_eq!(outcome.code, 3, "{}", outcome.shown());
        assert!(outcome.stderr.contains(why), "{}", outcome.shown());
        assert_eq!(home(&sandbox), before);
        let text = fs::read(sandbox.path("home/.bashrc"));
        assert!(text.map_or(true, |text| text == b"mine"), "{why}");
    }
}

/// A limit of file sizes stands for a full disk.
#[test]
fn full_disk_leaves_the_old_file() {
    let sandbox = Sandbox::new();
    let file = bashrc(&sandbox, "mine\n");
    let text = "obs init >/dev/null\nulimit -f 0\nobs init --write --shell bash | cat\n";
    let outcome = sandbox.script(
        "bash",
        &format!("SHELL=bash\n{text}exit ${{PIPESTATUS[0]}}\n"),
    );
    assert_eq!(outcome.code, 3, "{}", outcome.shown());
    assert!(
        outcome.stderr.starts_with("obs: could not write `"),
        "{}",
        outcome.shown()
    );
    assert_eq!(fs::read(file).unwrap(), b"mine\n");
    assert_eq!(home(&sandbox), [".bashrc"]);
}

#[test]
fn mark_without_end_is_named() {
    let sandbox = Sandbox::new();
    let file = bashrc(&sandbox, "a\n# >>> obs >>> x\nmine\n");
    for words in [&["--write", "--shell", "bash"][..], &["--undo"]] {
        let outcome = init(&sandbox, words);
        assert_eq!(outcome.code, 3, "{}", outcome.shown());
        let said = "the mark in line 2 has no other that ends it";
        assert!(outcome.stderr.contains(said), "{}", outcome.shown());
    }
    assert_eq!(fs::read(file).unwrap(), b"a\n# >>> obs >>> x\nmine\n");
}

#[test]
fn line_of_ones_own_is_enough() {
    let sandbox = Sandbox::new();
    let file = bashrc(&sandbox, "eval \"$(obs print shell bash)\"\n");
    let outcome = init(&sandbox, &["--write", "--shell", "bash"]).quiet();
    assert!(
        outcome
            .stdout
            .contains("line: left out, one of your own is in ")
    );
    assert_eq!(
        fs::read(file).unwrap(),
        b"eval \"$(obs print shell bash)\"\n"
    );
}

#[test]
fn line_commented_out_is_not_put_back() {
    let sandbox = Sandbox::new();
    written(&sandbox);
    let file = sandbox.path("home/.bashrc");
    let text = fs::read_to_string(&file).unwrap();
    let text = bashrc(&sandbox, &text.replace("\nif command", "\n# if command"));
    let text = fs::read(text).unwrap();
    let outcome = init(&sandbox, &["--write", "--shell", "bash"]).quiet();
    let said = "line: left alone, it is commented out in ";
    assert!(outcome.stdout.contains(said), "{}", outcome.stdout);
    assert_eq!(fs::read(&file).unwrap(), text);
    init(&sandbox, &["--undo"]).quiet();
    assert!(!file.exists());
}

#[test]
fn mention_of_the_line_is_not_the_line() {
    let sandbox = Sandbox::new();
    let file = bashrc(&sandbox, "alias p='obs print shell bash | less'\n");
    written(&sandbox);
    init(&sandbox, &["--undo"]).quiet();
    assert_eq!(
        fs::read(file).unwrap(),
        b"alias p='obs print shell bash | less'\n"
    );
}

#[test]
fn hooks_and_shims_come_and_go() {
    let sandbox = Sandbox::new();
    let mut git = sandbox.command("git");
    assert!(git.args(["init", "-q"]).status().unwrap().success());
    let words = ["--shell", "bash", "--hooks", "--shim", "ls", "cat"];
    let outcome = init(&sandbox, &words);
    assert_eq!(outcome.code, 0, "{}", outcome.shown());
    let hook = sandbox.path("work/.git/hooks/post-commit");
    let shims = sandbox.journal().join("shims");
    assert!(hook.exists() && shims.join("ls").is_symlink() && shims.join("cat").is_symlink());
    assert!(
        !outcome.stdout.contains("hook install"),
        "{}",
        outcome.stdout
    );
    let outcome = init(&sandbox, &[&["--undo"], &words[2..]].concat());
    assert_eq!(outcome.code, 0, "{}", outcome.shown());
    assert!(!hook.exists() && fs::read_dir(shims).unwrap().next().is_none());
}

/// `obs init --write` with hooks of the repository in `work` and these shims.
fn with_everything(sandbox: &Sandbox, shims: &[&str]) -> (PathBuf, PathBuf) {
    let mut git = sandbox.command("git");
    assert!(git.args(["init", "-q"]).status().unwrap().success());
    let words = [&["--write", "--shell", "bash", "--hooks", "--shim"], shims].concat();
    let outcome = init(sandbox, &words);
    assert_eq!(outcome.code, 0, "{}", outcome.shown());
    let hook = sandbox.path("work/.git/hooks/post-commit");
    let shims = sandbox.journal().join("shims");
    assert!(hook.exists() && shims.join("ls").is_symlink());
    (hook, shims)
}

#[test]
fn undo_knows_what_init_put_in() {
    let sandbox = Sandbox::new();
    sandbox.obs(["shim", "add", "cat"]);
    let (hook, shims) = with_everything(&sandbox, &["ls", "cat"]);
    let remembered = sandbox.journal().join("init");
    assert_eq!(fs::metadata(&remembered).unwrap().mode() & 0o777, 0o600);
    let mut away = sandbox.command(program());
    let undo = || {
        outcome(
            &away
                .current_dir("/")
                .args(["init", "--undo"])
                .output()
                .unwrap(),
        )
        .quiet()
    };
    let shown = { undo }().stdout;
    assert!(!hook.exists() && !shims.join("ls").is_symlink(), "{shown}");
    assert!(!sandbox.path("home/.bashrc").exists() && !remembered.exists());
    // whoever added it takes it out
    assert!(shims.join("cat").is_symlink());
    let said = "\nshims stay that init did not make: `obs shim remove cat`\nhome: ";
    assert!(shown.contains(said), "{shown}");
    let again = init(&sandbox, &["--undo", "--shim", "cat"]).quiet().stdout;
    assert!(
        !again.contains("hooks") && !again.contains("shims stay"),
        "{again}"
    );
    assert!(!shims.join("cat").is_symlink());
}

#[test]
fn undo_of_one_shell_leaves_hooks_and_shims() {
    let sandbox = Sandbox::new();
    let (hook, shims) = with_everything(&sandbox, &["ls"]);
    let shown = init(&sandbox, &["--undo", "--shell", "bash"])
        .quiet()
        .stdout;
    assert!(hook.exists() && shims.join("ls").is_symlink());
    assert!(shown.contains("\nhooks and shims stay: "), "{shown}");
    init(&sandbox, &["--undo"]).quiet();
    assert!(!hook.exists() && !shims.join("ls").is_symlink());
}

#[test]
fn hooks_that_were_there_stay() {
    let sandbox = Sandbox::new();
    let mut git = sandbox.command("git");
    assert!(git.args(["init", "-q"]).status().unwrap().success());
    sandbox.obs(["hook", "install"]).quiet();
    let (hook, shims) = with_everything(&sandbox, &["ls"]);
    init(&sandbox, &["--undo"]).quiet();
    assert!(hook.exists() && !shims.join("ls").is_symlink());
    init(&sandbox, &["--undo", "--hooks"]).quiet();
    assert!(!hook.exists());
}

#[test]
fn what_is_gone_meanwhile_is_no_trouble() {
    let sandbox = Sandbox::new();
    let (_, shims) = with_everything(&sandbox, &["ls", "cat"]);
    fs::remove_dir_all(sandbox.path("work/.git")).unwrap();
    fs::remove_file(shims.join("ls")).unwrap();
    init(&sandbox, &["--undo"]).quiet();
    assert!(!shims.join("cat").is_symlink());
    assert!(!sandbox.journal().join("init").exists());
}

#[test]
fn what_cannot_be_undone_is_tried_again() {
    let sandbox = Sandbox::new();
    let (hook, shims) = with_everything(&sandbox, &["ls"]);
    bashrc(&sandbox, "# >>> obs >>> x\n");
    // no folder can take the place of a file
    let kept = hook.with_file_name("post-commit.obs-earlier");
    fs::create_dir(&kept).unwrap();
    let outcome = init(&sandbox, &["--undo"]);
    assert_eq!(outcome.code, 3, "{}", outcome.shown());
    for said in [
        "no other that ends it\n",
        "obs: could not take the hooks out of ",
    ] {
        assert!(outcome.stderr.contains(said), "{}", outcome.shown());
    }
    // one thing in the way is none for the others
    assert!(hook.exists() && !shims.join("ls").is_symlink());
    fs::remove_dir(kept).unwrap();
    bashrc(&sandbox, "");
    init(&sandbox, &["--undo"]).quiet();
    assert!(!hook.exists());
}

#[test]
fn obs_off_path_is_said() {
    let sandbox = Sandbox::new().with("PATH", "/usr/bin:/bin");
    let mut command = sandbox.command(program());
    let outcome = outcome(&command.args(["init", "--shell", "bash"]).output().unwrap());
    assert_eq!(outcome.code, 0);
    assert!(
        outcome.stderr.starts_with("obs: `obs` is not on PATH"),
        "{}",
        outcome.shown()
    );
}

#[test]
fn places_that_cannot_be_are_said() {
    for (variable, value, said) in [
        ("OBS_HOME", "/proc/nowhere", "obs: could not make the home"),
        (
            "HOME",
            "/proc/nowhere",
            "obs: could not write `/proc/nowhere/.bashrc`",
        ),
    ] {
        let outcome = init(
            &Sandbox::new().with(variable, value),
            &["--write", "--shell", "bash"],
        );
        assert_eq!(outcome.code, 3, "{}", outcome.shown());
        assert!(outcome.stderr.starts_with(said), "{}", outcome.shown());
    }
}
