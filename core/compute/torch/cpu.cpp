/* core/compute/torch/cpu.cpp - the back end of libtorch's operators on the CPU: the reference of benches and
 * parity tests, and the only back end for a processor without AVX2. */
#include "core/compute/torch/torch.hpp"

#include <dlfcn.h>

#include <cstdlib>

namespace insp_torch {

/* Images in one pass through the layers. The first layers hold 2 x 12.8 MB per image; larger batches are no
 * faster. */
constexpr size_t kChunk = 8;

/* Returns the file that defines sgemm_, links resolved; empty if no BLAS is loaded by name (PyTorch's own
 * libtorch). */
static std::string blas_file() {
    Dl_info info;
    void *sgemm = dlsym(RTLD_DEFAULT, "sgemm_");
    if (!sgemm || !dladdr(sgemm, &info) || !info.dli_fname)
        return {};
    std::unique_ptr<char, decltype(&std::free)> real(realpath(info.dli_fname, nullptr), &std::free);
    return real ? real.get() : info.dli_fname;
}

/* Refuses the reference BLAS. Debian picks the BLAS by update-alternatives, and this one makes a training step
 * 60 times slower: too slow to serve, so it is an error and not a warning. Its file is
 * <libdir>/blas/libblas.so.3*. */
void refuse_reference_blas() {
    std::string file = blas_file();
    if (file.find("/blas/libblas.so") != std::string::npos)
        fail(INSP_E_DEVICE, "libtorch would run on the reference BLAS (" + file +
                                "), 60 times slower than OpenBLAS: apt-get install libopenblas0-openmp");
}

static int memory(insp_device *device, insp_device_usage *ret, insp_error *reterr) {
    (void)device;
    (void)reterr;
    *ret = insp_device_usage{}; /* it has no separate memory */
    return 0;
}

static insp_device_ops make_ops() {
    insp_device_ops ops{};
    fill_network_ops(ops);
    fill_training_ops(ops);
    ops.close = close_device;
    ops.memory = memory;
    return ops;
}

std::unique_ptr<Device> open_cpu(unsigned threads) {
    static const insp_device_ops ops = make_ops();
    auto device = std::make_unique<Device>();
    device->ops = &ops;
    device->chunk = kChunk;
    device->threads = threads;
    device->say("cpu", "cpu, " + std::to_string(threads) + (threads == 1 ? " thread" : " threads") +
                           ", libtorch kernels");
    snprintf(device->arithmetic, sizeof device->arithmetic, "libtorch " TORCH_VERSION " threads %u", threads);
    return device;
}

} // namespace insp_torch
