/* core/compute/torch_shim.cpp - the one C++ file: libtorch behind torch_shim.h.
 *
 * Order: failures and the exception wall; threads and the BLAS; devices; passes (what one call sets up on its
 * thread and takes back); trunk and tail; scoring; training. Compiles against libtorch 1.13 and 2.x, with CUDA
 * where INSP_TORCH_CUDA is defined (cmake/InspTorch.cmake).
 *
 * Numbers: on the CPU all is float32. On CUDA convolutions run in bfloat16 (compute capability 8 and above) or
 * float16, channels last, with float32 accumulation; the head, the softmax and the map are float32. Training is
 * float32. */
#include "core/compute/torch_shim.h"

#include "core/compute/conv_cpu.h"
#include "core/compute/train_cpu.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <torch/version.h>
#ifdef INSP_TORCH_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#endif

#include <dlfcn.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace {

constexpr unsigned kThreadsMax = 1024;
constexpr size_t kResultFloats = 1 + INSP_MAP_FLOATS; /* per image: probability, then the map */
/* Images in one pass through the layers. The first layers hold 2 x 12.8 MB per image in float32; beyond these
 * counts nothing becomes faster. */
constexpr size_t kChunkCpu = 8, kChunkCuda = 64;

/* --- failures --- */

struct Failure {
    insp_error error;
};

[[noreturn]] void fail(int code, const std::string &text) {
    Failure failure{};
    insp_fail(&failure.error, code, "%s", text.c_str());
    throw failure;
}

/* Turns the answer of a C function of ours into an exception. */
void check(int r, const insp_error &error) {
    if (r < 0)
        throw Failure{error};
}

int fail_torch(insp_error *reterr, const c10::Error &e) {
    /* libtorch has no error class for a failed allocation on the CPU nor for CUDA's errors, only these texts. */
    const char *text = e.what_without_backtrace();
    bool memory = dynamic_cast<const c10::OutOfMemoryError *>(&e) || std::strstr(text, "DefaultCPUAllocator");
    bool device = std::strstr(text, "CUDA") || std::strstr(text, "cuDNN") || std::strstr(text, "CUDNN");
    return insp_fail(reterr,
                     memory   ? INSP_E_NOMEM
                     : device ? INSP_E_DEVICE
                              : INSP_E_INTERNAL,
                     "libtorch: %s", text);
}

/* The exception wall: every extern "C" function that can fail runs its body in here. */
template <typename Body> int guard(insp_error *reterr, Body &&body) noexcept {
    try {
        body();
        return 0;
    } catch (const Failure &failure) {
        if (reterr)
            *reterr = failure.error;
        return failure.error.code;
    } catch (const c10::Error &e) {
        return fail_torch(reterr, e);
    } catch (const std::bad_alloc &) {
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the network's pass");
    } catch (const std::exception &e) {
        return insp_fail(reterr, INSP_E_INTERNAL, "%s", e.what());
    } catch (...) {
        return insp_fail(reterr, INSP_E_INTERNAL, "an exception of unknown type in libtorch");
    }
}

/* --- threads and the BLAS --- */

unsigned usable_processors() {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
    return 1;
}

/* libtorch keeps the count per calling thread (OpenMP's nthreads-var), so each call sets its own and the inference
 * thread and a training thread do not disturb each other. */
void use_threads(unsigned threads) {
    if (at::get_num_threads() != static_cast<int>(threads))
        at::set_num_threads(static_cast<int>(threads));
}

/* The file that sgemm_ comes from, links resolved; empty where no BLAS is loaded by name (PyTorch's own libtorch).
 */
std::string blas_file() {
    Dl_info info;
    void *sgemm = dlsym(RTLD_DEFAULT, "sgemm_");
    if (!sgemm || !dladdr(sgemm, &info) || !info.dli_fname)
        return {};
    std::unique_ptr<char, decltype(&std::free)> real(realpath(info.dli_fname, nullptr), &std::free);
    return real ? real.get() : info.dli_fname;
}

/* Debian picks the BLAS by update-alternatives, and the reference BLAS makes a training step 60 times slower: too
 * slow to serve, so it is an error and not a warning. Its file is <libdir>/blas/libblas.so.3*. */
void refuse_reference_blas() {
    std::string file = blas_file();
    if (file.find("/blas/libblas.so") != std::string::npos)
        fail(INSP_E_DEVICE, "libtorch would run on the reference BLAS (" + file +
                                "), 60 times slower than OpenBLAS: apt-get install libopenblas0-openmp");
}

/* --- devices --- */

/* Scratch of one pass. A device keeps those that are not in use, so that buffers are made once per calling thread.
 */
