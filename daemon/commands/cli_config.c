#include "core/compute/conv_cpu.h"
#include "core/compute/device.h"
#include "daemon/cli/cli.h"

#include <microhttpd.h>
#include <sqlite3.h>
#include <stdio.h>
#include <uv.h>

int cli_check_config(const struct cli_command *command, int argc, char **argv) {
    bool print = false, defaults = false;
    const struct cli_option options[] = {
        {"print", CLI_FLAG, &print, 0, 0, NULL, "print the value of every setting"},
        {"print-defaults", CLI_FLAG, &defaults, 0, 0, NULL, "print the annotated sample file"},
    };
    struct cli_call call;
    struct insp_error error;
    int code;
    if (!cli_parse(&call, command, argc, argv, options, sizeof options / sizeof *options, 0, 0, &code))
        return code;
    if (print && defaults)
        return cli_usage(command, "--print and --print-defaults are mutually exclusive");
    if (!print && !defaults && daemon_settings_check_files(&call.settings, &error) < 0)
        return cli_fail(command, &error);
    if (print || defaults) {
        daemon_settings_write(stdout, print ? &call.settings : NULL);
    } else {
        printf("The configuration is valid: %s, state in %s, device %s, at most %.0f MiB of bodies in memory.\n",
               call.settings.server_listen, call.settings.storage_state_dir, call.settings.device_name,
               (double)call.settings.limits_inflight * (double)call.settings.limits_body_bytes / 1048576);
    }
    return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

int cli_version(const struct cli_command *command, int argc, char **argv) {
    struct cli_call call;
    int code;
    if (!cli_parse(&call, command, argc, argv, NULL, 0, 0, 0, &code))
        return code;
    printf("inspectd %s\nlibtorch %s, CPU kernels %s\nlibmicrohttpd %s, libuv %s, SQLite %s\n", INSP_VERSION,
           insp_torch_version(), insp_cpu_kernel(), MHD_get_version(), uv_version_string(), sqlite3_libversion());
    return CLI_OK;
}
