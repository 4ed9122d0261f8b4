//! Builds the libraries that count inside a target and that keep its call paths, with the compiler that builds memcase, to be embedded.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=preload");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(memcase_preload)");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    // Its thread-local storage is written in the assembly of this one.
    let supported = variable("CARGO_CFG_TARGET_OS") == "linux"
        && variable("CARGO_CFG_TARGET_ARCH") == "x86_64"
        && variable("CARGO_CFG_TARGET_ENV") == "gnu"
        && variable("CARGO_CFG_TARGET_POINTER_WIDTH") == "64";
    if !supported {
        return;
    }
    for (root, name) in [("lib", "memcase_preload"), ("stacks", "memcase_stacks")] {
        build(root, name);
    }
    println!("cargo::rustc-cfg=memcase_preload");
}

/// Builds the library with this root.
fn build(root: &str, name: &str) {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let root = format!("preload/{root}.rs");
    let built = PathBuf::from(variable("OUT_DIR")).join(format!("lib{name}.so"));
    let mut rustc = Command::new(variable("RUSTC"));
    rustc
        .args(["--edition", "2024", "--crate-type", "cdylib"])
        .args(["--crate-name", name])
        .args(["--target", &variable("TARGET")])
        .args(["-C", "panic=abort", "-C", "opt-level=3"])
        .args([
            "-C",
            "lto=fat",
            "-C",
            "codegen-units=1",
            "-C",
            "strip=symbols",
        ])
        // The unwinder goes through the functions of the library that calls it.
        .args(["-C", "force-unwind-tables=yes"])
        .args(["-D", "warnings"])
        .arg(&root)
        .arg("-o")
        .arg(&built);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        rustc
            .arg("-C")
            .arg(format!("linker={}", linker.to_string_lossy()));
    }
    let status = rustc.status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "rustc could not build {root}, a library that is loaded into targets"
    );
}
