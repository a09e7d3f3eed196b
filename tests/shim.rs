//! `obs shim`: adding, listing, removing, and what a call through a shim is.

use crate::sandbox::Sandbox;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A sandbox with a tool `greet` and the shims first on PATH.
fn stage() -> Sandbox {
    let sandbox = Sandbox::new();
    let path = format!(
        "{}:{}:/usr/local/bin:/usr/bin:/bin",
        sandbox.journal().join("shims").display(),
        sandbox.path("bin").display()
    );
    let sandbox = sandbox.with("PATH", &path);
    let tool = sandbox.path("bin/greet");
    fs::write(&tool, "#!/bin/sh\necho \"$0 $*\"; exit 7\n").unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    sandbox
}

#[test]
fn call_through_a_shim_is_a_span() {
    let sandbox = stage();
    sandbox.obs(["shim", "add", "greet"]).quiet();
    let direct = sandbox
        .command(sandbox.path("bin/greet"))
        .arg("you")
        .output()
        .unwrap();
    let outcome = sandbox.script("sh", "greet you");
    assert_eq!(outcome.code, 7);
    assert_eq!(outcome.stdout.as_bytes(), direct.stdout);
    let span = sandbox.records("spans").remove(0);
    assert_eq!(span["name"], "greet");
    assert_eq!(span["attributes"]["process.exit.code"], 7);
    let real = sandbox.path("bin/greet");
    assert_eq!(
        span["attributes"]["process.executable.path"],
        real.to_str().unwrap()
    );
}

#[test]
fn options_of_the_tool_are_not_ours() {
    let sandbox = stage();
    sandbox.obs(["shim", "add", "greet"]).quiet();
    for word in ["--help", "--version", "-n", "--", "span"] {
        let outcome = sandbox.script("sh", &format!("greet {word}"));
        assert!(
            outcome.stdout.ends_with(&format!("greet {word}\n")),
            "{}",
            outcome.shown()
        );
    }
}

#[test]
fn list_tells_what_runs_and_what_is_in_the_way() {
    let sandbox = stage();
    let none = sandbox.obs(["shim", "list", "--human"]);
    assert_eq!(
        (none.code, none.stderr.lines().next()),
        (1, Some("obs: there are no shims"))
    );
    sandbox.obs(["shim", "add", "greet"]).quiet();
    let listed = |sandbox: &Sandbox| {
        let outcome = sandbox.obs(["shim", "list", "--json"]);
        let shim: Value = serde_json::from_str(&outcome.stdout).unwrap();
        (outcome.code, shim)
    };
    let (code, shim) = listed(&sandbox);
    assert_eq!((code, &shim["ok"]), (0, &Value::from(true)));
    assert_eq!(shim["real"], sandbox.path("bin/greet").to_str().unwrap());
    let path = format!("{}:/usr/bin:/bin", sandbox.path("bin").display());
    let (code, shim) = listed(&sandbox.with("PATH", &path));
    assert_eq!(code, 1);
    assert!(shim["trouble"].as_str().unwrap().starts_with("PATH finds "));
}

#[test]
fn add_is_safe_twice_and_remove_takes_it_back() {
    let sandbox = stage();
    sandbox.obs(["shim", "add", "greet"]).quiet();
    sandbox.obs(["shim", "add", "greet"]).quiet();
    sandbox.obs(["shim", "remove", "greet"]).quiet();
    assert_eq!(
        fs::read_dir(sandbox.journal().join("shims"))
            .unwrap()
            .count(),
        0
    );
    assert_eq!(sandbox.obs(["shim", "remove", "greet"]).code, 1);
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let sandbox = stage();
    let shims = sandbox.journal().join("shims");
    fs::create_dir_all(&shims).unwrap();
    fs::write(shims.join("greet"), "mine").unwrap();
    let outcome = sandbox.obs(["shim", "add", "greet"]);
    assert_eq!(outcome.code, 2, "{}", outcome.shown());
    assert_eq!(fs::read_to_string(shims.join("greet")).unwrap(), "mine");
    for name in ["a/b", "obs", "--x", ""] {
        assert_eq!(sandbox.obs(["shim", "add", "--", name]).code, 2, "{name}");
    }
}

