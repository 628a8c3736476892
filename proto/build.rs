//! Compiles the `.proto` files with protox: no protoc is needed.

#[cfg(feature = "wire")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=schema");
    let files =
        ["sweep/v1/types.proto", "sweep/v1/worker.proto", "sweep/v1/sweep.proto", "sweep/v1/access.proto"];
    let descriptors = protox::compile(files, ["schema"])?;
    tonic_prost_build::configure().bytes(".").compile_fds(descriptors)?;
    Ok(())
}

#[cfg(not(feature = "wire"))]
fn main() {}
