//! Decides under which name the shared library is found when a program starts, and that it stays until the program ends.

fn main() {
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libsentinelle.so.1");
    // PHP unloads the libraries of a request at its end; the threads of this one go on.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo:rerun-if-changed=build.rs");
}
