#include "core/base/cleanup.h"
#include "core/dataset/demo/demo_data.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/cli_progress.h"

#include <stdio.h>

int cli_demo_data(const struct cli_command *command, int argc, char **argv) {
    unsigned long long images = 160, seed = 42;
    const struct cli_option options[] = {
        {"images", CLI_WHOLE, &images, 20, 100000, "N", "number of images, half of them train/good (default 160)"},
        {"seed", CLI_WHOLE, &seed, 0, 9007199254740991.0, "S",
         "seed; the same seed gives the same images (default 42)"},
    };
    struct insp_error error = {0};
    struct cli_progress progress;
    struct cli_call call;
    int code;
    if (!cli_parse(&call, command, argc, argv, options, INSP_COUNT(options), 1, 1, &code))
        return code;
    cli_progress_start(&progress, stderr);
    snprintf(progress.stage, sizeof progress.stage, "drawing");
    int r = insp_demo_data(call.argument[0], (size_t)images, seed, cli_progress_count, &progress, &error);
    cli_progress_end(&progress);
    if (r < 0)
        return cli_fail(command, &error);
    printf("%s: %llu images, half of them in train/good, the rest good or with a hole, thread or stain\n",
           call.argument[0], images);
    return CLI_OK;
}
