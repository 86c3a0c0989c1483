//! Decides how the library is linked: symbols of Node-API are found in the program that loads it.

fn main() {
    napi_build::setup();
}
