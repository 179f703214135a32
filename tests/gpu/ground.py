"""The ground that a GPU check stands on: what the machine must have, the unpacked pack, tools, and the build."""
import ctypes
import fcntl
import os
import pathlib
import platform
import re
import shutil
import socket
import struct
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
GLIBC_MIN = (2, 36)  # the pack's libraries are Debian 12's
GCC_MIN = 10


class Lacking(Exception):
    """The machine cannot be checked; the text says what is missing and what to do."""


def loopback_up():
    """In a new network namespace (unshare -n) even the loopback is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            request = fcntl.ioctl(s, 0x8913, struct.pack("16sh14x", b"lo", 0))  # SIOCGIFFLAGS
            flags, = struct.unpack("16xh14x", request)
            if not flags & 1:
                fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", flags | 1))  # SIOCSIFFLAGS, IFF_UP
        except OSError as e:
            raise Lacking(f"the loopback interface is down and cannot be raised: {e}") from e


def glibc():
    name, version = platform.libc_ver()
    return tuple(map(int, version.split(".")[:2])) if name == "glibc" else (0, 0)


def compiler_problem(name):
    path = shutil.which(name)
    if not path:
        return f"no {name}: a C and C++ compiler (GCC {GCC_MIN} or later) must be installed; it cannot travel"
    version = subprocess.run([path, "-dumpversion"], capture_output=True, text=True).stdout.strip()
    if re.match(r"\d+", version) and int(version.split(".")[0]) < GCC_MIN:
        return f"{path} is version {version}; GCC {GCC_MIN} or later is needed"
    return None


def cuda_problems(torch):
    problems = []
    if not torch.version.cuda:
        problems.append(f"PyTorch {torch.__version__} is a build without CUDA: install one with CUDA, or use --device cpu")
    elif not torch.cuda.is_available():
        problems.append(f"PyTorch {torch.__version__} (CUDA {torch.version.cuda}) sees no usable GPU: is the driver loaded? nvidia-smi says more")
    if torch.version.cuda and not cuda_include(torch):
        problems.append("no cuda_runtime_api.h: CUDA's headers are needed (CUDA_HOME names the toolkit)")
    return problems


def cuda_include(torch):
    """The toolkit's folder of headers; PyTorch's wheels bring one of their own in the package nvidia."""
    site = pathlib.Path(torch.__file__).resolve().parents[1]
    places = [os.environ.get("CUDA_HOME", ""), "/usr/local/cuda", "/usr", *map(str, sorted((site / "nvidia").glob("*")))]
    for place in filter(None, places):
        if (pathlib.Path(place) / "include/cuda_runtime_api.h").exists():
            return pathlib.Path(place) / "include"
    return None


def torch_problems(torch):
    """What Debian's PyTorch leaves to other packages, and a wheel has."""
    problems, folder = [], pathlib.Path(torch.__file__).resolve().parent
    if not any((place / "ATen/ATen.h").exists() for place in (folder / "include", pathlib.Path("/usr/include"))):
        problems.append(f"PyTorch {torch.__version__} has no C++ headers: with Debian's, apt-get install libtorch-dev")
    if re.search(r"/blas/libblas\.so", pathlib.Path("/proc/self/maps").read_text()):
        problems.append(f"PyTorch {torch.__version__} computes with the reference BLAS, 60 times slower: apt-get install libopenblas0-openmp")
    return problems


def check(device, torch):
    """Raises Lacking with every reason at once."""
    problems = []
    if platform.machine() != "x86_64" or sys.platform != "linux":
        problems.append(f"this is {sys.platform} on {platform.machine()}; the pack's libraries are for Linux on x86-64")
    if glibc() < GLIBC_MIN:
        problems.append(f"the C library is {' '.join(platform.libc_ver())}; the pack's libraries need glibc 2.36 (Debian 12, Ubuntu 22.10 or later)")
    problems += filter(None, map(compiler_problem, ("cc", "c++")))
    problems += torch_problems(torch)
    if device != "cpu":
        problems += cuda_problems(torch)
    if problems:
        raise Lacking("\n".join(problems))


