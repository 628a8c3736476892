//! Compiles the `.proto` files with protox: no protoc is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    #[cfg(feature = "wire")]
    {
        println!("cargo:rerun-if-changed=schema");
        let files = ["sweep/v1/types.proto", "sweep/v1/worker.proto", "sweep/v1/sweep.proto"];
        let descriptors = protox::compile(files, ["schema"])?;
        tonic_prost_build::configure().bytes(".").compile_fds(descriptors)?;
    }
    Ok(())
}