struct Workspace {
    insp_cpu_workspace *packed = nullptr;
    at::Tensor upload, download; /* pinned; CUDA only */
#ifdef INSP_TORCH_CUDA
    /* One stream of each kind, kept: the allocator's memory belongs to the stream that asked for it. */
    std::optional<c10::cuda::CUDAStream> score_stream, train_stream;
#endif
    Workspace() = default;
    Workspace(const Workspace &) = delete;
    Workspace &operator=(const Workspace &) = delete;
    ~Workspace() {
        insp_cpu_workspace_free(packed);
    }
};

} // namespace

struct insp_device {
    at::Device device{at::kCPU};
    at::ScalarType compute = at::kFloat; /* of the convolutions when scoring */
    bool packed = false;                 /* conv_cpu.h scores, train_cpu.h trains */
    bool deterministic = false;
    unsigned threads = 1;
    std::string name = "cpu", description, arithmetic;
    std::mutex lock; /* of idle */
    std::vector<std::unique_ptr<Workspace>> idle;

    bool cuda() const {
        return device.is_cuda();
    }
    size_t chunk() const {
        return cuda() ? kChunkCuda : kChunkCpu;
    }
};

namespace {

/* "cpu" -> -1, "cuda" -> 0, "cuda:N" -> N; anything else fails. */
int parse_device(const std::string &name) {
    if (name == "cpu")
        return -1;
    if (name == "cuda")
        return 0;
    std::string number = name.rfind("cuda:", 0) == 0 ? name.substr(5) : "";
    if (number.empty() || number.size() > 3 || number.find_first_not_of("0123456789") != std::string::npos)
        fail(INSP_E_DEVICE, "device \"" + name + "\" is none of auto, cpu, cuda, cuda:N");
    return std::stoi(number);
}

/* Why cuda:index cannot be used; empty where a small computation on it succeeds. */
std::string cuda_problem(int index) {
#ifdef INSP_TORCH_CUDA
    try {
        int count = c10::cuda::device_count_ensure_non_zero(); /* throws and says what the driver said */
        if (index >= count)
            return "this machine has " + std::to_string(count) + " CUDA device(s), counted from 0";
        at::Device device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
        at::Tensor ones = at::ones({8}, at::TensorOptions().device(device));
        return ones.sum().item<float>() == 8.0F ? "" : "it computes a wrong sum";
    } catch (const c10::Error &e) {
        return e.what_without_backtrace();
    }
#else
    (void)index;
    return "inspectd was built with libtorch " TORCH_VERSION " for CPU only";
#endif
}

void choose_engine(insp_device &device, insp_cpu_engine engine) {
    if (engine == INSP_CPU_PACKED && !insp_cpu_supported())
        fail(INSP_E_DEVICE, "the packed kernels do not support this processor");
    device.packed = engine == INSP_CPU_PACKED || (engine == INSP_CPU_AUTO && insp_cpu_supported());
}

#ifdef INSP_TORCH_CUDA
/* cuDNN's switches belong to the process. Once a device asked for determinism it stays on. */
void set_cudnn_mode(bool deterministic) {
    static std::atomic<bool> must_be_deterministic{false};
    if (deterministic)
        must_be_deterministic = true;
    at::globalContext().setDeterministicCuDNN(must_be_deterministic);
    at::globalContext().setBenchmarkCuDNN(!must_be_deterministic);
}

void use_cuda(insp_device &device, int index) {
    device.device = at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
    device.name = "cuda:" + std::to_string(index);
    const cudaDeviceProp *properties = at::cuda::getDeviceProperties(static_cast<c10::DeviceIndex>(index));
    device.compute = properties->major >= 8 ? at::kBFloat16 : at::kHalf;
    device.description = device.name + " (" + properties->name + "), " +
                         (device.compute == at::kBFloat16 ? "bfloat16" : "float16") + ", libtorch " TORCH_VERSION;
    device.arithmetic = std::string("cuda ") + properties->name + (device.compute == at::kBFloat16 ? " bfloat16" : " float16") +
                        " libtorch " TORCH_VERSION;
    set_cudnn_mode(device.deterministic);
}
#endif

void use_cpu(insp_device &device, insp_cpu_engine engine) {
    refuse_reference_blas();
    choose_engine(device, engine);
    device.description =
        "cpu, " + std::to_string(device.threads) + (device.threads == 1 ? " thread, " : " threads, ") +
        (device.packed ? std::string("packed kernels (") + insp_cpu_kernel() + ")" : "libtorch kernels") +
        ", libtorch " TORCH_VERSION;
    device.arithmetic = device.packed ? std::string("packed ") + insp_cpu_kernel()
                                      : "libtorch " TORCH_VERSION " threads " + std::to_string(device.threads);
}

std::unique_ptr<insp_device> open_device(const insp_device_config &config) {
    auto device = std::make_unique<insp_device>();
    std::string name = config.name ? config.name : "";
    if (config.threads > kThreadsMax)
        fail(INSP_E_PARAMETER, "more than " + std::to_string(kThreadsMax) + " threads asked for");
    device->threads = config.threads ? config.threads : usable_processors();
    device->deterministic = config.deterministic;

    int index = name == "auto" ? 0 : parse_device(name);
    std::string problem = index >= 0 ? cuda_problem(index) : "";
    if (index >= 0 && name != "auto" && !problem.empty())
        fail(INSP_E_DEVICE, "device " + name + " cannot be used: " + problem);
#ifdef INSP_TORCH_CUDA
    if (index >= 0 && problem.empty()) {
        use_cuda(*device, index);
        return device;
    }
#endif
    use_cpu(*device, config.engine);
    if (!problem.empty())
        device->description += " (auto: no CUDA: " + problem.substr(0, problem.find('\n')) + ")";
    return device;
}

/* --- passes --- */

at::Tensor view(const float *data, at::IntArrayRef sizes) {
    /* Read only in spite of the cast: no operator here writes to what it was given. */
    return at::from_blob(const_cast<float *>(data), sizes, at::kFloat);
}

/* What one call sets up on its thread: a workspace, its thread count, and on CUDA a stream of its own, of high
 * priority for scoring and of the lowest for training. */
class Pass {
  public:
    enum Kind { kScore, kTrain };

