//! The `heapdrift` command; everything is in the library.

fn main() -> std::process::ExitCode {
    heapdrift::cli::main()
}
