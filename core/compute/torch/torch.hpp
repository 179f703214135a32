/* core/compute/torch/torch.hpp - share declarations among the files of this folder: the back ends of device.h
 * on libtorch, on the CPU (cpu.cpp) and on CUDA (cuda.cpp). The only C++ of the tree. Compiles against
 * libtorch 1.13 to 2.11, with CUDA if INSP_TORCH_CUDA is defined (cmake/InspTorch.cmake).
 *
 * Numbers: the CPU computes in float32. On CUDA the convolutions of a scoring pass run channels last in float16,
 * bfloat16 or float32, as precision.cpp measures for each trunk and tail, with float32 accumulation; the head, the
 * softmax and the map are float32. Training is float32, with TF32 off.
 *
 * Sizes: on CUDA a batch is padded to the next size of a ladder: 1, 2, 4, ... the largest. cuDNN plans each of
 * them when a trunk, or the first tail of a type, is loaded, and the trunk's work is recorded as one CUDA graph
 * per size (graph.cpp), so that a pass of any size finds everything prepared. */
#ifndef INSP_COMPUTE_TORCH_TORCH_HPP
#define INSP_COMPUTE_TORCH_TORCH_HPP

#include "core/compute/backend.h"
#include "core/compute/device.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <torch/version.h>
#ifdef INSP_TORCH_CUDA
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace insp_torch {

/* --- failures: pass.cpp --- */

struct Failure {
    insp_error error;
};

[[noreturn]] void fail(int code, const std::string &text);
int fail_torch(insp_error *reterr, const c10::Error &e);
bool is_out_of_memory(const c10::Error &e);

/* Runs the body of an operation and turns every exception into an error code; no exception leaves it. Every
 * operation of a table that can fail runs in here. */
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
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a pass through the network");
    } catch (const std::exception &e) {
        return insp_fail(reterr, INSP_E_INTERNAL, "%s", e.what());
    } catch (...) {
        return insp_fail(reterr, INSP_E_INTERNAL, "an exception of unknown type in libtorch");
    }
}

/* --- device, trunk, tail, trainer --- */

/* Holds the scratch of one pass. A device keeps idle ones, so each calling thread makes its buffers once. */
struct Workspace {
    at::Tensor upload, download, bytes; /* pinned; CUDA only */
#ifdef INSP_TORCH_CUDA
    /* One stream of each kind, kept: the allocator's memory belongs to the stream that requested it. */
    std::optional<c10::cuda::CUDAStream> score_stream, train_stream;
#endif
};

struct Device : insp_device {
    at::Device where{at::kCPU};
    bool bfloat16 = false;      /* the card computes in it at the speed of float16 */
    bool deterministic = false; /* of passes on this device alone */
    bool fused = false;         /* convolution, bias and ReLU are one cuDNN call: it was tried when opened */
    std::vector<at::ScalarType> warm_tails; /* the types in which a tail has run every size of the ladder */
    unsigned threads = 1;
    at::Tensor
        probe;       /* float32 [p,512,14,14]: the last trunk's features, which a tail's precision is tried with */
    std::mutex lock; /* of idle */
    std::vector<std::unique_ptr<Workspace>> idle;

    // cppcheck-suppress uninitDerivedMemberVar ; the braces set all to zero
    Device() : insp_device{} {
    }
    void say(const std::string &name, const std::string &description);
    /* The ladder's size for n images, n <= chunk; n itself where there is no ladder. */
    int64_t padded(int64_t n) const;
    std::vector<int64_t> ladder() const; /* ascending; empty on the CPU */
};

struct Conv {
    at::Tensor weight, bias;
};

using TrunkConvs = std::array<Conv, INSP_TRUNK_CONVS>;
using TailConvs = std::array<Conv, INSP_TAIL_CONVS>;

struct Graphs; /* graph.cpp */

struct Trunk : insp_trunk {
    TrunkConvs conv;
    at::ScalarType type = at::kFloat; /* of the convolutions */
    std::shared_ptr<Graphs> graphs;   /* empty: none */
};

struct Tail : insp_tail {
    TailConvs conv;
    at::ScalarType type = at::kFloat;
    at::Tensor classifier_weight, classifier_bias;
};

inline Device &device_of(insp_device *device) {
    return *static_cast<Device *>(device);
}

/* --- passes: pass.cpp --- */

/* Views the array as a tensor; no operator here writes to it. */
at::Tensor view(const float *data, at::IntArrayRef sizes);

/* Sets up the calling thread for one call and restores it: a workspace, the thread count, and on CUDA a
 * separate stream, of high priority for scoring and of the lowest for training. */
class Pass {
  public:
    enum Kind { kScore, kTrain };

    Pass(Device &device, Kind kind);
    ~Pass();
    Pass(const Pass &) = delete;
    Pass &operator=(const Pass &) = delete;

