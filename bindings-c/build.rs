//! Decides under which name the shared library is found when a program starts.

fn main() {
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libsentinelle.so.1");
    println!("cargo:rerun-if-changed=build.rs");
}
