/* core/compute/torch/open.cpp - open the back end that a configuration asks for. */
#include "core/compute/conv_cpu.h"
#include "core/compute/torch/later.h"
#include "core/compute/torch/torch.hpp"

#include <sched.h>

#include <algorithm>

namespace insp_torch {

constexpr unsigned kThreadsMax = 1024;

static unsigned usable_processors() {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
    return 1;
}

/* Parses a device name: "cpu" -> -1, "cuda" -> 0, "cuda:N" -> N; anything else fails. */
static int parse_device(const std::string &name) {
    if (name == "cpu")
        return -1;
    if (name == "cuda")
        return 0;
    std::string number = name.rfind("cuda:", 0) == 0 ? name.substr(5) : "";
    if (number.empty() || number.size() > 3 || number.find_first_not_of("0123456789") != std::string::npos)
        fail(INSP_E_DEVICE, "device \"" + name + "\" is not auto, cpu, cuda or cuda:N");
    return std::stoi(number);
}

static insp_device *open_on_cpu(insp_cpu_engine engine, unsigned threads) {
    refuse_reference_blas();
    if (engine == INSP_CPU_TORCH || (engine == INSP_CPU_AUTO && !insp_cpu_supported()))
        return open_cpu(threads).release();
    insp_device *device = nullptr;
    insp_error error{};
    if (insp_packed_open(threads, &device, &error) < 0)
        throw Failure{error};
    return device;
}

static void append(insp_device &device, const std::string &text) {
    std::string all = device.description + text;
    snprintf(device.description, sizeof device.description, "%s", all.c_str());
}

static insp_device *open(const insp_device_config &config) {
    std::string name = config.name ? config.name : "";
    if (config.threads > kThreadsMax)
        fail(INSP_E_PARAMETER, "at most " + std::to_string(kThreadsMax) + " threads are possible");
    const unsigned threads = config.threads ? config.threads : usable_processors();
    const int index = name == "auto" ? 0 : parse_device(name);
    const std::string problem = index >= 0 ? cuda_problem(index) : "";
    if (index >= 0 && name != "auto" && !problem.empty())
        fail(INSP_E_DEVICE, "device " + name + " cannot be used: " + problem);
    insp_device *device =
        index >= 0 && problem.empty() ? open_cuda(index, config).release() : open_on_cpu(config.engine, threads);
    device->host_threads = threads;
    append(*device, ", libtorch " TORCH_VERSION);
    if (!problem.empty())
        append(*device, " (auto: no CUDA: " + problem.substr(0, problem.find('\n')) + ")");
    return device;
}

} // namespace insp_torch

int insp_device_open(const struct insp_device_config *config, struct insp_device **ret_device,
                     struct insp_error *reterr) {
    return insp_torch::guard(reterr, [&] { *ret_device = insp_torch::open(*config); });
}

void insp_module_described(char ret[INSP_MODULE_BYTES]) {
    insp_module_describe(INSP_VERSION, ret);
}

const char *insp_torch_version(void) {
    return TORCH_VERSION;
}
