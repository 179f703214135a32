/* core/compute/torch/precision.cpp - choose the type that the convolutions of a trunk or a tail compute in on
 * CUDA, by a trial on pictures when it is loaded.
 *
 * float16 rounds eight times finer than bfloat16 at the same speed, but ends at 65504. It is chosen if the largest
 * value of every layer, over pictures in both usual scalings of the input, stays so far below that the pictures
 * of a line may reach kRoom times as high; else bfloat16, if the card has it. If neither comes within kErrorMax of
 * float32's result, the type is float32. */
#include "core/compute/torch/torch.hpp"

#include "core/base/log.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <limits>

namespace insp_torch {

constexpr int64_t kPictures = 4;
constexpr double kRoom = 8, kFloat16Max = 65504, kErrorMax = 5e-2;

const char *type_name(at::ScalarType type) {
    return type == at::kHalf ? "float16" : type == at::kBFloat16 ? "bfloat16" : "float32";
}

/* Makes pictures [4,3,224,224] of waves and noise: half of them in 0..1, half normalised as ImageNet's are. */
static at::Tensor pictures(const Device &device) {
    at::Generator noise = at::detail::createCPUGenerator(/*seed_val=*/7);
    at::Tensor side = at::arange(INSP_INPUT_SIDE, at::kFloat);
    at::Tensor waves = at::sin(side.div(5)).unsqueeze(1) * at::sin(side.div(3));
    at::Tensor x = at::rand({kPictures, 3, INSP_INPUT_SIDE, INSP_INPUT_SIDE}, noise, at::kFloat);
    x = (x * 0.4 + waves * 0.3 + 0.3).clamp(0, 1);
    x.narrow(0, kPictures / 2, kPictures / 2).sub_(0.449).div_(0.226);
    return x.to(device.where).contiguous(at::MemoryFormat::ChannelsLast);
}

/* Holds the result of a float32 pass through some layers. */
struct Reference {
    at::Tensor input, output;
    double largest = 0; /* over all layers */
    size_t layer = 0;   /* where */
};

template <typename Layer> static Reference run_exact(const at::Tensor &input, size_t layers, Layer &&layer) {
    Reference exact;
    at::Tensor x = exact.input = input;
    for (size_t i = 0; i < layers; i++) {
        x = layer(x, i);
        double largest = x.max().template item<float>(); /* after the ReLU */
        if (!(largest <= exact.largest)) {
            exact.largest = largest;
            exact.layer = i;
        }
    }
    exact.output = x;
    return exact;
}

/* Returns the largest difference as a share of the largest value; infinite if a value is not finite. */
static double error_of(const at::Tensor &got, const at::Tensor &want) {
    double error =
        (got.to(at::kFloat) - want).abs().max().item<float>() / std::fmax(want.abs().max().item<float>(), 1e-30);
    return std::isfinite(error) ? error : std::numeric_limits<double>::infinity();
}

struct Choice {
    at::ScalarType type;
    double float16, bfloat16; /* their errors; infinite where not tried or not finite */
};

template <typename Run> static Choice choose(const Device &device, const Reference &exact, Run &&run) {
    constexpr double none = std::numeric_limits<double>::infinity();
    Choice choice{at::kFloat, none, none};
    const bool fits = exact.largest * kRoom < kFloat16Max;
    choice.float16 = error_of(run(at::kHalf), exact.output);
    if (device.bfloat16)
        choice.bfloat16 = error_of(run(at::kBFloat16), exact.output);
    if (fits && choice.float16 <= choice.bfloat16 && choice.float16 < kErrorMax)
        choice.type = at::kHalf;
    else if (choice.bfloat16 < kErrorMax)
        choice.type = at::kBFloat16;
    return choice;
}

static void tell(enum insp_log_level level, const char *part, const Choice &choice, const Reference &exact) {
    insp_log(level,
             "precision chosen part=%s type=%s error_float16=%.2g error_bfloat16=%.2g largest=%.4g layer=%zu "
             "float16_ends=%.0f room_wanted=%.0f",
             part, type_name(choice.type), choice.float16, choice.bfloat16, exact.largest, exact.layer,
             kFloat16Max, kRoom);
}

at::ScalarType choose_trunk_type(Device &device, const TrunkConvs &conv) {
    if (!device.cuda)
        return at::kFloat;
    Reference exact = run_exact(pictures(device), conv.size(),
                                [&](const at::Tensor &x, size_t i) { return trunk_layer(device, x, conv, i); });
    Choice choice = choose(device, exact, [&](at::ScalarType type) {
        return trunk_layers(device, to_compute(device, exact.input, type), as_type(conv, type));
    });
    device.probe = exact.output;
    tell(INSP_LOG_INFO, "trunk", choice, exact);
    return choice.type;
}

at::ScalarType choose_tail_type(const Device &device, const TailConvs &conv) {
    if (!device.cuda)
        return at::kFloat;
    if (!device.probe.defined()) /* no trunk, so no pictures are scored with it */
        return at::kFloat;
    Reference exact = run_exact(device.probe, conv.size(),
                                [&](const at::Tensor &x, size_t i) { return conv_relu(device, x, conv[i]); });
    Choice choice = choose(device, exact, [&](at::ScalarType type) {
        return tail_layers(device, to_compute(device, exact.input, type), as_type(conv, type));
    });
    tell(choice.type == at::kHalf ? INSP_LOG_DEBUG : INSP_LOG_INFO, "tail", choice, exact);
    return choice.type;
}

} // namespace insp_torch
