/* core/compute/torch/cuda.cpp - the back end of libtorch on CUDA. */
#include "core/compute/torch/torch.hpp"

#ifdef INSP_TORCH_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <cuda_runtime_api.h>
#endif

namespace insp_torch {

#ifdef INSP_TORCH_CUDA
constexpr size_t kChunk = 64;

static bool computes(const at::Device &where) {
    at::Tensor ones = at::ones({8}, at::TensorOptions().device(where));
    return ones.sum().item<float>() == 8.0F;
}

std::string cuda_problem(int index) {
    try {
        int count = c10::cuda::device_count_ensure_non_zero(); /* throws with the driver's message */
        if (index >= count)
            return "this machine has " + std::to_string(count) + " CUDA device(s), counted from 0";
        return computes(at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index))) ? ""
                                                                                     : "it computes a wrong sum";
    } catch (const c10::Error &e) {
        return e.what_without_backtrace();
    }
}

static int probe(insp_device *device, insp_error *reterr) {
    return guard(reterr, [&] {
        if (!computes(device_of(device).where))
            fail(INSP_E_DEVICE, std::string(device->name) + " computes a wrong sum");
    });
}

static int memory(insp_device *device, insp_device_usage *ret, insp_error *reterr) {
    return guard(reterr, [&] {
        const at::Device where = device_of(device).where;
        c10::cuda::CUDAGuard here(where);
        auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(where.index());
        size_t free_bytes = 0, total_bytes = 0;
        if (cudaMemGetInfo(&free_bytes, &total_bytes) != cudaSuccess)
            fail(INSP_E_DEVICE, std::string(device->name) + ": CUDA does not report its memory");
        ret->allocated_bytes = static_cast<uint64_t>(stats.allocated_bytes[0].current); /* 0: all pools */
        ret->reserved_bytes = static_cast<uint64_t>(stats.reserved_bytes[0].current);
        ret->free_bytes = free_bytes;
        ret->total_bytes = total_bytes;
    });
}

static insp_device_ops make_ops() {
    insp_device_ops ops{};
    fill_network_ops(ops);
    fill_training_ops(ops);
    ops.close = close_device;
    ops.memory = memory;
    ops.probe = probe;
    return ops;
}

/* Sets cuDNN's process-wide switches for training; its backward pass has no other way. Scoring passes ignore
 * them (conv_relu). */
static void set_process_switches(bool deterministic) {
    at::globalContext().setBenchmarkCuDNN(false);
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowTF32CuBLAS(false);
    if (deterministic)
        at::globalContext().setDeterministicCuDNN(true);
}

std::unique_ptr<Device> open_cuda(int index, unsigned threads, bool deterministic) {
    static const insp_device_ops ops = make_ops();
    auto device = std::make_unique<Device>();
    const cudaDeviceProp *properties = at::cuda::getDeviceProperties(static_cast<c10::DeviceIndex>(index));
    device->ops = &ops;
    device->chunk = kChunk;
    device->cuda = true;
    device->where = at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
    device->threads = threads;
    device->deterministic = deterministic;
    device->compute = properties->major >= 8 ? at::kBFloat16 : at::kHalf;
    const std::string name = "cuda:" + std::to_string(index);
    device->say(name, name + " (" + properties->name + "), " +
                          (device->compute == at::kBFloat16 ? "bfloat16" : "float16"));
    snprintf(device->arithmetic, sizeof device->arithmetic, "cuda %s %s libtorch " TORCH_VERSION, properties->name,
             device->compute == at::kBFloat16 ? "bfloat16" : "float16");
    set_process_switches(deterministic);
    return device;
}

#else

std::string cuda_problem(int index) {
    (void)index;
    return "inspectd was built with libtorch " TORCH_VERSION " for CPU only";
}

std::unique_ptr<Device> open_cuda(int index, unsigned threads, bool deterministic) {
    (void)threads;
    (void)deterministic;
    fail(INSP_E_DEVICE, cuda_problem(index));
}

#endif

} // namespace insp_torch
