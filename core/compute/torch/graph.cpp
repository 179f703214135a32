/* core/compute/torch/graph.cpp - prepare the trunk's sizes on CUDA: let cuDNN plan each once, then record it as a
 * CUDA graph, which starts some thirty kernels by one call. If a recorded pass answers something else than the
 * launches, no graphs are used. */
#include "core/compute/torch/torch.hpp"

#include "core/base/log.h"

#ifdef INSP_TORCH_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#include <cuda_runtime_api.h>
#endif

namespace insp_torch {

static at::Tensor launch(const Device &device, const Trunk &trunk, const at::Tensor &x) {
    return trunk_layers(device, to_compute(device, x, trunk.type), trunk.conv);
}

#ifdef INSP_TORCH_CUDA

struct Graphs {
    struct Recorded {
        at::Tensor input, output; /* read and written by each replay */
        std::unique_ptr<at::cuda::CUDAGraph> graph;
    };
    std::mutex turn; /* one pass at a time uses them: they share their memory */
    std::map<int64_t, Recorded> of_size;
};

/* Makes a gradient without two equal values. */
static at::Tensor some_input(const Device &device, int64_t n) {
    const int64_t floats = n * INSP_INPUT_FLOATS;
    return at::linspace(0, 1, floats, at::TensorOptions().dtype(at::kFloat).device(device.where))
        .view({n, 3, INSP_INPUT_SIDE, INSP_INPUT_SIDE});
}

/* Runs each size, the largest first: the smaller ones then find room in the memory that is held. */
static void plan(Device &device, const Trunk &trunk) {
    const std::vector<int64_t> sizes = device.ladder();
    for (size_t i = sizes.size(); i-- > 0;) {
        try {
            launch(device, trunk, some_input(device, sizes[i])).sum().item<float>();
        } catch (const c10::Error &e) {
            if (!is_out_of_memory(e) || i == 0)
                throw;
            __atomic_store_n(&device.chunk, static_cast<size_t>(sizes[i - 1]), __ATOMIC_RELAXED);
            insp_log_warning("batch reduced for lack of device memory device=%s images=%lld", device.name,
                             static_cast<long long>(sizes[i - 1]));
        }
    }
}

/* Leaves the stream usable after an exception while it was recorded. */
static void abandon(at::cuda::CUDAGraph &graph) {
    try {
        graph.capture_end();
    } catch (const std::exception &) { /* the recording is invalid: that is known */
    }
    (void)cudaGetLastError();
}

using Pool = decltype(at::cuda::graph_pool_handle()); /* memory that recordings share */

static Graphs::Recorded record(const Device &device, const Trunk &trunk, int64_t n, Pool pool) {
    Graphs::Recorded one;
    one.input = some_input(device, n);
    at::Tensor wanted = launch(device, trunk, one.input).to(at::kFloat);
    c10::cuda::getCurrentCUDAStream(device.where.index()).synchronize();
    one.graph = std::make_unique<at::cuda::CUDAGraph>();
    one.graph->capture_begin(pool);
    try {
        one.output = launch(device, trunk, one.input);
    } catch (...) {
        abandon(*one.graph);
        throw;
    }
    one.graph->capture_end();
    one.graph->replay();
    at::Tensor apart = (one.output.to(at::kFloat) - wanted).abs().max();
    if (!(apart.item<float>() <= 1e-2F * wanted.abs().max().item<float>()))
        fail(INSP_E_DEVICE, "a recorded pass of " + std::to_string(n) + " images answers something else");
    return one;
}

static std::shared_ptr<Graphs> record_all(const Device &device, const Trunk &trunk) {
    auto graphs = std::make_shared<Graphs>();
    const Pool pool = at::cuda::graph_pool_handle();
    const std::vector<int64_t> sizes = device.ladder();
    for (auto n = sizes.rbegin(); n != sizes.rend(); ++n)
        graphs->of_size.emplace(*n, record(device, trunk, *n, pool));
    return graphs;
}

static void tell_no_graphs(const Device &device, const char *why) {
    char quoted[INSP_LOG_TEXT_BYTES];
    insp_log_warning("no CUDA graphs device=%s detail=%s", device.name, insp_log_quoted(quoted, why));
}

void prepare_trunk(Device &device, Trunk &trunk) {
    if (!device.cuda)
        return;
    plan(device, trunk);
    /* A separate stream: a recording that failed leaves nothing on a stream that passes use. */
    c10::cuda::CUDAStreamGuard stream(c10::cuda::getStreamFromPool(/*isHighPriority=*/true, device.where.index()));
    try {
        trunk.graphs = record_all(device, trunk);
        stream.current_stream().synchronize();
    } catch (const Failure &failure) {
        tell_no_graphs(device, failure.error.detail);
    } catch (const c10::Error &e) {
        tell_no_graphs(device, e.what_without_backtrace());
    } catch (const std::exception &e) { /* no memory on the host, for one */
        tell_no_graphs(device, e.what());
    }
    c10::cuda::CUDACachingAllocator::emptyCache(); /* frees the memory of planning; the graphs have their own */
}

at::Tensor run_trunk_layers(const Device &device, const Trunk &trunk, const at::Tensor &x,
                            std::unique_lock<std::mutex> &turn) {
    if (!trunk.graphs)
        return launch(device, trunk, x);
    std::unique_lock<std::mutex> mine(trunk.graphs->turn, std::try_to_lock);
    auto found = trunk.graphs->of_size.find(x.size(0));
    if (!mine.owns_lock() || found == trunk.graphs->of_size.end())
        return launch(device, trunk, x);
    turn = std::move(mine);
    found->second.input.copy_(x);
    found->second.graph->replay();
    return found->second.output;
}

#else

void prepare_trunk(Device &device, Trunk &trunk) {
    (void)device;
    (void)trunk;
}

at::Tensor run_trunk_layers(const Device &device, const Trunk &trunk, const at::Tensor &x,
                            std::unique_lock<std::mutex> &turn) {
    (void)turn;
    return launch(device, trunk, x);
}

#endif

} // namespace insp_torch
