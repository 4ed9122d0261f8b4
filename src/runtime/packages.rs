//! How each language's own package manager fills an environment.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{fs, io};

use super::environments::{Recipe, ensure, hold};
use super::prepare::Context;
use super::{PrepareError, find, tool};

const INSTALL_LIMIT: Duration = Duration::from_mins(30);
/// Writes down how cargo calls rustc for the program itself, then does so.
const WRAPPER: &str = "#!/bin/sh
case \"$*\" in
*'--crate-name memcase_case '*) printf '%s\\n' \"$@\" > \"$MEMCASE_ARGUMENTS\" ;;
esac
exec \"$@\"
";

/// A virtual environment with Python packages, by `uv` or else `venv` and `pip`; its
/// interpreter.
pub(super) fn python(
    context: &Context,
    requires: &[String],
    interpreter: &Path,
    version: &str,
) -> Result<PathBuf, PrepareError> {
    let runtime = format!("{} {version}", interpreter.display());
    let is_local = |each: &str| each.starts_with(['.', '/', '-']) || each.contains("file:");
    let recipe = Recipe::new("python", requires, runtime, &context.folder, is_local);
    let uv = find::program("uv", &context.folder);
    let folder = ensure(&recipe, context.progress, |folder| {
        let own = folder.join("bin/python");
        let (mut create, mut install);
        if let Some(uv) = &uv {
            create = Command::new(uv);
            create.args(["venv", "--quiet", "--allow-existing", "--python"]);
            create.arg(interpreter).arg(folder);
            install = Command::new(uv);
            install
                .args(["pip", "install", "--quiet", "--python"])
                .arg(&own);
        } else {
            create = Command::new(interpreter);
            create.args(["-m", "venv"]).arg(folder);
            install = Command::new(&own);
            install.args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ]);
        }
        let what = format!("making a virtual environment of {}", interpreter.display());
        tool::run(&what, &mut create, INSTALL_LIMIT)?;
        for each in &recipe.requires {
            if each.starts_with('-') {
                install.args(each.split_whitespace());
            } else {
                install.arg(each);
            }
        }
        install.current_dir(&context.folder);
        let what = format!("pip install {}", recipe.requires.join(" "));
        tool::run(&what, &mut install, INSTALL_LIMIT).map(drop)
    })?;
    Ok(folder.join("bin/python"))
}

/// A folder with `node_modules`, by npm.
pub(super) fn node(
    context: &Context,
    requires: &[String],
    interpreter: &Path,
    version: &str,
) -> Result<PathBuf, PrepareError> {
    let runtime = format!("Node.js {version}");
    let is_local = |each: &str| each.starts_with(['.', '/']) || each.contains("file:");
    let recipe = Recipe::new("node", requires, runtime, &context.folder, is_local);
    let beside = interpreter.with_file_name("npm");
    let npm = find::is_program(&beside)
        .then_some(beside)
        .or_else(|| find::program("npm", &context.folder))
        .ok_or_else(|| PrepareError::Missing {
            language: "Node",
            program: "npm".to_owned(),
            remedy: "install npm, or leave out `requires`".to_owned(),
        })?;
    ensure(&recipe, context.progress, |folder| {
        write(&folder.join("package.json"), "{ \"private\": true }\n")?;
        let mut install = Command::new(&npm);
        install.args(["install", "--no-audit", "--no-fund", "--loglevel=error"]);
        for each in &recipe.requires {
            if each.starts_with('.') {
                install.arg(context.folder.join(each));
            } else {
                install.arg(each);
            }
        }
        install.current_dir(folder);
        let what = format!("npm install {}", recipe.requires.join(" "));
        tool::run(&what, &mut install, INSTALL_LIMIT).map(drop)
    })
}