    Pass(insp_device &device, Kind kind) : device_(device) {
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
        if (device.cuda())
            enter_stream(kind);
    }

    ~Pass() {
        try {
            wait(); /* after a failure copies from its pinned memory may still be under way */
            std::lock_guard<std::mutex> hold(device_.lock);
            device_.idle.push_back(std::move(workspace_));
        } catch (...) { /* the device is broken, or no memory to keep the workspace: it is freed */
        }
    }

    Pass(const Pass &) = delete;
    Pass &operator=(const Pass &) = delete;

    insp_cpu_workspace *packed() {
        insp_error error{};
        if (!workspace_->packed)
            check(insp_cpu_workspace_new(device_.threads, &workspace_->packed, &error), error);
        return workspace_->packed;
    }

    /* float32 on the device. On the CPU it is the caller's memory itself; on CUDA a copy by way of pinned memory,
     * which is free again after the next download. */
    at::Tensor upload(const float *data, at::IntArrayRef sizes) {
        at::Tensor source = view(data, sizes);
        if (!device_.cuda())
            return source;
        at::Tensor staging = pinned(workspace_->upload, source.numel());
        std::memcpy(staging.data_ptr(), data, source.nbytes());
        return staging.view(sizes).to(device_.device, at::kFloat, /*non_blocking=*/true);
    }

    /* Waits for the device and copies out. */
    void download(const at::Tensor &from, float *to) {
        at::Tensor source = from.to(at::kFloat).contiguous();
        at::Tensor host = source;
        if (device_.cuda()) {
            host = pinned(workspace_->download, source.numel());
            host.copy_(source.view({-1}), /*non_blocking=*/true);
            wait();
        }
        std::memcpy(to, host.data_ptr(), host.nbytes());
    }

    void wait() {
#ifdef INSP_TORCH_CUDA
        if (guard_)
            guard_->current_stream().synchronize();
#endif
    }

  private:
    insp_device &device_;
    std::unique_ptr<Workspace> workspace_;
#ifdef INSP_TORCH_CUDA
    std::optional<c10::cuda::CUDAStreamGuard> guard_;
#endif

    void enter_stream(Kind kind) {
#ifdef INSP_TORCH_CUDA
        auto &stream = kind == kScore ? workspace_->score_stream : workspace_->train_stream;
        if (!stream)
            stream = c10::cuda::getStreamFromPool(/*isHighPriority=*/kind == kScore, device_.device.index());
        guard_.emplace(*stream);
#else
        (void)kind;
#endif
    }

