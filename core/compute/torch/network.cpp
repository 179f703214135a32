/* core/compute/torch/network.cpp - trunk and tail on libtorch: loading and scoring. */
#include "core/compute/torch/torch.hpp"

#include "core/base/log.h"

#include <algorithm>
#include <functional>

namespace insp_torch {

/* --- loading --- */

static std::unique_ptr<Trunk> load_trunk(Device &device, const insp_trunk_weights &weights) {
    auto trunk = std::make_unique<Trunk>();
    trunk->device = &device;
    Pass pass(device, Pass::kScore);
    TrunkConvs exact = copy_trunk_convs(device, weights, at::kFloat);
    trunk->type = choose_trunk_type(device, exact);
    trunk->precision = type_name(trunk->type);
    trunk->conv = as_type(exact, trunk->type);
    prepare_trunk(device, *trunk);
    pass.wait();
    return trunk;
}

/* Runs a tail: [n,512,14,14] on the device -> [n,197] on the device. */
static at::Tensor run_tail(const Tail &tail, const at::Tensor &features) {
    const Device &device = device_of(tail.device);
    const int64_t n = features.size(0);
    at::Tensor x = pad_rows(to_compute(device, features, tail.type), device.padded(n));
    x = head_results(tail_layers(device, x, tail.conv), tail.classifier_weight, tail.classifier_bias);
    return x.narrow(0, 0, n);
}

/* Lets cuDNN plan the ladder for the tail's type. It plans by shape and type, not by weights, so later tails of
 * the same type need no plan. */
static void prepare_tail(Device &device, const Tail &tail) {
    std::vector<at::ScalarType> &warm = device.warm_tails;
    if (std::find(warm.begin(), warm.end(), tail.type) != warm.end())
        return;
    for (int64_t n : device.ladder()) {
        try {
            run_tail(tail, at::zeros({n, INSP_CHANNELS, INSP_MAP_SIDE, INSP_MAP_SIDE},
                                     at::TensorOptions().dtype(tail.type).device(device.where)));
        } catch (const c10::Error &e) {
            if (!is_out_of_memory(e) || n == 1)
                throw;
            insp_log_warning("no device memory to plan a tail device=%s images=%lld", device.name,
                             static_cast<long long>(n));
            break; /* a pass of so many images is computed in halves */
        }
    }
    warm.push_back(tail.type);
}

static std::unique_ptr<Tail> load_tail(Device &device, const insp_tail_weights &weights) {
    auto tail = std::make_unique<Tail>();
    tail->device = &device;
    Pass pass(device, Pass::kScore);
    TailConvs exact = copy_tail_convs(device, weights, at::kFloat);
    tail->type = choose_tail_type(device, exact);
    tail->conv = as_type(exact, tail->type);
    tail->classifier_weight =
        copy_weights(device, weights.classifier_weight, {INSP_CLASSES, INSP_CHANNELS}, at::kFloat);
    tail->classifier_bias = copy_weights(device, weights.classifier_bias, {INSP_CLASSES}, at::kFloat);
    prepare_tail(device, *tail);
    pass.wait();
    return tail;
}

/* --- scoring --- */

/* Runs the trunk: [n,3,224,224] on the device -> [n,512,14,14] in the trunk's type. turn: see run_trunk_layers. */
static at::Tensor run_trunk(const Trunk &trunk, const at::Tensor &pixels, std::unique_lock<std::mutex> &turn) {
    const Device &device = device_of(trunk.device);
    const int64_t images = pixels.size(0);
    at::Tensor x = run_trunk_layers(device, trunk, pad_rows(pixels, device.padded(images)), turn);
    return x.narrow(0, 0, images);
}

static at::Tensor upload_pixels(Pass &pass, const float *pixels, size_t n) {
    return pass.upload(pixels, {static_cast<int64_t>(n), 3, INSP_INPUT_SIDE, INSP_INPUT_SIDE});
}

/* Holds the trunk's first three pools of a pass, each mean-pooled: [n,channels,28,28], float32. */
using Taps = std::vector<at::Tensor>;

static void keep_tap(Taps &taps, const at::Tensor &pooled, int64_t images) {
    int64_t step = pooled.size(2) / INSP_TAP_SIDE;
    if (step) /* the fourth pool has 14x14 */
        taps.push_back(at::avg_pool2d(pooled.narrow(0, 0, images).to(at::kFloat), {step, step}));
}

/* Copies taps out, channels last: [n,28,28,448]. */
static void deliver_taps(Pass &pass, const Taps &taps, float *ret_taps) {
    pass.download(at::cat(taps, 1).permute({0, 2, 3, 1}).contiguous(), ret_taps);
}

/* Runs the trunk as run_trunk does, layer by layer: a CUDA graph keeps no taps. blocks: 4, or 3 for the taps
 * alone; then the result has no meaning. */
static at::Tensor run_trunk_taps(const Trunk &trunk, const at::Tensor &pixels, int blocks, Taps &taps) {
    const Device &device = device_of(trunk.device);
    const int64_t images = pixels.size(0);
    at::Tensor x = to_compute(device, pad_rows(pixels, device.padded(images)), trunk.type);
    for (size_t i = 0; i < INSP_TRUNK_CONVS && blocks; i++) {
        x = trunk_layer(device, x, trunk.conv, i);
        if (insp_trunk_shape[i].pool_after) {
            keep_tap(taps, x, images);
            blocks--;
        }
    }
    return x.narrow(0, 0, images);
}

/* Runs each distinct tail once over all its images. */
static void score_tails(Pass &pass, insp_tail *const *tails, size_t n, at::Tensor features, float *ret_prob,
                        float *ret_cam) {
    std::vector<int64_t> order = counting(n); /* images, grouped by tail */
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t a, int64_t b) { return std::less<>()(tails[a], tails[b]); });
    if (tails[order.front()] != tails[order.back()])
        features = features.index_select(0, at::tensor(order, at::kLong).to(features.device()));
    std::vector<at::Tensor> results;
    for (size_t begin = 0, end; begin < n; begin = end) {
        insp_tail *tail = tails[order[begin]];
        for (end = begin + 1; end < n && tails[order[end]] == tail;)
            end++;
        results.push_back(
            run_tail(*static_cast<Tail *>(tail),
                     features.narrow(0, static_cast<int64_t>(begin), static_cast<int64_t>(end - begin))));
    }
    deliver(pass, results.size() == 1 ? results[0] : at::cat(results, 0), order, ret_prob, ret_cam);
}

