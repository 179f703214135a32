#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "core/image/image.h"
#include "core/model/bundle.h"
#include "core/model/registry.h"
#include "core/train/trunk_bank.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/cli_images.h"
#include "daemon/cli/cli_progress.h"
#include "daemon/cli/cli_trunk_install.h"
#include "daemon/serve_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int cli_trunk_import(const struct cli_command *command, int argc, char **argv) {
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = NULL;
    struct insp_error error = {0};
    struct cli_call call;
    int code;
    if (!cli_parse(&call, command, argc, argv, NULL, 0, 1, 1, &code))
        return code;
    if (insp_trunk_read(call.argument[0], &arrays, &error) < 0 || cli_prepare_state(&call, &error) < 0 ||
        cli_trunk_install(call.settings.storage_state_dir, arrays, INSP_TRUNK_UNKNOWN, &error) < 0)
        return cli_fail(command, &error);
    return CLI_OK;
}

static int bank(const struct cli_call *call, const char *folder, size_t count, const struct insp_transform *input,
                struct insp_error *reterr) {
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = NULL;
    _cleanup_(cli_images_clear) struct cli_images images = {0};
    const struct insp_image_limits limits = daemon_image_limits(&call->settings);
    struct cli_progress progress;
    int r = cli_images_find(folder, &images, reterr);
    if (r < 0)
        return r;
    cli_images_thin(&images, count);
    cli_progress_start(&progress, stderr);
    const struct insp_progress hooks = cli_progress_hooks(&progress);
    r = insp_trunk_bank(images.path, images.count, input, &limits, &hooks, &arrays, reterr);
    cli_progress_end(&progress);
    if (r == 0)
        r = cli_prepare_state(call, reterr);
    return r == 0 ? cli_trunk_install(call->settings.storage_state_dir, arrays, INSP_TRUNK_BANK, reterr) : r;
}

int cli_trunk_bank(const struct cli_command *command, int argc, char **argv) {
    unsigned long long count = 32;
    const char *folder = NULL, *input = "notebook";
    const struct cli_option options[] = {
        {"images", CLI_STRING, &folder, 0, 0, "DIR", "images of good parts"},
        {"count", CLI_WHOLE, &count, 1, 256, "N", "use at most this many, evenly spaced (default 32)"},
        {"input", CLI_STRING, &input, 0, 0, "HOW",
         "input transform of the later trainings: notebook or imagenet (default notebook)"},
    };
    struct insp_error error = {0};
    struct insp_transform transform;
    struct cli_call call;
    int code;
    if (!cli_parse(&call, command, argc, argv, options, INSP_COUNT(options), 0, 0, &code))
        return code;
    if (!folder)
        return cli_usage(command, "--images is required");
    if (!insp_transform_named(input, &transform))
        return cli_usage(command, "--input is \"%.64s\"; it must be notebook or imagenet", input);
    return bank(&call, folder, (size_t)count, &transform, &error) < 0 ? cli_fail(command, &error) : CLI_OK;
}

static json_t *trunks_json(const char *state_dir, const struct insp_trunk_info *trunks, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:I, s:b, s:s?}", "sha256", trunks[i].sha256, "bytes",
                            (json_int_t)trunks[i].bytes, "default", trunks[i].is_default, "origin",
                            insp_trunk_origin_name(insp_trunk_origin_of(state_dir, trunks[i].sha256))));
    return list;
}

int cli_trunk_list(const struct cli_command *command, int argc, char **argv) {
    bool json = false;
    const struct cli_option options[] = {{"json", CLI_FLAG, &json, 0, 0, NULL, "print a JSON array"}};
    _cleanup_free_ struct insp_trunk_info *trunks = NULL;
    struct insp_error error = {0};
    struct cli_call call;
    size_t count;
    int code;
    if (!cli_parse(&call, command, argc, argv, options, INSP_COUNT(options), 0, 0, &code))
        return code;
    if (insp_registry_trunks(call.settings.storage_state_dir, &trunks, &count, &error) < 0)
        return cli_fail(command, &error);
    if (json)
        return cli_print_json(command, trunks_json(call.settings.storage_state_dir, trunks, count));
    for (size_t i = 0; i < count; i++)
        printf("%s %6.1f MiB%s\n", trunks[i].sha256, (double)trunks[i].bytes / 1048576,
               trunks[i].is_default ? "  default" : "");
    if (!count)
        fprintf(stderr, "no trunk is installed in %s; see `inspectd trunk --help`\n",
                call.settings.storage_state_dir);
    return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}