    static at::Tensor pinned(at::Tensor &buffer, int64_t floats) {
        c10::InferenceMode ordinary(false); /* training, which runs outside of that mode, writes to it too */
        if (!buffer.defined() || buffer.numel() < floats)
            buffer = at::empty({floats}, at::TensorOptions().dtype(at::kFloat).pinned_memory(true));
        return buffer.narrow(0, 0, floats);
    }
};

void require_finite(const float *data, size_t images, size_t floats, const char *what, size_t first_image) {
    for (size_t i = 0; i < images; i++)
        for (size_t k = 0; k < floats; k++)
            if (!std::isfinite(data[i * floats + k]))
                fail(INSP_E_MODEL, std::string(what) + " of image " + std::to_string(first_image + i) +
                                       " of the batch " +
                                       (std::isnan(data[i * floats + k]) ? "is not a number" : "is infinite"));
}

/* --- trunk and tail --- */

struct Conv {
    at::Tensor weight, bias;
};

using TailConvs = std::array<Conv, INSP_TAIL_CONVS>;

at::Tensor copy_weights(const insp_device &device, const float *data, at::IntArrayRef sizes, at::ScalarType type) {
    at::Tensor copy = view(data, sizes).clone().to(device.device, type);
    return device.cuda() && sizes.size() == 4 ? copy.contiguous(at::MemoryFormat::ChannelsLast) : copy;
}

Conv copy_conv(const insp_device &device, const insp_conv_weights &from, const insp_conv_shape &shape,
               at::ScalarType type) {
    return {copy_weights(device, from.weight, {shape.out, shape.in, 3, 3}, type),
            copy_weights(device, from.bias, {shape.out}, type)};
}

TailConvs copy_tail_convs(const insp_device &device, const insp_tail_weights &from, at::ScalarType type) {
    TailConvs convs;
    for (size_t i = 0; i < convs.size(); i++)
        convs[i] = copy_conv(device, from.conv[i], insp_tail_shape[i], type);
    return convs;
}

at::Tensor to_compute(const insp_device &device, const at::Tensor &x, at::ScalarType type) {
    return device.cuda() ? x.to(type).contiguous(at::MemoryFormat::ChannelsLast) : x;
}

at::Tensor conv_relu(const at::Tensor &x, const Conv &conv) {
    return at::conv2d(x, conv.weight, conv.bias, /*stride=*/1, /*padding=*/1).relu_();
}

at::Tensor head_logits(const at::Tensor &relu5, const at::Tensor &weight, const at::Tensor &bias) {
    return at::linear(at::max_pool2d(relu5, {2, 2}).mean(at::IntArrayRef{2, 3}), weight, bias);
}

/* [n,512,14,14] of the last ReLU -> [n,197]: probability and map. The head is float32 on every device. */
at::Tensor head_results(const at::Tensor &relu5_any, const at::Tensor &weight, const at::Tensor &bias) {
    at::Tensor relu5 = relu5_any.to(at::kFloat);
    at::Tensor probability = at::softmax(head_logits(relu5, weight, bias), 1).slice(1, INSP_CLASS_ANOMALY);
    at::Tensor map = at::matmul(weight[INSP_CLASS_ANOMALY], relu5.flatten(2));
    return at::cat({probability, map}, 1);
}

} // namespace

struct insp_trunk {
    insp_device *device = nullptr;
    std::array<Conv, INSP_TRUNK_CONVS> conv; /* empty where packed */
    insp_cpu_trunk *packed = nullptr;
    ~insp_trunk() {
        insp_cpu_trunk_free(packed);
    }
};

struct insp_tail {
    insp_device *device = nullptr;
    TailConvs conv; /* this and the head: empty where packed */
    at::Tensor classifier_weight, classifier_bias;
    insp_cpu_tail *packed = nullptr;
    ~insp_tail() {
        insp_cpu_tail_free(packed);
    }
};

