"""Makes stubs of the CUDA libraries to link against where none is installed.

usage: make_link_stubs.py CUDARC_SOURCE_FOLDER OUTPUT_FOLDER

Every function of a stub returns an error ("no device"), so a program that was linked against them
and finds no real library at run time still says so instead of computing anything.
"""

import pathlib
import re
import subprocess
import sys

# library: (module of cudarc that declares it, file name at run time, what every function returns)
LIBRARIES = {
    "cuda": ("driver", "libcuda.so.1", 100),  # CUDA_ERROR_NO_DEVICE
    "cublas": ("cublas", "libcublas.so.13", 1),  # CUBLAS_STATUS_NOT_INITIALIZED
    "cublasLt": ("cublaslt", "libcublasLt.so.13", 1),
    "curand": ("curand", "libcurand.so.10", 203),  # CURAND_STATUS_INITIALIZATION_FAILED
    "nvrtc": ("nvrtc", "libnvrtc.so.13", 11),  # NVRTC_ERROR_INTERNAL_ERROR
}


def make_stub(source: pathlib.Path, output: pathlib.Path, library: str) -> None:
    """Compiles one stub library and the name that the linker looks for."""
    module, file_name, status = LIBRARIES[library]
    declarations = (source / "src" / module / "sys" / "mod.rs").read_text()
    functions = sorted(set(re.findall(r"(?m)^\s+fn ((?:cu|nvrtc)[A-Za-z0-9_]+)\s*\(", declarations)))
    if not functions:
        sys.exit(f"{source} declares no function of {library}: is it another version of cudarc?")
    code = "".join(f"int {name}(void) {{ return {status}; }}\n" for name in functions)
    command = ["cc", "-shared", "-fPIC", "-O1", "-w", f"-Wl,-soname,{file_name}", "-x", "c", "-"]
    subprocess.run([*command, "-o", output / file_name], input=code, text=True, check=True)
    link = output / f"lib{library}.so"
    link.unlink(missing_ok=True)
    link.symlink_to(file_name)


def main() -> None:
    """Makes every stub."""
    source, output = map(pathlib.Path, sys.argv[1:3])
    output.mkdir(parents=True, exist_ok=True)
    for library in LIBRARIES:
        make_stub(source, output, library)


if __name__ == "__main__":
    main()