static int trunk_load(insp_device *device, const insp_trunk_weights *weights, insp_trunk **ret,
                      insp_error *reterr) {
    return guard(reterr, [&] {
        c10::InferenceMode inference;
        *ret = load_trunk(device_of(device), *weights).release();
    });
}

static void trunk_free(insp_trunk *trunk) {
    delete static_cast<Trunk *>(trunk);
}

static int tail_load(insp_device *device, const insp_tail_weights *weights, insp_tail **ret, insp_error *reterr) {
    return guard(reterr, [&] {
        c10::InferenceMode inference;
        *ret = load_tail(device_of(device), *weights).release();
    });
}

static void tail_free(insp_tail *tail) {
    delete static_cast<Tail *>(tail);
}

static int score(insp_trunk *trunk, insp_tail *const *tails, const float *pixels, size_t n, float *ret_prob,
                 float *ret_cam, float *ret_taps, float *ret_features, insp_error *reterr) {
    return guard(reterr, [&] {
        c10::InferenceMode inference;
        std::unique_lock<std::mutex> turn; /* ends after the pass, which waits for the device */
        Pass pass(device_of(trunk->device), Pass::kScore);
        const Trunk &of = *static_cast<Trunk *>(trunk);
        Taps taps;
        at::Tensor x = upload_pixels(pass, pixels, n);
        x = ret_taps ? run_trunk_taps(of, x, 4, taps) : run_trunk(of, x, turn);
        score_tails(pass, tails, n, x, ret_prob, ret_cam);
        if (ret_features)
            pass.download(x, ret_features);
        if (ret_taps)
            deliver_taps(pass, taps, ret_taps);
    });
}

/* Scores pictures that the device transforms; on CUDA only. */
static int score_pictures(insp_trunk *trunk, const insp_picture *pictures, size_t n, float *ret_prob,
                          float *ret_cam, float *ret_taps, float *ret_features, insp_error *reterr) {
    return guard(reterr, [&] {
        c10::InferenceMode inference;
        std::unique_lock<std::mutex> turn;
        Pass pass(device_of(trunk->device), Pass::kScore);
        const Trunk &of = *static_cast<Trunk *>(trunk);
        Taps taps;
        std::vector<insp_tail *> tails;
        for (size_t i = 0; i < n; i++)
            tails.push_back(pictures[i].tail);
        at::Tensor x = pass.upload_pictures(pictures, n);
        x = ret_taps ? run_trunk_taps(of, x, ret_prob ? 4 : 3, taps) : run_trunk(of, x, turn);
        if (ret_prob)
            score_tails(pass, tails.data(), n, x, ret_prob, ret_cam);
        if (ret_features)
            pass.download(x, ret_features);
        if (ret_taps)
            deliver_taps(pass, taps, ret_taps);
    });
}

static int features(insp_trunk *trunk, const float *pixels, size_t n, float *ret_features, float *ret_taps,
                    insp_error *reterr) {
    return guard(reterr, [&] {
        c10::InferenceMode inference;
        std::unique_lock<std::mutex> turn;
        Pass pass(device_of(trunk->device), Pass::kScore);
        const Trunk &of = *static_cast<Trunk *>(trunk);
        Taps taps;
        at::Tensor x = upload_pixels(pass, pixels, n);
        x = ret_taps ? run_trunk_taps(of, x, ret_features ? 4 : 3, taps) : run_trunk(of, x, turn);
        if (ret_features)
            pass.download(x, ret_features);
        if (ret_taps)
            deliver_taps(pass, taps, ret_taps);
    });
}

static int tail_score(insp_tail *tail, const float *of_images, size_t n, float *ret_prob, float *ret_cam,
                      insp_error *reterr) {
    return guard(reterr, [&] {
        c10::InferenceMode inference;
        Pass pass(device_of(tail->device), Pass::kScore);
        at::Tensor x =
            pass.upload(of_images, {static_cast<int64_t>(n), INSP_CHANNELS, INSP_MAP_SIDE, INSP_MAP_SIDE});
        deliver(pass, run_tail(*static_cast<Tail *>(tail), x), counting(n), ret_prob, ret_cam);
    });
}

void fill_picture_ops(insp_device_ops &ops) {
    ops.score_pictures = score_pictures;
}

void fill_network_ops(insp_device_ops &ops) {
    ops.trunk_load = trunk_load;
    ops.trunk_free = trunk_free;
    ops.tail_load = tail_load;
    ops.tail_free = tail_free;
    ops.score = score;
    ops.features = features;
    ops.tail_score = tail_score;
}

} // namespace insp_torch
