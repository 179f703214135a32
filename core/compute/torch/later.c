/* core/compute/torch/later.c - open a device in a program that loads libtorch only when a device needs it. The
 * back ends of this folder then lie in a module, inspectd-torch.so. Loading libtorch and its two hundred libraries
 * takes half a second and 100 MiB, and the packed kernels call none of them. */
#include "core/compute/torch/later.h"

#include "core/base/fs.h"
#include "core/compute/conv_cpu.h"
#include "core/compute/team.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MODULE "inspectd-torch.so"

typedef int open_device(const struct insp_device_config *config, struct insp_device **ret_device,
                        struct insp_error *reterr);

/* Checks that the module is of the build of this program. */
static int check_module(void *module, const char *path, struct insp_error *reterr) {
    void (*described)(char ret[INSP_MODULE_BYTES]);
    char ours[INSP_MODULE_BYTES], its[INSP_MODULE_BYTES] = "unknown";
    void *symbol = dlsym(module, "insp_module_described");
    memcpy(&described, &symbol, sizeof described); /* C does not convert it to a function's pointer */
    if (described)
        described(its);
    insp_module_describe(INSP_VERSION, ours);
    return strcmp(ours, its)
               ? insp_fail(reterr, INSP_E_DEVICE,
                           "libtorch cannot be loaded: %s is of another build (%s) than this program "
                           "(%s): restart the daemon after an update",
                           path, its, ours)
               : 0;
}

/* Loads the module once; it stays. Global, as if it were linked: libtorch finds its parts by name. */
static int load_module(open_device **ret, struct insp_error *reterr) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static open_device *loaded;
    char path[INSP_PATH_BYTES];
    int r = 0;
    pthread_mutex_lock(&lock);
    if (!loaded && !insp_find_installed(MODULE, R_OK, path)) {
        r = insp_fail(reterr, INSP_E_DEVICE,
                      MODULE " is missing, which computes with libtorch: it belongs beside this program or into "
                             "the prefix's lib/inspectd, where `cmake --install` puts it");
    } else if (!loaded) {
        void *module = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
        const char *why = module ? NULL : dlerror();
        r = module ? check_module(module, path, reterr)
                   : insp_fail(reterr, INSP_E_DEVICE, "libtorch cannot be loaded: %s", why ? why : path);
        void *symbol = r ? NULL : dlsym(module, "insp_device_open");
        memcpy(&loaded, &symbol, sizeof loaded);
    }
    *ret = loaded;
    pthread_mutex_unlock(&lock);
    return r;
}

/* Says whether the packed kernels are the device that `config` asks for, whatever libtorch finds. An error is
 * left to the module. */
static bool is_packed(const struct insp_device_config *config) {
    const char *name = config->name ? config->name : "";
#ifdef INSP_TORCH_CUDA
    const bool on_cpu = !strcmp(name, "cpu");
#else
    const bool on_cpu = !strcmp(name, "cpu") || !strcmp(name, "auto");
#endif
    return on_cpu && config->threads <= INSP_TEAM_MAX && config->engine != INSP_CPU_TORCH &&
           (config->engine == INSP_CPU_PACKED || insp_cpu_supported());
}

int insp_device_open(const struct insp_device_config *config, struct insp_device **ret_device,
                     struct insp_error *reterr) {
    if (!is_packed(config)) {
        open_device *open;
        int r = load_module(&open, reterr);
        return r ? r : open(config, ret_device, reterr);
    }
    const unsigned threads = config->threads ? config->threads : insp_team_processors();
    struct insp_device *device;
    int r = insp_packed_open(threads, &device, reterr);
    if (r < 0)
        return r;
    device->host_threads = threads;
    if (strcmp(config->name, "cpu") != 0) {
        size_t used = strlen(device->description);
        snprintf(device->description + used, sizeof device->description - used,
                 " (auto: no CUDA: inspectd was built with libtorch " INSP_TORCH_VERSION " for CPU only)");
    }
    *ret_device = device;
    return 0;
}

const char *insp_torch_version(void) {
    return INSP_TORCH_VERSION;
}