namespace {

std::unique_ptr<insp_trunk> load_trunk(insp_device &device, const insp_trunk_weights &weights) {
    auto trunk = std::make_unique<insp_trunk>();
    trunk->device = &device;
    insp_error error{};
    if (device.packed) {
        check(insp_cpu_trunk_new(&weights, &trunk->packed, &error), error);
        return trunk;
    }
    Pass pass(device, Pass::kScore);
    for (size_t i = 0; i < INSP_TRUNK_CONVS; i++)
        trunk->conv[i] = copy_conv(device, weights.conv[i], insp_trunk_shape[i], device.compute);
    pass.wait();
    return trunk;
}

std::unique_ptr<insp_tail> load_tail(insp_device &device, const insp_tail_weights &weights) {
    auto tail = std::make_unique<insp_tail>();
    tail->device = &device;
    insp_error error{};
    if (device.packed) {
        check(insp_cpu_tail_new(&weights, &tail->packed, &error), error);
        return tail;
    }
    Pass pass(device, Pass::kScore);
    tail->conv = copy_tail_convs(device, weights, device.compute);
    tail->classifier_weight =
        copy_weights(device, weights.classifier_weight, {INSP_CLASSES, INSP_CHANNELS}, at::kFloat);
    tail->classifier_bias = copy_weights(device, weights.classifier_bias, {INSP_CLASSES}, at::kFloat);
    pass.wait();
    return tail;
}

/* [n,3,224,224] in host memory -> [n,512,14,14] on the device, in its computing type. */
at::Tensor run_trunk(const insp_trunk &trunk, Pass &pass, const float *pixels, size_t n) {
    const int64_t images = static_cast<int64_t>(n);
    if (trunk.packed) {
        insp_error error{};
        at::Tensor features = at::empty({images, INSP_CHANNELS, INSP_MAP_SIDE, INSP_MAP_SIDE}, at::kFloat);
        check(insp_cpu_trunk_run(trunk.packed, pass.packed(), pixels, n, features.data_ptr<float>(), &error),
              error);
        return features;
    }
    at::Tensor x = pass.upload(pixels, {images, 3, INSP_INPUT_SIDE, INSP_INPUT_SIDE});
    x = to_compute(*trunk.device, x, trunk.device->compute);
    for (size_t i = 0; i < INSP_TRUNK_CONVS; i++) {
        x = conv_relu(x, trunk.conv[i]);
        if (insp_trunk_shape[i].pool_after)
            x = at::max_pool2d(x, {2, 2});
    }
    return x;
}

/* [n,512,14,14] on the device -> [n,197] on the device. */
at::Tensor run_tail(const insp_tail &tail, Pass &pass, const at::Tensor &features) {
    if (tail.packed) {
        insp_error error{};
        const int64_t images = features.size(0);
        at::Tensor probability = at::empty({images, 1}, at::kFloat),
                   map = at::empty({images, INSP_MAP_FLOATS}, at::kFloat);
        check(insp_cpu_tail_run(tail.packed, pass.packed(), features.data_ptr<float>(),
                                static_cast<size_t>(images), probability.data_ptr<float>(), map.data_ptr<float>(),
                                &error),
              error);
        return at::cat({probability, map}, 1);
    }
    at::Tensor x = to_compute(*tail.device, features, tail.device->compute);
    for (const Conv &conv : tail.conv)
        x = conv_relu(x, conv);
    return head_results(x, tail.classifier_weight, tail.classifier_bias);
}

/* --- scoring --- */

/* Copies [count,197] out; row k belongs to image order[k]. Nothing is written unless all is finite. */
void deliver(Pass &pass, const at::Tensor &results, const std::vector<int64_t> &order, size_t first_image,
             float *ret_prob, float *ret_cam) {
    std::vector<float> rows(order.size() * kResultFloats);
    pass.download(results, rows.data());
    for (size_t k = 0; k < order.size(); k++)
        require_finite(&rows[k * kResultFloats], 1, kResultFloats, "the result",
                       first_image + static_cast<size_t>(order[k]));
    for (size_t k = 0; k < order.size(); k++) {
        const float *row = &rows[k * kResultFloats];
        size_t image = static_cast<size_t>(order[k]);
        ret_prob[image] = row[0];
        if (ret_cam)
            std::memcpy(ret_cam + image * INSP_MAP_FLOATS, row + 1, INSP_MAP_FLOATS * sizeof(float));
    }
}

std::vector<int64_t> counting(size_t n) {
    std::vector<int64_t> order(n);
    for (size_t i = 0; i < n; i++)
        order[i] = static_cast<int64_t>(i);
    return order;
}

/* Runs each distinct tail once, over all of its images. */
void score_chunk(const insp_trunk &trunk, insp_tail *const *tails, const float *pixels, size_t n,
                 size_t first_image, float *ret_prob, float *ret_cam) {
    Pass pass(*trunk.device, Pass::kScore);
    at::Tensor features = run_trunk(trunk, pass, pixels, n);
    std::vector<int64_t> order = counting(n); /* images, those of one tail side by side */
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t a, int64_t b) { return std::less<>()(tails[a], tails[b]); });
    if (tails[order.front()] != tails[order.back()])
        features = features.index_select(0, at::tensor(order, at::kLong).to(features.device()));
    std::vector<at::Tensor> results;
    for (size_t begin = 0, end; begin < n; begin = end) {
        insp_tail *tail = tails[order[begin]];
        for (end = begin + 1; end < n && tails[order[end]] == tail;)
            end++;
        results.push_back(run_tail(
            *tail, pass, features.narrow(0, static_cast<int64_t>(begin), static_cast<int64_t>(end - begin))));
    }
    deliver(pass, results.size() == 1 ? results[0] : at::cat(results, 0), order, first_image, ret_prob, ret_cam);
}

