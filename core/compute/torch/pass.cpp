/* core/compute/torch/pass.cpp - turn failures of libtorch into error codes, and set up the calling thread for
 * one call. */
#include "core/compute/torch/torch.hpp"

#include <algorithm>
#include <cstring>

namespace insp_torch {

void fail(int code, const std::string &text) {
    Failure failure{};
    insp_fail(&failure.error, code, "%s", text.c_str());
    throw failure;
}

/* libtorch has no error class for a failed allocation on the CPU nor for CUDA's errors; only these texts identify
 * them. */
bool is_out_of_memory(const c10::Error &e) {
    const char *text = e.what_without_backtrace();
    return dynamic_cast<const c10::OutOfMemoryError *>(&e) || std::strstr(text, "DefaultCPUAllocator") ||
           std::strstr(text, "out of memory") || std::strstr(text, "CUDNN_STATUS_ALLOC_FAILED");
}

int fail_torch(insp_error *reterr, const c10::Error &e) {
    const char *text = e.what_without_backtrace();
    bool memory = is_out_of_memory(e);
    bool device = std::strstr(text, "CUDA") || std::strstr(text, "cuDNN") || std::strstr(text, "CUDNN");
    return insp_fail(reterr,
                     memory   ? INSP_E_NOMEM
                     : device ? INSP_E_DEVICE
                              : INSP_E_INTERNAL,
                     "libtorch: %s", text);
}

void Device::say(const std::string &device_name, const std::string &text) {
    snprintf(name, sizeof name, "%s", device_name.c_str());
    snprintf(description, sizeof description, "%s", text.c_str());
}

std::vector<int64_t> Device::ladder() const {
    std::vector<int64_t> sizes;
    const size_t most = __atomic_load_n(&chunk, __ATOMIC_RELAXED); /* loading a trunk may lower it meanwhile */
    for (size_t n = 1; cuda && n < most; n *= 2)
        sizes.push_back(static_cast<int64_t>(n));
    if (cuda)
        sizes.push_back(static_cast<int64_t>(most));
    return sizes;
}

int64_t Device::padded(int64_t n) const {
    for (int64_t size : ladder())
        if (size >= n)
            return size;
    return n;
}

void close_device(insp_device *device) {
    delete &device_of(device);
}

at::Tensor view(const float *data, at::IntArrayRef sizes) {
    return at::from_blob(const_cast<float *>(data), sizes, at::kFloat);
}

/* libtorch keeps the thread count per calling thread (OpenMP's nthreads-var), so each call sets it and the
 * inference thread and a training thread do not affect each other. */
static void use_threads(unsigned threads) {
    if (at::get_num_threads() != static_cast<int>(threads))
        at::set_num_threads(static_cast<int>(threads));
}

Pass::Pass(Device &device, Kind kind) : device_(device) {
    {
        std::lock_guard<std::mutex> hold(device.lock);
        if (!device.idle.empty()) {
            workspace_ = std::move(device.idle.back());
            device.idle.pop_back();
        }
    }
    if (!workspace_)
        workspace_ = std::make_unique<Workspace>();
    use_threads(device.threads);
    if (device.cuda)
        enter_stream(kind);
}

Pass::~Pass() {
    try {
        wait(); /* after a failure, copies from its pinned memory may still be in progress */
        std::lock_guard<std::mutex> hold(device_.lock);
        device_.idle.push_back(std::move(workspace_));
    } catch (...) { /* the device is broken, or there is no memory to keep the workspace: free it */
    }
}

void Pass::enter_stream(Kind kind) {
#ifdef INSP_TORCH_CUDA
    auto &stream = kind == kScore ? workspace_->score_stream : workspace_->train_stream;
    if (!stream)
        stream = c10::cuda::getStreamFromPool(/*isHighPriority=*/kind == kScore, device_.where.index());
    guard_.emplace(*stream);
#else
    (void)kind;
#endif
}

void Pass::wait() {
#ifdef INSP_TORCH_CUDA
    if (guard_)
        guard_->current_stream().synchronize();
#endif
}

static at::Tensor pinned(at::Tensor &buffer, int64_t floats) {
    c10::InferenceMode ordinary(
        false); /* training, which runs outside of InferenceMode, writes to this buffer too */
    if (!buffer.defined() || buffer.numel() < floats)
        buffer = at::empty({floats}, at::TensorOptions().dtype(at::kFloat).pinned_memory(true));
    return buffer.narrow(0, 0, floats);
}

at::Tensor Pass::upload(const float *data, at::IntArrayRef sizes) {
    at::Tensor source = view(data, sizes);
    if (!device_.cuda)
        return source;
    at::Tensor staging = pinned(workspace_->upload, source.numel());
    std::memcpy(staging.data_ptr(), data, source.nbytes());
    return staging.view(sizes).to(device_.where, at::kFloat, /*non_blocking=*/true);
}

/* [n,1,1,3] of one of the transforms' fields, on the device. */
static at::Tensor per_channel(const std::vector<float> &values, const at::Device &where) {
    return at::tensor(values, at::kFloat).view({-1, 1, 1, 3}).to(where);
}

at::Tensor Pass::upload_pictures(const insp_picture *pictures, size_t n) {
    constexpr int64_t bytes = INSP_INPUT_FLOATS; /* of one picture */
    const int64_t images = static_cast<int64_t>(n);
    at::Tensor &ring = workspace_->bytes;
    if (!ring.defined() || ring.size(0) < images)
        ring = at::empty({images, bytes}, at::TensorOptions().dtype(at::kByte).pinned_memory(true));
    std::vector<float> scale, mean, std;
    std::vector<int64_t> bgr;
    for (size_t i = 0; i < n; i++) {
        const insp_transform &input = *pictures[i].input;
        std::memcpy(ring[static_cast<int64_t>(i)].data_ptr(), pictures[i].rgb, bytes);
        scale.insert(scale.end(), 3, input.scale);
        mean.insert(mean.end(), input.mean, input.mean + 3);
        std.insert(std.end(), input.std, input.std + 3);
        bgr.push_back(input.bgr);
    }
    at::Tensor x = ring.narrow(0, 0, images).to(device_.where, /*non_blocking=*/true);
    x = x.view({images, INSP_INPUT_SIDE, INSP_INPUT_SIDE, 3});
    if (std::find(bgr.begin(), bgr.end(), 1) != bgr.end())
        x = at::where(at::tensor(bgr, at::kLong).to(device_.where).view({-1, 1, 1, 1}).ne(0), x.flip({3}), x);
    x = x.to(at::kFloat)
            .mul_(per_channel(scale, device_.where))
            .sub_(per_channel(mean, device_.where))
            .div_(per_channel(std, device_.where));
    return x.permute({0, 3, 1, 2});
}

void Pass::download(const at::Tensor &from, float *to) {
    at::Tensor source = from.to(at::kFloat).contiguous();
    at::Tensor host = source;
    if (device_.cuda) {
        host = pinned(workspace_->download, source.numel());
        host.copy_(source.view({-1}), /*non_blocking=*/true);
        wait();
    }
    std::memcpy(to, host.data_ptr(), host.nbytes());
}

} // namespace insp_torch