    /* Returns float32 on the device: on the CPU the caller's memory itself; on CUDA a copy through pinned
     * memory, which is free again after the next download. */
    at::Tensor upload(const float *data, at::IntArrayRef sizes);
    /* The pictures' transformed pixels, float32 [n,3,224,224], from bytes that the device transforms. CUDA. */
    at::Tensor upload_pictures(const insp_picture *pictures, size_t n);
    /* Waits for the device and copies out. */
    void download(const at::Tensor &from, float *to);
    void wait();

  private:
    Device &device_;
    std::unique_ptr<Workspace> workspace_;
#ifdef INSP_TORCH_CUDA
    std::optional<c10::cuda::CUDAStreamGuard> guard_;
#endif
    void enter_stream(Kind kind);
};

/* --- layers: layers.cpp --- */

at::Tensor copy_weights(const Device &device, const float *data, at::IntArrayRef sizes, at::ScalarType type);
TrunkConvs copy_trunk_convs(const Device &device, const insp_trunk_weights &from, at::ScalarType type);
TailConvs copy_tail_convs(const Device &device, const insp_tail_weights &from, at::ScalarType type);
template <size_t n> std::array<Conv, n> as_type(const std::array<Conv, n> &convs, at::ScalarType type) {
    std::array<Conv, n> converted;
    for (size_t i = 0; i < n; i++)
        converted[i] = {convs[i].weight.to(type), convs[i].bias.to(type)};
    return converted;
}
at::Tensor to_compute(const Device &device, const at::Tensor &x, at::ScalarType type);
/* Appends rows of zeros up to `count` rows. */
at::Tensor pad_rows(const at::Tensor &x, int64_t count);
at::Tensor conv_relu(const Device &device, const at::Tensor &x, const Conv &conv);
/* Computes convolution i of the trunk with its ReLU and its pool. */
at::Tensor trunk_layer(const Device &device, const at::Tensor &x, const TrunkConvs &conv, size_t i);
/* Compute [n,3,224,224] -> [n,512,14,14], and [n,512,14,14] -> [n,512,14,14]; x in the type of the weights. */
at::Tensor trunk_layers(const Device &device, at::Tensor x, const TrunkConvs &conv);
at::Tensor tail_layers(const Device &device, at::Tensor x, const TailConvs &conv);
/* Computes the logits from the last ReLU's output [n,512,14,14]. */
at::Tensor head_logits(const at::Tensor &relu5, const at::Tensor &weight, const at::Tensor &bias);
/* Computes probability and map, [n,197], from the last ReLU's output [n,512,14,14]. The head is float32 on
 * every device. */
at::Tensor head_results(const at::Tensor &relu5, const at::Tensor &weight, const at::Tensor &bias);
/* Copies [n,197] out; row k belongs to image order[k]. ret_cam may be NULL. */
void deliver(Pass &pass, const at::Tensor &results, const std::vector<int64_t> &order, float *ret_prob,
             float *ret_cam);
std::vector<int64_t> counting(size_t n);

/* --- precision: precision.cpp --- */

/* Choose the type of the convolutions by trial, with the reason in the log; float32 on the CPU. conv: float32. The
 * trunk's choice sets device.probe, which the tails' choices need. */
at::ScalarType choose_trunk_type(Device &device, const TrunkConvs &conv);
at::ScalarType choose_tail_type(const Device &device, const TailConvs &conv);
const char *type_name(at::ScalarType type); /* "float32", "float16", "bfloat16" */

/* --- CUDA graphs: graph.cpp --- */

/* Runs every size of the ladder once, so that cuDNN has planned it, and records it. A ladder whose largest sizes
 * do not fit the memory becomes shorter, with a line in the log. */
void prepare_trunk(Device &device, Trunk &trunk);
/* Computes x [n,3,224,224] float32, n of the ladder -> features in trunk.type. The next call overwrites the result
 * of a graph: `turn` is locked where there is one, and the caller unlocks it after it has read. */
at::Tensor run_trunk_layers(const Device &device, const Trunk &trunk, const at::Tensor &x,
                            std::unique_lock<std::mutex> &turn);

/* Fill in the operations that both back ends share: all but close, memory and probe. */
void fill_network_ops(insp_device_ops &ops);  /* network.cpp */
void fill_picture_ops(insp_device_ops &ops);  /* network.cpp; on CUDA only */
void fill_training_ops(insp_device_ops &ops); /* trainer.cpp */
void close_device(insp_device *device);       /* pass.cpp */

/* --- back ends --- */

/* Refuses Debian's reference BLAS, which is 60 times slower (cpu.cpp). */
void refuse_reference_blas();
std::unique_ptr<Device> open_cpu(unsigned threads);
/* Says why cuda:index cannot be used; empty if a small computation on it succeeds (cuda.cpp). */
std::string cuda_problem(int index);
std::unique_ptr<Device> open_cuda(int index, const insp_device_config &config);

} // namespace insp_torch
#endif