/* --- training --- */

enum { kParameters = 2 * INSP_TAIL_CONVS + 2 };

} // namespace

/* Parameters in the order weight, bias of each convolution, then weight, bias of the classifier. */
struct insp_trainer {
    insp_device *device = nullptr;
    insp_trainer_config config{};
    std::array<at::Tensor, kParameters> parameter, mean, square; /* mean, square: Adam's moments */
    at::Tensor class_weights;
    int64_t steps = 0;
    insp_cpu_trainer *packed = nullptr; /* does all of it where the device is packed; the tensors are empty then */
    insp_trainer() = default;
    insp_trainer(const insp_trainer &) = delete;
    insp_trainer &operator=(const insp_trainer &) = delete;
    ~insp_trainer() {
        insp_cpu_trainer_free(packed);
    }
};

namespace {

std::unique_ptr<insp_trainer> make_trainer(insp_device &device, const insp_tail_weights &initial,
                                           const insp_trainer_config &config) {
    auto trainer = std::make_unique<insp_trainer>();
    trainer->device = &device;
    trainer->config = config;
    if (device.packed) {
        insp_error error;
        check(insp_cpu_trainer_new(&initial, &config, device.threads, &trainer->packed, &error), error);
        return trainer;
    }
    Pass pass(device, Pass::kTrain);
    TailConvs convs = copy_tail_convs(device, initial, at::kFloat);
    for (size_t i = 0; i < convs.size(); i++) {
        trainer->parameter[2 * i] = convs[i].weight;
        trainer->parameter[2 * i + 1] = convs[i].bias;
    }
    trainer->parameter[kParameters - 2] =
        copy_weights(device, initial.classifier_weight, {INSP_CLASSES, INSP_CHANNELS}, at::kFloat);
    trainer->parameter[kParameters - 1] =
        copy_weights(device, initial.classifier_bias, {INSP_CLASSES}, at::kFloat);
    for (size_t i = 0; i < kParameters; i++) {
        trainer->mean[i] = at::zeros_like(trainer->parameter[i]);
        trainer->square[i] = at::zeros_like(trainer->parameter[i]);
        trainer->parameter[i].requires_grad_(true);
    }
    trainer->class_weights = copy_weights(device, config.class_weights, {INSP_CLASSES}, at::kFloat);
    pass.wait();
    return trainer;
}

at::Tensor trainer_relu5(const insp_trainer &trainer, Pass &pass, const float *features, size_t n) {
    at::Tensor x = pass.upload(features, {static_cast<int64_t>(n), INSP_CHANNELS, INSP_MAP_SIDE, INSP_MAP_SIDE});
    x = to_compute(*trainer.device, x, at::kFloat);
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++)
        x = conv_relu(x, Conv{trainer.parameter[2 * i], trainer.parameter[2 * i + 1]});
    return x;
}

at::Tensor label_tensor(const insp_trainer &trainer, const uint8_t *labels, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (labels[i] >= INSP_CLASSES)
            fail(INSP_E_USAGE,
                 "label " + std::to_string(labels[i]) + " of image " + std::to_string(i) + " is not 0 or 1");
    return at::tensor(at::ArrayRef<uint8_t>(labels, n), at::kLong).to(trainer.device->device);
}

/* One update as torch.optim.Adam's: eps is added outside the root, to the corrected moment. */
void adam_update(insp_trainer &trainer) {
    c10::NoGradGuard no_grad;
    const double beta1 = trainer.config.beta1, beta2 = trainer.config.beta2;
    trainer.steps++;
    const double correction1 = 1 - std::pow(beta1, trainer.steps),
                 correction2 = 1 - std::pow(beta2, trainer.steps);
    for (size_t i = 0; i < kParameters; i++) {
        const at::Tensor &gradient = trainer.parameter[i].grad();
        trainer.mean[i].mul_(beta1).add_(gradient, 1 - beta1);
        trainer.square[i].mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
        at::Tensor denominator =
            trainer.square[i].sqrt().div_(std::sqrt(correction2)).add_(trainer.config.epsilon);
        trainer.parameter[i].addcdiv_(trainer.mean[i], denominator, -trainer.config.learning_rate / correction1);
    }
}

