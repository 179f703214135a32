/* core/compute/torch/network.cpp - trunk and tail on libtorch: loading and scoring. */
#include "core/compute/torch/torch.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

namespace insp_torch {

constexpr size_t kResultFloats = 1 + INSP_MAP_FLOATS; /* per image: probability, then the map */

/* --- layers --- */

at::Tensor copy_weights(const Device &device, const float *data, at::IntArrayRef sizes, at::ScalarType type) {
    at::Tensor copy = view(data, sizes).clone().to(device.where, type);
    return device.cuda && sizes.size() == 4 ? copy.contiguous(at::MemoryFormat::ChannelsLast) : copy;
}

static Conv copy_conv(const Device &device, const insp_conv_weights &from, const insp_conv_shape &shape,
                      at::ScalarType type) {
    return {copy_weights(device, from.weight, {shape.out, shape.in, 3, 3}, type),
            copy_weights(device, from.bias, {shape.out}, type)};
}

TailConvs copy_tail_convs(const Device &device, const insp_tail_weights &from, at::ScalarType type) {
    TailConvs convs;
    for (size_t i = 0; i < convs.size(); i++)
        convs[i] = copy_conv(device, from.conv[i], insp_tail_shape[i], type);
    return convs;
}

at::Tensor to_compute(const Device &device, const at::Tensor &x, at::ScalarType type) {
    return device.cuda ? x.to(type).contiguous(at::MemoryFormat::ChannelsLast) : x;
}

/* Passes cuDNN's switches, which are process-wide, as arguments of the call, so that a training that asks for
 * determinism changes nothing for a scoring pass. No benchmark mode: it would search anew for every batch
 * size, in the pass that a camera waits for. */
static at::Tensor conv_relu(const Device &device, const at::Tensor &x, const Conv &conv) {
    at::Tensor y = device.cuda
                       ? at::_convolution(x, conv.weight, conv.bias, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 1,
                                          /*benchmark=*/false, device.deterministic, /*cudnn_enabled=*/true,
                                          /*allow_tf32=*/false)
                       : at::conv2d(x, conv.weight, conv.bias, /*stride=*/1, /*padding=*/1);
    return y.relu_();
}

at::Tensor head_logits(const at::Tensor &relu5, const at::Tensor &weight, const at::Tensor &bias) {
    return at::linear(at::max_pool2d(relu5, {2, 2}).mean(at::IntArrayRef{2, 3}), weight, bias);
}

at::Tensor head_results(const at::Tensor &relu5_any, const at::Tensor &weight, const at::Tensor &bias) {
    at::Tensor relu5 = relu5_any.to(at::kFloat);
    at::Tensor probability = at::softmax(head_logits(relu5, weight, bias), 1).slice(1, INSP_CLASS_ANOMALY);
    at::Tensor map = at::matmul(weight[INSP_CLASS_ANOMALY], relu5.flatten(2));
    return at::cat({probability, map}, 1);
}

/* --- loading --- */

static std::unique_ptr<Trunk> load_trunk(Device &device, const insp_trunk_weights &weights) {
    auto trunk = std::make_unique<Trunk>();
    trunk->device = &device;
    Pass pass(device, Pass::kScore);
    for (size_t i = 0; i < INSP_TRUNK_CONVS; i++)
        trunk->conv[i] = copy_conv(device, weights.conv[i], insp_trunk_shape[i], device.compute);
    pass.wait();
    return trunk;
}

static std::unique_ptr<Tail> load_tail(Device &device, const insp_tail_weights &weights) {
    auto tail = std::make_unique<Tail>();
    tail->device = &device;
    Pass pass(device, Pass::kScore);
    tail->conv = copy_tail_convs(device, weights, device.compute);
    tail->classifier_weight =
        copy_weights(device, weights.classifier_weight, {INSP_CLASSES, INSP_CHANNELS}, at::kFloat);
    tail->classifier_bias = copy_weights(device, weights.classifier_bias, {INSP_CLASSES}, at::kFloat);
    pass.wait();
    return tail;
}

/* --- scoring --- */

/* Runs the trunk: [n,3,224,224] in host memory -> [n,512,14,14] on the device, in its computing type. */
static at::Tensor run_trunk(const Trunk &trunk, Pass &pass, const float *pixels, size_t n) {
    const Device &device = device_of(trunk.device);
    at::Tensor x = pass.upload(pixels, {static_cast<int64_t>(n), 3, INSP_INPUT_SIDE, INSP_INPUT_SIDE});
    x = to_compute(device, x, device.compute);
    for (size_t i = 0; i < INSP_TRUNK_CONVS; i++) {
        x = conv_relu(device, x, trunk.conv[i]);
        if (insp_trunk_shape[i].pool_after)
            x = at::max_pool2d(x, {2, 2});
    }
    return x;
}

/* Runs a tail: [n,512,14,14] on the device -> [n,197] on the device. */
static at::Tensor run_tail(const Tail &tail, const at::Tensor &features) {
    const Device &device = device_of(tail.device);
    at::Tensor x = to_compute(device, features, device.compute);
    for (const Conv &conv : tail.conv)
        x = conv_relu(device, x, conv);
    return head_results(x, tail.classifier_weight, tail.classifier_bias);
}

void deliver(Pass &pass, const at::Tensor &results, const std::vector<int64_t> &order, float *ret_prob,
             float *ret_cam) {
    std::vector<float> rows(order.size() * kResultFloats);
    pass.download(results, rows.data());
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

/* Runs each distinct tail once over all its images. */
static void score_images(const Trunk &trunk, insp_tail *const *tails, const float *pixels, size_t n,
                         float *ret_prob, float *ret_cam) {
    Pass pass(device_of(trunk.device), Pass::kScore);
    at::Tensor features = run_trunk(trunk, pass, pixels, n);
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
                 float *ret_cam, insp_error *reterr) {
    return guard(reterr, [&] {
        c10::InferenceMode inference;
        score_images(*static_cast<Trunk *>(trunk), tails, pixels, n, ret_prob, ret_cam);
    });
}

static int features(insp_trunk *trunk, const float *pixels, size_t n, float *ret_features, insp_error *reterr) {
    return guard(reterr, [&] {
        c10::InferenceMode inference;
        Pass pass(device_of(trunk->device), Pass::kScore);
        pass.download(run_trunk(*static_cast<Trunk *>(trunk), pass, pixels, n), ret_features);
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
