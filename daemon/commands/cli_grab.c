#include "api/http/query.h"
#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "core/line/grabber.h"
#include "daemon/cli/cli.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A separate program, beside this one or in the prefix's libexec: the daemon must not load a camera's driver, and
 * the grabber needs no libtorch. */
#define PROGRAM "inspectd-grab"

struct call {
    const char *camera, *name, *product, *trigger, *line, *url, *token_file, *ca_file, *features;
    unsigned long long interval_ms, silent_s, posters, queue, packet_bytes;
};

static int mode_of(const char *word) {
    for (int i = 0; i < INSP_GRABBER_MODES; i++)
        if (!strcmp(insp_grabber_mode_name((enum insp_grabber_mode)i), word))
            return i;
    return -1;
}

/* Replaces this process by the grabber. Returns only if that fails. */
static int execute(const struct cli_command *command, const struct call *call, int mode) {
    char program[INSP_PATH_BYTES], number[6][24];
    const unsigned long long numbers[] = {
        (unsigned long long)mode, call->interval_ms, call->silent_s, call->posters, call->queue,
        call->packet_bytes};
    struct insp_error error = {0};
    for (size_t i = 0; i < INSP_COUNT(numbers); i++)
        snprintf(number[i], sizeof number[i], "%llu", numbers[i]);
    if (!insp_find_installed(PROGRAM, X_OK, program)) {
        insp_fail(&error, INSP_E_CONFIG,
                  "this inspectd was built without Aravis, so it cannot reach cameras: install libaravis-dev and "
                  "libusb-1.0-0-dev, build again and install " PROGRAM);
        return cli_fail(command, &error);
    }
    const char *argv[] = {PROGRAM,          "camera",      call->camera,  "name",     call->name,     "product",
                          call->product,    "mode",        number[0],     "line",     call->line,     "interval",
                          number[1],        "silent",      number[2],     "posters",  number[3],      "queue",
                          number[4],        "packet-size", number[5],     "url",      call->url,      "token-file",
                          call->token_file, "ca-file",     call->ca_file, "features", call->features, NULL};
    execv(program, (char **)(uintptr_t)argv); /* it changes none of them */
    insp_fail_errno(&error, errno, "cannot execute %s", program);
    return cli_fail(command, &error);
}

static bool is_url(const char *url) {
    return (!strncmp(url, "http://", 7) || !strncmp(url, "https://", 8)) && url[strlen(url) - 1] != '/';
}

int cli_grab(const struct cli_command *command, int argc, char **argv) {
    struct cli_call parsed;
    struct call call = {.trigger = "free",
                        .line = "Line0",
                        .url = "http://127.0.0.1:8080",
                        .token_file = "",
                        .ca_file = "",
                        .features = "",
                        .queue = 8};
    int code;
    unsigned long long never = ~0ULL;
    call.silent_s = never;
    const struct cli_option options[] = {
        {"camera", CLI_STRING, &call.camera, 0, 0, "ID",
         "device id or address of the camera (arv-tool-0.8 lists them)"},
        {"product", CLI_STRING, &call.product, 0, 0, "P", "product to inspect its frames as"},
        {"name", CLI_STRING, &call.name, 0, 0, "NAME", "name of the camera in the daemon (default: ID)"},
        {"trigger", CLI_STRING, &call.trigger, 0, 0, "MODE",
         "free (default), line (a signal at the camera) or software (a call, a PLC's trigger, --interval)"},
        {"line", CLI_STRING, &call.line, 0, 0, "SOURCE", "TriggerSource with --trigger line (default Line0)"},
        {"interval", CLI_WHOLE, &call.interval_ms, 1, 3600000, "MS",
         "time between two frames: software fires the camera, free sets its frame rate"},
        {"silent", CLI_WHOLE, &call.silent_s, 0, 86400, "SECONDS",
         "report the camera as silent after this time without a frame (default: free 5, else 0: never)"},
        {"features", CLI_STRING, &call.features, 0, 0, "LIST",
         "features to set in the camera: \"PixelFormat=BayerRG8 ExposureTimeAbs=5000\""},
        {"posters", CLI_WHOLE, &call.posters, 1, 16, "N",
         "frames posted at the same time (default: free 4, else 1, which keeps their order)"},
        {"queue", CLI_WHOLE, &call.queue, 1, 64, "N", "frames that may wait for their post (default 8)"},
        {"packet-size", CLI_WHOLE, &call.packet_bytes, 576, 65535, "BYTES",
         "size of GigE Vision packets: 9000 if the network has jumbo frames (default: as the camera is set)"},
        {"url", CLI_STRING, &call.url, 0, 0, "URL", "the daemon (default http://127.0.0.1:8080)"},
        {"token-file", CLI_STRING, &call.token_file, 0, 0, "FILE", "file with a token of role camera"},
        {"ca-file", CLI_STRING, &call.ca_file, 0, 0, "FILE", "authorities of the daemon's certificate (PEM)"},
    };
    if (!cli_parse(&parsed, command, argc, argv, options, INSP_COUNT(options), 0, 0, &code))
        return code;
    const int mode = mode_of(call.trigger);
    if (!call.camera || !call.product)
        return cli_usage(command, "--camera and --product are needed");
    if (!call.name)
        call.name = call.camera;
    if (mode < 0)
        return cli_usage(command, "--trigger is \"%.32s\"; it must be free, line or software", call.trigger);
    if (!api_tag_valid(call.name) || !api_tag_valid(call.camera) || !insp_name_valid(call.product))
        return cli_usage(command, "a name is empty, too long or no UTF-8, or \"%.80s\" is no name of a product",
                         call.product);
    if (!is_url(call.url))
        return cli_usage(command, "--url must be http://host:port or https://host:port");
    if (call.silent_s == never)
        call.silent_s = mode == INSP_GRABBER_FREE ? 5 : 0;
    if (!call.posters)
        call.posters = mode == INSP_GRABBER_FREE ? 4 : 1;
    return execute(command, &call, mode);
}