/// Crates compiled by cargo; the arguments with which rustc finds them.
pub(super) fn rust(
    context: &Context,
    requires: &[String],
    compiler: &Path,
    version: &str,
) -> Result<Vec<String>, PrepareError> {
    let is_local = |each: &str| path_value(each).is_some();
    let runtime = version.to_owned();
    let recipe = Recipe::new("rust", requires, runtime, &context.folder, is_local);
    let cargo = find::program("cargo", &context.folder).ok_or_else(|| PrepareError::Missing {
        language: "Rust",
        program: "cargo".to_owned(),
        remedy: "install cargo, or leave out `requires`".to_owned(),
    })?;
    let lines: Vec<_> = recipe
        .requires
        .iter()
        .map(|each| dependency(each, &context.folder))
        .collect();
    let build = |folder: &Path| {
        let mut command = Command::new(&cargo);
        command
            .args(["build", "--quiet", "--manifest-path"])
            .arg(folder.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(folder.join("target"))
            .current_dir(folder)
            .env("RUSTC", compiler)
            .env("RUSTC_WORKSPACE_WRAPPER", folder.join("wrapper"))
            .env("MEMCASE_ARGUMENTS", folder.join("arguments"));
        let what = format!("cargo build with {}", recipe.requires.join(", "));
        tool::run(&what, &mut command, INSTALL_LIMIT).map(drop)
    };
    let mut fresh = false;
    let folder = ensure(&recipe, context.progress, |folder| {
        let manifest = format!(
            "[package]\nname = \"memcase-case\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
             [workspace]\n\n[profile.dev.package.\"*\"]\nopt-level = 3\n\n\
             [dependencies]\n{}\n",
            lines.join("\n")
        );
        write(&folder.join("Cargo.toml"), &manifest)?;
        fs::create_dir(folder.join("src")).map_err(|error| failed(folder, error))?;
        write(&folder.join("src/main.rs"), "fn main() {}\n")?;
        // Another process writes the file that is executed: one that is forked here at
        // that time would hold it open, and it could not be executed ("text file busy").
        write(&folder.join("wrapper.sh"), WRAPPER)?;
        let mut copy = Command::new("sh");
        copy.args(["-c", "cp wrapper.sh wrapper && chmod 755 wrapper"]);
        tool::run("preparing cargo", copy.current_dir(folder), INSTALL_LIMIT)?;
        fresh = true;
        build(folder)
    })?;
    if !fresh && !recipe.folder.is_empty() {
        // A crate beside the case may have changed since.
        let _lock = hold(&folder)?;
        build(&folder)?;
    }
    let arguments = context.read(&folder.join("arguments"))?;
    Ok(search_arguments(&arguments))
}

/// Of rustc's arguments, a line each, those that say where crates and libraries are.
fn search_arguments(lines: &str) -> Vec<String> {
    let mut kept = Vec::new();
    let mut lines = lines.lines();
    while let Some(flag) = lines.next() {
        if matches!(flag, "--extern" | "-L" | "-l") {
            kept.push(flag.to_owned());
            kept.extend(lines.next().map(str::to_owned));
        }
    }
    kept
}

/// An entry of `requires` as a line of `[dependencies]`: `name@1.2`, `name` or the line
/// itself, with a relative path made one from the case's folder.
fn dependency(entry: &str, folder: &Path) -> String {
    if let Some(path) = path_value(entry) {
        let absolute = folder.join(path);
        let quoted = format!("\"{}\"", absolute.display());
        return entry.replacen(&format!("\"{path}\""), &quoted, 1);
    }
    if entry.contains('=') && !entry.contains('@') {
        return entry.to_owned();
    }
    let (name, version) = entry.split_once('@').unwrap_or((entry, "*"));
    format!("{name} = \"{version}\"")
}

/// The path of a dependency that is a crate on this machine.
fn path_value(entry: &str) -> Option<&str> {
    let (_, after) = entry.split_once("path")?;
    let after = after.trim_start().strip_prefix('=')?.trim_start();
    after.strip_prefix('"')?.split('"').next()
}

fn write(path: &Path, text: &str) -> Result<(), PrepareError> {
    fs::write(path, text).map_err(|error| failed(path, error))
}

fn failed(path: &Path, error: io::Error) -> PrepareError {
    PrepareError::Io {
        what: format!("writing {}", path.display()),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_packages_may_be_named_in_three_ways() {
        let folder = Path::new("/cases");
        for (entry, line) in [
            ("bumpalo@3.16", "bumpalo = \"3.16\""),
            ("bumpalo@=3.16.0", "bumpalo = \"=3.16.0\""),
            ("bumpalo", "bumpalo = \"*\""),
            (
                "a = { version = \"1\", features = [\"b\"] }",
                "a = { version = \"1\", features = [\"b\"] }",
            ),
            ("a = { path = \"../a\" }", "a = { path = \"/cases/../a\" }"),
        ] {
            assert_eq!(dependency(entry, folder), line);
        }
    }

    #[test]
    fn only_places_are_taken_from_the_arguments_of_rustc() {
        let lines =
            "rustc\n--crate-name\nx\n-C\nopt-level=3\n-L\ndependency=/d\n--extern\na=/d/a.rlib\n";
        assert_eq!(
            search_arguments(lines),
            ["-L", "dependency=/d", "--extern", "a=/d/a.rlib"]
        );
    }
}
