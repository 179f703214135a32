/* core/compute/torch/layers.cpp - compute the network's layers on libtorch, and copy its weights. */
#include "core/compute/torch/torch.hpp"

#include <cstring>

namespace insp_torch {

constexpr size_t kResultFloats = 1 + INSP_MAP_FLOATS; /* per image: probability, then the map */

at::Tensor copy_weights(const Device &device, const float *data, at::IntArrayRef sizes, at::ScalarType type) {
    at::Tensor copy = view(data, sizes).clone().to(device.where, type);
    return device.cuda && sizes.size() == 4 ? copy.contiguous(at::MemoryFormat::ChannelsLast) : copy;
}

template <size_t n>
static std::array<Conv, n> copy_convs(const Device &device, const insp_conv_weights *from,
                                      const insp_conv_shape *shape, at::ScalarType type) {
    std::array<Conv, n> convs;
    for (size_t i = 0; i < n; i++)
        convs[i] = {copy_weights(device, from[i].weight, {shape[i].out, shape[i].in, 3, 3}, type),
                    copy_weights(device, from[i].bias, {shape[i].out}, type)};
    return convs;
}

TrunkConvs copy_trunk_convs(const Device &device, const insp_trunk_weights &from, at::ScalarType type) {
    return copy_convs<INSP_TRUNK_CONVS>(device, from.conv, insp_trunk_shape, type);
}

TailConvs copy_tail_convs(const Device &device, const insp_tail_weights &from, at::ScalarType type) {
    return copy_convs<INSP_TAIL_CONVS>(device, from.conv, insp_tail_shape, type);
}

at::Tensor to_compute(const Device &device, const at::Tensor &x, at::ScalarType type) {
    return device.cuda ? x.to(type).contiguous(at::MemoryFormat::ChannelsLast) : x;
}

at::Tensor pad_rows(const at::Tensor &x, int64_t count) {
    const int64_t n = x.size(0);
    if (n == count)
        return x;
    std::vector<int64_t> sizes = x.sizes().vec();
    sizes[0] = count;
    at::Tensor padded = at::empty(sizes, x.options(), x.suggest_memory_format());
    padded.narrow(0, 0, n).copy_(x);
    padded.narrow(0, n, count - n).zero_();
    return padded;
}

/* cuDNN's switches belong to the process; where a pass must be deterministic they are arguments of the call, so
 * that a training changes nothing for a scoring pass. No benchmark mode: its searches would differ from one start
 * to the next, and with them the last bits of the answers. */
at::Tensor conv_relu(const Device &device, const at::Tensor &x, const Conv &conv) {
    if (!device.cuda)
        return at::conv2d(x, conv.weight, conv.bias, /*stride=*/1, /*padding=*/1).relu_();
    if (device.fused && x.scalar_type() != at::kFloat)
        return at::cudnn_convolution_relu(x, conv.weight, conv.bias, {1, 1}, {1, 1}, {1, 1}, 1);
    return at::_convolution(x, conv.weight, conv.bias, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 1,
                            /*benchmark=*/false, device.deterministic, /*cudnn_enabled=*/true,
                            /*allow_tf32=*/false)
        .relu_();
}

at::Tensor trunk_layer(const Device &device, const at::Tensor &x, const TrunkConvs &conv, size_t i) {
    at::Tensor y = conv_relu(device, x, conv[i]);
    return insp_trunk_shape[i].pool_after ? at::max_pool2d(y, {2, 2}) : y;
}

at::Tensor trunk_layers(const Device &device, at::Tensor x, const TrunkConvs &conv) {
    for (size_t i = 0; i < conv.size(); i++)
        x = trunk_layer(device, x, conv, i);
    return x;
}

at::Tensor tail_layers(const Device &device, at::Tensor x, const TailConvs &conv) {
    for (const Conv &layer : conv)
        x = conv_relu(device, x, layer);
    return x;
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

} // namespace insp_torch