#[test]
fn shim_without_a_tool_ends_as_the_shell_does() {
    let sandbox = stage();
    let added = sandbox.obs(["shim", "add", "nothing"]);
    assert_eq!(added.code, 0);
    assert!(added.stderr.starts_with("obs: nothing: command not found"));
    let outcome = sandbox.script("sh", "nothing x");
    assert_eq!(
        (outcome.code, outcome.stderr.as_str()),
        (127, "nothing: command not found\n")
    );
}

#[test]
fn tool_that_calls_itself_is_not_caught_in_a_ring() {
    let sandbox = stage();
    fs::write(sandbox.path("bin/greet"), "#!/bin/sh\nexec greet\n").unwrap();
    sandbox.obs(["shim", "add", "greet"]).quiet();
    let outcome = sandbox.script("sh", "greet");
    assert_eq!(
        (outcome.code, outcome.stderr.as_str()),
        (126, "greet: runs itself again and again\n")
    );
    assert!(sandbox.records("spans").len() < 40);
}

#[test]
fn alias_is_printed_for_the_shell() {
    let sandbox = stage();
    let outcome = sandbox.obs(["shim", "alias", "backlog", "npm"]).quiet();
    assert_eq!(
        outcome.stdout,
        "alias backlog='obs backlog'\nalias npm='obs span exec -- npm'\n"
    );
}

#[test]
fn argv0_of_the_caller_is_kept() {
    let sandbox = stage();
    fs::write(sandbox.path("bin/greet.c"), "").unwrap();
    // a program that tells its argv[0]; a script's is its own path
    std::os::unix::fs::symlink("/bin/busybox", sandbox.path("bin/show")).unwrap();
    if !crate::sandbox::have("busybox") {
        return;
    }
    sandbox.obs(["shim", "add", "show"]);
    let direct = sandbox.script("bash", "exec -a -echo ../bin/show a b");
    let outcome = sandbox.script("bash", "exec -a -echo show a b");
    assert_eq!(outcome.shown(), direct.shown());
    assert_eq!(outcome.stdout, direct.stdout);
}

#[test]
fn shim_is_a_shim_by_whatever_path() {
    let sandbox = stage();
    sandbox.obs(["shim", "add", "greet"]).quiet();
    let script = "ln -s $OBS_HOME/shims other; PATH=$PWD/other:$PATH; hash -r; greet you; cd other; ./greet there";
    let outcome = sandbox.script("bash", script);
    assert_eq!(outcome.code, 7, "{}", outcome.shown());
    assert_eq!(outcome.stdout.lines().count(), 2);
    assert_eq!(sandbox.records("spans").len(), 2);
}

#[test]
fn tools_that_look_for_themselves_find_themselves() {
    if !crate::sandbox::have("gcc") || !crate::sandbox::have("python3") {
        return;
    }
    let sandbox = stage();
    sandbox.obs(["shim", "add", "gcc", "python3"]).quiet();
    let script = "echo 'int main(void){return 7;}' > h.c; gcc h.c -o h && ./h; echo $?
python3 -c 'import sys; print(sys.executable)'";
    let outcome = sandbox.script("bash", script);
    let real = sandbox
        .script("bash", "PATH=${PATH#*:} command -v python3")
        .stdout;
    assert_eq!(outcome.stdout, format!("7\n{real}"), "{}", outcome.shown());
    assert_eq!(sandbox.records("spans").len(), 2);
}

#[test]
fn obs_inside_obs_is_found() {
    let sandbox = Sandbox::new();
    sandbox
        .obs(["span", "exec", "--", "obs", "span", "exec", "--", "true"])
        .quiet();
    assert_eq!(sandbox.records("spans").len(), 2);
}
