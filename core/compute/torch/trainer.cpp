/* core/compute/torch/trainer.cpp - train a tail on libtorch: autograd through the three convolutions and the
 * head, Adam. */
#include "core/compute/torch/torch.hpp"

#include <cmath>

namespace insp_torch {

enum { kParameters = 2 * INSP_TAIL_CONVS + 2 };

/* Holds the parameters in this order: weight, bias of each convolution, then weight, bias of the classifier. */
struct Trainer : insp_trainer {
    insp_trainer_config config{};
    std::array<at::Tensor, kParameters> parameter, mean, square; /* mean, square: Adam's moments */
    at::Tensor class_weights;
    int64_t steps = 0;
};

static Device &device_of(const Trainer &trainer) {
    return *static_cast<Device *>(trainer.device);
}

static std::unique_ptr<Trainer> make_trainer(Device &device, const insp_tail_weights &initial,
                                             const insp_trainer_config &config) {
    auto trainer = std::make_unique<Trainer>();
    trainer->device = &device;
    trainer->config = config;
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

static at::Tensor relu5_of(const Trainer &trainer, Pass &pass, const float *features, size_t n) {
    at::Tensor x = pass.upload(features, {static_cast<int64_t>(n), INSP_CHANNELS, INSP_MAP_SIDE, INSP_MAP_SIDE});
    x = to_compute(device_of(trainer), x, at::kFloat);
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++)
        x = at::conv2d(x, trainer.parameter[2 * i], trainer.parameter[2 * i + 1], /*stride=*/1, /*padding=*/1)
                .relu_();
    return x;
}

/* Updates the parameters as torch.optim.Adam does: epsilon is added outside the root, to the corrected moment. */
static void adam_update(Trainer &trainer) {
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

static void step(Trainer &trainer, const float *features, const uint8_t *labels, size_t n, float *ret_loss,
                 size_t *ret_correct) {
    Device &device = device_of(trainer);
    Pass pass(device, Pass::kTrain);
    c10::AutoGradMode gradients(true);
    for (at::Tensor &parameter : trainer.parameter)
        parameter.mutable_grad() = at::Tensor();
    at::Tensor wanted = at::tensor(at::ArrayRef<uint8_t>(labels, n), at::kLong).to(device.where);
    at::Tensor logits = head_logits(relu5_of(trainer, pass, features, n), trainer.parameter[kParameters - 2],
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

static int trainer_new(insp_device *device, const insp_tail_weights *initial, const insp_trainer_config *config,
                       insp_trainer **ret, insp_error *reterr) {
    return guard(reterr, [&] { *ret = make_trainer(insp_torch::device_of(device), *initial, *config).release(); });
}

static void trainer_free(insp_trainer *trainer) {
    delete static_cast<Trainer *>(trainer);
}

static int trainer_step(insp_trainer *trainer, const float *features, const uint8_t *labels, size_t n,
                        float *ret_loss, size_t *ret_correct, insp_error *reterr) {
    return guard(reterr,
                 [&] { step(*static_cast<Trainer *>(trainer), features, labels, n, ret_loss, ret_correct); });
}

static int trainer_export(insp_trainer *any, const insp_tail_buffers *buffers, insp_error *reterr) {
    return guard(reterr, [&] {
        const Trainer &trainer = *static_cast<Trainer *>(any);
        Pass pass(device_of(trainer), Pass::kTrain);
        c10::NoGradGuard no_grad;
        for (size_t i = 0; i < INSP_TAIL_CONVS; i++) {
            pass.download(trainer.parameter[2 * i], buffers->conv_weight[i]);
            pass.download(trainer.parameter[2 * i + 1], buffers->conv_bias[i]);
        }
        pass.download(trainer.parameter[kParameters - 2], buffers->classifier_weight);
        pass.download(trainer.parameter[kParameters - 1], buffers->classifier_bias);
    });
}

void fill_training_ops(insp_device_ops &ops) {
    ops.trainer_new = trainer_new;
    ops.trainer_free = trainer_free;
    ops.trainer_step = trainer_step;
    ops.trainer_export = trainer_export;
}

} // namespace insp_torch