void train_step(insp_trainer &trainer, const float *features, const uint8_t *labels, size_t n, float *ret_loss,
                size_t *ret_correct) {
    Pass pass(*trainer.device, Pass::kTrain);
    c10::AutoGradMode gradients(true);
    for (at::Tensor &parameter : trainer.parameter)
        parameter.mutable_grad() = at::Tensor();
    at::Tensor wanted = label_tensor(trainer, labels, n);
    at::Tensor logits = head_logits(trainer_relu5(trainer, pass, features, n), trainer.parameter[kParameters - 2],
                                    trainer.parameter[kParameters - 1]);
    at::Tensor loss = at::cross_entropy_loss(logits, wanted, trainer.class_weights);
    float value = loss.item<float>();
    if (!std::isfinite(value))
        fail(INSP_E_MODEL, "the loss of step " + std::to_string(trainer.steps + 1) +
                               " is not finite: the learning rate is too high, or a feature is not finite");
    size_t correct = static_cast<size_t>(logits.argmax(1).eq(wanted).sum().item<int64_t>());
    loss.backward();
    adam_update(trainer);
    pass.wait();
    *ret_loss = value;
    *ret_correct = correct;
}

void score_trainer(const insp_trainer &trainer, const float *features, size_t n, size_t first_image,
                   float *ret_prob, float *ret_cam) {
    Pass pass(*trainer.device, Pass::kTrain);
    c10::NoGradGuard no_grad;
    at::Tensor results = head_results(trainer_relu5(trainer, pass, features, n),
                                      trainer.parameter[kParameters - 2], trainer.parameter[kParameters - 1]);
    deliver(pass, results, counting(n), first_image, ret_prob, ret_cam);
}

/* Calls part(first, count) for pieces of at most the device's chunk. */
template <typename Part> void in_chunks(const insp_device &device, size_t n, Part &&part) {
    for (size_t first = 0; first < n; first += device.chunk())
        part(first, std::min(device.chunk(), n - first));
}

float *offset(float *at, size_t floats) {
    return at ? at + floats : nullptr;
}

} // namespace

/* --- the interface --- */

int insp_device_open(const struct insp_device_config *config, struct insp_device **ret_device,
                     struct insp_error *reterr) {
    return guard(reterr, [&] { *ret_device = open_device(*config).release(); });
}

void insp_device_free(struct insp_device *device) {
    delete device;
}

const char *insp_device_name(const struct insp_device *device) {
    return device->name.c_str();
}

const char *insp_device_describe(const struct insp_device *device) {
    return device->description.c_str();
}

const char *insp_device_arithmetic(const struct insp_device *device) {
    return device->arithmetic.c_str();
}

bool insp_device_is_cuda(const struct insp_device *device) {
    return device->cuda();
}

bool insp_device_is_packed(const struct insp_device *device) {
    return device->packed;
}

int insp_device_memory(struct insp_device *device, struct insp_device_usage *ret_memory,
                       struct insp_error *reterr) {
    return guard(reterr, [&] {
        insp_device_usage memory{};
#ifdef INSP_TORCH_CUDA
        if (device->cuda()) {
            c10::cuda::CUDAGuard here(device->device);
            auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(device->device.index());
            memory.allocated_bytes = static_cast<uint64_t>(stats.allocated_bytes[0].current); /* 0: all pools */
            memory.reserved_bytes = static_cast<uint64_t>(stats.reserved_bytes[0].current);
            size_t free_bytes = 0, total_bytes = 0;
            if (cudaMemGetInfo(&free_bytes, &total_bytes) != cudaSuccess)
                fail(INSP_E_DEVICE, device->name + ": CUDA does not tell its memory");
            memory.free_bytes = free_bytes;
            memory.total_bytes = total_bytes;
        }
#else
        (void)device;
#endif
        *ret_memory = memory;
    });
}

int insp_trunk_load(struct insp_device *device, const struct insp_trunk_weights *weights,
                    struct insp_trunk **ret_trunk, struct insp_error *reterr) {
    return guard(reterr, [&] {
        c10::InferenceMode inference;
        *ret_trunk = load_trunk(*device, *weights).release();
    });
}

void insp_trunk_free(struct insp_trunk *trunk) {
    delete trunk;
}

int insp_tail_load(struct insp_device *device, const struct insp_tail_weights *weights,
                   struct insp_tail **ret_tail, struct insp_error *reterr) {
    return guard(reterr, [&] {
        c10::InferenceMode inference;
        *ret_tail = load_tail(*device, *weights).release();
    });
}

void insp_tail_free(struct insp_tail *tail) {
    delete tail;
}