def unpack(pack, work):
    """The pack's prefix below `work`, with pkg-config files that say where it lies now. -> prefix/usr"""
    archive = pack / "prefix.tar.gz"
    if not archive.exists():
        raise Lacking(f"{archive} is missing: ./dev gpu-pack makes it on a Debian 12 machine; name its folder with --pack")
    usr = work / "prefix/usr"
    stamp = work / "prefix/unpacked"
    mark = f"{archive.stat().st_size} {archive.stat().st_mtime_ns} {usr}"
    if not stamp.exists() or stamp.read_text() != mark:
        shutil.rmtree(work / "prefix", ignore_errors=True)
        with tarfile.open(archive) as tar:
            tar.extractall(work / "prefix")
        for folder in ("lib/x86_64-linux-gnu/pkgconfig", "share/pkgconfig", "lib/pkgconfig"):
            for file in (usr / folder).glob("*.pc"):
                text = re.sub(r"^(\w+)=/usr(?=/|$)", lambda m: f"{m[1]}={usr}", file.read_text(), flags=re.M)
                file.write_text(text)
        stamp.write_text(mark)
    return usr


def environment(usr):
    """Variables for the build and for every step: pkg-config sees the pack's libraries and no others, and its tools stand behind
    those of the machine."""
    env = dict(os.environ)
    env["PATH"] = f"{pathlib.Path(sys.executable).parent}:{env.get('PATH', '/usr/bin:/bin')}:{usr}/bin"
    env["PKG_CONFIG"] = str(usr / "bin/pkgconf")
    env["PKG_CONFIG_LIBDIR"] = f"{usr}/lib/x86_64-linux-gnu/pkgconfig:{usr}/share/pkgconfig:{usr}/lib/pkgconfig"
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    env.pop("PKG_CONFIG_PATH", None)
    return env


def cmake(usr, env):
    """The machine's CMake where it is new enough, else the pack's."""
    for candidate in (shutil.which("cmake", path=env["PATH"]), str(usr / "bin/cmake")):
        said = candidate and subprocess.run([candidate, "--version"], capture_output=True, text=True, env=env).stdout
        version = re.search(r"version (\d+)\.(\d+)", said or "")
        if version and (int(version[1]), int(version[2])) >= (3, 25):
            return candidate
    raise Lacking("no CMake 3.25 or later, and the pack's does not run here")


def ninja(usr, env):
    for candidate in (shutil.which("ninja", path=env["PATH"]), str(usr / "bin/ninja")):
        if candidate and subprocess.run([candidate, "--version"], capture_output=True, env=env).returncode == 0:
            return candidate
    raise Lacking("no ninja, and the pack's does not run here")


def configure_command(tools, usr, build, pack, device, torch):
    lib = f"{usr}/lib/x86_64-linux-gnu"
    # DT_RPATH, not DT_RUNPATH: the libraries' own needs are looked up in it too
    link = f"-L{lib} -Wl,--disable-new-dtags -Wl,-rpath,{lib} -Wl,-rpath-link,{lib}"
    prefixes = [torch.utils.cmake_prefix_path, str(pathlib.Path(torch.__file__).parent)]
    command = [tools["cmake"], "-S", str(ROOT), "-B", str(build), "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={tools['ninja']}",
               "-DCMAKE_BUILD_TYPE=Release", "-DINSP_TESTS=ON", f"-DCMAKE_PREFIX_PATH={';'.join(prefixes)}",
               f"-DPKG_CONFIG_EXECUTABLE={usr}/bin/pkgconf", f"-DINSP_UPLOT_DIR={pack}/uplot", f"-DINSP_GPU_DEVICE={device}",
               f"-DINSP_PYTHON={sys.executable}", f"-DCMAKE_EXE_LINKER_FLAGS={link}", f"-DCMAKE_SHARED_LINKER_FLAGS={link}",
               f"-DCMAKE_C_FLAGS=-isystem {usr}/include"]
    include = cuda_include(torch) if torch.version.cuda else None
    return command + ([f"-DINSP_CUDA_INCLUDE={include}"] if include else [])


def card(torch, device):
    """What the figures were measured on."""
    if device == "cpu":
        model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
        return f"{model[1] if model else 'CPU'}, {len(os.sched_getaffinity(0))} cores (rehearsal, no GPU)"
    index = int(device.partition(":")[2] or 0)
    properties = torch.cuda.get_device_properties(index)
    driver = ctypes.c_int()
    try:
        ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(driver))
    except OSError:
        pass
    return (f"{properties.name}, compute capability {properties.major}.{properties.minor}, {properties.total_memory >> 20} MiB, "
            f"driver for CUDA {driver.value // 1000}.{driver.value % 1000 // 10}, {len(os.sched_getaffinity(0))} cores")
