//! The `memcase` program: hands over to `cli` and returns its exit code.

fn main() -> std::process::ExitCode {
    memcase::cli::main()
}