int insp_score(struct insp_trunk *trunk, struct insp_tail *const *tails, const float *pixels, size_t n,
               float *ret_prob, float *ret_cam, struct insp_error *reterr) {
    return guard(reterr, [&] {
        c10::InferenceMode inference;
        for (size_t i = 0; i < n; i++)
            if (tails[i]->device != trunk->device)
                fail(INSP_E_INTERNAL,
                     "the tail of image " + std::to_string(i) + " lies on another device than the trunk");
        /* A ReLU that takes a maximum hides what is not a number, so the input is looked at too. */
        require_finite(pixels, n, INSP_INPUT_FLOATS, "a pixel", 0);
        in_chunks(*trunk->device, n, [&](size_t first, size_t count) {
            score_chunk(*trunk, tails + first, pixels + first * INSP_INPUT_FLOATS, count, first, ret_prob + first,
                        ret_cam + first * INSP_MAP_FLOATS);
        });
    });
}

int insp_trunk_features(struct insp_trunk *trunk, const float *pixels, size_t n, float *ret_features,
                        struct insp_error *reterr) {
    return guard(reterr, [&] {
        c10::InferenceMode inference;
        require_finite(pixels, n, INSP_INPUT_FLOATS, "a pixel", 0);
        in_chunks(*trunk->device, n, [&](size_t first, size_t count) {
            Pass pass(*trunk->device, Pass::kScore);
            float *features = ret_features + first * INSP_FEATURE_FLOATS;
            pass.download(run_trunk(*trunk, pass, pixels + first * INSP_INPUT_FLOATS, count), features);
            require_finite(features, count, INSP_FEATURE_FLOATS, "a feature", first);
        });
    });
}

int insp_tail_score(struct insp_tail *tail, const float *features, size_t n, float *ret_prob, float *ret_cam,
                    struct insp_error *reterr) {
    return guard(reterr, [&] {
        c10::InferenceMode inference;
        require_finite(features, n, INSP_FEATURE_FLOATS, "a feature", 0);
        in_chunks(*tail->device, n, [&](size_t first, size_t count) {
            Pass pass(*tail->device, Pass::kScore);
            at::Tensor x = pass.upload(features + first * INSP_FEATURE_FLOATS,
                                       {static_cast<int64_t>(count), INSP_CHANNELS, INSP_MAP_SIDE, INSP_MAP_SIDE});
            deliver(pass, run_tail(*tail, pass, x), counting(count), first, ret_prob + first,
                    offset(ret_cam, first * INSP_MAP_FLOATS));
        });
    });
}

int insp_trainer_new(struct insp_device *device, const struct insp_tail_weights *initial,
                     const struct insp_trainer_config *config, struct insp_trainer **ret_trainer,
                     struct insp_error *reterr) {
    return guard(reterr, [&] { *ret_trainer = make_trainer(*device, *initial, *config).release(); });
}

void insp_trainer_free(struct insp_trainer *trainer) {
    delete trainer;
}

int insp_trainer_step(struct insp_trainer *trainer, const float *features, const uint8_t *labels, size_t n,
                      float *ret_loss, size_t *ret_correct, struct insp_error *reterr) {
    if (trainer->packed)
        return insp_cpu_trainer_step(trainer->packed, features, labels, n, ret_loss, ret_correct, reterr);
    return guard(reterr, [&] { train_step(*trainer, features, labels, n, ret_loss, ret_correct); });
}

int insp_trainer_score(struct insp_trainer *trainer, const float *features, size_t n, float *ret_prob,
                       float *ret_cam, struct insp_error *reterr) {
    if (trainer->packed)
        return insp_cpu_trainer_score(trainer->packed, features, n, ret_prob, ret_cam, reterr);
    return guard(reterr, [&] {
        in_chunks(*trainer->device, n, [&](size_t first, size_t count) {
            score_trainer(*trainer, features + first * INSP_FEATURE_FLOATS, count, first, ret_prob + first,
                          offset(ret_cam, first * INSP_MAP_FLOATS));
        });
    });
}

int insp_trainer_export(struct insp_trainer *trainer, const struct insp_tail_buffers *buffers,
                        struct insp_error *reterr) {
    if (trainer->packed) {
        insp_cpu_trainer_export(trainer->packed, buffers);
        return 0;
    }
    return guard(reterr, [&] {
        Pass pass(*trainer->device, Pass::kTrain);
        c10::NoGradGuard no_grad;
        for (size_t i = 0; i < INSP_TAIL_CONVS; i++) {
            pass.download(trainer->parameter[2 * i], buffers->conv_weight[i]);
            pass.download(trainer->parameter[2 * i + 1], buffers->conv_bias[i]);
        }
        pass.download(trainer->parameter[kParameters - 2], buffers->classifier_weight);
        pass.download(trainer->parameter[kParameters - 1], buffers->classifier_bias);
    });
}

const char *insp_torch_version(void) {
    return TORCH_VERSION;
}
