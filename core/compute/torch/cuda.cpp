/* core/compute/torch/cuda.cpp - the back end of libtorch on CUDA. */
#include "core/compute/torch/torch.hpp"

#ifdef INSP_TORCH_CUDA
#include "core/base/log.h"

#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <limits>
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
    fill_picture_ops(ops);
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

/* Returns why cuDNN's fused call cannot be used; empty if it answers as its parts do. NaN is written first to the
 * memory that its result will get: some versions add 0 times the old content, which must not be used. */
static std::string fused_problem(const Device &device, at::ScalarType type) {
    const at::TensorOptions options = at::TensorOptions().dtype(type).device(device.where);
    const std::vector<int64_t> sizes{2, 64, 16, 16};
    auto wave = [&](at::IntArrayRef of, double step) {
        at::Tensor flat = at::zeros(of, options.dtype(at::kFloat)).flatten();
        flat = at::sin(at::arange(flat.numel(), flat.options()) * step);
        return flat.view(of).to(type).contiguous(at::MemoryFormat::ChannelsLast);
    };
    at::Tensor x = wave(sizes, 0.37);
    Conv conv{wave({64, 64, 3, 3}, 0.71) * 0.05, at::linspace(-1, 1, 64, options.dtype(at::kFloat)).to(type)};
    try {
        for (int i = 0; i < 3; i++) {
            at::full(sizes, std::numeric_limits<double>::quiet_NaN(), options);
            at::Tensor one = at::cudnn_convolution_relu(x, conv.weight, conv.bias, {1, 1}, {1, 1}, {1, 1}, 1);
            at::Tensor parts = conv_relu(device, x, conv); /* device.fused is false still */
            at::Tensor apart = (one.to(at::kFloat) - parts.to(at::kFloat)).abs().max();
            if (!(apart.item<float>() <= 0.05F * parts.abs().max().item<float>()))
                return "its result is not that of convolution, bias and ReLU";
        }
    } catch (const c10::Error &e) {
        return e.what_without_backtrace();
    }
    return "";
}

static void try_fused(Device &device) {
    if (device.deterministic) /* the fused call takes no such wish */
        return;
    c10::InferenceMode inference;
    Pass pass(device, Pass::kScore);
    std::string problem = fused_problem(device, at::kHalf);
    if (problem.empty() && device.bfloat16)
        problem = fused_problem(device, at::kBFloat16);
    device.fused = problem.empty();
    char quoted[INSP_LOG_TEXT_BYTES];
    if (!device.fused)
        insp_log_warning("cuDNN's fused convolution is not used device=%s detail=%s", device.name,
                         insp_log_quoted(quoted, problem.c_str()));
}

std::unique_ptr<Device> open_cuda(int index, const insp_device_config &config) {
    static const insp_device_ops ops = make_ops();
    auto device = std::make_unique<Device>();
    const cudaDeviceProp *properties = at::cuda::getDeviceProperties(static_cast<c10::DeviceIndex>(index));
    device->ops = &ops;
    device->chunk = config.batch_max ? std::min(config.batch_max, kChunk) : kChunk;
    device->cuda = true;
    device->where = at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
    device->threads = 1; /* libtorch computes nothing on the CPU here */
    device->deterministic = config.deterministic;
    device->bfloat16 = properties->major >= 8;
    const std::string name = "cuda:" + std::to_string(index);
    device->say(name, name + " (" + properties->name + ")");
    set_process_switches(config.deterministic);
    try_fused(*device);
    /* The type is chosen by trunk and card, so they name it. */
    snprintf(device->arithmetic, sizeof device->arithmetic, "cuda %s type by error%s libtorch " TORCH_VERSION,
             properties->name, device->fused ? " fused" : "");
    return device;
}

#else

std::string cuda_problem(int index) {
    (void)index;
    return "inspectd was built with libtorch " TORCH_VERSION " for CPU only";
}

std::unique_ptr<Device> open_cuda(int index, const insp_device_config &config) {
    (void)config;
    fail(INSP_E_DEVICE, cuda_problem(index));
}

#endif

} // namespace insp_torch
